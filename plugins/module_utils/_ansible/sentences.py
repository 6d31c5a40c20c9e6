# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reasons as sentences: how the sentences of `messages` are filled with the values of a reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from string import Formatter
from typing import Any

from .._clients.decoding import TITLES
from .._engine.conflicts import Rule
from .._engine.errors import Failure
from .._engine.output import one_line
from .._engine.reasons import NEEDS_A_LOOK, Reason, ReasonCode
from .messages import MESSAGES

_LONGEST_VALUE, _LONGEST_MESSAGE = 300, 1500
OPTIONAL = re.compile(r"\[([^\[\]]*)\]")

_NOTES = frozenset(
    {
        ReasonCode.ALIAS_HELD,
        ReasonCode.PHONE_FIRST_OF_SEVERAL,
        ReasonCode.PHONE_NOT_SURE,
        ReasonCode.IN_BMS_BY_ADDRESS,
        ReasonCode.IN_BMS_BY_NAME,
        ReasonCode.IN_BMS_BY_OVERRIDE,
        ReasonCode.LEFT_OUT_OF_BMS,
        ReasonCode.ITGLUE_PUSHES,
        ReasonCode.PUSHED_BY_ITGLUE,
        ReasonCode.SAVED_AGAIN,
        ReasonCode.EXTENSIONS_DROPPED,
    }
)
"""The codes that are for information alone."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Reasons as sentences: `code` is the gravest one, `sentence` and `hint` are None where there is nothing to say."""

    code: str | None
    codes: tuple[str, ...]
    sentence: str | None
    hint: str | None


def explained(reasons: Sequence[Reason]) -> Explained:
    """What the reasons of an operation say, in the order in which they were given.

    What to do is said of the gravest ones: what is for information alone needs nothing beside them.
    """
    codes = [reason.code for reason in reasons]
    gravest = min(codes, key=_rank, default=None)
    grave = [reason for reason in reasons if gravest and _rank(reason.code) == _rank(gravest)]
    return Explained(
        code=None if gravest is None else str(gravest),
        codes=tuple(dict.fromkeys(map(str, codes))),
        sentence=_joined(map(sentence, reasons)),
        hint=_joined(map(hint, grave)),
    )


def _rank(code: ReasonCode) -> int:
    """What decides comes before what somebody should look at, and that before what is for information."""
    return 2 if code in _NOTES else 1 if code in NEEDS_A_LOOK else 0


def sentence(reason: Reason) -> str:
    """The sentence of a reason, in one line, without characters that steer a terminal."""
    return _filled(MESSAGES[reason.code].sentence, reason.values)


def hint(reason: Reason) -> str:
    """What to do about a reason; blank where nothing is to be done."""
    return _filled(MESSAGES[reason.code].hint, reason.values)


def warning(reason: Reason) -> str:
    """A reason as a warning: the sentence, and what to do."""
    return " ".join(filter(None, (sentence(reason), hint(reason))))


def failure_dict(failure: Failure) -> dict[str, Any]:
    """A failure as results show it (`failure`), the service's own words in one line."""
    return {**asdict(failure), "said": _value("said", failure.said)}


def _joined(texts: Iterable[str]) -> str | None:
    return " ".join(dict.fromkeys(filter(None, texts))) or None


def _filled(text: str, values: Mapping[str, Any]) -> str:
    """A text with its values put in."""
    names = {name for dummy, name, dummy2, dummy3 in Formatter().parse(text) if name}
    shown = {name: _value(name, values.get(_SOURCES.get(name, name))) for name in names}

    def optional(found: re.Match[str]) -> str:
        return found[1] if all(shown[name] for name in names if f"{{{name}}}" in found[1]) else ""

    return one_line(OPTIONAL.sub(optional, text).format_map(shown))


def _value(name: str, value: Any) -> str:
    """A value as a sentence shows it: words for codes, lists with commas."""
    if value is None:
        return ""
    if name in _SOURCES:
        listed = list(value)
        return f"{_NOUNS[name]}{'s' if len(listed) > 1 else ''} {_value('', listed)}" if listed else ""
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(name, each) for each in value)
    text = one_line(str(value))
    shown = _VALUE_LABELS.get(name, {}).get(text, text)
    longest = _LONGEST_MESSAGE if name == "said" else _LONGEST_VALUE
    return shown if len(shown) <= longest else f"{shown[:longest]}…"


_SOURCES = {"contacts": "contact_ids", "bms_contacts": "bms_contact_ids"}
_NOUNS = {"contacts": "contact", "bms_contacts": "BMS contact"}
"""Values that are ids with their noun: where they come from, and the noun."""

_VALUE_LABELS: Mapping[str, Mapping[str, str]] = {
    "rule": {
        Rule.ALIAS: "an e-mail address",
        Rule.USERNAME: "the username",
        Rule.NAME: "first and last name",
        Rule.OVERRIDE: "match_overrides",
        Rule.PRIMARY_EMAIL: "the primary e-mail address",
        Rule.BMS_EMAIL: "an e-mail address in BMS",
        Rule.BMS_NAME: "first and last name in BMS",
    },
    "service": TITLES,
    "same_names": {"True": "Where they are one person, merge them in BMS.", "False": ""},
}
"""What values that are codes are called within a sentence, by the name of the parameter."""
