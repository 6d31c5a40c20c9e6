# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms of a report: what they show, what they escape, what they leave out."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
import yaml

from ansible_collections.msp.psa_sync.plugins.plugin_utils._report import collecting
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.formats import FORMS, write
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.junit import junit
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.markdown import LIMIT, markdown
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.page import html, overrides_yaml, page_data
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.words import kind_of_reason, lines
from tests.tools.report_samples import SCRIPT, about, contact, event, happy_frog, large, leaving, small, synced

NASTY = "</script><!--<script>\u2028'\"`|*_[x](http://evil.example)@team &amp; \x00\x1b[31m\n# head"


def made(events=None, **changes) -> dict:
    return collecting.report(about(**changes), small() if events is None else events)


def nasty() -> dict:
    entry = contact(NASTY, "update", before={"title": NASTY}, after={"title": None}, reason=NASTY)
    conflict = {
        "rule": NASTY,
        "users": [NASTY],
        "contact_ids": [],
        "bms_contact_ids": [],
        "match_overrides": {NASTY: "new"},
    }
    result = synced(NASTY, 2, [entry], conflicts=[conflict], warnings=[NASTY])
    return made([event(NASTY, "changed", result, task=NASTY)], title=NASTY, playbooks=(NASTY,))


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
    (told,) = re.findall(r"<noscript>(.*)</noscript>", html(made()))
    assert "The tables below need JavaScript" in told


def test_what_the_page_embeds_is_what_was_reported():
    for report in (made(), nasty()):
        style, data, script = Page(html(report)).raw
        assert json.loads(data) == json.loads(json.dumps(page_data(report)))
        assert not set("<>&\u2028") & set(data)


def test_the_data_of_a_person_has_before_and_after_in_lines():
    data = page_data(made())
    people = [dict(zip(data["people"]["fields"], row, strict=True)) for row in data["people"]["rows"]]
    (jo,) = (each for each in people if each["user"] == "jo.smith@happyfrog.example")
    assert jo["changes"] == [
        (
            "contact-phones",
            ["+41 44 123 45 67 (Office, primary)", "+41 79 765 43 21 (Mobile)"],
            ["+41 44 123 45 67 (Office)", "+41 79 765 43 21 (Mobile, primary)"],
        ),
        ("title", ["Accountant"], ["Controller"]),
    ]
    (sam,) = (each for each in people if each["user"] == "sam@happyfrog.example")
    assert [data["reasons"][each] for each in sam["kinds"]] == ["Lacks primary phone", "Lacks location"]


def test_the_data_of_the_page_has_leavers_and_what_is_taken_back():
    data = page_data(made(leaving()))
    left, back, people = (
        [dict(zip(data[part]["fields"], row, strict=True)) for row in data[part]["rows"]]
        for part in ("left", "reverted", "people")
    )
    assert [each["state"] for each in left] == ["deactivate", "report", "deactivated", "keep", "failed", "deferred"]
    assert left[0]["changes"] == [("bms-active", ["yes"], ["no"]), ("contact-type-id", [], ["31"])]
    assert left[4]["locked"] == ["contact-type"]
    # What stays comes first: it needs a person.
    states = ["not_reverted", "not_reverted", "deactivate", "restore_in_bms", "restore", "remove"]
    assert [each["state"] for each in back] == states
    assert back[0]["fields"] == ["title"]
    (rita,) = people
    assert "Back: active again" in [data["reasons"][each] for each in rita["kinds"]]


def test_who_needs_a_person_comes_first():
    data = page_data(made())
    place = data["people"]["fields"].index("action")
    assert [row[place] for row in data["people"]["rows"]][:3] == ["conflict", "conflict", "update"]
    states = [row[data["tenants"]["fields"].index("status")] for row in data["tenants"]["rows"]]
    assert states == ["failed", "failed", "stopped", "hidden", "attention", "ok"]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("The user matches contacts 71, 74 by name, and so do a@b.example and c@d.example.",
         "The user matches contacts … by name, and so do …."),
        ("BMS contact 90211 is linked to the IT Glue contact 7.", "BMS contact … is linked to the IT Glue contact …."),
        ("The BMS account 5 has no location named 'Head Office'.", "The BMS account … has no location named …."),
    ],
)  # fmt: skip
def test_reasons_that_differ_in_names_and_numbers_are_one_kind(reason, kind):
    assert kind_of_reason(reason) == kind


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


def test_markdown_says_what_to_do_first():
    text = markdown(made())
    assert text.startswith("# Contact sync: Do not go on yet\n")
    parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert parts == ["Failures", "Conflicts", "Not ready for BMS", "Clients", "Settings", "Changes", "Departed",
                     "Unclaimed", "Warnings"]  # fmt: skip
    assert "- Happy Frog: `sam@happyfrog.example` lacks primary phone, location" in text
    assert "AADSTS7000215, the client secret is not valid. Check it." in text


