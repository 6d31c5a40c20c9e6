# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add up what the test runs reported, and close with one line: `N passed, N failed`.

`python -m tests.tools.summary REPORT.xml ...`; the reports are those of `pytest --junit-xml`.
"""

from __future__ import annotations

import sys
from xml.etree import ElementTree


def main(reports: list[str]) -> int:
    """Print the closing line; fail when a test failed, and when none ran."""
    total = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for report in reports:
        for suite in ElementTree.parse(report).iter("testsuite"):
            for key in total:
                total[key] += int(suite.get(key, "0"))
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{passed} passed, {failed} failed{skipped}")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
