# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms of a report: what they show, what they escape, what they leave out."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import stat
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
import yaml

from ansible_collections.msp.psa_sync.plugins.plugin_utils._report import collecting
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.entries import overrides_yaml, reason_title
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.formats import FORMATS, write
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.junit import junit
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.labels import lines
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.markdown import LIMIT, markdown
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.page import html
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.rows import page_data
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.spreadsheet import COLUMNS, spreadsheet
from tests.tools.report_samples import (
    SCRIPT,
    about,
    card,
    conflict,
    contact,
    event,
    explained,
    happy_frog,
    large,
    offboarding,
    person,
    small,
    synced,
)

NASTY = "</script><!--<script>\u2028'\"`|*_[x](http://evil.example)@team &amp; \x00\x1b[31m\n# head"


def made(events=None, **changes) -> dict:
    return collecting.report(about(**changes), small() if events is None else events)


def nasty() -> dict:
    entry = contact(
        NASTY,
        "update",
        name=NASTY,
        before={"title": NASTY},
        after={"title": None},
        **explained("several_hits", NASTY, NASTY),
    )
    entry["contact_url"] = f"javascript:{NASTY}"
    clash = conflict(
        NASTY,
        [NASTY],
        people=[person(NASTY, NASTY, NASTY)],
        contact_ids=[7],
        contacts=[card(7, NASTY, NASTY, NASTY, url="javascript:alert(1)")],
        match_overrides={NASTY: "new"},
        answers={NASTY: [7, "new"]},
    )
    result = synced(NASTY, 2, [entry], conflicts=[clash], warnings=[NASTY])
    return made([event(NASTY, "changed", result, task=NASTY)], title=NASTY, playbooks=(NASTY,))


def rows(data: dict, part: str) -> list[dict]:
    """The rows of a table of the page, as mappings."""
    return [dict(zip(data[part]["fields"], row, strict=True)) for row in data[part]["rows"]]


class Page(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.raw: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] in ("script", "style") and self.cdata_elem:
            self.raw.append(data)


# ------------------------------------------------------------------------ HTML


@pytest.mark.parametrize("report", [made(), nasty()], ids=["small", "nasty"])
def test_the_page_has_our_scripts_alone_and_names_no_other_file(report):
    page = Page(html(report))
    assert [attrs.get("type") for tag, attrs in page.tags if tag == "script"] == ["application/json", None]
    outside = [attrs[key] for dummy, attrs in page.tags for key in ("src", "href", "action", "data") if key in attrs]
    assert [each for each in outside if not each.startswith(("#", "data:,"))] == []


