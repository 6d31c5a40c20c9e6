# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m tests.benchmarks [NAME ...] [--scale FRACTION] [--clients N] [--forks N]`: measure, print a table,
keep it in `.build/bench.json`.

Each benchmark compares with its limit in the same run: on another day, or another machine, only the
ratios mean the same. A benchmark that is run alone leaves the others in the file as they were.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.tools.files import development_tree

sys.path.insert(0, str(development_tree()))

from tests.benchmarks import core, first_run, flaws, fleet, memory, report, requests_sent, states


def page(scale: float) -> list[report.Row]:
    from tests.benchmarks import report_page  # it takes a browser, which the others do without

    return report_page.measure(scale)


BENCHMARKS = {
    "core": core.measure,
    "flaws": flaws.measure,
    "requests": requests_sent.measure,
    "states": states.measure,
    "fleet": fleet.measure,
    "first_run": first_run.measure,
    "memory": memory.measure,
    "page": page,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure the collection")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all unless told")
    parser.add_argument("--scale", type=float, default=1.0, help="a fraction of the full sizes, to try something out")
    parser.add_argument("--clients", type=int, help=f"how many clients the fleet has; {fleet.CLIENTS} unless told")
    parser.add_argument("--forks", type=int, default=fleet.FORKS, help="Ansible's forks for the fleet")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    made_on = report.machine()
    print(f"{made_on['cores']} cores, Python {made_on['python']}, ansible-core {made_on['ansible_core']}", flush=True)
    names = options.names or list(BENCHMARKS)
    began = time.monotonic()
    for name in names:
        start = time.monotonic()
        scale, own = options.scale, {}
        if name == "fleet":
            scale, own = (options.clients or fleet.CLIENTS * scale) / fleet.CLIENTS, {"forks": options.forks}
        rows = BENCHMARKS[name](scale, **own)
        report.keep(name, rows, {"scale": scale, **own})
        taken, load = time.monotonic() - start, os.getloadavg()[0]
        print(f"\n{name}: measured in {taken:.0f} s; load average of the machine {load:.1f}", flush=True)
        print(report.table(rows), flush=True)
    print(f"\nMeasured in {time.monotonic() - began:.0f} s, kept in {report.FILE}.")


if __name__ == "__main__":
    main()