def test_markdown_tells_of_leavers_and_of_what_is_taken_back():
    text = markdown(made(leaving()))
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Not taken back",
        "Clients",
        "Changes",
        "Taken back",
        "Departed",
    ]
    assert (
        "- Lake & Sons: `max@lake.example`, contact 75: account is disabled. Made inactive. "
        "Active in BMS `yes` → `no`; Contact type (id) (empty) → `31`. The user is disabled."
    ) in text.replace("&amp;", "&")
    assert "`held@lake.example`, contact 79: account is deleted. Failed. IT Glue refuses it." in text
    assert "Jo Smith, IT Glue contact 72: Put back in IT Glue. Job title `Controller` → `Accountant`" in text
    assert "Max Muster, IT Glue contact 75 (Job title): They have been changed since." in text
    assert "ℹ️ 1 person is back, and made active again" in text
    assert SCRIPT not in re.sub(r"`[^`]*`", "", text)


def test_the_proposal_for_a_conflict_is_yaml_to_copy():
    text = markdown(made())
    (block,) = re.findall(r"  ```yaml\n(.*?)  ```", text, re.DOTALL)
    assert yaml.safe_load(block) == {"match_overrides": {"kim@happyfrog.example": 71, "lee@happyfrog.example": "new"}}


def test_text_of_an_api_is_no_markdown():
    text = markdown(nasty())
    assert "\n# head" not in text and "\x1b" not in text
    blocks = re.sub(r"^  (`{3,}).*?^  \1$", "", text, flags=re.MULTILINE | re.DOTALL)
    plain = re.sub(r"`[^`\n]*`", "", re.sub(r"\\[\\`*_\[\]|~#$]", "", blocks))
    assert "new" not in plain and "evil.example" in plain
    assert [each for each in ("<", ">", "@team", "http://", "](", "`", "*_") if each in plain] == []


@pytest.mark.parametrize(("tenants", "entries"), [(1, 3000), (1000, 50), (300, 5000)])
def test_markdown_fits_and_says_what_it_leaves_out(tenants, entries):
    report = made(large(tenants, entries))
    text = markdown(report)
    assert len(text.encode("utf-16-le")) // 2 <= LIMIT
    left_out = [int(each.replace(",", "")) for each in re.findall(r"^\*([\d,]+) .* left out here", text, re.MULTILINE)]
    shown = len(re.findall(r"^- Client", text, re.MULTILINE)) + len(re.findall(r"^- \*\*Client", text, re.MULTILINE))
    shown += len(re.findall(r"^\| Client \d", text, re.MULTILINE))
    people = [entry for tenant in report["tenants"] for run in tenant["runs"] for entry in run["contacts"]]
    changes = sum(each["action"] in ("create", "update") for each in people)
    waiting = sum(each["push"] == "not_ready" for each in people)
    whole = tenants + changes + waiting + report["totals"]["conflicts"] + report["totals"]["departed"]
    assert shown + sum(left_out) == whole
    assert left_out


def test_markdown_of_a_small_run_leaves_nothing_out():
    assert "left out here" not in markdown(made())


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


def test_junit_has_leavers_and_what_is_taken_back():
    root = ElementTree.fromstring(junit(made(leaving())))
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert cases["held@lake.example, who left"].find("failure").get("message").endswith("IT Glue refuses it.")
    assert cases["late@lake.example, who left"].find("skipped") is not None
    assert "Made inactive" in cases["max@lake.example, who left"].find("system-out").text
    assert cases["Jo Smith, IT Glue contact 72"].find("system-out").text == "Put back in IT Glue"
    stays = cases["Max Muster, IT Glue contact 75 (title)"].find("failure").get("message")
    assert stays == "not taken back: They have been changed since."
    assert "a contact, IT Glue contact that is not known" in cases


def test_junit_is_xml_whatever_is_in_it():
    (suite,) = ElementTree.fromstring(junit(nasty()))
    assert suite.get("name") == NASTY.replace("\x00", "\ufffd").replace("\x1b", "\ufffd")
    assert SCRIPT in {
        case.get("name").removesuffix("@happyfrog.example")
        for case in ElementTree.fromstring(junit(made())).iter("testcase")
    }


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_written_whole_beside_nothing_else(name, tmp_path):
    report = made([event("a", "changed", happy_frog())], title="Lone \ud800 surrogate")
    path = write(name, report, tmp_path / "made" / "it", markdown_limit=LIMIT)
    assert path == tmp_path / "made" / f"it.{FORMS[name].ending}"
    assert path.read_text(encoding="utf-8")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_json_form_is_the_report():
    assert json.loads(FORMS["json"].render(made())) == made()


def test_a_conflict_that_overrides_cannot_settle_has_no_yaml():
    assert overrides_yaml({"match_overrides": {}}) == ""
    assert overrides_yaml({"match_overrides": {"a: b": "new"}}) == "match_overrides:\n  'a: b': new\n"
