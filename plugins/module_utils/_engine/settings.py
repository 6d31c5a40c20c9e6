# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sync settings of an organization as plain mappings, their defaults and their rules.

There are two kinds, `OFFICE365` and `BMS`, and the MSP's own `TENANTS`, which differ by data
alone: a table of options and a list of rules. A mapping has the names of the options as keys, `user_filter` and
`phone_labels` being mappings themselves.

Three things can be said of an option. Left out or None: not given, what is stored stays.
`''` or `[]`: cleared, the default applies again. Anything else: given.

A stored value that cannot be read, because somebody typed it, is carried as the text that it
is. `violations` names it, and a declaration of the same option replaces it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .declared_options import BMS, FACTS, OFFICE365, OPTIONS, TENANTS, Option, all_quoted
from .errors import SettingsError, quoted
from .model import BmsSettings, Office365Settings, PhoneLabels, UserFilter
from .values import guid, is_guid

TITLES = {
    OFFICE365: "Office 365 sync settings",
    BMS: "BMS sync settings",
    TENANTS: "ignored tenants",
    FACTS: "remembered facts",
}


def value_of(mapping: Mapping[str, Any] | None, option: Option) -> Any:
    """What `mapping` says of `option`; None when it says nothing."""
    holder: Any = mapping or {}
    if option.group:
        holder = holder.get(option.group)
        if not isinstance(holder, Mapping):
            return None
    return holder.get(option.key)


def put(mapping: dict[str, Any], option: Option, value: Any) -> None:
    holder = mapping.setdefault(option.group, {}) if option.group else mapping
    holder[option.key] = value


# -------------------------------------------------------------------------- merge


def merge(kind: str, stored: Mapping[str, Any] | None, declared: Mapping[str, Any] | None) -> dict[str, Any]:
    """All options of `kind`: what is `declared`, else what is `stored`, else the default.

    Keys that are no options of the kind are passed over, so that the parameters of a task
    can be given as they are. The order of a list means nothing: a declaration of the entries
    that are stored keeps their stored order.
    """
    merged: dict[str, Any] = {}
    for option in OPTIONS[kind]:
        put(merged, option, _merged_value(option, value_of(stored, option), value_of(declared, option)))
    _keep_unknown_lines(kind, merged, stored, declared)
    if kind == OFFICE365:
        merged["phone_type"] = _as_labelled(merged)
    return merged


def _merged_value(option: Option, stored: Any, declared: Any) -> Any:
    kept = None if stored is None else option.read(stored)
    if declared is None:
        value = kept
    else:
        value = option.read(declared)
        if option.is_list and value and kept and set(value) == set(kept):
            value = kept
    if value is None:
        value = option.default
    return list(value) if option.is_list else value


def _keep_unknown_lines(
    kind: str, merged: dict[str, Any], stored: Mapping[str, Any] | None, declared: Mapping[str, Any] | None
) -> None:
    """Carry over what a stored group holds beside its suboptions, so that `violations` names it,
    unless the declaration gives the group in full: then its text is written anew."""
    for group in dict.fromkeys(option.group for option in OPTIONS[kind] if option.group):
        members = [option for option in OPTIONS[kind] if option.group == group]
        if all(value_of(declared, option) is not None for option in members):
            continue
        present = (stored or {}).get(group)
        for key, value in present.items() if isinstance(present, Mapping) else ():
            merged[group].setdefault(key, value)


def _as_labelled(merged: Mapping[str, Any]) -> str | None:
    """`phone_type` in the spelling of the label that it names."""
    chosen: str | None = merged["phone_type"]
    for label in _labels(merged):
        if chosen and label.casefold() == chosen.casefold():
            return label
    return chosen


def _labels(merged: Mapping[str, Any]) -> tuple[str, str]:
    return merged["phone_labels"]["office"], merged["phone_labels"]["mobile"]


# -------------------------------------------------------------------------- rules


def violations(kind: str, mapping: Mapping[str, Any]) -> list[str]:
    """The rules that a merged `mapping` breaks: sentences, each beginning with its option."""
    found = []
    for option in OPTIONS[kind]:
        if fault := option.fault(value_of(mapping, option)):
            found.append(f"{option.name}: {fault}")
    return found + list(_RULES[kind](mapping))


def _office365_rules(mapping: Mapping[str, Any]) -> Iterator[str]:
    labels = mapping["phone_labels"]
    for line in labels:
        if line not in ("office", "mobile"):
            yield f"phone_labels: the line {quoted(line)} names neither office nor mobile; give both."
    office, mobile = _labels(mapping)
    if office.casefold() == mobile.casefold():
        yield f"phone_labels: office and mobile are both {quoted(office)}; give them different labels."
    chosen = mapping["phone_type"]
    if chosen and chosen not in (office, mobile):
        yield (
            f"phone_type: {quoted(chosen)} is none of the phone labels {all_quoted((office, mobile))}; "
            f"give one of them, or give phone_labels too."
        )
    for switch in ("set_phone_numbers_primary", "replace_blank_phone_numbers"):
        if mapping[switch] is True and not chosen:
            yield f"phone_type: {switch} needs one; give {quoted(office)} or {quoted(mobile)}."


def _bms_rules(mapping: Mapping[str, Any]) -> Iterator[str]:
    if mapping["auto_push_office365_contacts"] is not True:
        return
    for switch in ("contact_sync", "two_way_sync"):
        if mapping[switch] is False:
            yield f"auto_push_office365_contacts: needs {switch}; switch that on, or the automatic push off."
    for name, what in (("email_type", "an e-mail type"), ("phone_type", "a phone type")):
        if not mapping[name]:
            yield (
                f"{name}: auto_push_office365_contacts needs {what}; give the name or the id of one of BMS, "
                f"or switch the automatic push off."
            )


def ignored_tenant(line: str) -> str:
    """The tenant id of a line of the list; whatever follows it is for people to read."""
    return guid(line.partition(" ")[0])


def _tenant_rules(mapping: Mapping[str, Any]) -> Iterator[str]:
    for line in mapping["ignored"]:
        if not is_guid(ignored_tenant(line)):
            yield f"ignored: {quoted(line)} does not begin with a tenant id, a GUID."


_RULES: dict[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    OFFICE365: _office365_rules,
    BMS: _bms_rules,
    TENANTS: _tenant_rules,
    FACTS: lambda mapping: iter(()),
}


def check(kind: str, mapping: Mapping[str, Any], *, organization: str = "", address: str | None = None) -> None:
    """Refuse a merged `mapping` that breaks a rule.

    `organization` is named in the message, `address` is that of the asset that holds the
    stored part. Raises SettingsError with all that is wrong.
    """
    if broken := violations(kind, mapping):
        whose = f" of {organization}" if organization else ""
        where = f" (stored in {address})" if address else ""
        way_out = (
            "Declare the options named, or correct them in that asset." if address else "Correct the options named."
        )
        raise SettingsError(f"The {TITLES[kind]}{whose}{where} break a rule. {' '.join(broken)}", hint=way_out)


# ---------------------------------------------------------------- dataclasses


def office365(merged: Mapping[str, Any]) -> Office365Settings:
    """What a merged mapping says that breaks no rule."""
    rows = merged["user_filter"].items()
    filters: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in rows}
    parts = {"phone_labels": PhoneLabels(**merged["phone_labels"]), "user_filter": UserFilter(**filters)}
    return Office365Settings(**{**merged, **parts})


def bms(merged: Mapping[str, Any]) -> BmsSettings:
    """What a merged mapping says that breaks no rule."""
    return BmsSettings(**merged)
