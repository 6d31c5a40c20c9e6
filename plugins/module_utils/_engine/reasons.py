# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reasons as codes with parameters. Sentences are made of them at the edge, from one table.

A `Reason` says why something is as it is in a plan or in its outcome: of one operation, or, as a
warning, of the whole run. `_ansible/messages.py` has the sentence, the hint and the page of the
guides for each code.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple


class ReasonCode(StrEnum):
    """Why an operation is as it is. The values appear as `reason_code` in results: they stay as they are.

    The comment behind a code names its parameters. `users` are usernames, in their order; `contact_ids`
    are ids of IT Glue, `bms_contact_ids` those of BMS; `said` is the message of an error.
    """

    # Excluded users, in the order in which the filter looks (`selection`).
    DISABLED = "disabled"
    GUEST = "guest"
    UNLICENSED = "unlicensed"
    NO_NAME = "no_name"
    DOMAIN = "domain"
    GROUP = "group"
    PATTERN = "pattern"
    IGNORED_BY_OVERRIDE = "override"
    NOT_AMONG_USERS = "users"

    # Matching: conflicts. Each of them has rule, contact_ids, users (the other members of the conflict).
    SEVERAL_HITS = "several_hits"
    NAMES_DIFFER = "names_differ"
    KNOWN_CONTACT = "known_contact"
    POSSIBLY_RETURNED = "possibly_returned"
    SAME_PRIMARY_ADDRESS = "same_primary_address"

    # Matching: notes.
    HIT_WITHHELD = "hit_withheld"  # contact_id
    OVERRIDE_FOUND_CONTACT = "override_found_contact"  # contact_id
    CREATED_BESIDE = "created_beside"  # contact_ids (with the answer `new`)
    MATCHED_DIFFERENT_NAMES = "matched_different_names"  # contact_id (with different_names: match)
    BOTH_NAMES_REPLACED = "both_names_replaced"  # contact_id, names (the former)
    UNHELD_ADDRESS = "unheld_address"  # contact_id, addresses (matched by name; no user holds the addresses)

    # The IT Glue part (`planning`).
    NO_ADDRESS = "no_address"
    SHARED_ADDRESS = "shared_address"  # addresses, users (the others; either may be empty)
    ALIAS_HELD = "alias_held"  # addresses, contact_ids
    PHONE_FIRST_OF_SEVERAL = "phone_first_of_several"  # phone (the text), used (the number), label
    PHONE_NOT_SURE = "phone_not_sure"  # phone (the text), label (under which the contact keeps its number)
    LINK_INACTIVE = "link_inactive"  # state (orphaned, disabled)
    LINK_UNKNOWN = "link_unknown"  # contact_id

    # The look-up in BMS (`bms_lookup`): who is there already.
    IN_BMS_BY_ADDRESS = "in_bms_by_address"  # bms_contact_id
    IN_BMS_BY_NAME = "in_bms_by_name"  # bms_contact_id
    IN_BMS_BY_OVERRIDE = "in_bms_by_override"  # bms_contact_id
    INACTIVE_IN_BMS = "inactive_in_bms"  # bms_contact_id
    LINK_IN_ITGLUE = "link_in_itglue"  # bms_contact_id (native: IT Glue does not link by itself)
    BMS_HIT_WITHHELD = "bms_hit_withheld"  # bms_contact_id, addresses (other names, a shared address)
    BMS_NAMESAKE = "bms_namesake"  # bms_contact_ids (the same names, an address of somebody else)
    LEFT_OUT_OF_BMS = "left_out_of_bms"  # bms_match_overrides says `ignore`

    # The look-up in BMS: conflicts.
    BMS_SEVERAL_HITS = "bms_several_hits"  # bms_contact_ids, same_names (whether merging is the way out)
    BMS_CONTACT_SHARED = "bms_contact_shared"  # bms_contact_ids, users (the others)
    BMS_ADDRESS_SHARED = "bms_address_shared"  # addresses, users (the others)
    BMS_NAME_SHARED = "bms_name_shared"  # users (the others; native)
    BMS_CONTACT_LINKED = "bms_contact_linked"  # bms_contact_ids, contact_id (the linked one)
    BMS_NAME_OF_ANOTHER = "bms_name_of_another"  # bms_contact_ids (native: IT Glue would pair the two)
    BMS_NAMES_DIFFER = "bms_names_differ"  # bms_contact_ids
    BMS_INACTIVE_HIT = "bms_inactive_hit"  # bms_contact_ids

    # Pushes (`bms_lookup`).
    ITGLUE_PUSHES = "itglue_pushes"
    AWAITING_LINK = "awaiting_link"
    SAVED_AGAIN = "saved_again"
    NO_BMS_LOCATION = "no_bms_location"  # account_id, location (its name, null for none)
    EXTENSIONS_DROPPED = "extensions_dropped"
    BMS_NOT_READ = "bms_not_read"  # said
    ITGLUE_PUSHES_TOO = "itglue_pushes_too"  # contact_ids, bms_contact_ids (whom IT Glue has pushed; direct)

    # BMS contacts of linked contacts (`bms_update`): why one is not updated.
    BMS_CONTACT_ELSEWHERE = "bms_contact_elsewhere"  # bms_contact_id, account_id
    BMS_CONTACT_UNKNOWN = "bms_contact_unknown"  # bms_contact_ids (those that it could be)
    BMS_CONTACT_OF_ANOTHER = "bms_contact_of_another"  # bms_contact_id
    BMS_CONTACT_AMBIGUOUS = "bms_contact_ambiguous"  # bms_contact_id, users (those it could be)
    ADDRESS_HELD_IN_BMS = "address_held_in_bms"  # addresses, bms_contact_id (the one without them)

    # Offboarding (`offboarding`).
    USER_DISABLED = "user_disabled"
    USER_DELETED = "user_deleted"
    DEPARTED_NAMES_DIFFER = "departed_names_differ"
    DEPARTED_IN_CONFLICT = "departed_in_conflict"
    DEPARTED_BMS_NAMES_DIFFER = "departed_bms_names_differ"  # bms_contact_id
    DEPARTED_BMS_UNCLEAR = "departed_bms_unclear"  # bms_contact_ids
    WOULD_BE_PUSHED = "would_be_pushed"
    RETURNED = "returned"

    # Applied plans (`plan_document`).
    STRUCK_FROM_PLAN = "struck_from_plan"
    DUE_SINCE_PLAN = "due_since_plan"
    PLAN_OUTDATED = "plan_outdated"  # changed (the keys that differ)
    PLAN_SUPERSEDED = "plan_superseded"  # nothing is to be done for the person any more

    # What became of a write (`itglue_writer`, `bms_writer`). `said` is the error's message.
    WRITE_REJECTED = "write_rejected"  # service, said (the service refused it; nothing was changed)
    WRITE_FAILED = "write_failed"  # service, said (the service cannot be used now; nothing was changed)
    WRITE_UNCLEAR = "write_unclear"  # service, said (whether it took place is not known; the next run finds out)
    QUOTA_EXCEEDED = "quota_exceeded"  # service, said
    NOT_TRIED = "not_tried"  # service, said (why no further write was tried)
    CREATE_NOT_SHOWN = "create_not_shown"  # service (the answer does not show the contact, nor does a look-up)
    SEVERAL_ALIKE = "several_alike"  # contact_ids or bms_contact_ids (which of them the run made is not known)
    ATTRIBUTES_LOCKED = "attributes_locked"  # said (IT Glue refused the groups that are in `locked`)
    LOCKED_BEFORE = "locked_before"  # IT Glue refused the groups in `locked` in an earlier run (`refusals`)
    WRITTEN_IN_PART = "written_in_part"  # fields (groups that were not written), said
    RETURN_DEFERRED = "return_deferred"  # said (the person stays departed until BMS can be written)
    PUSHED_BY_ITGLUE = "pushed_by_itglue"
    NOT_SAVED_AGAIN = "not_saved_again"
    RUN_LOCK_BUSY = "run_lock_busy"
    RUN_LOCK_STOPPED = "run_lock_stopped"  # process

    # What changed between reading and writing (`look_again`).
    CHANGED_SINCE_READ = "changed_since_read"  # changed (the keys that differ)
    CREATED_BY_NOW = "created_by_now"  # contact_id (not pushed yet: whoever created it may be about to)
    IN_BMS_BY_NOW = "in_bms_by_now"  # bms_contact_ids
    OVERRIDE_OUTDATED = "override_outdated"  # said (the override fitted when the run began)
    LINKED_BY_NOW = "linked_by_now"  # bms_contact_id, null where IT Glue does not tell it
    REFUSED_AS_SYNCED = "refused_as_synced"
    DUPLICATE_IN_ITGLUE = "duplicate_in_itglue"  # contact_id (this run's), contact_ids (those that somebody else made)
    DUPLICATE_IN_BMS = "duplicate_in_bms"  # bms_contact_id (this run's), bms_contact_ids (those of somebody else)
    NOT_READ_AFTER_WRITE = "not_read_after_write"  # the contact could not be read back, so it is not pushed

    # Reverting (`undo`, `revert`): why something stays as it is.
    CONTACT_GONE = "contact_gone"  # service
    CHANGED_SINCE_WRITTEN = "changed_since_written"  # service
    LINKED_SINCE = "linked_since"  # bms_contact_id, null where IT Glue does not tell it
    WORKED_ON_SINCE = "worked_on_since"  # nothing that is read differs; IT Glue shows a later time of change
    NOTHING_ALIKE = "nothing_alike"  # service (a create of unknown outcome, and no contact resembles it)
    APPEARED_LATER = "appeared_later"  # contact_ids or bms_contact_ids (alike, but the run did not find it)
    DEFAULT_ENTRY_NEEDED = "default_entry_needed"  # BMS keeps one default entry
    NOT_SHOWN_AFTER_WRITE = "not_shown_after_write"  # service (accepted, but a later read does not show it)

    # Checks before a run (`preflight`): what was found, or why something was not checked.
    CHECK_OK = "check_ok"
    CHECK_FOUND = "check_found"  # name, id
    DOMAINS_OF_USERS = "domains_of_users"  # said (verified domains cannot be read; those of addresses are taken)
    ORGANIZATION_NOT_KNOWN = "organization_not_known"
    SETTINGS_NOT_READ = "settings_not_read"
    SETTINGS_NOT_VALID = "settings_not_valid"
    TENANT_NOT_KNOWN = "tenant_not_known"
    PUSHES_OFF = "pushes_off"
    NO_BMS_LINK = "no_bms_link"  # organization (its name)

    # Warnings of a whole run.
    OVERRIDE_FOR_UNKNOWN_USER = "override_for_unknown_user"  # option, user (as given)
    OVERRIDE_FOR_EXCLUDED_USER = "override_for_excluded_user"  # option, user, excluded (the code of why)
    UNKNOWN_USER = "unknown_user"  # user (as given in the option users)
    ACCOUNTS_NOT_SHOWN = "accounts_not_shown"  # count (users whose accountEnabled Graph does not tell)
    MICROSOFT_ADAPTERS = "microsoft_adapters"  # count (contacts), setting (that avoids it; null where it is set)
    DELETED_USERS_NOT_READ = "deleted_users_not_read"  # said
    NAME_NOT_UNIQUE = "name_not_unique"  # user, name
    PUSHES_DEFERRED = "pushes_deferred"  # count, said
    OFFBOARDING_DEFERRED = "offboarding_deferred"  # deactivations, returns, said
    UPDATES_NOT_COMPARED = "updates_not_compared"  # count, said
    NO_BMS_SETTINGS = "no_bms_settings"  # organization (its name)
    NOTHING_WRITTEN = "nothing_written"  # organization (another run has the run lock)
    NOT_READ_BACK = "not_read_back"  # said
    UNAPPLIED = "unapplied"  # user, contact_id, fields
    LINKS_NOT_READ = "links_not_read"  # said
    CONTACTS_NOT_SAVED_AGAIN = "contacts_not_saved_again"  # users
    BMS_FIELDS_NOT_SET = "bms_fields_not_set"  # fields (BMS's names), users, said
    DUPLICATES_NOT_READ = "duplicates_not_read"  # service, said (what somebody else created meanwhile is not known)
    NOT_LOOKED_AGAIN = "not_looked_again"  # said (everything is deferred)
    FACTS_NOT_STORED = "facts_not_stored"  # said (the next run finds out again what this one has found)