def test_the_page_allows_its_own_script_and_style_only():
    page = Page(html(made()))
    (policy,) = (attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    style, dummy, script = page.raw
    for kind, text in (("style", style), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_the_page_says_what_it_cannot_show_without_scripts():
    (reported,) = re.findall(r"<noscript>(.*)</noscript>", html(made()))
    assert "The tables below need JavaScript" in reported


def test_what_the_page_embeds_is_what_was_reported():
    for report in (made(), nasty()):
        style, data, script = Page(html(report)).raw
        assert json.loads(data) == json.loads(json.dumps(page_data(report)))
        assert not set("<>&\u2028") & set(data)


def test_the_data_of_a_person_has_before_and_after_in_lines():
    data = page_data(made())
    people = {each["user"]: each for each in rows(data, "people")}
    assert people["jo.smith@happyfrog.example"]["changes"] == [
        (
            "contact-phones",
            ["+41 44 123 45 67 (Office, primary)", "+41 79 765 43 21 (Mobile)"],
            ["+41 44 123 45 67 (Office)", "+41 79 765 43 21 (Mobile, primary)"],
        ),
        ("title", ["Accountant"], ["Controller"]),
    ]
    sam = people["sam@happyfrog.example"]
    assert [data["kinds"][each] for each in sam["kinds"]] == ["Lacks primary phone", "Lacks location"]
    kim = people["kim@happyfrog.example"]
    assert (kim["name"], kim["groups"]) == ("Kim", ["decision"])
    assert data["texts"][kim["hint"]].startswith("Compare the candidates")


def test_an_id_is_shown_by_its_name():
    names = {"location-id": {"9": "Pond"}}
    entry = contact("a@a.example", "update", before={"location-id": None}, after={"location-id": 9}, names=names)
    (found,) = rows(page_data(made([event("a", "changed", synced("A", 1, [entry]))])), "people")
    assert found["changes"] == [("location-id", [], ["Pond"])]


def test_a_conflict_has_each_candidate_and_where_the_answer_goes():
    frog, bms = rows(page_data(made()), "conflicts")
    assert (frog["question"], frog["option"], frog["host"]) == ("Who is who?", "sync_match_overrides", "happy_frog")
    assert [each["name"] for each in frog["people"]] == ["Kim Lee", "Kim Lee"]
    assert [(each["id"], each["linked"]) for each in frog["candidates"]] == [(71, False), (74, True)]
    assert frog["candidates"][0]["url"].startswith("https://")
    assert frog["answers"]["lee@happyfrog.example"] == [71, 74, "new", "ignore"]
    assert (bms["option"], bms["suggestion"]) == ("sync_bms_match_overrides", {})
    assert [(each["kind"], each["active"]) for each in bms["candidates"]] == [
        ("BMS contact", True),
        ("BMS contact", False),
    ]


def test_only_addresses_of_the_web_are_links():
    data = page_data(nasty())
    assert [each["url"] for each in rows(data, "people")] == [""]
    assert [each["url"] for each in rows(data, "conflicts")[0]["candidates"]] == [""]


def test_the_data_of_the_page_has_departed_people_and_what_is_reverted():
    data = page_data(made(offboarding()))
    gone, back, people = (rows(data, part) for part in ("departed", "reverted", "people"))
    assert [each["state"] for each in gone] == ["deactivate", "report", "deactivated", "keep", "failed", "deferred"]
    assert gone[0]["changes"] == [("bms-active", ["yes"], ["no"]), ("contact-type-id", [], ["Former employee"])]
    assert gone[4]["locked"] == ["contact-type"]
    # What stays comes first: it needs a decision.
    states = ["not_reverted", "not_reverted", "deactivate", "restore_in_bms", "restore", "remove"]
    assert [each["state"] for each in back] == states
    assert back[0]["fields"] == ["title"]
    (rita,) = people
    assert "returned" in rita["groups"]


def test_who_needs_a_decision_comes_first():
    data = page_data(made())
    assert [each["action"] for each in rows(data, "people")][:3] == ["conflict", "conflict", "update"]
    assert [each["status"] for each in rows(data, "tenants")] == [
        "failed",
        "failed",
        "over_limit",
        "hidden",
        "attention",
        "ok",
    ]


def test_settings_that_are_stored_for_the_first_time_are_marked():
    (frog,) = (each for each in rows(page_data(made()), "tenants") if each["name"] == "Happy Frog")
    assert [run["first"] for run in frog["runs"]] == [True, False]


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("several_hits", "Several hits"),
        ("in_bms_by_address", "In BMS by address"),
        ("pushed_by_itglue", "Pushed by IT Glue"),
        ("guest", "Excluded: is a guest"),
    ],
)
def test_a_reason_code_is_a_title(code, title):
    assert reason_title(code) == title


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, []), ("", []), ([], []), (False, ["no"]), (7, ["7"]), (["a", "b"], ["a", "b"]), ({"a": "b"}, ["a: b"]),
        ([{"value": "1", "label-name": None, "extension": "2", "label-type": "fax"}], ["1 x2 (no label, fax)"]),
        ([{"address": "a@x.io", "type_id": 1, "type_name": "Work", "default": True}], ["a@x.io (Work, default)"]),
        ([{"number": "7", "type_id": 1, "type_name": None, "default": False}], ["7 (type 1)"]),
    ],
)  # fmt: skip
def test_values_as_a_person_reads_them(value, shown):
    assert lines(value) == shown


# -------------------------------------------------------------------- Markdown


def client(text: str, name: str) -> str:
    """What the Markdown folds up about a client."""
    (found,) = re.findall(rf"<details><summary><b>{re.escape(name)}</b>.*?</details>", text, re.DOTALL)
    return found


def test_markdown_says_what_to_do_first():
    text = markdown(made())
    assert text.startswith("# Contact sync: 2 clients ready, 4 blocked\n")
    assert text.index("## Clients") < text.index("<details>")
    assert "ansible-playbook -i inventory msp.psa_sync.sync_contacts --limit over -e sync_max_creates=100%" in text
    assert "| Happy Frog | ⚠️ Ready, needs a decision | 176 of 182 | 1 | 2 | 1 | 2 |" in text
    frog = client(text, "Happy Frog")
    parts = re.findall(r"^#### (.+)$", frog, re.MULTILINE)
    assert parts == ["Why", "Conflicts", "Not ready for BMS", "To look at", "Settings", "Changes", "Departed",
                     "Unmatched addresses", "Warnings"]  # fmt: skip
    assert "- Sam `sam@happyfrog.example` Changed in IT Glue; Not ready; lacks primary phone, location" in frog
    assert "2 settings stored for the first time" in frog
    assert "AADSTS65001" in client(text, "Gamma, Inc.")


