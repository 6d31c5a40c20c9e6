# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m tests.benchmarks.guide` puts the figures of `.build/bench.json` into the performance guide."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.tools.files import ROOT

from . import report

GUIDE = ROOT / "docs" / "docsite" / "rst" / "performance_guide.rst"
BEGIN, END = ".. The figures begin here.", ".. The figures end here."
HEADS = ("What", "Measured", "Beside it, in the same run", "Ratio", "Goal", "Met")
NAMES = {
    "core": "core",
    "flaws": "everyday flaws",
    "requests": "requests",
    "states": "states of clients",
    "fleet": "fleet",
    "first_run": "first run",
    "memory": "memory",
    "page": "page",
}


def _part(title: str, part: Mapping[str, Any]) -> str:
    """A table below what it was measured on. Times are marked as absolute."""
    made_on, scale = part["machine"], part["settings"]["scale"]
    size = "in full size" if scale == 1 else f"at {scale:g} of the full size"
    where = (
        f"{_capital(title)}, {size}: {made_on['cores']} cores, Python {made_on['python']}, "
        f"ansible-core {made_on['ansible_core']}, load average {part['load_average_after']:g} from this and other work."
    )
    rows = [HEADS, *(_cells(report.Row(**row)) for row in part["rows"])]
    lines = [where, "", ".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        lines += [f"   {'*' if not number else ' '} - {cell}".rstrip() for number, cell in enumerate(row)]
    return "\n".join(lines)


def _cells(row: report.Row) -> tuple[str, ...]:
    dummy, what, value, beside, ratio, goal, verdict = row.cells
    return (what, f"{value} (absolute)" if row.unit == "s" else value, beside, ratio, goal, verdict)


def written(text: str, parts: Mapping[str, Any]) -> str:
    """The guide with these figures in the place of the ones before. Those of other benchmarks stay."""
    head, dummy, rest = text.partition(BEGIN)
    before, dummy, tail = rest.partition(END)
    kept = _by_title(before)
    new = {title: _part(title, parts[name]) for name, title in NAMES.items() if name in parts}
    shown = [figures for title in NAMES.values() if (figures := new.get(title) or kept.get(title))]
    return "\n\n".join([f"{head}{BEGIN}", *shown, f"{END}{tail}"])


def _by_title(figures: str) -> dict[str, str]:
    """The tables of the guide, by the titles of their benchmarks."""
    begins = re.compile(rf"^({'|'.join(map(_capital, NAMES.values()))}), (?:in full size|at [0-9.]+ of)", re.MULTILINE)
    found = list(begins.finditer(figures))
    ends = [*(each.start() for each in found), len(figures)][1:]
    titles = {_capital(title): title for title in NAMES.values()}
    return {titles[each[1]]: figures[each.start() : end].strip() for each, end in zip(found, ends, strict=False)}


def _capital(title: str) -> str:
    return title[0].upper() + title[1:]


def main() -> None:
    GUIDE.write_text(written(GUIDE.read_text(encoding="utf-8"), report.load()), encoding="utf-8")


if __name__ == "__main__":
    main()
