# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences of the reason codes of a whole run: its checks before, and its warnings."""

from __future__ import annotations

from collections.abc import Mapping

from .._engine.reasons import ReasonCode
from .message import FINDS_OUT, MATCHING, NEXT_RUN, RELIABILITY, Message

RUN_MESSAGES: Mapping[ReasonCode, Message] = {
    # Checks before a run.
    ReasonCode.CHECK_OK: Message("OK."),
    ReasonCode.CHECK_FOUND: Message("{name} ({id})."),
    ReasonCode.DOMAINS_OF_USERS: Message(
        "The tenant's verified domains cannot be read, so the domains of its users' addresses are taken: {said}"
    ),
    ReasonCode.ORGANIZATION_NOT_KNOWN: Message("Not checked, because the organization is not known."),
    ReasonCode.SETTINGS_NOT_READ: Message("Not checked, because the stored settings could not be read."),
    ReasonCode.SETTINGS_NOT_VALID: Message("Not checked, because the settings are not valid."),
    ReasonCode.TENANT_NOT_KNOWN: Message("Not checked, because the tenant is not known."),
    ReasonCode.PUSHES_OFF: Message("Not checked, because the settings say that nothing is pushed to BMS."),
    ReasonCode.NO_BMS_LINK: Message(
        "The organization '{organization}' is not linked to BMS in IT Glue, so IT Glue does not link its contacts.",
        "Match the organization in IT Glue's integration with BMS.",
    ),
    # Warnings of a whole run.
    ReasonCode.OVERRIDE_FOR_UNKNOWN_USER: Message(
        "{option} names the user '{user}', whom the tenant does not have.",
        "Correct the name, or remove the entry if the person has departed.",
    ),
    ReasonCode.OVERRIDE_FOR_EXCLUDED_USER: Message(
        "{option} has an answer for {user}, whom the user filter excludes ({excluded}), so nothing is created or "
        "matched by it.",
        "Correct user_filter if the person is to be synced; else remove the entry.",
        MATCHING,
    ),
    ReasonCode.UNKNOWN_USER: Message(
        "The option users names '{user}', whom the tenant does not have.", "Correct the name, or remove it."
    ),
    ReasonCode.ACCOUNTS_NOT_SHOWN: Message(
        "Microsoft Graph does not tell whether some accounts are enabled ({count}), so they count as disabled.",
        "Give the app registration the permission User.Read.All.",
    ),
    ReasonCode.MICROSOFT_ADAPTERS: Message(
        "IT Glue's own Microsoft integration writes to {count} of the organization's contacts too.",
        "Turn its contact sync off for this tenant[, or set {setting} in office365_sync_settings].",
        "migration_guide",
    ),
    ReasonCode.DELETED_USERS_NOT_READ: Message(
        "The tenant's deleted users could not be read, so departed people may be missing: {said}",
    ),
    ReasonCode.NAME_NOT_UNIQUE: Message(
        "{user}: the name {name} is not unique in the organization, and IT Glue pairs BMS contacts by name alone.",
        "Look at the contact's link in IT Glue after its next sync.",
    ),
    ReasonCode.PUSHES_DEFERRED: Message("{count} pushes are deferred: {said}", NEXT_RUN),
    ReasonCode.OFFBOARDING_DEFERRED: Message(
        "{deactivations} deactivations and {returns} returns are deferred: {said}", NEXT_RUN
    ),
    ReasonCode.UPDATES_NOT_COMPARED: Message(
        "{count} linked contacts were not compared with BMS: {said}", "The next run compares them."
    ),
    ReasonCode.NO_BMS_SETTINGS: Message(
        "The organization '{organization}' has no BMS sync settings, so nothing is pushed.",
        "Set them with the module msp.psa_sync.bms_sync_settings; contact_sync: false if nothing is to be pushed.",
    ),
    ReasonCode.NOTHING_WRITTEN: Message(
        "{organization}: nothing was written, because another run on this control node is writing to it.",
        "Run again when it has ended.",
    ),
    ReasonCode.NOT_READ_BACK: Message("What was written to IT Glue could not be read back: {said}", FINDS_OUT),
    ReasonCode.UNAPPLIED: Message(
        "{user}: IT Glue accepted the write to contact {contact_id}, but does not show it: {fields}.",
        "Look at the contact in IT Glue: a rule there may alter what is written.",
    ),
    ReasonCode.LINKS_NOT_READ: Message("Whether IT Glue has pushed its contacts is not known: {said}", FINDS_OUT),
    ReasonCode.CONTACTS_NOT_SAVED_AGAIN: Message(
        "IT Glue took the contacts of {users} as they are and shows no new time of change, so it may not push them.",
        "Edit and save them in IT Glue.",
    ),
    ReasonCode.BMS_FIELDS_NOT_SET: Message(
        "Not set in BMS: {fields}, for {users}. {said}", "The next run tries again."
    ),
    ReasonCode.DUPLICATES_NOT_READ: Message(
        "Whether somebody else created the same people in {service} at the same time could not be read: {said}",
        "The next run reports a conflict where somebody did.",
        RELIABILITY,
    ),
    ReasonCode.NOT_LOOKED_AGAIN: Message(
        "What others have changed meanwhile could not be read, so everything is deferred: {said}", NEXT_RUN
    ),
    ReasonCode.FACTS_NOT_STORED: Message(
        "IT Glue did not take the remembered facts, so the next run finds them out again: {said}"
    ),
}