def test_markdown_folds_up_each_client():
    text = markdown(made())
    assert text.count("<details>") == text.count("</details>") == 5
    assert re.findall(r"<b>(.+?)</b>", text)[0] == "Delta"


def test_markdown_has_departed_people_and_what_is_reverted():
    text = markdown(made(offboarding())).replace("&amp;", "&")
    assert (
        "- `max@lake.example`, contact 75: account is disabled. Deactivated. "
        "Active in BMS `yes` → `no`; Contact type (empty) → `Former employee`. The person's account is disabled."
    ) in text
    assert "`held@lake.example`, contact 79: account is deleted. Failed. IT Glue refused the fields." in text
    assert "Jo Smith, IT Glue contact 72: Restored in IT Glue. Job title `Controller` → `Accountant`" in text
    assert "Max Muster, IT Glue contact 75 (Job title). It has been changed since" in text
    assert "ℹ️ 1 person has returned" in text
    assert SCRIPT not in re.sub(r"`[^`]*`", "", text)


def test_a_conflict_lists_candidates_and_the_suggestion_as_yaml_to_copy():
    frog = client(markdown(made()), "Happy Frog")
    (block,) = re.findall(r"    ```yaml\n(.*?)    ```", frog, re.DOTALL)
    assert yaml.safe_load(block) == {"sync_match_overrides": {"kim@happyfrog.example": 71}}
    assert "IT Glue contact 71, Kim Lee, not linked: `k.lee@happyfrog.example`" in frog
    assert "BMS contact 8, Sam Able, inactive: `s.able@happyfrog.example`" in frog
    assert "sync\\_bms\\_match\\_overrides" in frog or "sync_bms_match_overrides: answers for" in frog


