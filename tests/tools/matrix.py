# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the tests on each version of ansible-core that the collection supports.

`python3 -m tests.tools.matrix [CORE ...]` runs the cells named by their ansible-core, or all.
`ends` stands for the oldest and the newest that this machine has a Python for, beside `make test`,
which has run everything on this Python. Each cell has an
environment of its own, in which the collection is built, installed and tested; all of it lies
in `.build/matrix/CORE`.

A Python is looked for on the PATH, among the versions of pyenv and of a hosted CI runner, and
by uv. What cannot be run for want of one is named at the end, and is a failure unless `ends`
was asked for. Beside the system's Python this needs nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.tools.files import BUILD, ROOT
from tests.tools.summary import added_up

FOLDER = BUILD / "matrix"
#: Tests of the house itself, which need its tools.
HOUSE = {"benchmarks", "delivery", "docs", "sandbox"}
#: Tests of what knows nothing of Ansible: only another Python can make a difference to them.
WITHOUT_ANSIBLE = {"clients", "engine", "plan", "probe"}
#: The inventory is tested with the fleet, the callback with the report.
PARTS = ("artifact", "demo", "entry_points", "fleet", "modules_both_ways", "report")


@dataclass(frozen=True)
class Cell:
    """A version of ansible-core, and the Pythons that its controller runs on: first the one to test it with.

    Source: "ansible-core support matrix" in Ansible's documentation.
    """

    core: str
    pythons: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return FOLDER / self.core

    @property
    def report(self) -> Path:
        return self.folder / "results.xml"


CELLS = (
    Cell("2.18", ("3.11", "3.12", "3.13")),
    Cell("2.19", ("3.11", "3.12", "3.13")),
    Cell("2.20", ("3.12", "3.13", "3.14")),
    Cell("2.21", ("3.13", "3.14", "3.12")),
)


# --------------------------------------------------------------------- Pythons


def find(cell: Cell) -> tuple[str, str] | None:
    """The first of its Pythons that this machine has: the version, and where it is."""
    for version in cell.pythons:
        for candidate in candidates(version):
            if answers(candidate, version):
                return version, candidate
    return None


def candidates(version: str) -> Iterator[str]:
    """Where a Python of this version may be."""
    yield from filter(None, map(shutil.which, (f"python{version}", "python3")))
    if pyenv := shutil.which("pyenv"):
        for root in _lines(pyenv, "root"):
            yield from map(str, Path(root).glob(f"versions/{version}.*/bin/python{version}"))
    for runner in filter(None, map(os.environ.get, ("RUNNER_TOOL_CACHE", "AGENT_TOOLSDIRECTORY"))):
        yield from map(str, Path(runner).glob(f"Python/{version}.*/*/bin/python{version}"))
    if uv := shutil.which("uv"):
        yield from _lines(uv, "python", "find", version)


def answers(candidate: str, version: str) -> bool:
    """Whether it is of that version and can make an environment; a shim of pyenv may not even run."""
    question = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    return _lines(candidate, "-c", question) == [version]


def _lines(*command: str) -> list[str]:
    """What a command says; nothing where it fails."""
    try:
        said = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError:
        return []
    return said.stdout.splitlines() if said.returncode == 0 else []


# ----------------------------------------------------------------------- cells


def tests(left_out: Collection[str] = ()) -> list[Path]:
    """What can come out otherwise on another ansible-core or Python: the collection's own tests."""
    units = (each for each in (ROOT / "tests" / "unit").iterdir() if each.is_dir() and list(each.glob("test_*.py")))
    own = sorted(each for each in units if each.name not in {*HOUSE, *left_out})
    return own + [ROOT / "tests" / "integration" / f"test_{part}.py" for part in PARTS]


def chosen(names: Iterable[str]) -> list[Cell]:
    """The cells to run, oldest first. With `ends`, those beyond the ends that can run are among them."""
    wanted = set(names) or {cell.core for cell in CELLS}
    if "ends" in wanted:
        wanted |= {cell.core for row in (CELLS, CELLS[::-1]) for cell in _up_to_the_first_that_runs(row)}
    return [cell for cell in CELLS if cell.core in wanted]


def _up_to_the_first_that_runs(row: Iterable[Cell]) -> Iterator[Cell]:
    for cell in row:
        yield cell
        if find(cell):
            return


def run(cell: Cell, python: str, left_out: Collection[str]) -> bool:
    """Make the environment, build and install the collection with it, test. Whether all went well."""
    own = cell.folder / "venv" / "bin" / "python"
    path = f"{own.parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PSA_SYNC_BUILD": str(cell.folder), "PATH": path}
    workers = ("--numprocesses", os.environ.get("WORKERS") or "auto", "--dist", "worksteal")
    steps = (
        (python, "-m", "tests.tools.environment", cell.folder / "venv", "pytest", f"ansible-core=={cell.core}.*"),
        (own, "-m", "tests.tools.files"),
        (own, "-m", "tests.tools.artifact"),
        (own, "-m", "pytest", "-p", "no:cacheprovider", *workers, "--junit-xml", cell.report, *tests(left_out)),
    )
    return all(subprocess.run(step, check=False, cwd=ROOT, env=environment).returncode == 0 for step in steps)


def outcome(cell: Cell, tested_on: str | None = None) -> tuple[str, str]:
    """Run a cell: what came of it, `passed`, `failed` or `not run`, and a line that says so.

    On the Python that all was `tested_on` already, only what knows Ansible is tested again.
    """
    found = find(cell)
    if found is None:
        wanted = " or ".join(cell.pythons)
        return "not run", f"ansible-core {cell.core}: NOT RUN, as there is no Python {wanted} on this machine"
    version, python = found
    title = f"ansible-core {cell.core} on Python {version}"
    if version != cell.pythons[0]:
        title += f" (there is no {cell.pythons[0]})"
    print(f"\n{title}\n{'-' * len(title)}", flush=True)
    well = run(cell, python, WITHOUT_ANSIBLE if version == tested_on else ())
    said = added_up([cell.report])[0] if cell.report.is_file() else "the tests could not be run, see above"
    return "passed" if well else "failed", f"{title}: {said}"


def main(names: list[str]) -> int:
    """Run the cells that were asked for, then say what came of each."""
    known = {"ends", *(cell.core for cell in CELLS)}
    if unknown := set(names) - known:
        raise SystemExit(f"There is no cell {', '.join(sorted(unknown))}: they are {', '.join(sorted(known))}.")
    for cell in CELLS:
        cell.report.unlink(missing_ok=True)
    tested_on = "{}.{}".format(*sys.version_info) if "ends" in names else None
    outcomes = [outcome(cell, tested_on) for cell in chosen(names)]
    print("\n" + "\n".join(line for dummy, line in outcomes))
    bad = {"failed"} if "ends" in names else {"failed", "not run"}
    return 1 if bad & {what for what, dummy in outcomes} else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
