# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Microsoft tenant belongs to which organization (fleet guide).

A tenant is matched by the setting that an organization stores, or by a name that is exactly
the organization's. Everything else is a suggestion with a score, for a person to decide.

Likeness is measured by `difflib` of the standard library: 300 tenants against 2000
organizations take seconds, once. A compiled library would be faster, and would have to be
installed on every control node and in every execution environment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from .account import reference
from .errors import InputError
from .grouping import by_key, by_one_key
from .hosts import words
from .model import BmsSettings, ItGlueId, Organization, Tenant
from .text import name

MATCHED, IGNORED, UNMATCHED = "matched", "ignored", "unmatched"
STATES = (MATCHED, IGNORED, UNMATCHED)
BY_SETTING, BY_NAME = "setting", "name"

_LEGAL_FORMS = frozenset(
    "ab ag aps as asa bv bvba co company corp corporation gmbh inc incorporated kg kk limited llc llp lp ltd mbh nv "
    "ohg oy oyj plc pllc pty sa sarl sas se spa srl sro ug".split()
)
"""Legal forms, which say nothing about who it is."""

_MEASURED = 40
"""Organizations that are measured for a tenant."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An organization that might be the tenant's; `score` is a percentage."""

    organization: Organization
    score: int


@dataclass(frozen=True, slots=True)
class Match:
    """What is known of one tenant. `by` is None unless it is matched."""

    tenant: Tenant
    state: str
    organization: Organization | None = None
    by: str | None = None
    suggestions: tuple[Suggestion, ...] = ()


def matches(
    tenants: Iterable[Tenant],
    organizations: Collection[Organization],
    stored: Mapping[ItGlueId, str],
    ignored: Collection[str],
    *,
    most: int,
    least: int,
) -> list[Match]:
    """The state of each tenant, by name.

    `stored` maps the id of an organization to the tenant id that it stores. At `most` so many
    suggestions are made for an unmatched tenant, with a score of at `least` so much.
    """
    tenants = sorted({each.id: each for each in tenants}.values(), key=lambda each: (name(each.name), each.id))
    by_id = {each.id: each for each in organizations}
    holders = {tenant_id: by_id[key] for key, tenant_id in sorted(stored.items(), reverse=True) if key in by_id}
    free = [each for each in organizations if each.id not in stored]
    namesakes = _namesakes([each for each in tenants if each.id not in holders and each.id not in ignored], free)
    taken = {organization.id for organization in namesakes.values()}
    likeness = _Likeness([each for each in free if each.id not in taken])
    found = []
    for tenant in tenants:
        if tenant.id in ignored:
            match = Match(tenant, IGNORED, holders.get(tenant.id))
        elif tenant.id in holders:
            match = Match(tenant, MATCHED, holders[tenant.id], BY_SETTING)
        elif tenant.id in namesakes:
            match = Match(tenant, MATCHED, namesakes[tenant.id], BY_NAME)
        else:
            match = Match(tenant, UNMATCHED, suggestions=likeness.suggestions(tenant, most, least))
        found.append(match)
    return found


def _namesakes(tenants: Collection[Tenant], organizations: Collection[Organization]) -> dict[str, Organization]:
    """Tenant id to the organization of exactly its name, where each is the only one of that name."""
    of_tenants = by_one_key(tenants, [name(each.name) for each in tenants])
    of_organizations = by_one_key(organizations, [name(each.name) for each in organizations])
    return {
        of_tenants[key][0].id: of_organizations[key][0]
        for key in of_tenants.keys() & of_organizations.keys()
        if len(of_tenants[key]) == len(of_organizations[key]) == 1
    }


def named(tenants: Iterable[Tenant], wanted: str) -> list[Tenant]:
    """The tenants that a person means by an id, a default domain or an exact name."""
    key = name(wanted)
    return [each for each in tenants if key and key in (each.id.casefold(), name(each.domain), name(each.name))]


# -------------------------------------------------------------------- declarations


