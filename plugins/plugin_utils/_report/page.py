# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .bars import TONES, segments
from .labels import ACTIONS, EXCLUDED, ICONS, PUSHES, RULES, SERVICES, count, label
from .next_steps import next_steps
from .rows import page_data
from .verdict import duration, mode_label, verdict

ASSETS = Path(__file__).with_name("assets")


_SIGNS = {"stop": "×", "look": "?", "fine": "✓"}


def html(report: Mapping[str, Any]) -> str:
    """The page. All text of the report is escaped, by the template or by the script."""
    script = "\n".join(_asset(name) for name in ("table-core.js", "report.js"))
    style = _asset("report.css")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            verdict=verdict(report),
            steps=next_steps(report),
            flow=list(_flow(report["totals"])),
            data=Markup(_embedded(page_data(report))),
            script=Markup(script),
            style=Markup(style),
            script_hash=_hash(script),
            style_hash=_hash(style),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "mode_label": mode_label}
    environment.globals |= {
        "count": count,
        "services": SERVICES,
        "label": label,
        "icons": ICONS,
        "tones": TONES,
        "signs": _SIGNS,
    }
    return environment


def _asset(name: str) -> str:
    """A file that goes into the page; without the pointer to a map that browsers would look for."""
    text = (ASSETS / name).read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("//# sourceMappingURL="))


def _hash(text: str) -> str:
    """What the page's security policy knows an inline script or style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(data: Mapping[str, Any]) -> str:
    """JSON that can stand in a script element whatever is in it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for unsafe in "<>&\u2028\u2029":
        text = text.replace(unsafe, f"\\u{ord(unsafe):04x}")
    return text.encode("utf-8", "replace").decode()


# ------------------------------------------------------------------------ flow

_EXCLUDED_LABELS = {name: text.capitalize() for name, text in EXCLUDED.items()}
_MATCHED_LABELS = {**{name: f"by {text}" for name, text in RULES.items()}, "new": "without a contact"}


def _flow(totals: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The stages of the run, each with its counts: read, excluded, matched, IT Glue, BMS."""
    if not totals["users"]:
        return
    out = totals["users"] - totals["selected"]
    yield _stage("Read", f"{count(totals['users'], 'user')} of Microsoft 365", {}, {})
    yield _stage("Excluded", count(out, "user") if out else "nobody", totals["excluded"], _EXCLUDED_LABELS)
    matched = dict(totals["matched"])
    new = totals["actions"].get("create", 0)
    yield _stage("Matched", count(sum(matched.values()), "user"), matched | {"new": new}, _MATCHED_LABELS)
    actions = {name: number for name, number in totals["actions"].items() if name != "excluded"}
    yield _stage("IT Glue", count(sum(actions.values()), "user"), actions, ACTIONS, bar=True)
    push = totals["push"]
    yield _stage("BMS", count(sum(push.values()), "contact") if push else "nothing to push", push, PUSHES, bar=True)


def _stage(
    title: str, text: str, counts: Mapping[str, int], labels: Mapping[str, str], *, bar: bool = False
) -> dict[str, Any]:
    """One stage; `bar` shows its parts to scale too."""
    parts = segments(counts, labels)
    return {
        "title": title,
        "text": text,
        "counts": [(part["state"], part["name"], part["count"]) for part in parts],
        "segments": parts if bar else [],
    }
