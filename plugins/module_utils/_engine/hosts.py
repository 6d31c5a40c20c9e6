# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host names of organizations in an inventory.

A host name is what `--limit`, `host_vars` and schedules hold on to. So it must not change
because another organization appears: it depends on the organization itself and on older ones
alone. Ids of IT Glue are taken to grow with time, as all that have been seen do.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from .model import Organization
from .output import one_line

SLUG, ID, NAME = "slug", "id", "name"
HOST_NAMES = (SLUG, ID, NAME)

RESERVED = ("all", "localhost", "ungrouped")
"""Names that mean something else to Ansible."""

_FIRST_MARK, _LAST_MARK = "\u0300", "\u036f"


def words(value: str) -> list[str]:
    """The words of a name: letters and digits, case-folded, Latin ones without their accents."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", value).casefold())
    plain = unicodedata.normalize("NFC", "".join(each for each in parts if not _FIRST_MARK <= each <= _LAST_MARK))
    return "".join(
        each if each.isalnum() or unicodedata.category(each) in ("Mn", "Mc") else " " for each in plain
    ).split()


def slug(value: str) -> str:
    """The words of a name, joined by underscores: nothing that a host pattern or a shell reads otherwise."""
    return "_".join(words(value))


def host_names(organizations: Iterable[Organization], kind: str = SLUG) -> dict[int, str]:
    """Organization id to host name.

    Where several organizations have one name, the lowest id has it bare and each other one with
    its own id behind it. Give all organizations of IT Glue, so that a name does not depend on
    which of them carry settings.
    """
    found: dict[int, str] = {}
    taken = set(RESERVED)
    for organization in sorted(organizations, key=lambda each: each.id):
        chosen = _wanted(organization, kind)
        while chosen.casefold() in taken:
            chosen = f"{chosen}_{organization.id}"
        taken.add(chosen.casefold())
        found[organization.id] = chosen
    return found


def _wanted(organization: Organization, kind: str) -> str:
    if kind == ID:
        return str(organization.id)
    wanted = one_line(organization.name) if kind == NAME else slug(organization.name)
    return wanted or f"organization_{organization.id}"
