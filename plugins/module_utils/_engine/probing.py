# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the vendors leave open, and what an observation says about it.

Each question is one that the collection's behaviour or its settings depend on. `_sync/probe.py`
makes the observations; here is what they mean. An observation that does not tell is `UNKNOWN`,
with the reason: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .account import is_bms
from .model import Adapter, BmsContact, Contact
from .options import Options
from .phones import digits

UNKNOWN = "unknown"
NOT_PROBED = "not_probed"
"""Answers to a question that was asked without an outcome, and that was not asked."""

READ, WRITE, WRITE_BMS = "read", "write", "write_bms"
"""What a question takes: reads, writes to contacts of the probe's own in IT Glue, or in BMS too."""


class Question(NamedTuple):
    service: str
    takes: str
    text: str


QUESTIONS: Mapping[str, Question] = {
    "itglue_page_limit": Question("itglue", READ, "How many contacts does a page hold at most?"),
    "itglue_unknown_filter": Question("itglue", READ, "What becomes of a filter that IT Glue does not know?"),
    "itglue_name_filter": Question("itglue", READ, "How does the filter on an organization's name compare?"),
    "itglue_adapter": Question("itglue", READ, "What is BMS called among IT Glue's integrations?"),
    "itglue_create": Question("itglue", WRITE, "Does a contact read back as it was created?"),
    "itglue_unlinked": Question("itglue", WRITE, "Does IT Glue say of a contact that no integration holds it?"),
    "itglue_phones": Question("itglue", WRITE, "How does a phone number read back?"),
    "itglue_email_filter": Question("itglue", WRITE, "Does the filter on the primary e-mail heed case?"),
    "itglue_noop": Question("itglue", WRITE, "Does a write that changes nothing move updated-at?"),
    "itglue_null": Question("itglue", WRITE, "Does null clear an attribute?"),
    "itglue_arrays": Question("itglue", WRITE, "Are e-mails and phones replaced by those that are sent, or merged?"),
    "itglue_primaries": Question("itglue", WRITE, "What becomes of two primary e-mails?"),
    "itglue_foreign_location": Question("itglue", WRITE, "Is a location of another organization refused?"),
    "itglue_bulk_create": Question("itglue", WRITE, "Are so many contacts taken in one request?"),
    "itglue_bulk_atomic": Question("itglue", WRITE, "Does one bad contact reject a whole bulk request?"),
    "itglue_delete": Question("itglue", WRITE, "May the key delete contacts by id?"),
    "itglue_native_push": Question("itglue", WRITE_BMS, "Does IT Glue push contacts to BMS by itself?"),
    "itglue_linked_writes": Question("itglue", WRITE_BMS, "May a contact that is linked to BMS be written?"),
    "bms_casing": Question("bms", READ, "How does BMS spell the names in its answers?"),
    "bms_envelope": Question("bms", READ, "Does a single record come in an envelope?"),
    "bms_account": Question("bms", READ, "Which account is the organization's, and is it active?"),
    "bms_name_filter": Question("bms", READ, "How does the filter on an account's name compare?"),
    "bms_page_limit": Question("bms", READ, "How many contacts does a page hold at most?"),
    "bms_types": Question("bms", READ, "Where are the e-mail and phone types, and what are they called?"),
    "bms_create": Question("bms", WRITE_BMS, "Does a contact read back as it was created?"),
    "bms_contact_patch_endpoints": Question("bms", WRITE_BMS, "Can e-mails and phones of a contact be changed?"),
    "bms_null": Question("bms", WRITE_BMS, "Does null clear a job title?"),
    "bms_deactivate": Question("bms", WRITE_BMS, "May the user deactivate a contact?"),
    # Last, as what the probe has deactivated helps to tell.
    "bms_inactive_by_default": Question("bms", READ, "Does a list without a filter hold inactive contacts?"),
    "graph_page_limit": Question("graph", READ, "How many users does a page hold at most?"),
    "graph_deleted_users": Question("graph", READ, "May the app read deleted users?"),
    "graph_groups": Question("graph", READ, "May the app find groups by name?"),
    "graph_group_members": Question("graph", READ, "May the app read the members of groups?"),
    "graph_domains": Question("graph", READ, "May the app read the verified domains?"),
    "graph_contracts": Question("graph", READ, "May the app list the partner's client tenants?"),
}
"""All questions in the order in which they are answered."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an observation means. `settings` follow from it; `advice` is for a person."""

    answer: str
    evidence: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    advice: str = ""


def unknown(why: str) -> Judgement:
    return Judgement(UNKNOWN, why)


# ------------------------------------------------------------------------- marks

