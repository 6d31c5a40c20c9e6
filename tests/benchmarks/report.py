# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmarks found: rows of one table, on the terminal, as JSON and for the guide."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.tools.files import BUILD

FILE = BUILD / "bench.json"
HEADS = ("benchmark", "what", "measured", "beside it", "ratio", "goal", "")


@dataclass(frozen=True)
class Row:
    """A measurement, and what stands beside it in the same run.

    `ratio` says how many times the limit it took, or how many times faster than another way it
    was; which of the two, `goal` and `beside` tell. `met` is None where no goal is set.
    """

    benchmark: str
    what: str
    value: float
    unit: str
    beside: str = ""
    limit: float | None = None
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        beside = self.beside if self.limit is None else f"{self.beside}: {amount(self.limit, self.unit)}"
        ratio = "" if self.ratio is None else f"{self.ratio:.{1 if self.ratio >= 10 else 2}f}"
        verdict = {None: "", True: "met", False: "missed"}[self.met]
        return (self.benchmark, self.what, amount(self.value, self.unit), beside, ratio, self.goal, verdict)


def amount(value: float, unit: str) -> str:
    """A number with its unit, with as many digits as are worth reading."""
    is_whole = value >= 100 or unit not in ("s", "requests per client")
    shown = f"{value:,.0f}" if is_whole else f"{value:.3g}"
    return f"{shown} {unit}"


def at_most(value: float, limit: float) -> dict[str, Any]:
    """The ratio to a limit that is also the goal."""
    return {"limit": limit, "ratio": value / limit, "met": value <= limit}


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "ansible_core": version("ansible-core"),
        "system": f"{platform.system()} {platform.machine()}",
    }


def table(rows: Iterable[Row]) -> str:
    lines = [HEADS, *(row.cells for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def load(path: Path = FILE) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def keep(name: str, found: Sequence[Row], settings: Mapping[str, Any], path: Path = FILE) -> None:
    """Put one benchmark's rows into the file, in the place of those of an earlier run."""
    parts = load(path)
    load_average = os.getloadavg()[0]
    parts[name] = {
        "machine": machine(),
        "settings": dict(settings),
        "load_average_after": round(load_average, 1),
        "rows": [asdict(row) for row in found],
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(parts, indent=2) + "\n", encoding="utf-8")


def kept(parts: Mapping[str, Any], names: Iterable[str]) -> list[Row]:
    return [Row(**row) for name in names if name in parts for row in parts[name]["rows"]]
