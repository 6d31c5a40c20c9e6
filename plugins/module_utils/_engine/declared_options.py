# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options, declared once: the settings of an organization, and what else `contact_sync` takes.

From here come the argument specs, the fields of the flexible asset types, and what a plan records. The
documentation, the records of the model and the schema of plans are compared with these tables by a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import quoted
from .values import domain, entries, flag, guid, is_domain, is_guid, pattern_fault, text

OFFICE365 = "office365"
BMS = "bms"
KINDS = (OFFICE365, BMS)

TENANTS = "tenants"
"""A list that the MSP's own organization carries, stored in the same way: the tenants that are ignored."""

FACTS = "facts"
"""What earlier runs have found out about an organization, stored in the same way. No settings: nobody declares them."""


# -------------------------------------------------------------------- settings


@dataclass(frozen=True, slots=True)
class Option:
    """One setting. `name` is dotted where it is a suboption, `kind` says how a value is read: flag, choice, text,
    guid, texts, guids, domains or patterns.

    `field` and `hint` are what a technician sees in IT Glue; options with the same field share it, one `key: value` a
    line. `listed` fields are columns of the list of assets.
    """

    name: str
    kind: str
    default: Any = None
    choices: tuple[str, ...] = ()
    field: str = ""
    hint: str = ""
    listed: bool = False

    @property
    def group(self) -> str | None:
        """The option that this is a suboption of."""
        return self.name.partition(".")[0] if "." in self.name else None

    @property
    def key(self) -> str:
        """The name within the group."""
        return self.name.rpartition(".")[2]

    @property
    def is_list(self) -> bool:
        """Whether a value is a list of texts."""
        return self.kind in _LISTS

    def read(self, value: Any) -> Any:
        """`value` in its one form, None when it is blank."""
        if self.is_list:
            return entries(value, _LISTS[self.kind]) or None
        if isinstance(value, str) and not text(value):
            return None
        if self.kind == "flag":
            return flag(value)
        if self.kind == "choice":
            word = text(value)
            return word.casefold() if word.casefold() in self.choices else word
        return guid(value) if self.kind == "guid" else text(value)

    def fault(self, value: Any) -> str | None:
        """The fault of a read `value` taken by itself, and the way out."""
        if self.kind == "flag" and not isinstance(value, bool):
            return f"{quoted(value)} is neither yes nor no."
        if self.kind == "choice" and value not in self.choices:
            return f"{quoted(value)} is not one of {' and '.join(self.choices)}."
        if self.kind == "guid" and value is not None and not is_guid(value):
            return f"{quoted(value)} is no GUID; the Entra admin center shows the tenant id on its overview."
        if self.kind == "guids" and (odd := [entry for entry in value if not is_guid(entry)]):
            return f"{all_quoted(odd)}: no GUID; give the skuId of a licence, not its name."
        if self.kind == "domains" and (odd := [entry for entry in value if not is_domain(entry)]):
            return f"{all_quoted(odd)}: no domain; give the part of an address that follows the @."
        if self.kind == "patterns" and (faults := pattern_faults(value)):
            return f"{faults}."
        return None


def pattern_faults(patterns: Iterable[str]) -> str | None:
    """The faults of patterns of addresses and usernames, each with its line."""
    return "; ".join(f"{quoted(each)}: {fault}" for each in patterns if (fault := pattern_fault(each))) or None


_LISTS: dict[str, Callable[[object], str]] = {"texts": text, "guids": guid, "domains": domain, "patterns": text}


def all_quoted(values: Any) -> str:
    """Values that other people wrote, for a message."""
    return ", ".join(map(quoted, values))


_LABELS, _LABELS_HINT = "Phone labels", "Two lines, office: LABEL and mobile: LABEL. Office and Mobile when empty."