MARK = re.compile(r"Probe ([0-9a-f]{32})(?: \d+)?")
ADDRESS = re.compile(r"probe-([0-9a-f]{32})-\d+[a-z]?@example\.com", re.IGNORECASE)
"""The last name and the addresses of a probe's own contacts. The domain belongs to nobody (RFC 2606)."""


def mark(token: str, number: int) -> str:
    return f"Probe {token} {number}"


def mail(token: str, number: int, letter: str = "") -> str:
    return f"probe-{token}-{number}{letter}@example.com"


def made_by_probe(contact: Contact | BmsContact, token: str | None = None) -> bool:
    """Whether a contact is one that a probe made: that of `token`, or any.

    The name and every address must be a probe's, and of the same one, so that nobody else's
    contact is ever taken for it.
    """
    named = MARK.fullmatch(contact.last_name or "")
    if named is None or token not in (None, named[1]) or (contact.first_name or "Probe") != "Probe":
        return False
    values = [each.value if hasattr(each, "value") else each.address for each in contact.emails]
    found = [ADDRESS.fullmatch(each.strip()) for each in values]
    return bool(found) and all(each is not None and each[1].lower() == named[1] for each in found)


# ----------------------------------------------------------------------- IT Glue


def page_limit(wanted: int, rows: int, total: int | None, request: str) -> Judgement:
    """The largest page, as far as there are enough rows to tell."""
    evidence = f"{request} shows {rows} of {'an unknown number of' if total is None else total} rows."
    if not total:
        return unknown(evidence)
    if rows >= min(total, wanted):
        return Judgement(f"{rows} or more", evidence)
    return Judgement(str(rows), evidence)


def unknown_filter(total: int | None, filtered: int | None, refused: str | None) -> Judgement:
    if refused is not None:
        return Judgement("refused", refused)
    evidence = f"A filter that is not known leaves {filtered} of {total} organizations."
    if not total or filtered is None:
        return unknown(evidence)
    return Judgement("ignored" if filtered == total else "matches_nothing", evidence)


def name_filter(part: bool, start: bool, other_case: bool | None) -> Judgement:
    """How a text filter compares, by whether it finds a part, the beginning, and another case of a name."""
    how = "contains" if part else "starts_with" if start else "equals"
    case = {True: "any_case", False: "same_case", None: "case_unknown"}[other_case]
    seen = {True: "does", False: "does not", None: "was not asked whether it does"}
    evidence = (
        f"It {seen[part]} find a part of the name, it {seen[start]} find its beginning, and it {seen[other_case]} "
        "find the name in another case."
    )
    return Judgement(f"{how}, {case}", evidence)


def adapter(
    seen: Collection[str], own: Iterable[Adapter], account_id: int | None, filtered: Collection[str]
) -> Judgement:
    """The name of BMS's adapter: one like the known names, else the one that bears the account's id,
    else the only one on all records that IT Glue itself filters as linked to BMS."""
    listed = ", ".join(sorted(seen)) or "none"
    evidence = f"The integrations seen are: {listed}."
    known = sorted({each for each in seen if is_bms(Adapter(each), Options().bms_adapter_names)})
    paired = sorted({each.kind for each in own if account_id is not None and each.remote_number == account_id})
    for names, why in (
        (known, "That is BMS by its name."),
        (paired, f"That one bears the id of the BMS account {account_id}."),
        (sorted(filtered), "That is what records have that IT Glue filters as linked to BMS."),
    ):
        if names and (names is known or len(names) == 1):
            settings = {"bms_adapter_names": [each.casefold() for each in names]}
            return Judgement(", ".join(names), f"{evidence} {why}", settings)
    return unknown(f"{evidence} None of them is BMS for sure.")


def created(contact: Contact, wanted: Contact) -> Judgement:
    """Whether single values and e-mails read back as sent; phones have a question of their own."""
    pairs = (
        ("last-name", contact.last_name, wanted.last_name),
        ("title", contact.title, wanted.title),
        ("contact-emails", list(contact.emails), list(wanted.emails)),
    )
    other = [name for name, found, sent in pairs if found != sent]
    if other:
        return Judgement("otherwise", f"These read back otherwise than they were sent: {', '.join(other)}.")
    return Judgement("as_sent", "Name, title and e-mails read back as they were sent.")


def unlinked(adapters: object, psa_integration: object) -> Judgement:
    """What the answer shows in place of adapters where there are none: the collection needs an empty list."""
    evidence = f"adapters-resources is {_shown(adapters)}, psa-integration is {_shown(psa_integration)}."
    if adapters == [] and psa_integration is None:
        return Judgement("said", evidence)
    advice = "contact_sync cannot tell which contacts are linked to BMS: do not sync, and report this."
    return Judgement("not_said", evidence, advice=advice)


