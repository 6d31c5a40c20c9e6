# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much was tried. `python -m tests.trust.tally` prints what the last run of the tests came to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".build" / "results" / "trust"


def note(kind: str, part: str, count: int) -> None:
    """So many of a kind were tried, and held, in a part of the tests."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{kind}.{part}").write_text(f"{count}\n", encoding="utf-8")


def main() -> None:
    counts: Counter = Counter()
    for path in sorted(FOLDER.glob("*.*")):
        counts[path.stem] += int(path.read_text(encoding="utf-8"))
        print(f"{path.stem:<20} {path.suffix[1:]:<28} {int(path.read_text(encoding='utf-8')):>7,}")
    for kind, count in counts.items():
        print(f"{kind:<20} {'in all':<28} {count:>7,}")


if __name__ == "__main__":
    main()
