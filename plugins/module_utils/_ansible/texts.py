# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuses a mapping or a list where an option takes a text.

`svc-*:` in YAML is a mapping, and Ansible makes the text `{'svc-*': None}` of it without a word.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from .._engine.errors import InputError, quoted


def require_texts(options: Mapping[str, Mapping[str, Any]], params: Mapping[str, Any]) -> None:
    """Raise InputError, naming the option, where Ansible has made a text of a mapping or of a list."""
    for name, value in _texts(options, params):
        if _was_container(value):
            raise InputError(
                f"The option {name} takes a text, not {quoted(value)}.",
                hint="In YAML, a line that ends with a colon is a mapping: remove the colon, or use quotes.",
            )


def _texts(options: Mapping[str, Mapping[str, Any]], params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts among the values that are no secrets, each with the name of its option."""
    for name, option in options.items():
        value = params.get(name)
        rows = value if isinstance(value, list) else [value]
        if option.get("no_log"):
            continue
        for row in rows:
            if isinstance(row, Mapping):
                yield from ((f"{name}.{below}", text) for below, text in _texts(option.get("options") or {}, row))
            elif isinstance(row, str) and "str" in (option.get("type", "str"), option.get("elements")):
                yield name, row


def _was_container(text: str) -> bool:
    """Whether a text is how Python writes a mapping or a list."""
    if not text.startswith(("{", "[")):
        return False
    try:
        return isinstance(ast.literal_eval(text), (dict, list))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
