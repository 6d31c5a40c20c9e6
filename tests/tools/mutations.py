# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change one place of a rule at a time, and see whether a test fails: mutation testing with Cosmic Ray.

`python -m tests.tools.mutations [--count COUNT] [--seed SEED] [MODULE ...]` tries so many mutations of the modules in
a random order, all of them with `--count 0`. Without modules it takes some, others with each seed: after
a number of nights each had its turn. It works on a clone of the last commit below `.build`. A mutation that no test
sees is a survivor: each is killed by a test, or stands in `tests/survivors.txt` with the reason why it changes nothing.
A survivor that does not stand there makes this fail, and so does a run that tried nothing.

`tests/tools/mutants.py` makes the mutations, `tests/tools/mutation_runs.py` runs the tests.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.tools.files import ROOT

VERSION = "8.7.0"
FOLDER = ROOT / ".build" / "mutations"
CHECKOUT = FOLDER / "checkout"
ENVIRONMENT = FOLDER / "environment"
RESULTS = FOLDER / "results.jsonl"
SURVIVORS = ROOT / "tests" / "survivors.txt"

MODULES_OF = {
    "_engine": "*",
    "_sync": (
        "bms_writer duplicates holders itglue_writer journal journal_reader links look_again outcomes "
        "planned_run push_check read_back remembering revert run writing"
    ),
    "_store": "facts settings",
}
"""The rules, and what writes."""

TESTS = (
    *(f"tests/unit/{part}" for part in "engine fleet plan probe settings sync".split()),
    "tests/trust/test_reverts.py",
)
"""The tests of which one is to see a mutation. Of them only those run that reach the changed line."""


MODULES_A_NIGHT = 10
"""Only these are watched while all tests run once, which then takes little more time than without."""


def modules() -> list[str]:
    """The modules that are mutated, as paths from the root of the project."""
    found: set[Path] = set()
    for layer, names in MODULES_OF.items():
        for name in names.split():
            found.update((ROOT / "plugins/module_utils" / layer).glob(f"{name}.py"))
    return sorted(str(path.relative_to(ROOT)) for path in found if path.name != "__init__.py")


def todays(found: Sequence[str], seed: int) -> list[str]:
    """The modules whose turn it is: each has come when all seeds of a row as long as needed have had theirs."""
    order = Random(1).sample(found, len(found))
    first = seed * MODULES_A_NIGHT
    return sorted({order[number % len(order)] for number in range(first, first + MODULES_A_NIGHT)})


@dataclass(frozen=True, order=True)
class Mutation:
    """A changed place: the lines before and after, without the white space around them."""

    module: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.module}\n-{self.before}\n+{self.after}"


def explained(text: str) -> set[Mutation]:
    """Read the survivors that are known to change nothing: paragraphs of the module, the two lines, and the reason."""
    found = set()
    for paragraph in text.split("\n\n"):
        lines = [line for line in paragraph.splitlines() if not line.startswith("#")]
        if not lines:
            continue
        signs = "".join(line[0] if line.startswith(("-", "+")) else " " for line in lines)
        if len(lines) < 4 or signs.rstrip() != " -+":
            raise ValueError(f"A survivor needs its module, two lines and a reason: {lines[0]}")
        found.add(Mutation(lines[0], lines[1][1:].strip(), lines[2][1:].strip()))
    return found


def prepare() -> None:
    """Clone the last commit, and install Cosmic Ray where it is not there yet."""
    mark = FOLDER / f"installed-{VERSION}"
    if not mark.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        subprocess.run([ENVIRONMENT / "bin" / "pip", "install", "--quiet", f"cosmic-ray=={VERSION}"], check=True)
        mark.touch()
    shutil.rmtree(CHECKOUT, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", ROOT, CHECKOUT], check=True)


def sealed() -> dict[str, str]:
    """The variables of the tests, which draw the same few cases each time. No byte code is kept: it may be older than
    a change within one second."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "CI": "true", "TRUST": ""}


def state() -> str:
    """What the last commit holds of the code and the tests, in short: for as long, the same tests reach a line."""
    trees = ["HEAD:plugins", "HEAD:tests"]
    found = subprocess.run(["git", "rev-parse", *trees], check=True, cwd=CHECKOUT, capture_output=True, text=True)
    return "-".join(tree[:12] for tree in found.stdout.split())


def kept(chosen: Sequence[str]) -> Path:
    """The file of what was measured for the modules. What was measured for an earlier commit is removed."""
    now = state()
    for each in FOLDER.glob("measured-*.json"):
        if not each.name.startswith(f"measured-{now}-"):
            each.unlink()
    names = hashlib.sha256("\n".join(sorted(chosen)).encode()).hexdigest()[:12]
    return FOLDER / f"measured-{now}-{names}.json"


def run(count: int, seed: int, processes: int, chosen: Sequence[str]) -> None:
    """Try the mutations. Raises CalledProcessError where a test fails without any mutation."""
    RESULTS.unlink(missing_ok=True)
    mutants = [str(ENVIRONMENT / "bin" / "python"), "tests/tools/mutants.py", str(seed), *chosen]
    # Without its root, pytest would look for it above whatever file an option names.
    pytest = [sys.executable, "-m", "pytest", "--rootdir", ".", "--config-file", "pyproject.toml"]
    pytest += ["-q", "-s", "-n0", "-p", "no:cacheprovider"]
    subprocess.run(
        [
            *pytest,
            *("-p", "tests.tools.mutation_runs", "--mutants", json.dumps(mutants)),
            *("--mutation-results", RESULTS, "--count", str(count), "--processes", str(processes)),
            *("--measured", kept(chosen)),
            *TESTS,
        ],
        check=True,
        cwd=CHECKOUT,
        env=sealed(),
    )


def outcomes(lines: Iterable[str]) -> list[tuple[Mutation, bool]]:
    """Each mutation that was tried, and whether a test saw it."""
    results = [json.loads(line) for line in lines]
    return [(Mutation(each["module"], each["before"], each["after"]), each["seen"]) for each in results]


def main(arguments: Sequence[str]) -> int:
    """Try the mutations; fail where one survives that nobody has explained."""
    parser = argparse.ArgumentParser(description="Mutation testing.")
    parser.add_argument("--count", type=int, default=120, help="how many to try, 0 for all of them")
    parser.add_argument("--seed", type=int, default=1, help="another number tries others, of other modules")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="how many to try at a time")
    parser.add_argument("modules", nargs="*", help="only these, as plugins/module_utils/_sync/run.py")
    given = parser.parse_args(arguments)
    known = explained(SURVIVORS.read_text(encoding="utf-8"))
    prepare()
    run(given.count, given.seed, given.processes, given.modules or todays(modules(), given.seed))
    found = outcomes(RESULTS.read_text(encoding="utf-8").splitlines())
    alive = [mutation for mutation, seen in found if not seen]
    tried, survived = (Counter(each.module for each in those) for those in ([each for each, _seen in found], alive))
    for module in sorted(tried):
        print(f"{module}: {tried[module]} tried, {survived[module]} survived")
    survivors = [mutation for mutation in alive if mutation not in known]
    print(
        f"{len(found)} mutations tried, {len(alive) - len(survivors)} explained, {len(survivors)} survived unexplained."
    )
    for mutation in sorted(survivors):
        print(f"\n{mutation}")
    return 1 if survivors or not found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
