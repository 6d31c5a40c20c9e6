# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much was tried, and held. `python -m tests.trust.tally` prints what the last run of the tests came to."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

NIGHTLY = os.environ.get("TRUST") == "nightly"

DRAWN = {
    "worlds": (100, 1000),
    "busy worlds": (40, 400),
    "worlds with facts": (24, 240),
    "pairs of faults": (24, 600),
    "odd answers": (50, 2000),
}
"""How many are drawn by chance, by day and at night. A night fits into 35 minutes on two cores: what can be tried whole
(each fault and each action at each request) comes first, and worlds, which take the longest, get the rest."""

FOLDER = Path(__file__).resolve().parents[2] / ".build" / "results" / "trust"


def by_day(items: Sequence[T], every: int, first: int) -> Sequence[T]:
    """Return one in so many of the items, from `first` on; at night all of them."""
    return items if NIGHTLY else items[first % every :: every]


def drawn(kind: str) -> int:
    """How many of a kind to draw."""
    return DRAWN[kind][NIGHTLY]


def note(kind: str, part: str, count: int) -> None:
    """So many of a kind were tried in a part of the tests, and all of them held."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = "".join(sign if sign.isalnum() else "-" for sign in f"{kind} {part}")
    (FOLDER / f"{name}.json").write_text(json.dumps({"kind": kind, "part": part, "count": count}), encoding="utf-8")


def main() -> None:
    counts: Counter = Counter()
    for path in sorted(FOLDER.glob("*.json")):
        noted = json.loads(path.read_text(encoding="utf-8"))
        counts[noted["kind"]] += noted["count"]
        print(f"{noted['kind']:<12} {noted['part']:<44} {noted['count']:>6,}")
    for kind, count in counts.items():
        print(f"{kind:<12} {'in all':<44} {count:>6,}")


if __name__ == "__main__":
    main()
