# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts on a command line that people copy, whatever the hosts are called."""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

# What Ansible takes for more than a sign of a name: at the beginning, and anywhere.
_SPECIAL = re.compile(r"^[!&~@]|[,\[\]]")


def limit(hosts: Iterable[str], *, all_but: bool = False) -> str:
    """The value of `--limit` for hosts, or for all but them, as a shell takes it.

    Ansible splits a pattern without a comma at blanks and colons.
    """
    patterns = [_SPECIAL.sub("?", host) for host in hosts]
    text = ",".join(["all", *(f"!{each}" for each in patterns)] if all_but else patterns)
    return shlex.quote(f"{text}," if "," not in text and re.search(r"[\s:]", text) else text)
