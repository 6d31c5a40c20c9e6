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
from collections.abc import Callable, Iterator
from typing import Any

from .._engine.bms_recall import RECALLED
from .._engine.declared_options import FACTS
from .._engine.errors import SettingsError
from .._engine.model import BmsId, Facts, InBms
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


def forget(store: SettingsStore, organization_id: int, left: Callable[[Facts], Facts]) -> None:
    """Leave of an organization's facts what `left` returns. Raises SyncError as `write_facts` does."""
    stored = _read(store, organization_id)
    known = read_facts(stored)
    facts = left(known)
    if facts != known:
        _save(store, stored, facts)


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
    in_bms: dict[str, InBms] = {}
    tables: dict[str, list[Any]] = {name: [] for name in _ROWS}
    try:
        for name, *values in json.loads(body):
            if name == "in_bms":
                in_bms |= _people_in_bms(*values)
            else:
                (rows,) = values
                tables[name] += map(_ROWS[name], rows)
    except (KeyError, ValueError, TypeError, RecursionError):
        return Facts()
    return Facts(
        in_bms,
        {(contact_id, group): key for contact_id, group, key in tables["refused"]},
        dict(tables["offboarded"]),
        dict(tables["former_contact_types"]),
        frozenset(tables["kept_apart"]),
        frozenset(tables["made_anew"]),
        frozenset(tables["apart_in_bms"]),
        frozenset(tables["by_name_in_bms"]),
    )


def _people_in_bms(verified_at: Json, codes: Json, people: Json) -> dict[str, InBms]:
    if not RECALLED.issuperset(codes):
        raise ValueError("A fact has an unknown reason.")
    return {_text(key): InBms(BmsId(_number(bms_id)), _number(verified_at), tuple(codes)) for key, bms_id in people}


def _number(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("A fact has something else in the place of a number.")
    return value


def _number_or_none(value: Json) -> int | None:
    return None if value is None else _number(value)


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError("A fact has something else in the place of a text.")
    return value


def _row(*columns: Callable[[Json], Any]) -> Callable[[Json], tuple[Any, ...]]:
    return lambda row: tuple(read(value) for read, value in zip(columns, row, strict=True))


_ROWS: dict[str, Callable[[Json], Any]] = {
    "refused": _row(_number, _text, _text),
    "offboarded": _row(_text, _number),
    "former_contact_types": _row(_number, _number_or_none),
    "kept_apart": _row(_number, _text),
    "made_anew": _text,
    "apart_in_bms": _text,
    "by_name_in_bms": _row(_number, _text),
}
"""What reads a row of each table."""
