# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""IT Glue's API: JSON:API on the wire, the model's values on this side.

Source: the IT Glue API reference (api.itglue.com/developer) and the vendor's help
pages on paging, filters and sorting, where nothing else is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import TypeVar

from .._engine.errors import (
    ApiError,
    AuthenticationError,
    InputError,
    NotFoundError,
    RejectedError,
    UnavailableError,
    quoted,
)
from .._engine.model import (
    Adapter,
    Asset,
    AssetField,
    AssetType,
    Contact,
    ContactType,
    Email,
    Location,
    Organization,
    Phone,
)
from .decoding import Reader, accepted
from .retry import RetryPolicy
from .session import Calls, ErrorMapping, HttpSession, HttpSettings, Limiter, Response, TimeoutBeforeAnswerError
from .transport import service_url

REGIONS = {
    "us": "https://api.itglue.com",
    "eu": "https://api.eu.itglue.com",
    "au": "https://api.au.itglue.com",
}

QUOTA = RetryPolicy(throttled_tries=8)
"""3000 requests in five minutes, then HTTP 429; no header that says when is documented."""

_LARGEST_PAGE = 1000
_SMALLEST_PAGE = 50
_WALKS = 3
_BARREN_PAGES = 5
_JSON_API = "application/vnd.api+json"

T = TypeVar("T")


