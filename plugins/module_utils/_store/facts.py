# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How remembered facts lie in a flexible asset: a line of JSON under a checksum, for the collection alone.

The facts of one organization are one asset. They hold ids, times and digests, no names and no addresses. What does
not bear the checksum of the organization, because somebody has edited it, or copied it, is no fact: the asset is
taken for empty, and nothing of it is believed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .._engine.bms_recall import RECALLED
from .._engine.declared_options import FACTS
from .._engine.errors import SettingsError, SyncError
from .._engine.model import BmsId, Facts, InBms, ItGlueId
from .settings import SettingsStore, Stored

FORMAT = 1
_HEAD = "psa_sync facts"

Json = Any


def read_facts(stored: Stored) -> Facts:
    """The facts in an asset; none where there is no asset, or where it is not as the collection wrote it."""
    lines = (stored.settings or {}).get("facts")
    text = lines[0] if isinstance(lines, list) and len(lines) == 1 else ""
    return decoded(text, stored.organization_id)


def write_facts(store: SettingsStore, organization_id: int, facts: Facts) -> None:
    """Write the facts of an organization, to the asset that is there by now. Raises SyncError where IT Glue does not
    take them."""
    _save(store, _read(store, organization_id), facts)


def forget(store: SettingsStore, organization_id: ItGlueId, left: Callable[[Facts], Facts]) -> SyncError | None:
    """Leave of an organization's facts what `left` returns; why that was not possible, where it was not."""
    try:
        stored = _read(store, organization_id)
        known = read_facts(stored)
        facts = left(known)
        if facts != known:
            _save(store, stored, facts)
    except SyncError as error:
        return error
    return None


def _read(store: SettingsStore, organization_id: int) -> Stored:
    return store.read(organization_id, kinds=(FACTS,))[FACTS]


def _save(store: SettingsStore, stored: Stored, facts: Facts) -> None:
    if not store.has_own_type(FACTS):
        raise SettingsError("Another asset type has the name of the one for remembered facts.")
    store.save(stored, {"facts": [encoded(facts, stored.organization_id)]})


# ---------------------------------------------------------------------- writing


def encoded(facts: Facts, organization_id: int) -> str:
    """The text that an organization's facts are kept in: one line of plain characters, with nothing that an editor of
    rich text would break, escape or collapse."""
    body = json.dumps(list(_tables(facts)), separators=(",", ":"))
    for sign in "<>& ":
        body = body.replace(sign, f"\\u{ord(sign):04x}")
    return f"{_head(organization_id, body)} {body}"


def _head(organization_id: int, body: str) -> str:
    text = f"{FORMAT} {organization_id} {body}"
    return f"{_HEAD} {FORMAT} {hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _tables(facts: Facts) -> Iterator[Json]:
    by_look_up: dict[tuple[int, tuple[str, ...]], list[Json]] = {}
    for key, fact in sorted(facts.in_bms.items()):
        by_look_up.setdefault((fact.verified_at, fact.codes), []).append([key, fact.bms_contact_id])
    for (verified_at, codes), entries in sorted(by_look_up.items()):
        yield ["in_bms", verified_at, list(codes), entries]
    tables: tuple[tuple[str, list[Json]], ...] = (
        ("refused", [[*key, value] for key, value in sorted(facts.refused.items())]),
        ("offboarded", [[key, verified_at] for key, verified_at in sorted(facts.offboarded.items())]),
        ("former_contact_types", [[key, former] for key, former in sorted(facts.former_contact_types.items())]),
        ("kept_apart", sorted(facts.kept_apart)),
        ("made_anew", sorted(facts.made_anew)),
        ("apart_in_bms", sorted(facts.apart_in_bms)),
        ("by_name_in_bms", sorted(facts.by_name_in_bms)),
    )
    yield from ([name, rows] for name, rows in tables if rows)


# ---------------------------------------------------------------------- reading


def decoded(text: str, organization_id: int) -> Facts:
    """The facts in the text of an asset, none where it is not the text of this organization."""
    body = text.rpartition(" ")[2]
    if text != f"{_head(organization_id, body)} {body}":
        return Facts()
    found = _Decoded()
    try:
        for name, *values in json.loads(body):
            found.take(str(name), values)
    except (ValueError, TypeError, RecursionError):
        return Facts()
    return found.facts()


class _Decoded:
    """Collects facts of lines. Raises ValueError or TypeError for what is none."""

    def __init__(self) -> None:
        self.in_bms: dict[str, InBms] = {}
        self.refused: dict[tuple[ItGlueId, str], str] = {}
        self.offboarded: dict[str, int] = {}
        self.former: dict[ItGlueId, ItGlueId | None] = {}
        self.kept_apart: set[tuple[ItGlueId, str]] = set()
        self.by_name: set[tuple[BmsId, str]] = set()
        self.users: dict[str, set[str]] = {"made_anew": set(), "apart_in_bms": set()}

    def facts(self) -> Facts:
        return Facts(
            self.in_bms,
            self.refused,
            self.offboarded,
            self.former,
            frozenset(self.kept_apart),
            frozenset(self.users["made_anew"]),
            frozenset(self.users["apart_in_bms"]),
            frozenset(self.by_name),
        )

    def take(self, name: str, values: Sequence[Json]) -> None:
        if name == "in_bms":
            verified_at, codes, entries = values
            known = tuple(_one_of(RECALLED, code) for code in codes)
            for key, bms_id in entries:
                self.in_bms[_text(key)] = InBms(BmsId(_number(bms_id)), _number(verified_at), known)
            return
        (entries,) = values
        for entry in entries:
            self._take_entry(name, entry)

    def _take_entry(self, name: str, entry: Json) -> None:
        if name == "refused":
            contact_id, group, key = entry
            self.refused[ItGlueId(_number(contact_id)), _text(group)] = _text(key)
        elif name == "offboarded":
            key, verified_at = entry
            self.offboarded[_text(key)] = _number(verified_at)
        elif name == "former_contact_types":
            contact_id, former = entry
            type_id = None if former is None else ItGlueId(_number(former))
            self.former[ItGlueId(_number(contact_id))] = type_id
        elif name == "kept_apart":
            contact_id, user_id = entry
            self.kept_apart.add((ItGlueId(_number(contact_id)), _text(user_id)))
        elif name == "by_name_in_bms":
            bms_id, user_id = entry
            self.by_name.add((BmsId(_number(bms_id)), _text(user_id)))
        elif name in self.users:
            self.users[name].add(_text(entry))
        else:
            raise ValueError(f"No fact is named {name}.")


def _number(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("A fact has something else in the place of a number.")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError("A fact has something else in the place of a text.")
    return value


def _one_of(known: Iterable[str], value: Json) -> str:
    if value not in known:
        raise ValueError("A fact has an unknown reason.")
    return _text(value)
