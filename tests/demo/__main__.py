# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python -m tests.demo [--contracts DIR] [--world FILE]

Shows the main job on a sandbox that plays Microsoft 365, IT Glue and Kaseya BMS: with the
shipped playbooks, the example inventory, and the world in world.json. Needs the installed
artifact, which `make demo` sees to. Exit code 1 when anything is not as it must be.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import textwrap
from collections.abc import Iterable
from pathlib import Path

from tests.sandbox.launch import Failed, Running, running

from . import checks, summary
from .steps import EXAMPLES, INVENTORY, REPORTS, ROOT, WIDTH, Ran, Step, heading, run

WORLD = Path(__file__).with_name("world.json")
ALL_USERS = ("-e", "sync_report=all")

INTRODUCTION = f"""\
An MSP has three clients. Their people are in Microsoft 365; some of them are in IT Glue, and some of those in Kaseya
BMS. The clients are declared in {INVENTORY}, and the playbooks are the ones that the collection ships. A sandbox
plays the three services over HTTPS, so that nothing outside this machine is touched. Its world is in
{WORLD.relative_to(ROOT)}; the settings of Ansible are in {EXAMPLES / "ansible.cfg"}."""

DECLARE = Step(
    "1. Declare the sync settings",
    "The settings of each client are stored in IT Glue, as two flexible assets that technicians can read and edit.",
    ["enforce_settings"],
    ["--diff"],
)
PREVIEW = Step(
    "2. See what a sync would do",
    "Check mode reads everything and writes nothing. Each contact that would change has its diff: '-' is what is "
    "there, '+' what would be; 'bms: created' is a person who would be pushed to BMS.",
    ["sync_contacts"],
    ["--check", "--diff"],
    ALL_USERS,
    report="preview",
)
SYNC = Step(
    "3. Sync",
    "The same for real. It must do what the preview has said, no more and no less.",
    ["sync_contacts"],
    [],
    ALL_USERS,
    report="sync",
)
AGAIN = Step(
    "4. Everything once more",
    "Nothing is left to do, so nothing must change. What only a person can settle is still listed.",
    ["enforce_settings", "sync_contacts"],
    [],
    ALL_USERS,
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description="Show the main job on a sandbox.")
    parser.add_argument("--contracts", type=Path, help="check the requests against the vendors' OpenAPI descriptions")
    parser.add_argument("--world", type=Path, default=WORLD, help="another world, to see the demo fail")
    options = parser.parse_args()
    # So that the sandbox is stopped then, too.
    signal.signal(signal.SIGTERM, lambda *dummy: sys.exit(1))
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
    world = json.loads(options.world.read_text(encoding="utf-8"))
    try:
        with running(world, contracts=options.contracts) as sandbox, tempfile.TemporaryDirectory() as folder:
            return show(sandbox, Path(folder, "results.jsonl"))
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped, and the sandbox with it.", file=sys.stderr)
        return 130


def show(sandbox: Running, record: Path) -> int:
    """Run the steps; stop at the first that does not hold, because the later ones build on it."""
    print(textwrap.fill(INTRODUCTION, WIDTH))
    declared = run(DECLARE, sandbox, record)
    if failed(declared, checks.settings_stored(declared)):
        return 1
    preview = run(PREVIEW, sandbox, record)
    if failed(preview, checks.previewed(preview)):
        return 1
    real = run(SYNC, sandbox, record)
    if failed(real, checks.synced(real, preview)):
        return 1
    again = run(AGAIN, sandbox, record)
    if failed(again, checks.resolved(again)):
        return 1
    print(heading("What has happened"))
    print("\n".join(summary.people(real)))
    print()
    print("\n".join(summary.requests((declared, preview, real, again))))
    return contract_kept(sandbox)


def failed(ran: Ran, complaints: Iterable[str]) -> bool:
    """Say how a step went. Whether it went wrong."""
    wrong = list(complaints)
    if wrong:
        print(f"\nTHE DEMO HAS FAILED in step {ran.step.title}:", *wrong, sep="\n  - ")
        return True
    writes = len(ran.writes) or "no"
    print(f"As it must be: {ran.changed} tasks report a change, {writes} writing requests, {ran.seconds:.1f} s.")
    return False


def contract_kept(sandbox: Running) -> int:
    report = sandbox.contract()
    for each in report["mismatches"]:
        print(f"Not as the vendor's contract says: {each}")
    if report["checked"]:
        print(f"\n{report['checked']} requests were held against the vendors' contracts.")
    if report["mismatches"]:
        return 1
    print("\nThe demo succeeded: the preview wrote nothing, the sync did what the preview had shown and created nobody")
    print("again, and the second sync changed nothing. The same playbooks do this for your clients: see README.md.")
    print(f"The report of the preview, to open in a browser: {REPORTS / f'{PREVIEW.report}.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