class ItGlueClient:
    """One account of IT Glue. Safe for use by several threads; iterators are for one thread each."""

    def __init__(
        self,
        *,
        url_or_region: str,
        api_key: str,
        http: HttpSettings,
        calls: Calls,
        retry: RetryPolicy = QUOTA,
        limiter: Limiter | None = None,
        make_session: Callable[..., HttpSession] = HttpSession,
    ) -> None:
        key = api_key.strip()
        if not key.isascii() or not key.isprintable():
            raise InputError(
                "The option itglue_api_key holds signs that no key has.", hint="It looks like ITG.0123abc."
            )
        self._http = make_session(
            "itglue",
            service_url(url_or_region, REGIONS, "itglue_url"),
            settings=http,
            calls=calls,
            retry=retry,
            limiter=limiter,
            dialect=_ItGlueErrors(),
            headers={"x-api-key": key},
            secrets=(key,),
            option="itglue_url",
        )

        # Tells what this key may see from what others may, and nothing of the key.
        self.account = hashlib.sha256(f"{self.base_url}\0{key}".encode()).hexdigest()

    @property
    def base_url(self) -> str:
        return self._http.base_url

    def raw(self, path: str, params: Mapping[str, object]) -> dict:
        """One answer to a read as it is on the wire: for what the decoded values do not show."""
        return _Page(self._http.request("GET", path, params=params)).body

    # ---------------------------------------------------------- organizations

    def organization(self, ident: str | int) -> Organization:
        """The organization of an id (digits) or of a name, with its adapters.

        Raises `InputError` naming the option when there is none or several.
        """
        wanted = str(ident).strip()
        if wanted.isascii() and wanted.isdigit():
            return self._organization_of_id(int(wanted))
        return self._organization_of_name(wanted)

    def _organization_of_id(self, ident: int) -> Organization:
        try:
            page = self._get_one(f"/organizations/{ident}", {"include": "adapters_resources"})
        except NotFoundError as error:
            raise InputError(
                f"The option organization names {ident}, but IT Glue has no organization of that id"
                " that this API key may see."
            ) from error
        return page.organization(page.only)

    def _organization_of_name(self, wanted: str) -> Organization:
        if not wanted:
            raise InputError("The option organization is blank.", hint="Give the id or the exact name.")
        params = {"filter[name]": _filter_value(wanted), "include": "adapters_resources"}
        hits = list(self._list("/organizations", params, _Page.organization))
        # The filter is exact and heeds the case; where it was not kept to, the client looks itself.
        same = [each for each in hits if _folded(each.name) == _folded(wanted)]
        others: list[Organization] = []
        if not same:
            others = list(self.organizations(include_adapters=True))
            same = [each for each in others if _folded(each.name) == _folded(wanted)]
        exact = [each for each in same if each.name.strip() == wanted]
        if len(exact or same) == 1:
            return (exact or same)[0]
        raise InputError(f"The option organization names {quoted(wanted)}, {_candidates(wanted, same, others)}")

    def organizations(self, *, include_adapters: bool = False) -> Iterator[Organization]:
        params = {"include": "adapters_resources"} if include_adapters else {}
        return self._list("/organizations", {"sort": "id", **params}, _Page.organization)

    # --------------------------------------------------------------- contacts

    def contacts(self, organization_id: int) -> Iterator[Contact]:
        """All contacts of an organization, with their adapters.

        A row of another organization is a `ProtocolError`: unknown filters are
        silently ignored by the service. So is missing data on a contact's adapters,
        since a contact must not be taken for unlinked by mistake.
        """
        params = {"filter[organization_id]": organization_id, "include": "adapters_resources", "sort": "id"}
        return self._list("/contacts", params, lambda page, row: page.contact(row, organization_id))

    def contact(self, contact_id: int) -> Contact:
        """One contact, with its adapters."""
        page = self._get_one(f"/contacts/{contact_id}", {"include": "adapters_resources"})
        return page.contact(page.only)

    def create_contacts(self, organization_id: int, rows: Sequence[Mapping[str, object]]) -> list[Contact]:
        """Create contacts from their attributes (kebab-case keys), in one request.

        Returns those that the answer shows, in its order and without adapters.
        Whether a bulk request is taken as a whole is not published: after `RejectedError`
        or `OutcomeUnknownError`, look what is there.
        """
        data = [_resource("contacts", attributes) for attributes in rows]
        path = f"/organizations/{organization_id}/relationships/contacts"
        return self._written("POST", path, data[0] if len(data) == 1 else data, _Page.plain_contact)

    def update_contacts(self, rows: Sequence[tuple[int, Mapping[str, object]]]) -> list[Contact]:
        """Change contacts, in one request; an attribute that is not given stays.

        `contact-emails` and `contact-phones` are to be given whole: that the service
        replaces them is not published, but so is right if it merges them as well.
        """
        data = [_resource("contacts", {"id": ident, **attributes}) for ident, attributes in rows]
        return self._written("PATCH", "/contacts", data, _Page.plain_contact)

    def update_contact(self, contact_id: int, attributes: Mapping[str, object]) -> Contact:
        data = _resource("contacts", attributes)
        return self._written_one("PATCH", f"/contacts/{contact_id}", data, _Page.plain_contact)

    def delete_contacts(self, ids: Iterable[int]) -> None:
        """Delete contacts by id: a DELETE by filter could hit all, since unknown filters are ignored."""
        data = [_resource("contacts", {"id": ident}) for ident in ids]
        if not data:
            raise InputError("No contact is named to be deleted.")
        self._delete("/contacts", data)

    # --------------------------------------------- locations and contact types

    def locations(self, organization_id: int) -> Iterator[Location]:
        params = {"filter[organization_id]": organization_id, "sort": "id"}
        return self._list("/locations", params, lambda page, row: page.location(row, organization_id))

    def contact_types(self) -> list[ContactType]:
        return list(self._list("/contact_types", {"sort": "id"}, _Page.contact_type))

    # -------------------------------------------------------- flexible assets

    def asset_types(self, *names: str) -> list[AssetType]:
        """The flexible asset types of these names (all without any), by id; there may be several of a name.

        A type comes without fields where the answer does not show them all.
        """
        params = {"include": "flexible_asset_fields", "sort": "id"}
        if names:
            params["filter[name]"] = ",".join(_filter_value(name) for name in names)
        wanted = {name.strip() for name in names}
        found = self._list("/flexible_asset_types", params, _Page.asset_type)
        return sorted((each for each in found if not wanted or each.name.strip() in wanted), key=lambda each: each.id)

    def asset_type_fields(self, type_id: int) -> tuple[AssetField, ...]:
        path = f"/flexible_asset_types/{type_id}/relationships/flexible_asset_fields"
        return _in_order(self._list(path, {}, _Page.asset_field))

    def create_asset_type(self, asset_type: AssetType) -> AssetType:
        """Create a type with its fields. The answer may leave the fields out: their trait keys are to be read."""
        attributes = {"name": asset_type.name, "description": asset_type.description, "icon": asset_type.icon}
        fields = [_resource("flexible_asset_fields", _field_attributes(each)) for each in asset_type.fields]
        data = _resource("flexible_asset_types", _given(attributes) | {"show-in-menu": True})
        data["relationships"] = {"flexible-asset-fields": {"data": fields}}
        return self._written_one("POST", "/flexible_asset_types", data, _Page.asset_type)

    def create_asset_field(self, type_id: int, field: AssetField) -> AssetField:
        attributes = {"flexible-asset-type-id": type_id, **_field_attributes(field)}
        data = _resource("flexible_asset_fields", attributes)
        return self._written_one("POST", "/flexible_asset_fields", data, _Page.asset_field)

    def assets(self, type_id: int, organization_id: int | None = None) -> Iterator[Asset]:
        """The assets of a type, archived ones too; of one organization, or of all."""
        params: dict[str, object] = {"filter[flexible-asset-type-id]": type_id, "sort": "created_at"}
        if organization_id is not None:
            params["filter[organization-id]"] = organization_id
        return self._list("/flexible_assets", params, lambda page, row: page.asset(row, type_id, organization_id))

    def assets_of(self, type_ids: Collection[int], organization_id: int) -> list[Asset]:
        """The assets of several types that one organization carries, in one request where it can be.

        A comma in a filter means "or" (help page on sorting and filtering), but whether it does in
        the filter that this list requires is not said. So a type of which the answer shows nothing
        is asked for by itself.
        """
        found: list[Asset] = []
        if len(type_ids) > 1:
            params = {
                "filter[flexible-asset-type-id]": ",".join(map(str, type_ids)),
                "filter[organization-id]": organization_id,
                "sort": "created_at",
            }
            with suppress(RejectedError):
                found = list(
                    self._list("/flexible_assets", params, lambda page, row: page.asset(row, None, organization_id))
                )
        seen = {asset.type_id for asset in found}
        for type_id in type_ids:
            found += self.assets(type_id, organization_id) if type_id not in seen else ()
        return [asset for asset in found if asset.type_id in type_ids]

    def create_asset(self, organization_id: int, type_id: int, traits: Mapping[str, object]) -> Asset:
        attributes = {"organization-id": organization_id, "flexible-asset-type-id": type_id, "traits": dict(traits)}
        data = _resource("flexible-assets", attributes)
        return self._written_one("POST", "/flexible_assets", data, _Page.asset)

    def update_asset(self, asset_id: int, traits: Mapping[str, object]) -> Asset:
        """Set the traits, all of them: the service deletes what is left out."""
        data = _resource("flexible-assets", {"traits": dict(traits)})
        return self._written_one("PATCH", f"/flexible_assets/{asset_id}", data, _Page.asset)

    def delete_asset(self, asset_id: int) -> None:
        self._delete(f"/flexible_assets/{asset_id}", None)

    # ----------------------------------------------------------------- writes

    def _written(self, method: str, path: str, data: object, decode: Callable[[_Page, dict], T]) -> list[T]:
        answer = self._send(method, path, data, repeatable=method == "PATCH")
        with accepted():
            page = _Page(answer)
            return [decode(page, row) for row in page.rows]

    def _written_one(self, method: str, path: str, data: object, decode: Callable[[_Page, dict], T]) -> T:
        answer = self._send(method, path, data, repeatable=method == "PATCH")
        with accepted():
            page = _Page(answer)
            return decode(page, page.only)

    def _delete(self, path: str, data: object) -> None:
        answer = self._send("DELETE", path, data, repeatable=True, allow=(401, 404))
        if answer.status < 300:
            return
        error = self._http.failure(answer)
        # After a try without an answer, "not found" means that it did what it was sent for.
        if not (answer.after_doubt and isinstance(error, NotFoundError)):
            raise error

    def _send(self, method: str, path: str, data: object, **how: object) -> Response:
        if data is None:
            return self._http.request(method, path, **how)
        return self._http.request(method, path, json={"data": data}, headers={"Content-Type": _JSON_API}, **how)

    # ------------------------------------------------------------------ reads

    def _get_one(self, path: str, params: Mapping[str, object]) -> _Page:
        page = _Page(self._http.request("GET", path, params=params))
        wanted = path.rsplit("/", 1)[1]
        if page.ident(page.only) != wanted:
            raise page.reader.error(f"it is about another object than {wanted}")
        return page

    def _list(self, path: str, params: Mapping[str, object], decode: Callable[[_Page, dict], T]) -> Iterator[T]:
        """Every row once, decoded as the pages come in.

        Pages are no snapshot: when a row goes, the next ones move up and one is
        passed over. So a list whose count changes on the way, or that shows fewer rows
        than it counts, is read again, until it is whole or proves stable.
        """
        seen: set[str] = set()
        for walk in range(_WALKS):
            known = len(seen)
            totals: set[int | None] = set()
            for page in self._pages(path, params):
                totals.add(page.total)
                for row in page.rows:
                    ident = page.ident(row)
                    if ident not in seen:
                        seen.add(ident)
                        yield decode(page, row)
            if len(totals) == 1:
                total = totals.pop()
                # In a second walk without anything new, what is missing is not for this key to see.
                if total is None or len(seen) >= total or (walk and len(seen) == known):
                    return
        raise UnavailableError(
            f"IT Glue's list {path} kept changing while it was read and stayed incomplete.",
            service="itglue",
            request=f"GET {path}",
            hint="Try again later.",
        )

    def _pages(self, path: str, params: Mapping[str, object]) -> Iterator[_Page]:
        """The pages of a list, in smaller ones where the service cannot make large ones in time."""
        size = _LARGEST_PAGE
        number = 1
        offset = barren = 0
        link: str | None = None
        links: set[str] = set()
        seen: set[str] = set()
        while True:
            # A link holds all parameters already: given twice, they are refused.
            query = None if link else {**params, "page[size]": size, "page[number]": number}
            try:
                page = _Page(self._http.request("GET", link or path, params=query, patient=size <= _SMALLEST_PAGE))
            except TimeoutBeforeAnswerError:
                size = max(size // 2, _SMALLEST_PAGE)
                # Where sizes do not divide evenly, some rows are read twice and left out by their id.
                number = offset // size + 1
                offset = (number - 1) * size
                link = None
                continue
            yield page
            idents = {page.ident(row) for row in page.rows}
            barren = barren + 1 if idents <= seen else 0
            seen |= idents
            link, number = page.following(number)
            if link is None and not number:
                return
            if link in links or barren > _BARREN_PAGES:
                raise page.reader.error("its pages lead in a circle")
            if link:
                links.add(link)
            offset += len(page.rows)
            # The service may serve smaller pages than it was asked for.
            size = min(size, len(page.rows)) or size


class _Page:
    """One answer of IT Glue, and the decoding of its rows."""

    __slots__ = ("body", "reader", "rows", "_adapters", "_fields")

    def __init__(self, answer: Response) -> None:
        self.reader = Reader("itglue", answer.request)
        self.body = self.reader.mapping(answer.json(), "the answer")
        data = self.body.get("data")
        self.rows = [data] if data.__class__ is dict else self.reader.rows(self._present(data), "data")
        self._adapters: dict[str, Adapter] | None = None
        self._fields: dict[str, AssetField] | None = None

    def _present(self, data: object) -> object:
        if data is None:
            raise self.reader.error("it has no 'data'")
        return data

    @property
    def only(self) -> dict:
        if len(self.rows) != 1:
            raise self.reader.error(f"it should show one object but shows {len(self.rows)}")
        return self.rows[0]

    @property
    def total(self) -> int | None:
        return self.reader.whole(self.reader.part(self.body, "meta"), "total-count")

    def following(self, number: int) -> tuple[str | None, int]:
        """The link to the next page, or its number; None and 0 after the last. Null and missing are the same."""
        read = self.reader
        meta = read.part(self.body, "meta")
        number = read.whole(meta, "current-page") or number
        link = read.text(read.part(self.body, "links"), "next")
        if link:
            return link, number + 1
        following = read.whole(meta, "next-page")
        if following is None and number < (read.whole(meta, "total-pages") or 0):
            following = number + 1
        if following is None:
            return None, 0
        if following <= number:
            raise read.error("its pages lead in a circle")
        return None, following

    def ident(self, row: dict) -> str:
        ident = self.reader.label(row, "id")
        if not ident:
            raise self.reader.error("an object has no 'id'")
        return ident

    def attributes(self, row: dict) -> dict:
        return self.reader.mapping(row.get("attributes"), "attributes")

    # ---------------------------------------------------------------- records

    def organization(self, row: dict) -> Organization:
        read, attributes = self.reader, self.attributes(row)
        return Organization(
            id=read.needed_whole(row, "id"),
            name=read.needed_text(attributes, "name"),
            primary=read.flag(attributes, "primary"),
            adapters=self.adapters(row) or (),
            type_name=read.text(attributes, "organization-type-name"),
            status_name=read.text(attributes, "organization-status-name"),
        )

    def contact(self, row: dict, organization_id: int | None = None) -> Contact:
        """A contact that was read with its adapters."""
        adapters = self.adapters(row)
        if adapters is None:
            raise self.reader.error(f"it does not show what integrations contact {self.ident(row)} is linked with")
        return self._contact(row, adapters, organization_id)

    def plain_contact(self, row: dict) -> Contact:
        """A contact as the answer of a write shows it: without adapters, whatever it has."""
        return self._contact(row, (), None)

    def _contact(self, row: dict, adapters: tuple[Adapter, ...], organization_id: int | None) -> Contact:
        read, attributes = self.reader, self.attributes(row)
        owner = read.whole(attributes, "organization-id")
        self._check_owner("contact", row, owner, organization_id)
        return Contact(
            id=read.needed_whole(row, "id"),
            first_name=read.text(attributes, "first-name"),
            last_name=read.text(attributes, "last-name"),
            title=read.text(attributes, "title"),
            emails=tuple(self._emails(attributes)),
            phones=tuple(self._phones(attributes)),
            location_id=read.whole(attributes, "location-id"),
            location_name=read.text(attributes, "location-name"),
            contact_type_id=read.whole(attributes, "contact-type-id"),
            psa_integration=read.text(attributes, "psa-integration"),
            adapters=adapters,
            organization_id=owner,
            created_at=read.text(attributes, "created-at"),
            updated_at=read.text(attributes, "updated-at"),
        )

    def _check_owner(self, what: str, row: dict, owner: int | None, organization_id: int | None) -> None:
        if organization_id is not None and owner != organization_id:
            raise self.reader.error(
                f"{what} {self.ident(row)} is of organization {owner}, though those of {organization_id} were asked for"
            )

    def _emails(self, attributes: dict) -> Iterator[Email]:
        read = self.reader
        for entry in read.rows(read.value(attributes, "contact-emails"), "contact-emails"):
            value = read.text(entry, "value")
            # An entry without a value cannot be sent back, and holds nothing.
            if value:
                yield Email(value, read.text(entry, "label-name"), read.flag(entry, "primary"))

    def _phones(self, attributes: dict) -> Iterator[Phone]:
        read = self.reader
        for entry in read.rows(read.value(attributes, "contact-phones"), "contact-phones"):
            value = read.label(entry, "value")
            if value:
                yield Phone(
                    value,
                    read.text(entry, "label-name"),
                    read.label(entry, "extension"),
                    read.flag(entry, "primary"),
                    read.text(entry, "label-type") or "phone",
                )

    def location(self, row: dict, organization_id: int) -> Location:
        read, attributes = self.reader, self.attributes(row)
        self._check_owner("location", row, read.whole(attributes, "organization-id"), organization_id)
        return Location(
            id=read.needed_whole(row, "id"),
            name=read.text(attributes, "name"),
            primary=read.flag(attributes, "primary"),
            address_1=read.text(attributes, "address-1"),
            city=read.text(attributes, "city"),
            region=read.text(attributes, "region-name"),
            country=read.text(attributes, "country-name"),
        )

    def contact_type(self, row: dict) -> ContactType:
        return ContactType(self.reader.needed_whole(row, "id"), self.reader.needed_text(self.attributes(row), "name"))

    def asset_type(self, row: dict) -> AssetType:
        read, attributes = self.reader, self.attributes(row)
        idents = self._related(row, "flexible-asset-fields") or []
        if self._fields is None:
            self._fields = {read.label(each, "id"): self.asset_field(each) for each in self._included("kind")}
        complete = all(ident in self._fields for ident in idents)
        return AssetType(
            id=read.needed_whole(row, "id"),
            name=read.needed_text(attributes, "name"),
            description=read.text(attributes, "description"),
            icon=read.text(attributes, "icon"),
            fields=_in_order(self._fields[ident] for ident in idents) if complete else (),
        )

    def asset_field(self, row: dict) -> AssetField:
        read, attributes = self.reader, self.attributes(row)
        return AssetField(
            name=read.needed_text(attributes, "name"),
            kind=read.needed_text(attributes, "kind"),
            key=read.text(attributes, "name-key"),
            id=read.needed_whole(row, "id"),
            order=read.whole(attributes, "order"),
            hint=read.text(attributes, "hint"),
            required=read.flag(attributes, "required"),
            use_for_title=read.flag(attributes, "use-for-title"),
            show_in_list=read.flag(attributes, "show-in-list"),
            default_value=_scalar(read, attributes, "default-value"),
        )

    def asset(self, row: dict, type_id: int | None = None, organization_id: int | None = None) -> Asset:
        read, attributes = self.reader, self.attributes(row)
        owner = read.needed_whole(attributes, "organization-id")
        self._check_owner("flexible asset", row, owner, organization_id)
        own_type = read.needed_whole(attributes, "flexible-asset-type-id")
        if type_id not in (None, own_type):
            raise read.error(f"asset {self.ident(row)} is of type {own_type}, though those of {type_id} were asked for")
        return Asset(
            id=read.needed_whole(row, "id"),
            type_id=own_type,
            organization_id=owner,
            organization_name=read.text(attributes, "organization-name"),
            name=read.text(attributes, "name"),
            archived=read.flag(attributes, "archived"),
            url=read.text(attributes, "resource-url"),
            traits=read.part(attributes, "traits"),
        )

    # ---------------------------------------------------------------- related

    def adapters(self, row: dict) -> tuple[Adapter, ...] | None:
        """The integrations that hold a record; None where the answer does not say.

        What `type` the included objects have is not published: they are known by
        their attribute `adapter-type-name`.
        """
        idents = self._related(row, "adapters-resources")
        if idents is None:
            return None
        if not idents:
            return ()
        if self._adapters is None:
            self._adapters = {self.ident(each): self._adapter(each) for each in self._included("adapter-type-name")}
        try:
            return tuple(self._adapters[ident] for ident in idents)
        except KeyError as error:
            raise self.reader.error(f"it refers to an integration ({error}) that it does not include") from error

    def _adapter(self, row: dict) -> Adapter:
        read, attributes = self.reader, self.attributes(row)
        return Adapter(
            kind=read.needed_text(attributes, "adapter-type-name"),
            remote_id=read.label(attributes, "remote-id"),
            sync=read.flag(attributes, "sync"),
            orphaned=read.flag(attributes, "orphaned"),
        )

    def _related(self, row: dict, name: str) -> list[str] | None:
        """The ids of related objects; None where the answer does not name them."""
        read = self.reader
        relation = read.part(read.part(row, "relationships"), name)
        if relation.get("data") is None:
            return None
        return [self.ident(each) for each in read.rows(relation["data"], name)]

    def _included(self, mark: str) -> Iterator[dict]:
        """The included objects that have this attribute."""
        for each in self.reader.rows(self.body.get("included"), "included"):
            attributes = self.attributes(each)
            if mark in attributes or mark.replace("-", "_") in attributes:
                yield each


class _ItGlueErrors(ErrorMapping):
    """The forms of error that IT Glue is known to use; those of 404, 415, 429 and 500 are not published."""

    hints: Mapping[type[ApiError], str] = {
        AuthenticationError: "Check itglue_api_key, which is revoked after 90 days without use, and itglue_url: "
        "a key is good for one region.",
        NotFoundError: "It does not exist, or this API key may not see it.",
    }

    def status(self, answer: Response) -> int:
        # Which status the server's own time-out has is not published; its words are known.
        if any("took too long" in words for words, dummy in _errors(answer.peek())):
            return 504
        return answer.status

    def said(self, body: object) -> str:
        match body:
            case {"errors": list()}:
                shown = (f"{words} ({pointer})" if pointer else words for words, pointer in _errors(body))
                return "; ".join(each for each in shown if each)
            case {"error": str(words)}:
                return words
            case _:
                return super().said(body)

    def kind(self, status: int, answer: Response) -> type[ApiError]:
        if status == 401 and any(_names_resource(words, pointer) for words, pointer in _errors(answer.peek())):
            return NotFoundError
        return AuthenticationError if status == 403 else super().kind(status, answer)

    def details(self, answer: Response) -> dict:
        return {"pointers": tuple(pointer for dummy, pointer in _errors(answer.peek()) if pointer)}


def _errors(body: object) -> Iterator[tuple[str, str]]:
    """What went wrong, and the JSON pointer to where, of each error in a body of any shape."""
    errors = body.get("errors") if body.__class__ is dict else None
    for error in errors if errors.__class__ is list else ():
        match error:
            case {"detail": list(several)}:
                words = ", ".join(str(each) for each in several)
            case {"detail": str(words)} | {"title": str(words)} | str(words):
                pass
            case _:
                words = ""
        match error:
            case {"source": {"pointer": str(pointer)}}:
                yield words, pointer
            case _:
                yield words, ""


def _names_resource(words: str, pointer: str) -> bool:
    """An id that this key has no access to is answered with 401; a bad key with 403."""
    return pointer == "id" or "resource access" in words


def _resource(kind: str, attributes: Mapping[str, object]) -> dict:
    return {"type": kind, "attributes": dict(attributes)}


def _field_attributes(field: AssetField) -> dict:
    attributes = {"order": field.order, "name": field.name, "kind": field.kind}
    attributes |= {"hint": field.hint, "default-value": field.default_value}
    flags = {"required": field.required, "use-for-title": field.use_for_title, "show-in-list": field.show_in_list}
    return _given(attributes) | flags


def _given(attributes: dict) -> dict:
    return {key: value for key, value in attributes.items() if value is not None}


def _in_order(fields: Iterable[AssetField]) -> tuple[AssetField, ...]:
    return tuple(sorted(fields, key=lambda field: (field.order or 0, field.id or 0)))


def _scalar(read: Reader, row: dict, key: str) -> str | None:
    """A field's default: text in fields that hold text, a number or a yes in others."""
    value = read.value(row, key)
    return str(value) if isinstance(value, (bool, int, float)) else read.text(row, key)


def _filter_value(text: str) -> str:
    """One value of a filter: an unescaped comma would part it into alternatives."""
    return text.replace(",", "\\,")


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _candidates(wanted: str, same: Sequence[Organization], others: Sequence[Organization]) -> str:
    if same:
        return f"but IT Glue has {len(same)} of that name: give one of the ids {_listed(same)}."
    close = get_close_matches(_folded(wanted), [_folded(each.name) for each in others], n=5)
    near = [each for each in others if _folded(each.name) in close][:5]
    if not near:
        return "but IT Glue has no organization of that name that this key may see."
    return f"but IT Glue has no organization of that name. Alike are {_listed(near)}."


def _listed(organizations: Iterable[Organization]) -> str:
    return ", ".join(f"{each.id} ({each.name})" for each in organizations)
