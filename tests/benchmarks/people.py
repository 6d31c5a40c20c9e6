# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names as people have them: how long it takes to compare names depends on their letters."""

from __future__ import annotations

FIRST = "Ann Bob Zoë Dörte Émile Fred Gül Hugo Iñaki Jürgen Kim Łukasz Mia Nils Oskar Paula".split()
LAST = "Lee Müller Nowak Ångström Smith Yılmaz Brown Garcia Rossi Dubois Jones Weiß".split()


def given_name(number: int) -> str:
    return FIRST[number % len(FIRST)]


def surname(number: int) -> str:
    """A surname that nobody else has: letters, and for one in ten a hyphen."""
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
    return f"{LAST[number % len(LAST)]}{'-' if number % 10 == 7 else ''}{letters}"
