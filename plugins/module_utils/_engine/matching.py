# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Matching a user to a contact of the organization (guide to matching).

Two kinds of evidence decide: an address that both hold, and their names. An address says where mail goes, not
who somebody is, so it decides alone only while the names do not speak against it.

Each pass (alias, username, name) is finished for all users before the next one starts; what a pass has claimed
is out of the later ones. Within a pass all users are judged by the same state, so that nothing depends on the
order of the rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from .address_hits import Hits, Weighed, asks_about_different_names, weigh
from .conflicts import IGNORE, Conflict, Rule
from .directory import Directory
from .grouping import connected, found_under, repeated
from .identity import Names, single_name
from .matching_index import Circumstances, MatchingIndex
from .model import Contact, ItGlueId, User
from .overrides import Override, apply_overrides, resolved_overrides
from .reasons import Reason, ReasonCode, because
from .suggestions import conflict_of, kept_from_suggestion, made_anew
from .text import NAMES_OF_USER, ONMICROSOFT, contact_addresses


@dataclass(slots=True)
class Matching:
    """Who is who.

    `matches` maps a user id to the id of the contact and the rule that found it, `conflicted` a user id to its
    conflict; `conflicts` are those that concern a selected user. `ignored` are the ids of users that an override
    takes out. `found_by_new` maps the ids of users with the override `new` to the contact that an earlier run made
    for them, None where one has to be made. `reasons` are notes on users, by their ids. `held_aliases` maps a user
    id to its aliases that another contact or another selected user holds: they are not added to the user's contact.

    `needs_deleted_users` says that a hit depends on the tenant's deleted users, which were not given: read them
    and match again. `rests_on_deleted` are pairs of contact and user id that only a deleted user keeps apart (see
    `Circumstances.remembered`), `made_anew` the ids of users whose deleted account bore their names; both are to be
    remembered.
    """

    matches: dict[str, tuple[ItGlueId, Rule]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    conflicted: dict[str, Conflict] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    found_by_new: dict[str, ItGlueId | None] = field(default_factory=dict)
    reasons: dict[str, tuple[Reason, ...]] = field(default_factory=dict)
    held_aliases: dict[str, frozenset[str]] = field(default_factory=dict)
    needs_deleted_users: bool = False
    rests_on_deleted: set[tuple[ItGlueId, str]] = field(default_factory=set)
    made_anew: set[str] = field(default_factory=set)


def match(
    users: Collection[User],
    selected: Collection[str],
    contacts: Collection[Contact],
    circumstances: Circumstances | None = None,
    directory: Directory | None = None,
) -> Matching:
    """Pair users with contacts; `selected` holds the ids of the users that the filter lets through. `directory` is
    that of these users and contacts, where there is one already.

    Raises InputError for an override that names no contact of the organization, one contact for two users, or by
    a username that was handed on the contact of its former holder.
    """
    circumstances = circumstances or Circumstances()
    wanted, dummy = resolved_overrides("match_overrides", circumstances.overrides, users)
    ignored = {user_id for user_id, override in wanted.items() if override.target == IGNORE}
    index = MatchingIndex(users, selected, contacts, circumstances, ignored, directory)
    matcher = _Matcher(index, Matching(ignored=ignored))
    return matcher.run(wanted)


class _Matcher:
    """The passes, one after the other. `users` and `contacts` are the ids that no pass has claimed yet."""

    def __init__(self, index: MatchingIndex, result: Matching) -> None:
        self.index = index
        self.result = result
        self.users = dict.fromkeys(index.users)
        self.contacts = dict.fromkeys(index.contacts)
        self.withheld: dict[str, set[ItGlueId]] = defaultdict(set)
        self.matched_by_names_too: set[str] = set()

    def run(self, wanted: Mapping[str, Override]) -> Matching:
        self._apply(wanted)
        self._match_by_address(Rule.ALIAS, self.index.smtp_keys)
        self._match_by_address(Rule.USERNAME, self.index.username_keys(self.users))
        self._match_by_name()
        self._refuse_second_contacts()
        self._note_created_beside()
        self._note_withheld_hits()
        self._note_held_aliases()
        self.result.conflicts.sort(key=lambda conflict: (conflict.users, conflict.contact_ids))
        return self.result

    # ------------------------------------------------------------------ claims

    def _claim(self, user_id: str, contact_id: ItGlueId, rule: Rule) -> None:
        self._claim_all({user_id: contact_id}, rule)

    def _claim_all(self, pairs: Mapping[str, ItGlueId], rule: Rule) -> None:
        users, contacts, matches = self.users, self.contacts, self.result.matches
        for user_id, contact_id in pairs.items():
            del users[user_id], contacts[contact_id]
            matches[user_id] = (contact_id, rule)

    def _add_conflict(
        self, rule: Rule, code: ReasonCode, user_ids: Collection[str], contact_ids: Collection[ItGlueId]
    ) -> None:
        """Nothing is written for a member of a conflict, and none goes on to a later pass."""
        taken = [each for each in contact_ids if each not in self.contacts]
        conflict = conflict_of(self.index, rule, code, user_ids, contact_ids, taken)
        if conflict.suggestion and self.index.circumstances.deleted is None:
            self.result.needs_deleted_users = True
        self.result.rests_on_deleted.update(kept_from_suggestion(self.index, conflict))
        self.result.made_anew.update(made_anew(self.index, conflict))
        for user_id in user_ids:
            self.users.pop(user_id, None)
            self.result.conflicted[user_id] = conflict
        for contact_id in contact_ids:
            self.contacts.pop(contact_id, None)
        if any(user_id in self.index.selected for user_id in user_ids):
            self.result.conflicts.append(conflict)

    def _note(self, user_id: str, code: ReasonCode, **values: object) -> None:
        if user_id in self.index.selected:
            self.result.reasons[user_id] = (*self.result.reasons.get(user_id, ()), because(code, **values))

    # --------------------------------------------------------------- overrides

    def _apply(self, wanted: Mapping[str, Override]) -> None:
        owned = self.index.circumstances.owned.contacts
        for user_id, contact_id in owned.items():
            if user_id in self.users and contact_id in self.contacts:
                self._claim(user_id, contact_id, Rule.OVERRIDE)
        wanted = {user_id: override for user_id, override in wanted.items() if user_id not in self.result.matches}
        if not wanted:
            return
        decided = apply_overrides(self.index, wanted)
        for user_id, contact_id in decided.matches.items():
            self._claim(user_id, contact_id, Rule.OVERRIDE)
        for user_id, found in decided.found_by_new.items():
            self.result.found_by_new[user_id] = found
            if found is None:
                del self.users[user_id]
            else:
                self._claim(user_id, found, Rule.OVERRIDE)
                self._note(user_id, ReasonCode.OVERRIDE_FOUND_CONTACT, contact_id=found)
        for code, user_ids, contact_ids in decided.conflicts:
            self._add_conflict(Rule.OVERRIDE, code, user_ids, contact_ids)
        self.result.needs_deleted_users |= decided.needs_deleted_users

    # --------------------------------------------------------- passes by address

    def _match_by_address(self, rule: Rule, keys: Mapping[str, Collection[str]]) -> None:
        found = self._found(keys)
        shared = repeated(list(chain.from_iterable(found.values())))
        # Most people have one contact, which is theirs alone and bears their names.
        of_user, of_contact = self.index.names_of_users, self.index.names_of_contacts
        plain = {
            user_id: contact_ids[0]
            for user_id, contact_ids in found.items()
            if len(contact_ids) == 1
            and contact_ids[0] not in shared
            and (names := of_user[user_id]) is not None
            and names == of_contact[contact_ids[0]]
        }
        others: Hits = {
            user_id: {contact_id: self.index.names(user_id, contact_id) for contact_id in contact_ids}
            for user_id, contact_ids in found.items()
            if user_id not in plain
        }
        weighed = weigh(self.index, others, self.contacts) if others else Weighed()
        for user_id, contact_ids in weighed.withheld.items():
            self.withheld[user_id] |= contact_ids
        self.result.rests_on_deleted |= weighed.rests_on_deleted
        self.result.needs_deleted_users |= weighed.needs_deleted_users
        self._claim_all(plain, rule)
        self.matched_by_names_too.update(plain)
        self._resolve(rule, weighed.hits)

    def _found(self, keys: Mapping[str, Collection[str]]) -> dict[str, list[ItGlueId]]:
        """The free contacts that each free user hits."""
        by_address, contacts, found = self.index.contacts_by_address, self.contacts, {}
        for user_id in self.users:
            held = found_under(keys[user_id], by_address)
            if free := [contact_id for contact_id in held if contact_id in contacts]:
                found[user_id] = free
        return found

    def _resolve(self, rule: Rule, hits: Hits) -> None:
        """A user and a contact that hit only each other are a match, a larger group is a conflict."""
        for user_ids, contact_ids in connected(hits):
            judged = [names for user_id in user_ids for names in hits[user_id].values()]
            differ, asks = Names.DIFFERENT in judged, asks_about_different_names(self.index)
            if len(judged) > 1 or (differ and asks):
                code = ReasonCode.NAMES_DIFFER if differ and asks else ReasonCode.SEVERAL_HITS
                self._add_conflict(rule, code, user_ids, contact_ids)
                continue
            (user_id,), (contact_id,) = user_ids, contact_ids
            self._claim(user_id, contact_id, rule)
            if differ:
                self._note(user_id, ReasonCode.MATCHED_DIFFERENT_NAMES, contact_id=contact_id)
            elif Names.SAME in judged:
                self.matched_by_names_too.add(user_id)

    # ------------------------------------------------------------ pass by names

    def _match_by_name(self) -> None:
        index = self.index
        hits: dict[str, tuple[ItGlueId, ...]] = {}
        for user_id in self.users:
            key = index.names_of_users[user_id]
            free = tuple([each for each in index.contacts_by_names.get(key, ()) if each in self.contacts])
            # Few users are left out, so what takes an index of all selected ones is asked last.
            if free and (user_id in index.selected or key not in index.selected_by_names):
                hits[user_id] = free
        for user_ids, contact_ids in connected(hits):
            if len(user_ids) > 1 or len(contact_ids) > 1:
                self._add_conflict(Rule.NAME, ReasonCode.SEVERAL_HITS, user_ids, contact_ids)
            else:
                (user_id,), (contact_id,) = user_ids, contact_ids
                self._match_by_name_alone(user_id, contact_id)

    def _match_by_name_alone(self, user_id: str, contact_id: ItGlueId) -> None:
        index = self.index
        if user_id in index.selected:
            addresses = contact_addresses(index.contacts[contact_id])
            if self._may_be_returned(user_id, contact_id, addresses):
                self._add_conflict(Rule.NAME, ReasonCode.POSSIBLY_RETURNED, {user_id}, {contact_id})
                return
            if index.circumstances.deleted is None and addresses:
                self.result.needs_deleted_users = True
            if unheld := index.unheld_addresses(contact_id):
                self._note(user_id, ReasonCode.UNHELD_ADDRESS, contact_id=contact_id, addresses=unheld)
        self._claim(user_id, contact_id, Rule.NAME)

    def _may_be_returned(self, user_id: str, contact_id: ItGlueId, addresses: frozenset[str]) -> bool:
        """Whether the contact may be a departed namesake's: whose, only somebody who knows both can say."""
        index = self.index
        key = index.names_of_users[user_id]
        if index.is_departed(contact_id) or index.holds_any(index.excluded_by_names.get(key, ()), addresses):
            return True
        if index.holds_any(index.deleted_by_names.get(key, ()), addresses) or index.is_remembered(contact_id, user_id):
            self.result.rests_on_deleted.add((contact_id, user_id))
            return True
        return False

    # ------------------------------------ no second contact beside a known one

    def _refuse_second_contacts(self) -> None:
        """Whoever would get a new contact beside one of the same names, or one that holds its primary address, is
        a conflict. Where the contact holds the address among others, too: a run that makes another address its
        primary e-mail must not turn the conflict into a create of the next run.
        """
        by_names: dict[str, tuple[ItGlueId, ...]] = {}
        hits: dict[str, tuple[ItGlueId, ...]] = {}
        for user_id in self.users:
            if user_id in self.index.selected:
                by_names[user_id] = self._known_by_names(user_id)
                if known := self._known(user_id, by_names[user_id]):
                    hits[user_id] = known
        for user_ids, contact_ids in connected(hits):
            rule = Rule.NAME if any(by_names[user_id] for user_id in user_ids) else Rule.PRIMARY_EMAIL
            returned = [self._is_of_departed(user_id, each) for user_id in user_ids for each in hits[user_id]]
            code = ReasonCode.POSSIBLY_RETURNED if any(returned) else ReasonCode.KNOWN_CONTACT
            self._add_conflict(rule, code, user_ids, contact_ids)

    def _known(self, user_id: str, by_names: Iterable[ItGlueId]) -> tuple[ItGlueId, ...]:
        return tuple(dict.fromkeys((*by_names, *self._known_holders(self.index.primary_key(user_id)))))

    def _known_holders(self, key: str) -> tuple[ItGlueId, ...]:
        """The contacts that hold an address, but for those that the run itself has created: the plan knew of those."""
        holders, made = self.index.contacts_by_address.get(key, ()), self.index.circumstances.owned.made
        return tuple([each for each in holders if each not in made]) if made else holders

    def _known_by_names(self, user_id: str) -> tuple[ItGlueId, ...]:
        """The contacts with the user's names, but for those that an address gives to another selected user of these
        names (two people of one name), and those that an override gives to a selected user: they get that user's names.
        """
        index = self.index
        key = index.names_of_users[user_id]
        if key is None:
            single = single_name(*NAMES_OF_USER(index.users[user_id]))
            known = index.contacts_by_single_name.get(single, ()) if single else ()
            return tuple([contact_id for contact_id in known if contact_id not in self._of_selected])
        known = index.contacts_by_names.get(key, ())
        if not known:
            return ()
        namesakes = index.selected_by_names.get(key, ())
        taken = {found[0] for each in namesakes if (found := self.result.matches.get(each)) and found[1] != Rule.NAME}
        return tuple([contact_id for contact_id in known if contact_id not in taken | self._overridden])

    @cached_property
    def _of_selected(self) -> frozenset[ItGlueId]:
        """The contacts of selected users. A contact with one name gets the others of its user, so the next run would
        not see the only name any more. The passes are done with before this is asked."""
        matches = self.result.matches.items()
        return frozenset(contact_id for user_id, (contact_id, dummy) in matches if user_id in self.index.selected)

    @cached_property
    def _overridden(self) -> frozenset[ItGlueId]:
        """The contacts that overrides give to selected users. That of an excluded user keeps its names: the override
        may be older than the person's departure. Overrides are applied before anything else."""
        override = Rule.OVERRIDE
        by_override = {user_id: pair[0] for user_id, pair in self.result.matches.items() if pair[1] == override}
        return frozenset(by_override[user_id] for user_id in by_override.keys() & self.index.selected)

    def _is_of_departed(self, user_id: str, contact_id: ItGlueId) -> bool:
        index = self.index
        if index.rests_on_deleted(contact_id, user_id):
            self.result.rests_on_deleted.add((contact_id, user_id))
            return True
        return index.is_departed(contact_id) or index.names_of_contacts[contact_id] in index.excluded_by_names

    # ------------------------------------------------------------------- notes

    def _note_created_beside(self) -> None:
        """`new` creates beside a known contact, which may be the one that it made: since then the person may have got
        another name or primary address, or somebody may have edited the contact."""
        for user_id, found in self.result.found_by_new.items():
            if found is None and user_id in self.index.selected:
                holders = found_under(self.index.smtp_keys[user_id], self.index.contacts_by_address)
                free = (each for each in holders if each in self.contacts)
                fitting = [each for each in free if self.index.names(user_id, each) != Names.DIFFERENT]
                if known := {*self._known(user_id, self._known_by_names(user_id)), *fitting}:
                    self._note(user_id, ReasonCode.CREATED_BESIDE, contact_ids=sorted(known))

    def _note_withheld_hits(self) -> None:
        """A withheld hit is noted until the user has a contact of the same names that holds its address."""
        for user_id, contacts in self.withheld.items():
            if user_id in self.matched_by_names_too or user_id in self.result.conflicted:
                continue
            for contact_id in sorted(contacts - {self.result.matches.get(user_id, (None,))[0]}):
                self._note(user_id, ReasonCode.HIT_WITHHELD, contact_id=contact_id)

    def _note_held_aliases(self) -> None:
        """An alias that another contact holds is not added to a second one, nor is one that several users hold."""
        if not self.index.circumstances.sync_aliases:
            return
        index, result = self.index, self.result
        selected, of_user, of_contact = index.selected, index.smtp_keys, index.email_keys
        for user_id in index.users:
            if user_id in selected and user_id not in result.conflicted:
                match_of_user = result.matches.get(user_id)
                present = of_contact[match_of_user[0]] if match_of_user else ()
                if lacking := of_user[user_id].keys() - present:
                    self._note_held_aliases_of(user_id, lacking)

    def _note_held_aliases_of(self, user_id: str, lacking: Iterable[str]) -> None:
        """Note which of the addresses that the user's contact lacks are held by others."""
        held = {
            key: holders
            for key in lacking
            if not key.endswith(ONMICROSOFT)
            and ((holders := self._known_holders(key)) or self.index.is_held_beside(key, user_id))
        }
        if not held:
            return
        held.pop(self.index.primary_key(user_id), None)
        if held:
            self.result.held_aliases[user_id] = frozenset(held)
        if contact_ids := sorted(set(chain.from_iterable(held.values()))):
            addresses = sorted(key for key, holders in held.items() if holders)
            self._note(user_id, ReasonCode.ALIAS_HELD, addresses=addresses, contact_ids=contact_ids)
