# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IT Glue's API: JSON:API on the wire, the model's values on this side.

Source: the IT Glue API reference (api.itglue.com/developer) and the vendor's help
pages on paging, filters and sorting, where nothing else is named.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial

from .._engine import text
from .._engine.errors import InputError, NotFoundError, quoted
from .._engine.model import Contact, ContactType, Location, Organization, as_id
from . import itglue_decoding as decode
from .addresses import service_url
from .decoding import Row
from .itglue_assets import ItGlueAssets, filter_value
from .itglue_decoding import resource
from .itglue_errors import ItGlueErrors
from .itglue_requests import ItGlueRequests
from .private_directory import digest
from .session import Access, HttpSession, Service

REGIONS = {
    "us": "https://api.itglue.com",
    "eu": "https://api.eu.itglue.com",
    "au": "https://api.au.itglue.com",
}


class ItGlueClient(ItGlueAssets):
    """One account of IT Glue. Safe for use by several threads; iterators are for one thread each."""

    def __init__(self, *, url_or_region: str, api_key: str, access: Access) -> None:
        key = api_key.strip()
        if not key.isascii() or not key.isprintable():
            raise InputError(
                "The option itglue_api_key holds characters that no key has.", hint="It looks like ITG.0123abc."
            )
        service = Service(
            "itglue",
            service_url(url_or_region, REGIONS, "itglue_url"),
            "itglue_url",
            mapping=ItGlueErrors(),
            headers={"x-api-key": key},
            secrets=(key,),
        )
        super().__init__(ItGlueRequests(HttpSession(service, access)))

        # Tells what this key may see from what others may, and nothing of the key.
        self.account = digest(self.base_url, key)

    @property
    def base_url(self) -> str:
        return self._requests.session.base_url

    def raw(self, path: str, params: Mapping[str, object]) -> Row:
        """One answer to a read as it is on the wire: for what the decoded values do not show."""
        return self._requests.read(path, params).body

    # ---------------------------------------------------------- organizations

    def organization(self, ident: str | int) -> Organization:
        """The organization of an id (digits) or of a name, with its adapters.

        Raises `InputError` naming the option when there is none or several.
        """
        wanted = str(ident).strip()
        known = as_id(wanted)
        return self._organization_of_name(wanted) if known is None else self._organization_of_id(known)

    def _organization_of_id(self, ident: int) -> Organization:
        try:
            page = self._requests.one(f"/organizations/{ident}", {"include": "adapters_resources"})
        except NotFoundError as error:
            raise InputError(
                f"The option organization names {ident}, but IT Glue has no organization of that id"
                " that this API key may see."
            ) from error
        return decode.organization(page, page.only)

    def _organization_of_name(self, wanted: str) -> Organization:
        if not text.name(wanted):
            raise InputError("The option organization is blank.", hint="Give the id or the exact name.")
        params = {"filter[name]": filter_value(text.text(wanted)), "include": "adapters_resources"}
        hits = list(self._requests.all("/organizations", params, decode.organization))
        # The filter is exact and case-sensitive; where no name fits, the client looks itself.
        same = _of_name(wanted, hits)
        others: list[Organization] = []
        if not same:
            others = list(self.organizations(include_adapters=True))
            same = _of_name(wanted, others)
        if (only := only_of_name(wanted, same)) is not None:
            return only
        raise InputError(f"The option organization names {quoted(wanted)}, {_candidates(wanted, same, others)}")

    def organizations(self, *, include_adapters: bool = False, most: int | None = None) -> Iterator[Organization]:
        """All organizations. Raises `ListTooLongError` where they are more than `most` pages."""
        params = {"include": "adapters_resources"} if include_adapters else {}
        return self._requests.all("/organizations", {"sort": "id", **params}, decode.organization, most=most)

    def with_adapters(self, organization: Organization) -> Organization:
        """The organization with its adapters, which it has."""
        return organization

    # --------------------------------------------------------------- contacts

    def contacts(self, organization_id: int) -> Iterator[Contact]:
        """All contacts of an organization, with their adapters.

        `link_known` is False where the answer does not show all of a contact's adapters: it must not be taken for
        unlinked by mistake.
        """
        return self.contacts_of_several([organization_id])

    def contacts_of_several(self, organization_ids: Collection[int], most: int | None = None) -> Iterator[Contact]:
        """All contacts of several organizations, as `contacts` has them; a comma in a filter means "or".

        An organization of which it shows no contact may have some: ask for it by itself. Raises `ListTooLongError`
        where they are more than `most` pages, and `ProtocolError` for a row of another organization: unknown filters
        are silently ignored by the service.
        """
        params = {
            "filter[organization_id]": ",".join(map(str, organization_ids)),
            "include": "adapters_resources",
            "sort": "id",
        }
        decoded = partial(decode.contact, organization_ids=organization_ids)
        return self._requests.all("/contacts", params, decoded, most=most)

    def changed_contacts(self, organization_id: int, since: float) -> Iterator[Contact]:
        """The contacts of an organization that were saved after `since` (seconds since the epoch, by the clock of
        the service), the latest first, with their adapters: no more pages than it takes.

        Raises `ProtocolError` where the list is not in the order that was asked for.
        """
        params = {"filter[organization_id]": organization_id, "include": "adapters_resources", "sort": "-updated_at"}
        latest = math.inf
        for page, row in self._requests.rows("/contacts", params):
            contact = decode.contact(page, row, [organization_id])
            saved = contact.saved_at
            if saved is None or saved > latest:
                raise page.reader.error("its contacts are not sorted by the time of their last change")
            if saved <= since:
                return
            latest = saved
            yield contact

    def contact(self, contact_id: int) -> Contact:
        """One contact, with its adapters."""
        page = self._requests.one(f"/contacts/{contact_id}", {"include": "adapters_resources"})
        return decode.contact(page, page.only)

    def create_contacts(self, organization_id: int, rows: Sequence[Mapping[str, object]]) -> list[Contact]:
        """Create contacts from their attributes (kebab-case keys), in one request.

        Returns those that the answer shows, in its order and without adapters.
        Whether a bulk request is taken as a whole is not published: after `RejectedError`
        or `OutcomeUnknownError`, look what is there.
        """
        data = [resource("contacts", attributes) for attributes in rows]
        path = f"/organizations/{organization_id}/relationships/contacts"
        return self._requests.write("POST", path, data[0] if len(data) == 1 else data, decode.written_contact)

    def update_contacts(self, rows: Sequence[tuple[int, Mapping[str, object]]]) -> list[Contact]:
        """Change contacts, in one request; an attribute that is not given stays.

        `contact-emails` and `contact-phones` are to be given whole: that the service
        replaces them is not published, but so is right if it merges them as well.
        """
        data = [resource("contacts", {"id": ident, **attributes}) for ident, attributes in rows]
        return self._requests.write("PATCH", "/contacts", data, decode.written_contact)

    def update_contact(self, contact_id: int, attributes: Mapping[str, object]) -> Contact:
        data = resource("contacts", attributes)
        return self._requests.write_one("PATCH", f"/contacts/{contact_id}", data, decode.written_contact)

    def delete_contacts(self, ids: Iterable[int]) -> None:
        """Delete contacts by id: a DELETE by filter could hit all, since unknown filters are ignored."""
        data = [resource("contacts", {"id": ident}) for ident in ids]
        if not data:
            raise InputError("No contact is named to be deleted.")
        self._requests.delete("/contacts", data)

    # --------------------------------------------- locations and contact types

    def locations(self, organization_id: int) -> Iterator[Location]:
        return (location for dummy, location in self.locations_of_several([organization_id]))

    def locations_of_several(
        self, organization_ids: Collection[int], most: int | None = None
    ) -> Iterator[tuple[int, Location]]:
        """The locations of several organizations, each with the id of its organization; as `contacts_of_several`."""
        params = {"filter[organization_id]": ",".join(map(str, organization_ids)), "sort": "id"}
        decoded = partial(decode.location, organization_ids=organization_ids)
        return self._requests.all("/locations", params, decoded, most=most)

    def contact_types(self) -> list[ContactType]:
        return list(self._requests.all("/contact_types", {"sort": "id"}, decode.contact_type))


def only_of_name(wanted: str, organizations: Sequence[Organization]) -> Organization | None:
    """The organization that a name means among those that bear it, None where that is not clear."""
    same = _of_name(wanted, organizations)
    exact = [organization for organization in same if text.text(organization.name) == text.text(wanted)]
    return (exact or same)[0] if len(exact or same) == 1 else None


def _of_name(wanted: str, organizations: Iterable[Organization]) -> list[Organization]:
    key = text.name(wanted)
    return [organization for organization in organizations if text.name(organization.name) == key]


def _candidates(wanted: str, same: Sequence[Organization], others: Sequence[Organization]) -> str:
    if same:
        return f"but IT Glue has {len(same)} of that name: give one of the ids {_listed(same)}."
    names = [text.name(organization.name) for organization in others]
    close = get_close_matches(text.name(wanted), names, n=5)
    near = [organization for organization, name in zip(others, names, strict=True) if name in close][:5]
    if not near:
        return "but IT Glue has no organization of that name that this key may see."
    return f"but IT Glue has no organization of that name. Similar names: {_listed(near)}."


def _listed(organizations: Iterable[Organization]) -> str:
    return ", ".join(f"{organization.id} ({organization.name})" for organization in organizations)
