# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences of the reason codes: one table with the sentence, the way out and the page of the guides.

In a sentence `{name}` stands for a value of the reason, and what stands in `[...]` is left out where
one of its values is blank. The troubleshooting guide has an entry for each code, made of this table.
`run_messages` has the part of the table about whole runs, not about one person.
"""

from __future__ import annotations

from collections.abc import Mapping

from .._engine.reasons import ReasonCode
from .message import (
    BY_HAND,
    DECIDE,
    DECIDE_IN_BMS,
    MATCHING,
    NEW_PLAN,
    NEXT_RUN,
    PLAN,
    RELIABILITY,
    TRIES_AGAIN,
    Message,
)
from .run_messages import RUN_MESSAGES

MESSAGES: Mapping[ReasonCode, Message] = {
    # Excluded users.
    ReasonCode.DISABLED: Message("The account is disabled."),
    ReasonCode.GUEST: Message("The user is a guest."),
    ReasonCode.UNLICENSED: Message("The user has no licence that user_filter asks for."),
    ReasonCode.NO_NAME: Message("The user has neither a first name nor a last name."),
    ReasonCode.DOMAIN: Message("The domain of the primary address is not in user_filter.domains."),
    ReasonCode.GROUP: Message("The user is in none of the groups in user_filter.groups."),
    ReasonCode.PATTERN: Message("A pattern in user_filter.exclude fits the user."),
    ReasonCode.IGNORED_BY_OVERRIDE: Message("match_overrides says ignore for the user."),
    ReasonCode.NOT_AMONG_USERS: Message("The option users does not name the user."),
    # Matching: conflicts.
    ReasonCode.SEVERAL_HITS: Message("The user matches {contacts} by {rule}[, and so do {users}].", DECIDE, MATCHING),
    ReasonCode.NAMES_DIFFER: Message(
        "The user shares {rule} with {contacts}, but the names differ: either the person was renamed, or the address "
        "was handed on[; {users} match too].",
        f"{DECIDE} The id says that it is the same person, new that it is another one.",
        MATCHING,
    ),
    ReasonCode.KNOWN_CONTACT: Message(
        "No contact is created beside {contacts}, which may be the same person: by the names, or by the primary "
        "address[; {users} match too].",
        f"{DECIDE} The id says that it is the same person, new that it is a namesake.",
        MATCHING,
    ),
    ReasonCode.POSSIBLY_RETURNED: Message(
        "The user matches {contacts} of a departed person, or of an excluded account[, and so do {users}]: either it "
        "is the same person, who has returned or has two accounts, or this is somebody else.",
        f"{DECIDE} The id says that it is the same person, new that it is somebody else.",
        MATCHING,
    ),
    ReasonCode.SAME_PRIMARY_ADDRESS: Message(
        "match_overrides says new, but the contact could not be told from others by its primary address"
        "[: the users {users} have the same][: {contacts} hold it already].",
        "Put the id of a contact in the place of new, or correct the address in Microsoft 365.",
        MATCHING,
    ),
    # Matching: notes.
    ReasonCode.HIT_WITHHELD: Message(
        "Contact {contact_id} shares an address with the user, but belongs to somebody else, so it was not taken.",
        "If it is the same person all the same, put the contact's id into match_overrides (sync_match_overrides).",
        MATCHING,
    ),
    ReasonCode.OVERRIDE_FOUND_CONTACT: Message(
        "match_overrides says new, and contact {contact_id} is the contact that it created.",
        "Put {contact_id} in the place of new.",
        MATCHING,
    ),
    ReasonCode.CREATED_BESIDE: Message(
        "match_overrides says new, so the user gets a contact beside {contacts}.",
        "If one that is there is the person's, as after a change of name or address since new created it, put its id "
        "in the place of new.",
        MATCHING,
    ),
    ReasonCode.MATCHED_DIFFERENT_NAMES: Message(
        "Contact {contact_id} bears different names than the user, and was matched by an address alone.",
        "If it is somebody else, put new into match_overrides (sync_match_overrides), or set different_names: "
        "conflict.",
        MATCHING,
    ),
    ReasonCode.BOTH_NAMES_REPLACED: Message(
        "Contact {contact_id} bears the names {names}, and gets both names of the user: an address alone says that "
        "it is the same person.",
        "If it is somebody else, put new into match_overrides (sync_match_overrides).",
        MATCHING,
    ),
    ReasonCode.UNHELD_ADDRESS: Message(
        "Contact {contact_id} was matched by its names alone, and holds {addresses}, which no user of the tenant "
        "holds.",
        "If it is somebody else, put new into match_overrides (sync_match_overrides).",
        MATCHING,
    ),
    # The IT Glue part.
    ReasonCode.NO_ADDRESS: Message(
        "The user has no e-mail address, so a new contact could not be found again.",
        "Give the user an address in Microsoft 365, or exclude the user.",
    ),
    ReasonCode.SHARED_ADDRESS: Message(
        "The user shares an address with others[: {addresses}][, held by {users} too], so the next run could not "
        "match the contact again.",
        "Correct the address in Microsoft 365, or resolve it with match_overrides (sync_match_overrides).",
    ),
    ReasonCode.ALIAS_HELD: Message(
        "Another contact of the organization holds {addresses} ({contacts}), so it was not added.",
        "Remove the address from the contact that it does not belong to, if that is wrong.",
        MATCHING,
    ),
    ReasonCode.PHONE_FIRST_OF_SEVERAL: Message(
        "The field for {label} holds several telephone numbers ({phone}), of which the first counts: {used}.",
        "Keep one number in each field of Microsoft 365, if that is wrong.",
        MATCHING,
    ),
    ReasonCode.PHONE_NOT_SURE: Message(
        "The telephone number {phone} cannot be read for sure, so the one under {label} stays.",
        "Write the number in the international form in Microsoft 365, such as +44 20 7946 0958.",
        MATCHING,
    ),
    ReasonCode.LINK_INACTIVE: Message(
        "The contact is linked to BMS, but IT Glue does not sync the link: it is {state}.",
        "Open Manage Data in IT Glue, and repair or remove the link.",
    ),
    ReasonCode.LINK_UNKNOWN: Message(
        "IT Glue does not tell whether contact {contact_id} is linked to BMS, so it is not pushed.",
        "Run again. If it stays so, open the contact in IT Glue and look at its link.",
    ),
    # The look-up in BMS: who is there already.
    ReasonCode.IN_BMS_BY_ADDRESS: Message(
        "BMS contact {bms_contact_id} is this person: it holds one of the addresses, so nothing is created.",
        "If it is somebody else, correct the address in BMS.",
    ),
    ReasonCode.IN_BMS_BY_NAME: Message(
        "BMS contact {bms_contact_id} is this person: it bears the first and last name that the person has or had, so "
        "nothing is created.",
        "If it is somebody else, put new into bms_match_overrides (sync_bms_match_overrides).",
    ),
    ReasonCode.IN_BMS_BY_OVERRIDE: Message(
        "bms_match_overrides says that BMS contact {bms_contact_id} is this person."
    ),
    ReasonCode.INACTIVE_IN_BMS: Message(
        "BMS contact {bms_contact_id} is inactive, and stays inactive.",
        "Make it active in BMS if the person works there.",
    ),
    ReasonCode.LINK_IN_ITGLUE: Message(
        "BMS contact {bms_contact_id} is this person, but IT Glue does not link the two by itself: any write to the "
        "contact would make IT Glue create a second BMS contact.",
        "Link the two in IT Glue.",
    ),
    ReasonCode.BMS_HIT_WITHHELD: Message(
        "BMS contact {bms_contact_id} holds an address of the person ({addresses}), but bears other names, so it was "
        "not taken.",
        "If it is the same person, put its id into bms_match_overrides (sync_bms_match_overrides).",
    ),
    ReasonCode.BMS_NAMESAKE: Message(
        "The person's names are in BMS already, but with an address of somebody else, so a BMS contact is created "
        "beside {bms_contacts}.",
        "If it is the same person, put its id into bms_match_overrides (sync_bms_match_overrides).",
    ),
    ReasonCode.LEFT_OUT_OF_BMS: Message("bms_match_overrides says ignore, so the person is not pushed."),
    # The look-up in BMS: conflicts.
    ReasonCode.BMS_SEVERAL_HITS: Message(
        "Several BMS contacts could be this person: {bms_contact_ids}.", f"{DECIDE_IN_BMS}[ {{same_names}}]"
    ),
    ReasonCode.BMS_CONTACT_SHARED: Message("This person could be {bms_contacts}, and so could {users}.", DECIDE_IN_BMS),
    ReasonCode.BMS_ADDRESS_SHARED: Message(
        "The contact shares {addresses} with {users}: as two contacts, BMS would hold the address twice.",
        "Remove the address from the one that it does not belong to.",
    ),
    ReasonCode.BMS_NAME_SHARED: Message(
        "The contact bears the same name as {users}, and IT Glue pairs BMS contacts by name alone.",
        "Create the BMS contacts by hand, and link them in IT Glue; or use push_method direct.",
    ),
    ReasonCode.BMS_CONTACT_LINKED: Message(
        "This person could be {bms_contacts}, to which IT Glue contact {contact_id} is linked.",
        f"Correct the link or the address. Or: {DECIDE_IN_BMS[0].lower()}{DECIDE_IN_BMS[1:]}",
    ),
    ReasonCode.BMS_NAME_OF_ANOTHER: Message(
        "IT Glue would pair the contact with {bms_contacts}, who bears the name but is somebody else.",
        "Create the BMS contact by hand, and link it in IT Glue; or use push_method direct.",
    ),
    ReasonCode.BMS_NAMES_DIFFER: Message(
        "The person shares an address, or a name that it had, with {bms_contacts}, but the names differ.",
        DECIDE_IN_BMS,
    ),
    ReasonCode.BMS_INACTIVE_HIT: Message(
        "This person could be {bms_contacts}, inactive in BMS, but that is not certain.", DECIDE_IN_BMS
    ),
    # Pushes.
    ReasonCode.ITGLUE_PUSHES: Message("IT Glue pushes the contact once it is written."),
    ReasonCode.AWAITING_LINK: Message(
        "IT Glue has not linked the contact to BMS yet. A run saves it again a day after its last change.",
        "Where it stays so, edit and save the contact in IT Glue.",
    ),
    ReasonCode.SAVED_AGAIN: Message("The contact is complete already, and is saved again so that IT Glue pushes it."),
    ReasonCode.NO_BMS_LOCATION: Message(
        "The BMS account {account_id} has no main location[, and none named '{location}'].",
        "Add the location to the account in BMS, or mark one as the main one.",
    ),
    ReasonCode.EXTENSIONS_DROPPED: Message("BMS has no phone extensions, so the push omits them."),
    ReasonCode.ITGLUE_PUSHES_TOO: Message(
        "IT Glue pushes contacts to BMS by itself, or another control node pushes them, as {contacts}[ and "
        "{bms_contacts}] show, so nothing more is pushed.",
        "Turn off IT Glue's own two-way sync of contacts with BMS, or set push_method: native. Let one control node "
        "write to a client. Merge people who are in BMS twice.",
        "migration_guide",
    ),
    ReasonCode.BMS_NOT_READ: Message("BMS could not be read in full, so nobody is pushed: {said}", NEXT_RUN),
    # BMS contacts of linked contacts.
    ReasonCode.BMS_CONTACT_ELSEWHERE: Message(
        "The linked BMS contact {bms_contact_id} is not in the account {account_id}, so it is not updated in BMS.",
        "Correct the link in IT Glue.",
    ),
    ReasonCode.BMS_CONTACT_UNKNOWN: Message(
        "IT Glue does not tell which BMS contact the contact is linked to[; it could be {bms_contacts}], so nothing "
        "is updated in BMS.",
        "Correct the link in IT Glue, or the address in BMS.",
    ),
    ReasonCode.BMS_CONTACT_OF_ANOTHER: Message(
        "The linked BMS contact {bms_contact_id} is linked to another contact too, so it is not updated in BMS.",
        "Correct one of the two links in IT Glue.",
    ),
    ReasonCode.BMS_CONTACT_AMBIGUOUS: Message(
        "The linked BMS contact {bms_contact_id} could also be {users}, so it is not updated in BMS.",
        "Separate their addresses or names in BMS first.",
    ),
    ReasonCode.ADDRESS_HELD_IN_BMS: Message(
        "Another BMS contact holds {addresses}, so it is not added to BMS contact {bms_contact_id}.",
        "Remove the address in BMS from the contact that it does not belong to.",
    ),
    # Offboarding.
    ReasonCode.USER_DISABLED: Message("The person's account is disabled."),
    ReasonCode.USER_DELETED: Message("The person's account is deleted."),
    ReasonCode.DEPARTED_NAMES_DIFFER: Message(
        "The contact holds an address of the departed user, but bears other names, so it is never deactivated.",
        "Remove the address from the contact if it does not belong there.",
    ),
    ReasonCode.DEPARTED_IN_CONFLICT: Message(
        "The contact is part of a conflict, so it is not deactivated until somebody says whose it is.",
        DECIDE,
        MATCHING,
    ),
    ReasonCode.DEPARTED_BMS_NAMES_DIFFER: Message(
        "BMS contact {bms_contact_id} bears other names than the departed user, so it stays active.",
        "Make it inactive in BMS if it is the departed person.",
    ),
    ReasonCode.DEPARTED_BMS_UNCLEAR: Message(
        "BMS contacts {bms_contact_ids} could be the departed person's or somebody else's, so all of them stay active.",
        "Make those inactive in BMS that are the departed person's.",
    ),
    ReasonCode.WOULD_BE_PUSHED: Message(
        "Any write would make IT Glue push the contact to BMS, so it is not deactivated.",
        "Link the contact to a BMS contact in IT Glue first.",
    ),
    ReasonCode.RETURNED: Message("The person has returned: the contact is active again."),
    # Applied plans.
    ReasonCode.STRUCK_FROM_PLAN: Message("A reviewer struck this entry from the plan.", "", PLAN),
    ReasonCode.DUE_SINCE_PLAN: Message("The plan does not have this: it has become due since.", NEW_PLAN, PLAN),
    ReasonCode.PLAN_OUTDATED: Message(
        "Something has changed since the plan was made, so this entry was not applied[: {changed}].", NEW_PLAN, PLAN
    ),
    ReasonCode.PLAN_SUPERSEDED: Message(
        "Nothing is to be done for this person any more, so this entry was not applied.", NEW_PLAN, PLAN
    ),
    # What became of a write.
    ReasonCode.WRITE_REJECTED: Message(
        "{service} refused the write, and nothing was changed: {said}", "Correct the value that the message names."
    ),
    ReasonCode.WRITE_FAILED: Message("Nothing was written to {service}: {said}", TRIES_AGAIN),
    ReasonCode.WRITE_UNCLEAR: Message(
        "Whether {service} carried out the write is not known: {said}",
        "The next run looks before it writes, so nobody is created twice.",
    ),
    ReasonCode.QUOTA_EXCEEDED: Message("Not written to {service}: {said}", NEXT_RUN, "quotas_guide"),
    ReasonCode.NOT_TRIED: Message("No further write to {service} was tried: {said}", TRIES_AGAIN),
    ReasonCode.CREATE_NOT_SHOWN: Message(
        "{service} took the new contact, but does not show it.",
        "The next run looks for the contact before it tries again.",
    ),
    ReasonCode.SEVERAL_ALIKE: Message(
        "The answer to a create was lost, and several contacts are alike: [{contacts}][{bms_contacts}].",
        "Remove the ones that nobody needs by hand.",
    ),
    ReasonCode.ATTRIBUTES_LOCKED: Message(
        "IT Glue refused the fields in locked, because another integration owns them: {said}",
        "Change them in the system that the contact is linked to.",
    ),
    ReasonCode.LOCKED_BEFORE: Message(
        "IT Glue refused the fields in locked in an earlier run, and neither Microsoft 365 nor the contact has changed "
        "since, so they were not sent again.",
        "Change them in the system that the contact is linked to.",
    ),
    ReasonCode.WRITTEN_IN_PART: Message("Not written: {fields}. {said}", NEXT_RUN),
    ReasonCode.RETURN_DEFERRED: Message(
        "The person has returned, but stays departed until BMS can be written: {said}", NEXT_RUN
    ),
    ReasonCode.PUSHED_BY_ITGLUE: Message("IT Glue has pushed the contact."),
    ReasonCode.NOT_SAVED_AGAIN: Message(
        "IT Glue took the contact as it is and shows no new time of change, so it may not push it.",
        "Edit and save the contact in IT Glue.",
    ),
    ReasonCode.RUN_LOCK_BUSY: Message("Another run on this control node is writing to the organization.", NEXT_RUN),
    ReasonCode.RUN_LOCK_STOPPED: Message(
        "Process {process} on this control node is stopped in the middle of a run for the organization.",
        "Let it go on (kill -CONT {process}) or end it (kill -KILL {process}). The next run goes on.",
    ),
    # What changed between reading and writing.
    ReasonCode.CHANGED_SINCE_READ: Message(
        "Somebody changed the contact while the run worked[: {changed}], so it was left as it is.", NEXT_RUN
    ),
    ReasonCode.CREATED_BY_NOW: Message(
        "Somebody created contact {contact_id} while the run worked, and may be about to create the person in BMS "
        "too, so it was not pushed.",
        NEXT_RUN,
    ),
    ReasonCode.IN_BMS_BY_NOW: Message(
        "Somebody created the person in BMS while the run worked[: {bms_contacts}], so nothing was created.",
        f"{NEXT_RUN} If nobody did it by hand, IT Glue pushes contacts by itself: turn off its own two-way sync of "
        "contacts with BMS, or set push_method: native.",
        "migration_guide",
    ),
    ReasonCode.OVERRIDE_OUTDATED: Message(
        "While the run worked, somebody changed what the override of the person names, so nothing was written: {said}"
    ),
    ReasonCode.LINKED_BY_NOW: Message(
        "The contact was linked to BMS while the run worked[: BMS contact {bms_contact_id}], so it was not pushed."
    ),
    ReasonCode.REFUSED_AS_SYNCED: Message(
        "IT Glue refused the write because the contact is linked by now, so it was not pushed."
    ),
    ReasonCode.DUPLICATE_IN_ITGLUE: Message(
        "This run created contact {contact_id}, and somebody else created the same person in IT Glue at the same "
        "time: {contacts}.",
        "Keep one of the contacts: move to it what only the other has, and delete the other in IT Glue. Until then "
        "the next runs report a conflict.",
        RELIABILITY,
    ),
    ReasonCode.DUPLICATE_IN_BMS: Message(
        "This run created BMS contact {bms_contact_id}, and somebody else created the same person in BMS at the same "
        "time: {bms_contacts}.",
        "Keep one of the BMS contacts: merge them in BMS, or make the other inactive. Until then the next runs "
        "report a conflict.",
        RELIABILITY,
    ),
    ReasonCode.NOT_READ_AFTER_WRITE: Message(
        "The contact could not be read back after it was written, so it was not pushed.", NEXT_RUN
    ),
    # Reverting.
    ReasonCode.CONTACT_GONE: Message("The contact is not in {service} any more."),
    ReasonCode.CHANGED_SINCE_WRITTEN: Message("It has been changed since, so it stays as it is.", BY_HAND, PLAN),
    ReasonCode.LINKED_SINCE: Message(
        "The contact has been linked to BMS since[: BMS contact {bms_contact_id}], so it stays.", BY_HAND, PLAN
    ),
    ReasonCode.WORKED_ON_SINCE: Message("Somebody has worked on the contact since, so it stays.", BY_HAND, PLAN),
    ReasonCode.NOTHING_ALIKE: Message(
        "The answer to the create was lost, and no contact in {service} resembles it.",
        "Look for the person by hand, and remove the contact if it is there.",
        PLAN,
    ),
    ReasonCode.APPEARED_LATER: Message(
        "The answer to the create was lost, and what resembles it appeared later: [{contacts}][{bms_contacts}].",
        BY_HAND,
        PLAN,
    ),
    ReasonCode.DEFAULT_ENTRY_NEEDED: Message(
        "BMS keeps exactly one default entry, so the former entries cannot be put back.", "Correct them in BMS.", PLAN
    ),
    ReasonCode.NOT_SHOWN_AFTER_WRITE: Message(
        "{service} accepted the write, but does not show it.", "Look at the contact there."
    ),
    **RUN_MESSAGES,
}
