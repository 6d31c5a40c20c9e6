# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change one place of a rule at a time, and see whether a test fails: mutation testing with Cosmic Ray.

`python -m tests.tools.mutations [--of COUNT] [--seed SEED] [MODULE ...]` tries a random sample of COUNT mutations of
each module, all of them with `--of 0`. It works on a clone of the last commit below `.build`. A mutation that no test
sees is a survivor: each is killed by a test, or stands in `tests/survivors.txt` with the reason why it changes
nothing. A survivor that does not stand there makes this fail.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.tools.files import ROOT

VERSION = "8.7.0"
FOLDER = ROOT / ".build" / "mutations"
CHECKOUT = FOLDER / "checkout"
ENVIRONMENT = FOLDER / "environment"
SURVIVORS = ROOT / "tests" / "survivors.txt"
SECONDS = 180
"""So long the tests of a module may take before a mutation counts as seen: it may never end."""

UNSEEN = (
    "core/ReplaceBinaryOperator_BitOr_%",  # nearly all of them are annotations, which nobody evaluates
    "core/ReplaceComparisonOperator_Eq_Is",  # members of an enumeration are the same where they are equal
    "core/ReplaceComparisonOperator_NotEq_IsNot",
    "core/ReplaceComparisonOperator_Is_Eq",
    "core/ReplaceComparisonOperator_IsNot_NotEq",
)
"""Kinds of mutations that change nothing as a rule, as patterns of SQL: they are not tried."""

ENGINE, SYNC = "plugins/module_utils/_engine", "plugins/module_utils/_sync"
RULES = (
    "address_hits bms_evidence bms_lookup bms_push bms_update contact_phones enrichment identity itglue_plan "
    "matching matching_index offboarding phones plan planning selection text"
).split()
WRITERS = ("bms_writer", "itglue_writer", "writing")
REVERTS = "tests/trust/test_reverts.py"
TESTS: Mapping[str, Sequence[str]] = {
    **{f"{ENGINE}/{name}.py": ("tests/unit/engine",) for name in RULES},
    f"{ENGINE}/limits.py": ("tests/unit/engine", "tests/unit/sync"),
    f"{ENGINE}/undo.py": ("tests/unit/plan", REVERTS),
    **{f"{SYNC}/{name}.py": ("tests/unit/sync", REVERTS) for name in WRITERS},
}
"""The tests that are to see a mutation of each module."""


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
        if len(lines) < 4 or not (lines[1].startswith("-") and lines[2].startswith("+")):
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


def test_command(tests: Sequence[str]) -> list[str]:
    """What runs these tests until the first one that fails."""
    return [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", *tests]


def check_tests(modules: Sequence[str]) -> None:
    """Raise CalledProcessError where tests fail without any mutation: they would seem to see each."""
    for tests in sorted({tuple(TESTS[module]) for module in modules}):
        subprocess.run(test_command(tests), check=True, cwd=CHECKOUT, env=sealed(), stdout=subprocess.DEVNULL)


def sealed() -> dict[str, str]:
    """The variables of the tests. No byte code is kept: it may be older than a change within one second."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "CI": "true"}


def session(module: str, count: int, seed: int) -> Path:
    """Choose the mutations of a module; returns the file that holds them."""
    path, config = FOLDER / f"{Path(module).stem}.sqlite", FOLDER / f"{Path(module).stem}.toml"
    config.write_text(
        "[cosmic-ray]\n"
        f'module-path = "{module}"\ntimeout = {SECONDS}.0\nexcluded-modules = []\n'
        f"test-command = {json.dumps(' '.join(test_command(TESTS[module])))}\n"
        '[cosmic-ray.distributor]\nname = "local"\n',
        encoding="utf-8",
    )
    path.unlink(missing_ok=True)
    cosmic_ray("init", config, path)
    with sqlite3.connect(path) as base:
        for kind in UNSEEN:
            base.execute(
                "delete from work_items where job_id in (select job_id from mutation_specs where operator_name like ?)",
                (kind,),
            )
            base.execute("delete from mutation_specs where operator_name like ?", (kind,))
        jobs = sorted(row[0] for row in base.execute("select job_id from mutation_specs order by rowid"))
        kept = set(jobs if not count else random.Random(f"{seed} {module}").sample(jobs, min(count, len(jobs))))
        for table in ("mutation_specs", "work_items"):
            base.executemany(f"delete from {table} where job_id = ?", [(job,) for job in jobs if job not in kept])
    return path


def cosmic_ray(*arguments: str | Path) -> None:
    """Run Cosmic Ray in the clone."""
    subprocess.run([ENVIRONMENT / "bin" / "cosmic-ray", *arguments], check=True, cwd=CHECKOUT, env=sealed())


def outcomes(path: Path, module: str) -> Iterator[tuple[Mutation, bool]]:
    """Each mutation that was tried, and whether a test saw it."""
    with sqlite3.connect(path) as base:
        rows = base.execute("select test_outcome, diff from work_results where worker_outcome = 'NORMAL'").fetchall()
    for outcome, diff in rows:
        changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        before = " ".join(line[1:].strip() for line in changed if line.startswith("-"))
        after = " ".join(line[1:].strip() for line in changed if line.startswith("+"))
        yield Mutation(module, before, after), "SURVIVED" not in outcome.upper()


def main(arguments: Sequence[str]) -> int:
    """Try the mutations; fail where one survives that nobody has explained."""
    parser = argparse.ArgumentParser(description="Mutation testing.")
    parser.add_argument("--of", type=int, default=10, metavar="COUNT", help="mutations of each module, 0 for all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("modules", nargs="*", default=list(TESTS))
    given = parser.parse_args(arguments)
    known = explained(SURVIVORS.read_text(encoding="utf-8"))
    prepare()
    check_tests(given.modules)
    counts: Counter[str] = Counter()
    survivors: list[Mutation] = []
    for module in given.modules:
        path = session(module, given.of, given.seed)
        cosmic_ray("exec", path.with_suffix(".toml"), path)
        found = list(outcomes(path, module))
        alive = [mutation for mutation, seen in found if not seen]
        survivors += [mutation for mutation in alive if mutation not in known]
        counts.update(tried=len(found), explained=len([each for each in alive if each in known]))
        print(f"{module}: {len(found)} tried, {len(alive)} survived", flush=True)
    print(f"{counts['tried']} mutations tried, {counts['explained']} explained, {len(survivors)} survived unexplained.")
    for mutation in sorted(survivors):
        print(f"\n{mutation}")
    return 1 if survivors or not counts["tried"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