def phones(sent: str, number: str | None, extension: str | None) -> Judgement:
    if not number:
        return unknown("No phone number reads back.")
    # The number is the probe's own, from those that are kept for fiction.
    evidence = f"{sent} with an extension reads back as {number}, extension {extension or 'none'}."
    if digits(number) != digits(sent):
        advice = "Numbers read back with other digits: contact_sync would report phones as unapplied."
        return Judgement("other_digits", evidence, advice=advice)
    separators = re.sub(r"[0-9+]", "", number)
    plus = "plus_kept" if number.startswith("+") else "plus_stripped"
    return Judgement(plus if not separators else f"{plus}, separators_kept", evidence)


def email_filter(same_case: int, other_case: int) -> Judgement:
    evidence = f"It finds {same_case} by the same spelling, {other_case} by capitals."
    if same_case != 1:
        return unknown(evidence)
    return Judgement("any_case" if other_case == 1 else "same_case", evidence)


def noop(before: object, after_noop: object, after_change: object) -> Judgement:
    """Told only where a real change does move the time."""
    if after_change in (None, after_noop):
        return unknown("A real change does not move updated-at either.")
    if after_noop == before:
        advice = "A write that changes nothing may not make IT Glue push: save the contact by hand."
        return Judgement("stays", "updated-at stays where nothing changes.", advice=advice)
    return Judgement("moves", "updated-at moves though nothing changes.")


def null(value: object) -> Judgement:
    return Judgement("clears" if not value else "keeps", f"After null it reads back as {_shown(value)}.")


def arrays(before: Sequence[str], sent: Sequence[str], after: Sequence[str]) -> Judgement:
    """Replaced or merged, by the values of the entries."""
    was, given, found = ({each.casefold() for each in values} for values in (before, sent, after))
    evidence = f"Of {len(was)} entries {len(given)} were sent; {len(found)} read back."
    if found == given:
        return Judgement("replaced", evidence)
    if found == was | given:
        advice = (
            "IT Glue keeps entries that are omitted. A number that is replaced stays beside the new one, and "
            "contact_sync reports it as unapplied: remove it by hand."
        )
        return Judgement("merged", evidence, advice=advice)
    return unknown(evidence)


def primaries(flags: Sequence[bool], refused: str | None) -> Judgement:
    if refused is not None:
        return Judgement("refused", refused)
    evidence = f"Of two primary entries {sum(flags)} read back as primary."
    match list(flags):
        case [True, True]:
            return Judgement("as_sent", evidence)
        case [True, False]:
            return Judgement("first_wins", evidence)
        case [False, True]:
            return Judgement("last_wins", evidence)
        case dummy:
            return unknown(evidence)


def foreign_location(taken: bool, refused: str | None) -> Judgement:
    if refused is not None:
        return Judgement("refused", refused)
    return Judgement(
        "taken" if taken else "ignored",
        "IT Glue accepts it and shows it." if taken else "IT Glue accepts it, but does not show it.",
    )


def bulk_create(asked: int, answered: int, present: int, refused: str | None) -> Judgement:
    if refused is not None:
        return Judgement("refused", refused, advice="contact_sync then creates contacts one by one.")
    evidence = f"{asked} were sent in one request, {answered} answered, {present} are there."
    return Judgement("taken" if answered == present == asked else "in_part", evidence)


def bulk_atomic(refused: str | None, present: int) -> Judgement:
    evidence = f"A good and a bad contact were sent in one request; {present} of them are there."
    if refused is None:
        return Judgement("bad_one_taken" if present == 2 else "bad_one_left_out", evidence)
    return Judgement("as_a_whole" if present == 0 else "one_by_one", f"{evidence} {refused}")


def deleted(refused: str | None) -> Judgement:
    if refused is not None:
        advice = "A run cannot be reverted in full: contacts that it created in IT Glue are removed by hand."
        return Judgement("refused", refused, advice=advice)
    return Judgement("works", "None of the probe's contacts is left.")


def native_push(linked: bool, in_bms: int, waited: float) -> Judgement:
    """That IT Glue pushes is sure; that it does not is only so for the time that was waited."""
    evidence = f"A complete contact {'was linked' if linked else 'was not linked'} within {waited:.0f} s, and "
    evidence += f"BMS {'has' if in_bms else 'does not have'} it."
    if linked or in_bms:
        advice = (
            "IT Glue pushes contacts by itself. Either turn its two-way sync of contacts off, or set "
            "push_method: native; with direct, every new person would be in BMS twice."
        )
        return Judgement("on", evidence, {"push_method": "native"}, advice)
    advice = "IT Glue has not pushed within this time. Before you rely on it, look at its two-way sync setting too."
    return Judgement("not_seen", evidence, advice=advice)


