# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A message about a run, made of the report's JSON: whether it is needed, its lines, and its form for each target.

Names of clients and messages are text of others. They are plain text in each target: in Slack without characters that
make links and mentions, in a card for Teams as runs of text, which have no markup. People are counted, never named.
"""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ._report import verdict
from ._report.collecting import counted, is_starved
from ._report.labels import count, one_line

Json = dict[str, Any]

MOST_CLIENTS = 10
"""Clients that a message names."""

_LONGEST = 300
_ZERO_WIDTH = "\u200b"


@dataclass(frozen=True)
class Message:
    """What there is to say of a run. `lines` has the points, then the clients; `digest` tells whether it is news."""

    needed: bool
    title: str
    lines: tuple[str, ...]
    url: str
    digest: str

    @property
    def text(self) -> str:
        """As plain text, such as for an e-mail."""
        return "\n".join([self.title, "", *(f"- {line}" for line in self.lines), *([self.url] if self.url else [])])

    @property
    def slack(self) -> Json:
        """For an incoming webhook of Slack."""
        listed = "\n".join(f"• {_mrkdwn(line)}" for line in self.lines)
        parts = [f"*{_mrkdwn(self.title)}*", listed, _mrkdwn(self.url)]
        blocks = [
            {"type": "section", "text": {"type": "mrkdwn", "text": part, "verbatim": True}} for part in parts if part
        ]
        return {"text": _mrkdwn(self.title), "blocks": blocks}

    @property
    def teams(self) -> Json:
        """For a webhook of a workflow in Teams: one adaptive card."""
        head = {"type": "TextRun", "text": _run(self.title), "weight": "Bolder", "size": "Medium"}
        rows = [[head], *([{"type": "TextRun", "text": _run(line)}] for line in self.lines)]
        card: Json = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [{"type": "RichTextBlock", "inlines": row} for row in rows],
        }
        if self.url:
            card["actions"] = [{"type": "Action.OpenUrl", "title": "Open the report", "url": self.url}]
        kind = "application/vnd.microsoft.card.adaptive"
        return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def message(report: Mapping[str, Any], url: str = "") -> Message:
    """The message about a run. It is needed where a client failed, is starved, or needs a decision."""
    reasons = {_name(tenant): list(_why(tenant)) for tenant in report["tenants"]}
    concerned = {name: why for name, why in reasons.items() if why}
    total = len(report["tenants"])
    headline = verdict.headline(report["mode"], [tenant["status"] for tenant in report["tenants"]])
    decisions = f", {count(len(concerned), 'client needs', 'clients need')} a look" if concerned else ""
    lines = [_short(f"{name}: {' '.join(why)}") for name, why in list(concerned.items())[:MOST_CLIENTS]]
    if len(concerned) > MOST_CLIENTS:
        lines.append(f"and {count(len(concerned) - MOST_CLIENTS, 'more client', 'more clients')}, of {total:,}")
    if interrupted := verdict.interruption(report):
        lines.insert(0, f"{interrupted}.")
    return Message(
        needed=bool(lines),
        title=_short(f"{report['title']} ({verdict.mode_label(report['mode'])}): {headline}{decisions}"),
        lines=tuple(lines),
        url=one_line(url),
        digest=_digest(report, concerned),
    )


def _name(tenant: Mapping[str, Any]) -> str:
    hosts = dict.fromkeys(str(run["host"]) for run in tenant["runs"])
    return one_line(f"{tenant['name']} ({', '.join(hosts)})")


def _why(tenant: Mapping[str, Any]) -> Iterator[str]:
    """What a person has to see to, of one client, in sentences."""
    sentences = verdict.why(tenant)
    starved = [verdict.STARVED] if is_starved(tenant) and verdict.STARVED not in sentences else []
    yield from map(one_line, [*sentences, *starved])


def _digest(report: Mapping[str, Any], concerned: Mapping[str, list[str]]) -> str:
    """What tells one state of affairs from another: who is concerned and by what, without the words of services."""
    rows = [
        [tenant["name"], tenant["status"], is_starved(tenant), _counts(tenant)]
        for tenant in report["tenants"]
        if _name(tenant) in concerned
    ]
    content = json.dumps([report["complete"], rows], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _counts(tenant: Mapping[str, Any]) -> Json:
    runs = counted(tenant)
    return {
        "conflicts": sorted(json.dumps(each["users"]) for run in runs for each in run["conflicts"]),
        "not_ready": sorted(each["user"] for run in runs for each in run["contacts"] if each["push"] == "not_ready"),
        "failed": sorted(
            each["user"] for run in runs for each in run["contacts"] if "failed" in (each["action"], each["push"])
        ),
        "codes": sorted({run["failure"]["code"] for run in runs if run["failure"]}),
    }


# ------------------------------------------------------------------------ targets


def _short(line: str) -> str:
    line = one_line(line)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _mrkdwn(value: str) -> str:
    """Text for Slack: no link, mention or markup."""
    shown = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for sign in "*~`":
        shown = shown.replace(sign, f"{_ZERO_WIDTH}{sign}")
    # Underscores within a word, as in names of hosts, make nothing.
    return " ".join(f"{_ZERO_WIDTH}{word}" if word.startswith("_") else word for word in shown.split(" "))


def _run(value: str) -> str:
    """Text for a run of a card: it has no markup, but functions for dates in double braces."""
    return value.replace("{{", "{ {")
