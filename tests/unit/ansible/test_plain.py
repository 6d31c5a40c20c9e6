# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tagged and otherwise odd values become plain ones at the border."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from enum import Enum
from pathlib import Path

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.plain import plain, plain_dict


class Text(str):
    pass


class Number(int):
    pass


class Label(str, Enum):  # noqa: UP042 - what a careless result may hold
    WORK = "Work"


def types(value: object) -> set[type]:
    """The types in a value, all the way down."""
    match value:
        case dict():
            return {type(value)}.union(*(types(item) for pair in value.items() for item in pair))
        case list():
            return {type(value)}.union(*map(types, value))
        case _:
            return {type(value)}


def test_subclasses_become_what_they_are_made_of():
    given = {Text("a"): [Text("b"), (Number(1), True, None, 1.5)], "e": Label.WORK, "b": b"x", "s": {3, 1}}

    made = plain(given)

    assert made == {"a": ["b", [1, True, None, 1.5]], "e": "Work", "b": "x", "s": [1, 3]}
    assert types(made) == {dict, list, str, int, bool, type(None), float}
    assert json.loads(json.dumps(made)) == made


def test_dates_are_written_out():
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)

    assert plain([date(2026, 1, 2), moment]) == ["2026-01-02", "2026-01-02T03:04:00+00:00"]


def test_what_ansible_reads_from_yaml_is_made_plain(tmp_path):
    from ansible.parsing.dataloader import DataLoader

    source = tmp_path / "vars.yml"
    source.write_text("a: text\nb: [1, {c: 2026-01-02}]\n")
    read = DataLoader().load_from_file(str(source))

    made = plain_dict(read)

    assert made == {"a": "text", "b": [1, {"c": "2026-01-02"}]}
    assert types(made) == {dict, list, str, int}


class EncryptedString:
    """Vault text as ansible-core 2.19 and newer have it: by this name, decrypted by `str`."""

    def __str__(self):
        return "in clear"


class OldVaultText(Sequence):
    """Vault text as ansible-core 2.18 has it: a sequence of characters, told by this attribute."""

    __ENCRYPTED__ = True

    def __getitem__(self, index):
        return "in clear"[index]

    def __len__(self):
        return len("in clear")

    def __str__(self):
        return "in clear"


@pytest.mark.parametrize("vaulted", [EncryptedString(), OldVaultText()])
def test_vault_values_are_decrypted(vaulted):
    made = plain_dict({"a": [vaulted]})

    assert made == {"a": ["in clear"]}
    assert types(made) == {dict, list, str}


@dataclass
class Thing:
    name: str


@pytest.mark.parametrize("odd", [object(), Path("x"), Thing("x"), {Thing: 1}, {("a", "b"): 1}, (n for n in "ab")])
def test_anything_else_is_refused(odd):
    with pytest.raises(TypeError, match="not plain data"):
        plain({"deep": [odd]})