def linked_writes(refused: str | None, changed: bool) -> Judgement:
    if refused is not None:
        advice = "update_linked: true has no effect on contacts that are linked: they are reported as locked."
        return Judgement("refused", refused, advice=advice)
    return Judgement("taken" if changed else "ignored", f"The write {'shows' if changed else 'does not show'}.")


# --------------------------------------------------------------------------- BMS


def casing(keys: Iterable[str]) -> Judgement:
    names = sorted(keys)
    evidence = f"The envelope has the keys {', '.join(names) or 'none'}."
    if not names:
        return unknown(evidence)
    return Judgement("pascal_case" if any(each[:1].isupper() for each in names) else "camel_case", evidence)


def envelope(keys: Iterable[str]) -> Judgement:
    folded = {each.casefold() for each in keys}
    wrapped = "result" in folded or "success" in folded
    return Judgement(
        "wrapped" if wrapped else "bare",
        f"A single account comes {'in an envelope' if wrapped else 'without an envelope'}.",
    )


def account(ident: int, name: str, active: bool) -> Judgement:
    evidence = f"{name} ({ident}) is {'active' if active else 'not active'}."
    return Judgement(str(ident), evidence, {"account": str(ident)})


def types(found: Mapping[str, tuple[str, Sequence[str]]]) -> Judgement:
    """`found` has for each kind the look-up that shows its names, and the names."""
    evidence = "; ".join(
        f"{kind}: {', '.join(names) or 'none'} ({where or 'no look-up'})" for kind, (where, names) in found.items()
    )
    wheres = {where for where, dummy in found.values()}
    if "" in wheres:
        advice = "BMS shows no table of types: give email_type and phone_type as numeric ids."
        return Judgement("none" if wheres == {""} else "in_part", f"{evidence}.", advice=advice)
    return Judgement(", ".join(sorted(wheres)), f"{evidence}.", advice="email_type and phone_type are among these.")


def inactive_by_default(without: int | None, active: int | None, inactive: int | None) -> Judgement:
    evidence = f"Without a filter {without}, active {active}, inactive {inactive} contacts."
    if without is None or active is None or not inactive:
        return unknown(f"{evidence} It takes an inactive contact to tell.")
    if without == active + inactive:
        return Judgement("included", evidence)
    return Judgement("left_out", evidence) if without == active else unknown(evidence)


def bms_created(contact: BmsContact, wanted: BmsContact) -> Judgement:
    kinds = [contact.first_name == wanted.first_name, contact.last_name == wanted.last_name]
    kinds.append([each.address for each in contact.emails] == [each.address for each in wanted.emails])
    evidence = f"{sum(kinds)} of first name, last name and e-mail read back as they were sent; "
    number = contact.phones[0].number if contact.phones else "none"
    evidence += f"the phone {wanted.phones[0].number} reads back as {number}."
    return Judgement("as_sent" if all(kinds) else "otherwise", evidence)


def patch_endpoints(outcomes: Mapping[str, str]) -> Judgement:
    """`outcomes` by kind: `present`, `absent`, or why it is not known."""
    evidence = "; ".join(f"{kind}: {outcome}" for kind, outcome in outcomes.items())
    states = set(outcomes.values())
    if states == {"present"}:
        return Judgement("present", evidence)
    if states == {"absent"}:
        advice = "This release of BMS cannot change e-mails and phones of a contact: that is left to a person."
        return Judgement("absent", evidence, advice=advice)
    return unknown(evidence)


def deactivated(active: bool) -> Judgement:
    return Judgement("refused" if active else "works", f"It reads back as {'active' if active else 'inactive'}.")


# ------------------------------------------------------------------------- Graph


def graph_page(rows: int, more: bool) -> Judgement:
    evidence = f"A page shows {rows} users, and {'there are more' if more else 'these are all'}."
    if more:
        return Judgement(str(rows), evidence) if rows else unknown(evidence)
    return Judgement(f"{rows} or more", evidence)


def granted(refused: str | None, what: str) -> Judgement:
    if refused is not None:
        return Judgement("denied", refused)
    return Judgement("granted", f"{what} can be read.")


def _shown(value: object) -> str:
    match value:
        case None:
            return "null"
        case []:
            return "an empty list"
        case list():
            return f"a list of {len(value)}"
        case str():
            return "blank" if not value else "what it was"
        case dummy:
            return "something else"