def test_text_of_an_api_is_no_markdown():
    text = markdown(nasty())
    assert "\n# head" not in text and "\x1b" not in text
    blocks = re.sub(r"^ *(`{3,}).*?^ *\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    blocks = re.sub(r"</?(?:details|summary|b)>", "", blocks)
    plain = re.sub(r"`[^`\n]*`", "", re.sub(r"\\[\\`*_\[\]|~#$]", "", blocks))
    assert "new" not in plain and "evil.example" in plain
    assert [each for each in ("<", ">", "@team", "http://", "](", "`", "*_") if each in plain] == []


@pytest.mark.parametrize(("tenants", "entries"), [(1, 3000), (1000, 50), (300, 5000)])
def test_markdown_fits_and_says_what_it_omits(tenants, entries):
    text = markdown(made(large(tenants, entries)))
    assert len(text.encode("utf-16-le")) // 2 <= LIMIT
    assert text.count("<details>") == text.count("</details>")
    left = {noun: int(number.replace(",", "")) for number, noun in OMITTED.findall(text) if "client" in noun}
    rows = len(re.findall(r"^\| Client \d", text, re.MULTILINE))
    assert rows + left.get("clients", 0) + left.get("client", 0) == tenants
    details = text.count("<details>")
    assert details + left.get("clients' details", 0) + left.get("client's details", 0) == tenants
    assert OMITTED.search(text)


OMITTED = re.compile(r"^\*([\d,]+) (.+) omitted here", re.MULTILINE)


def test_a_client_with_too_much_to_report_says_how_much_is_missing():
    text = markdown(made(large(1, 3000)))
    shown = len(re.findall(r"^- Person", text, re.MULTILINE)) + text.count("- **Who is who?**")
    left = sum(
        int(number.replace(",", "")) for number, noun in OMITTED.findall(text) if noun in ("people", "conflicts")
    )
    assert shown + left == 3000


def test_markdown_of_a_small_run_omits_nothing():
    assert "omitted here" not in markdown(made())


def test_even_a_small_limit_is_kept():
    for limit in (4000, 6000):
        assert len(markdown(made(large(300, 5000)), limit)) <= limit


# ------------------------------------------------------------------ JUnit, JSON


def test_junit_counts_what_failed_and_what_waits():
    root = ElementTree.fromstring(junit(made()))
    assert {name: root.get(name) for name in ("tests", "errors", "failures", "skipped")} == {
        "tests": "54",
        "errors": "3",
        "failures": "2",
        "skipped": "2",
    }
    frog = root.find("./testsuite[@name='Happy Frog']")
    (kim,) = frog.findall("./testcase[@name='kim@happyfrog.example']")
    assert "matches contacts 71, 74" in kim.find("failure").get("message")
    (sam,) = frog.findall("./testcase[@name='sam@happyfrog.example']")
    assert "lacks primary phone, location" in sam.find("skipped").get("message")


def test_a_spreadsheet_has_no_control_characters_and_no_commands():
    client = synced("A\n##vso[x]\x1b[31m\u202e", 1, [contact("a@x", "create")])
    written = spreadsheet(made([event("a", "changed", client)])).replace("\r\n", "")
    assert not any(sign in written for sign in ("\n", "\x1b", "\u202e", "##vso["))


def test_junit_has_a_run_that_did_not_come_to_its_end():
    """A suite without a failure would pass a job."""
    for report in (made(), {**made(), "tenants": []}):
        root = ElementTree.fromstring(junit({**report, "complete": False}))
        assert root[0].find("testcase/error").attrib["message"]
        assert int(root.attrib["errors"]) == 1 + int(ElementTree.fromstring(junit(report)).attrib["errors"])


def test_junit_has_departed_people_and_what_is_reverted():
    root = ElementTree.fromstring(junit(made(offboarding())))
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert cases["held@lake.example, departed"].find("failure").get("message").endswith("IT Glue refused the fields.")
    assert cases["late@lake.example, departed"].find("skipped") is not None
    assert "Deactivated" in cases["max@lake.example, departed"].find("system-out").text
    assert cases["Jo Smith, IT Glue contact 72"].find("system-out").text == "Restored in IT Glue"
    stays = cases["Max Muster, IT Glue contact 75 (title)"].find("failure").get("message")
    assert stays == "not reverted: It has been changed since, so it stays as it is."
    assert "a contact, IT Glue contact that is not known" in cases


def test_junit_is_xml_whatever_is_in_it():
    (suite,) = ElementTree.fromstring(junit(nasty()))
    assert suite.get("name") == NASTY.replace("\x00", "\ufffd").replace("\x1b", "\ufffd")
    assert SCRIPT in {
        case.get("name").removesuffix("@happyfrog.example")
        for case in ElementTree.fromstring(junit(made())).iter("testcase")
    }


@pytest.mark.parametrize("name", FORMATS)
def test_a_form_is_written_whole_beside_nothing_else(name, tmp_path):
    report = made([event("a", "changed", happy_frog())], title="Lone \ud800 surrogate")
    path = write(name, report, tmp_path / "made" / "it", markdown_limit=LIMIT)
    assert path == tmp_path / "made" / f"it.{FORMATS[name].ending}"
    assert path.read_text(encoding="utf-8")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_json_form_is_the_report():
    assert json.loads(FORMATS["json"].render(made())) == made()


def test_a_conflict_without_a_suggestion_has_no_yaml():
    assert overrides_yaml({"match_overrides": {}, "bms_match_overrides": {}}) == ""
    assert overrides_yaml({"match_overrides": {"a: b": "new"}}) == "sync_match_overrides:\n  'a: b': new\n"
    assert overrides_yaml({"bms_match_overrides": {"a": 7}}) == "sync_bms_match_overrides:\n  a: 7\n"


# ------------------------------------------------------------------------- CSV


def test_csv_has_a_line_for_each_person():
    lines = list(csv.DictReader(io.StringIO(spreadsheet(made()), newline="")))
    assert tuple(lines[0]) == COLUMNS
    people = {line["user"]: line for line in lines}
    kim = people["kim@happyfrog.example"]
    assert (kim["client"], kim["it_glue"], kim["reason_code"]) == ("Happy Frog", "Needs a decision", "several_hits")
    assert (kim["attention"], kim["what_to_do"][:7]) == ("yes", "Compare")
    assert people["max@happyfrog.example"]["it_glue"] == "Departed, account is disabled: Listed only"
    assert any(line["client"] == "Gamma, Inc." and "AADSTS65001" in line["reason"] for line in lines)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\x1b@", "\r\n+"])
def test_no_value_is_a_formula_of_a_spreadsheet(start):
    entry = contact(f"{start}cmd|x", "create")
    (line,) = csv.DictReader(io.StringIO(spreadsheet(made([event("a", "changed", synced("A", 1, [entry]))]))))
    assert line["user"] == f"'{start[-1]}cmd|x"


def test_a_form_is_readable_by_its_owner_alone(tmp_path):
    path = write("json", made(), tmp_path / "it", markdown_limit=LIMIT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_in_the_place_of_a_form_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "it.json").symlink_to(tmp_path / "precious")
    write("json", made(), tmp_path / "it", markdown_limit=LIMIT)
    assert (tmp_path / "precious").read_text() == "kept"
    assert not (tmp_path / "it.json").is_symlink()
