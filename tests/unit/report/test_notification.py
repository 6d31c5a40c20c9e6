# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The message about a run: when it is needed, that it is short, and that it shows text of others as plain text."""

from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleLookupError

from ansible_collections.msp.psa_sync.plugins.lookup.notification import LookupModule
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report import collecting, verdict
from ansible_collections.msp.psa_sync.plugins.plugin_utils.notification import MOST_CLIENTS, Message, message
from tests.tools.report_samples import about, conflict, contact, event, small, synced

NASTY = "<!channel> *bold* _it_ `x` & <https://evil.example|here> {{DATE(2026-01-01T00:00:00Z)}} \x1b[31m\n# head"


def made(events, url: str = "", **changes) -> Message:
    return message(collecting.report(about(**changes), events), url)


def fine(host: str = "frog", **changes):
    return event(host, "changed", synced(host, 2, [contact("ada@x.example", "create")], **changes), preview=False)


def failed(host: str, msg: str = "No consent."):
    return event(host, "failed", {"msg": msg}, preview=False)


def deciding(*users: str, name: str = "frog"):
    entries = [conflict("alias", [user], answers={user: [71, "new"]}) for user in users]
    return event("frog", "ok", synced(name, 4, [], conflicts=entries), preview=False)


def test_a_run_without_anything_to_see_to_needs_no_message():
    deferred = event("toad", "ok", synced("toad", 3, [contact("a@x", "deferred")]), preview=False)
    assert made([fine(), deferred]).needed is False


def test_who_failed_or_needs_a_decision_is_named_and_people_are_counted():
    found = made([fine(), failed("toad"), deciding("ada@x.example", "bob@x.example", name="Newt")])
    assert found.needed
    assert found.title.startswith("Contact sync (Real run): 2 clients done, 1 failed")
    assert [line for line in found.lines if line.startswith("toad (toad): ")][0].endswith("No consent.")
    assert any("2 conflicts" in line for line in found.lines)
    assert "ada@x.example" not in found.text


def test_a_starved_client_is_named():
    report = collecting.report(about(), [fine()])
    (tenant,) = report["tenants"]
    tenant["runs"][0]["starved"] = True
    found = message(report)
    assert found.needed
    assert verdict.STARVED in found.lines[0]
    assert found.lines[0].count(verdict.STARVED) == 1


def test_an_interrupted_run_is_reported():
    assert "interrupted" in made([fine()], complete=False).lines[0]


def test_a_run_that_reached_no_client_is_reported():
    found = made([], complete=False)
    assert found.needed and found.digest != made([]).digest
    assert found.lines == ("The run ended before it was done with any client: its output says why.",)


def test_a_message_is_short_however_many_clients_there_are():
    found = made([failed(f"client{number}", "No. " * 1000) for number in range(300)])
    assert len(found.lines) == MOST_CLIENTS + 1
    assert found.lines[-1] == "and 290 more clients, of 300"
    assert len(json.dumps(found.slack)) < 10_000


def test_the_digest_shows_what_is_news():
    before = made([failed("toad", "Timeout after 61 s."), fine()])
    assert (
        made([failed("toad", "Timeout after 62 s."), fine()], finished="2027-01-01T00:00:00Z").digest == before.digest
    )
    assert made([failed("toad"), failed("frog")]).digest != before.digest
    assert made([deciding("a@x")]).digest != made([deciding("b@x")]).digest
    assert made([fine()]).digest == made([fine("newt")]).digest


def texts(value: object) -> list[str]:
    """All text in data."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts(each)]
    return [text for each in value for text in texts(each)] if isinstance(value, list) else [str(value)]


def test_slack_shows_text_of_others_as_it_is():
    found = made([failed("toad", NASTY)], url="https://example.com/report?a=1&b=2")
    for text in texts(found.slack):
        assert "<" not in text
        assert "`x" not in text.replace("\u200b`", "")
        assert " *bold" not in text
        assert " _it_" not in text
    assert "&lt;!channel&gt;" in json.dumps(found.slack)
    assert all(block["text"]["verbatim"] for block in found.slack["blocks"])


def test_a_card_has_text_of_others_in_runs_alone_which_have_no_markup():
    card = made([failed("toad", NASTY)], url="https://example.com/report").teams["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for block in card["body"] for run in block["inlines"]} == {"TextRun"}
    assert not [text for text in texts(card["body"]) if "{{" in text or "\n" in text or "\x1b" in text]
    assert card["actions"] == [
        {"type": "Action.OpenUrl", "title": "Open the report", "url": "https://example.com/report"}
    ]


def test_a_report_of_everything_has_a_message_in_each_form(tmp_path):
    path = tmp_path / "sync_report.json"
    path.write_text(json.dumps(collecting.report(about(), small())))
    (found,) = LookupModule().run([path])
    assert (found["needed"], found["news"]) == (True, True)
    assert set(found["webhook"]) == {"title", "lines", "url", "mode", "complete", "totals"}
    (tmp_path / "sync_report.json.notified").write_text(found["digest"] + "\n")
    assert LookupModule().run([path])[0]["news"] is False


@pytest.mark.parametrize("content", [None, "no json", "[]", '{"tenants": 7}'])
def test_what_is_no_report_is_named(tmp_path, content):
    path = tmp_path / "sync_report.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(AnsibleLookupError, match=str(path)):
        LookupModule().run([path])
