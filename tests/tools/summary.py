# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add up what the test runs reported, name the slowest tests, and close with one line: `N passed, N failed`.

`python -m tests.tools.summary REPORT.xml ...`; the reports are those of `pytest --junit-xml`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree


def added_up(reports: Iterable[str | Path]) -> tuple[str, bool]:
    """Return the closing line, and whether all is well: some test passed, and none failed."""
    total = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for report in reports:
        for suite in ElementTree.parse(report).iter("testsuite"):
            for key in total:
                total[key] += int(suite.get(key, "0"))
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    return f"{passed} passed, {failed} failed{skipped}", passed > 0 and not failed


def slowest(reports: Iterable[str | Path], count: int = 20) -> list[str]:
    """Return a line for each of the slowest tests of all reports: its seconds, its file and its name."""
    cases = [case for report in reports for case in ElementTree.parse(report).iter("testcase")]
    timed = sorted(((float(case.get("time", "0")), case) for case in cases), key=lambda each: -each[0])
    return [f"{seconds:8.1f} s  {case.get('classname')}::{case.get('name')}" for seconds, case in timed[:count]]


def main(reports: list[str]) -> int:
    """Print the slowest tests and the closing line; fail when a test failed, and when none ran."""
    line, well = added_up(reports)
    if lines := slowest(reports):
        print("The slowest tests:", *lines, sep="\n")
    print(line)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
