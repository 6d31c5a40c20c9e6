# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The memory of a process and of all that it has started, as Linux counts it in `/proc`.

Ansible's workers are forked and share most of what they hold with their parent. So each page counts
in proportion ("Pss" of proc(5)): what ten processes share, counts once in the sum.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from types import TracebackType

PAUSE = 0.5
"""Seconds between two looks: a look costs milliseconds for each process."""

_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)


def family(root: int, proc: Path = Path("/proc")) -> set[int]:
    """The ids of a process and of all below it."""
    children: dict[int, list[int]] = {}
    for path in proc.glob("[0-9]*/stat"):
        try:
            # The name stands in brackets and may hold anything; the state and the parent follow.
            parent = int(path.read_text(errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found, waiting = {root}, [root]
    while waiting:
        new = set(children.get(waiting.pop(), ())) - found
        found |= new
        waiting.extend(new)
    return found


def memory(root: int, proc: Path = Path("/proc")) -> float:
    """Megabytes of a process and of all below it."""
    total = 0
    for ident in family(root, proc):
        try:
            found = _PSS.search((proc / str(ident) / "smaps_rollup").read_text())
        except OSError:
            continue  # it has ended meanwhile
        total += int(found[1]) if found else 0
    return total / 1024


class Peak:
    """Looks at the memory of a process while the block runs; `megabytes` is the most that it saw."""

    def __init__(self, root: int) -> None:
        self.megabytes = 0.0
        self._root = root
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(PAUSE):
            self.megabytes = max(self.megabytes, memory(self._root))