@dataclass(frozen=True, slots=True)
class Matching:
    """What is stored: organization id to tenant id, and the ids of the ignored tenants."""

    held: Mapping[ItGlueId, str]
    ignored: frozenset[str]

    def holders(self, tenant_id: str) -> list[int]:
        return sorted(key for key, held in self.held.items() if held == tenant_id)

    def state(self, tenant_id: str) -> str:
        if tenant_id in self.ignored:
            return IGNORED
        return MATCHED if self.holders(tenant_id) else UNMATCHED

    def declared(self, state: str, tenant_id: str, organization_id: int | None) -> Matching:
        """What is stored once the tenant has the state.

        `organization_id` is the one to match it with; else it limits what is taken away.
        """
        held = {
            key: value
            for key, value in self.held.items()
            if value != tenant_id or state == MATCHED or (state == UNMATCHED and organization_id not in (None, key))
        }
        if state == MATCHED and organization_id is not None:
            return Matching({**held, ItGlueId(organization_id): tenant_id}, self.ignored - {tenant_id})
        if state == IGNORED:
            return Matching(held, self.ignored | {tenant_id})
        return Matching(held, self.ignored - {tenant_id} if organization_id is None else self.ignored)


# ------------------------------------------------------------------ twice the same


def shared_tenants(organizations: Iterable[Organization], stored: Mapping[ItGlueId, str]) -> list[str]:
    """A sentence for each tenant that several organizations store."""
    holders = _held([(stored[each.id], each) for each in organizations if each.id in stored])
    return [
        f"The tenant {tenant_id} is matched with several organizations: {listed(group)}. "
        "Take it from all but one with msp.psa_sync.tenant_match, state: unmatched."
        for tenant_id, group in holders
    ]


def shared_accounts(
    organizations: Iterable[Organization], settings: Mapping[int, BmsSettings], adapter_names: Collection[str]
) -> list[str]:
    """A sentence for each BMS account that several of the organizations with `settings` mean, by id or by name."""
    accounts = []
    for organization in organizations:
        if organization.id in settings:
            try:
                accounts.append((reference(organization, settings[organization.id], adapter_names).key, organization))
            except InputError:
                continue  # what it means is not known; the sync says so
    return [
        f"The BMS account {account} is that of several organizations: {listed(group)}. "
        "Correct the option account of bms_sync_settings of all but one."
        for account, group in _held(accounts)
    ]


def _held(pairs: Sequence[tuple[str, Organization]]) -> Iterator[tuple[str, tuple[Organization, ...]]]:
    """What several organizations hold, with these."""
    holders = by_one_key([organization for dummy, organization in pairs], [key for key, dummy in pairs])
    return ((key, holders[key]) for key in sorted(holders) if len(holders[key]) > 1)


def listed(organizations: Iterable[Organization]) -> str:
    return ", ".join(f"{each.name} ({each.id})" for each in sorted(organizations, key=lambda each: each.id))


# --------------------------------------------------------------------- likeness


class _Likeness:
    """How much the name of a tenant is like those of the organizations that have none.

    To measure every pair would take minutes where there are many: only the organizations that
    share the most pairs of neighbouring letters with the tenant are measured.
    """

    def __init__(self, organizations: Sequence[Organization]) -> None:
        self._organizations = organizations
        self._spellings = [_spellings(organization.name) for organization in organizations]
        self._holders = by_key(range(len(organizations)), map(_pairs, self._spellings))

    def suggestions(self, tenant: Tenant, most: int, least: int) -> tuple[Suggestion, ...]:
        wanted = _spellings(tenant.name or "") | _spellings((tenant.domain or "").partition(".")[0])
        shared = Counter(number for pair in sorted(_pairs(wanted)) for number in self._holders.get(pair, ()))
        matchers: list[SequenceMatcher[str]] = [
            SequenceMatcher(None, "", spelling, autojunk=False) for spelling in sorted(wanted)
        ]
        scored = [
            Suggestion(self._organizations[number], _score(matchers, self._spellings[number]))
            for number, dummy in shared.most_common(_MEASURED)
        ]
        scored.sort(key=lambda each: (-each.score, each.organization.name.casefold(), each.organization.id))
        return tuple(each for each in scored if each.score >= least)[:most]


def _score(matchers: Iterable[SequenceMatcher[str]], spellings: Iterable[str]) -> int:
    """The best ratio of any two forms, as a percentage rounded down."""
    best = 0.0
    for matcher in matchers:
        for spelling in spellings:
            matcher.set_seq1(spelling)
            best = max(best, matcher.ratio())
    return int(best * 100)


def _pairs(spellings: Iterable[str]) -> set[str]:
    """The pairs of neighbouring letters; a blank stands before the first and behind the last."""
    return {f" {spelling} "[place : place + 2] for spelling in spellings for place in range(len(spelling) + 1)}


def _spellings(value: str) -> set[str]:
    """A name as it may be spelled: its words in their order, sorted, and run together."""
    all_words = words(value)
    core = [word for word in all_words if word not in _LEGAL_FORMS] or all_words
    return {" ".join(core), " ".join(sorted(core)), "".join(core)} - {""}