NEEDS_A_LOOK = frozenset(
    {
        ReasonCode.HIT_WITHHELD,
        ReasonCode.OVERRIDE_FOUND_CONTACT,
        ReasonCode.CREATED_BESIDE,
        ReasonCode.MATCHED_DIFFERENT_NAMES,
        ReasonCode.BOTH_NAMES_REPLACED,
        ReasonCode.UNHELD_ADDRESS,
        ReasonCode.OVERRIDE_OUTDATED,
        ReasonCode.LINK_INACTIVE,
        ReasonCode.LINK_UNKNOWN,
        ReasonCode.INACTIVE_IN_BMS,
        ReasonCode.LINK_IN_ITGLUE,
        ReasonCode.BMS_HIT_WITHHELD,
        ReasonCode.BMS_NAMESAKE,
        ReasonCode.BMS_CONTACT_ELSEWHERE,
        ReasonCode.BMS_CONTACT_UNKNOWN,
        ReasonCode.BMS_CONTACT_OF_ANOTHER,
        ReasonCode.BMS_CONTACT_AMBIGUOUS,
        ReasonCode.ADDRESS_HELD_IN_BMS,
        ReasonCode.DEPARTED_BMS_NAMES_DIFFER,
        ReasonCode.DEPARTED_BMS_UNCLEAR,
        ReasonCode.DUPLICATE_IN_ITGLUE,
        ReasonCode.DUPLICATE_IN_BMS,
    }
)
"""The codes that a person should look at although nothing changes (`attention` in results)."""


_NO_VALUES: Mapping[str, Any] = MappingProxyType({})


class Reason(NamedTuple):
    """One reason: its code, and the values that its sentence names (JSON-native, by the name of the parameter)."""

    code: ReasonCode
    values: Mapping[str, Any] = _NO_VALUES


def because(code: ReasonCode, **values: Any) -> Reason:
    return Reason(code, values)