OPTIONS: dict[str, tuple[Option, ...]] = {
    OFFICE365: (
        Option(
            "tenant_id",
            "guid",
            field="Tenant ID",
            hint="The Microsoft tenant of this organization, a GUID.",
            listed=True,
        ),
        Option(
            "set_phone_numbers_primary",
            "flag",
            False,
            field="Set phone numbers primary",
            hint="Whether a phone number is made primary. No when empty.",
            listed=True,
        ),
        Option(
            "phone_type",
            "text",
            field="Phone type",
            hint="The label of the phone that is made primary: one of the phone labels.",
        ),
        Option("phone_labels.office", "text", "Office", field=_LABELS, hint=_LABELS_HINT),
        Option("phone_labels.mobile", "text", "Mobile", field=_LABELS, hint=_LABELS_HINT),
        Option(
            "email_label",
            "text",
            "Work",
            field="Email label",
            hint="The label of e-mail addresses that are added. Work when empty.",
        ),
        Option(
            "replace_blank_phone_numbers",
            "flag",
            False,
            field="Replace blank phone numbers",
            hint="Whether 000-000-0000 stands for a missing number. No when empty.",
        ),
        Option(
            "primary_email",
            "choice",
            "mail",
            ("mail", "username"),
            field="Primary email",
            hint="Which address is the primary one. mail when empty.",
        ),
        Option(
            "different_names",
            "choice",
            "conflict",
            ("conflict", "match"),
            field="Different names",
            hint="Whether a user and a contact with the same address and different names are a conflict or a match. "
            "conflict when empty.",
        ),
        Option(
            "sync_aliases",
            "flag",
            True,
            field="Sync aliases",
            hint="Whether the other addresses are written too. Yes when empty.",
        ),
        Option("contact_type", "text", field="Contact type", hint="The contact type of new contacts."),
        Option(
            "user_filter.licensed_only",
            "flag",
            True,
            field="Licensed only",
            hint="Whether users without a licence are excluded. Yes when empty.",
        ),
        Option(
            "user_filter.license_skus",
            "guids",
            (),
            field="License SKUs",
            hint="Only users with one of these licences: SKU ids (GUIDs), one a line.",
        ),
        Option(
            "user_filter.include_disabled",
            "flag",
            False,
            field="Include disabled",
            hint="Whether disabled users are synced. No when empty.",
        ),
        Option(
            "user_filter.include_guests",
            "flag",
            False,
            field="Include guests",
            hint="Whether guests are synced. No when empty.",
        ),
        Option(
            "user_filter.groups",
            "texts",
            (),
            field="Groups",
            hint="Only members of these groups: names or ids, one a line.",
        ),
        Option(
            "user_filter.domains",
            "domains",
            (),
            field="Domains",
            hint="Only users with a primary address in these domains, one a line.",
        ),
        Option(
            "user_filter.exclude",
            "patterns",
            (),
            field="Exclude",
            hint="Users to exclude: addresses or usernames, * for any characters, one a line.",
        ),
        Option(
            "user_filter.require_name",
            "flag",
            True,
            field="Require name",
            hint="Whether users with neither first nor last name are excluded. Yes when empty.",
        ),
    ),
    BMS: (
        Option(
            "contact_sync",
            "flag",
            False,
            field="Contact sync",
            hint="Whether contacts are synced with BMS. No when empty.",
            listed=True,
        ),
        Option(
            "two_way_sync",
            "flag",
            False,
            field="Two way sync",
            hint="Of msp.psa_sync, not IT Glue's own two-way sync, which stays off. No when empty.",
            listed=True,
        ),
        Option(
            "auto_push_office365_contacts",
            "flag",
            False,
            field="Auto push Office365 contacts",
            hint="Whether Microsoft 365 contacts are pushed to BMS. No when empty.",
            listed=True,
        ),
        Option("email_type", "text", field="Email type", hint="The BMS e-mail type of pushed contacts, name or id."),
        Option("phone_type", "text", field="Phone type", hint="The BMS phone type of pushed contacts, name or id."),
        Option(
            "push_method",
            "choice",
            "direct",
            ("direct", "native"),
            field="Push method",
            hint="direct: msp.psa_sync creates the BMS contact. native: IT Glue does. direct when empty.",
        ),
        Option(
            "account",
            "text",
            field="Account",
            hint="The BMS account, id or name. The one linked with this organization when empty.",
        ),
    ),
    TENANTS: (
        Option(
            "ignored",
            "texts",
            (),
            field="Ignored tenants",
            hint="One a line: the tenant id and, after a blank, a name for people to read.",
        ),
    ),
    FACTS: (
        Option(
            "facts",
            "texts",
            (),
            field="Facts",
            hint="Written by msp.psa_sync for itself. Whatever is edited here is ignored; delete the asset to have "
            "everything found out again.",
        ),
    ),
}


# ---------------------------------------------------------------- contact_sync


@dataclass(frozen=True, slots=True)
class SyncOption:
    """One option of `contact_sync` beside the settings, as its argument spec has it.

    A plan records the options `in_plan`, which decide who is written and how; where a plan is applied they are those
    of the plan. `field` is the field of `options.Options`, where it has another name.
    """

    name: str
    type: str
    in_plan: bool
    default: Any = None
    choices: tuple[str, ...] = ()
    elements: str | None = None
    required: bool = False
    field: str | None = None


SYNC_OPTIONS = (
    SyncOption("organization", "str", False, required=True),
    SyncOption("tenant_id", "str", False),
    SyncOption("store_settings", "bool", False, False),
    SyncOption("bms_adapter_names", "list", True, ("bms", "vorex"), elements="str"),
    SyncOption("update_linked", "bool", True, False),
    SyncOption("users", "list", True, elements="str"),
    SyncOption("match_overrides", "dict", True),
    SyncOption("bms_match_overrides", "dict", True),
    SyncOption("allow_shrunken_source", "bool", True, False),
    SyncOption("max_creates", "str", False),
    SyncOption("max_updates", "str", False),
    SyncOption("max_pushes", "str", False),
    SyncOption("departed", "str", True, "report", ("report", "deactivate"), field="deactivate"),
    SyncOption("departed_contact_type", "str", True),
    SyncOption("departed_keep", "list", True, (), elements="str"),
    SyncOption("max_deactivations", "str", False),
    SyncOption("report", "str", False, "changes", ("changes", "all")),
    SyncOption("push_wait", "int", False, 30),
    SyncOption("fail_on_deferred", "bool", False),
    SyncOption("state", "str", False, "synced", ("synced", "reverted")),
    SyncOption("plan_file", "path", False),
    SyncOption("apply_plan", "path", False),
    SyncOption("journal_file", "path", False),
)
"""The tenant and the settings are bound to a plan by their own digest, so `in_plan` does not count them."""

PLANNED_OPTIONS = {option.field or option.name: option for option in SYNC_OPTIONS if option.in_plan}
"""What a plan records, by the field of `options.Options`."""


def recorded(options: Any) -> dict[str, Any]:
    """The fields of `options.Options` that a plan records, as JSON values."""
    return {field: _json_value(getattr(options, field)) for field in PLANNED_OPTIONS}


def restored(recorded_options: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the recorded fields, for `dataclasses.replace`. Raises KeyError for a missing one."""
    return {field: _field_value(field, recorded_options[field]) for field in PLANNED_OPTIONS}


def _json_value(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _field_value(field: str, value: Any) -> Any:
    if isinstance(value, list):
        return frozenset(value) if field == "users" else tuple(value)
    return value
