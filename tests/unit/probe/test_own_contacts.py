# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever the probe asks for: a contact without its mark is not written."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Account, BmsContact, BmsEmail
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.probing import mail, mark
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.probe_contacts import OwnBmsContacts, OwnContacts

TOKEN, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2


def attributes(last_name: str, address: str, organization_id: int = 1) -> dict[str, Any]:
    email = {"value": address, "label-name": "Work", "primary": True}
    return {"last-name": last_name, "contact-emails": [email], "organization-id": organization_id}


#: A person, a person of that name, and the contact of another probe.
FOREIGN = [
    attributes("Real", "ann@client.example"),
    attributes(mark(TOKEN, 0), "ann@client.example"),
    attributes(mark(OTHER, 0), mail(OTHER, 0)),
]


class Recorder:
    """A client that shows one contact, and notes what would be written."""

    def __init__(self, shown: Any) -> None:
        self.shown = shown
        self.written: list[str] = []

    def raw(self, path: str, params: dict) -> dict:
        row = {"id": "7", "type": "contacts", "attributes": self.shown}
        return {"data": [row] if path == "/contacts" else row}

    def contact(self, contact_id: int) -> Any:
        return self.shown

    def contacts(self, account_id: int) -> list[Any]:
        return [self.shown]

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.written.append(name) or []


@pytest.mark.parametrize("shown", FOREIGN)
def test_in_it_glue(shown):
    client = Recorder(shown)
    own = OwnContacts(client, 1, TOKEN)

    with pytest.raises(InputError):
        own.update(7, {"title": "Probe"})
    with pytest.raises(InputError):
        own.create([shown])

    assert client.written == []


@pytest.mark.parametrize("shown", [*FOREIGN[:2], attributes(mark(TOKEN, 0), mail(TOKEN, 0), organization_id=2)])
def test_none_but_a_probes_is_removed_from_it_glue(shown):
    client = Recorder(shown)
    assert OwnContacts(client, 1, TOKEN).remove() == []
    assert client.written == []


@pytest.mark.parametrize("shown", FOREIGN)
def test_in_bms(shown):
    address = shown["contact-emails"][0]["value"]
    contact = BmsContact(7, 2, last_name=shown["last-name"], emails=(BmsEmail(address, 1),))
    client = Recorder(contact)
    own = OwnBmsContacts(client, Account(2, "Client Ltd"), TOKEN)

    for write in (
        lambda: own.create(contact),
        lambda: own.set(7, {"JobTitle": "Probe"}),
        lambda: own.patch(7, "emails", []),
        lambda: own.patch(7, "phones", []),
    ):
        with pytest.raises(InputError):
            write()

    assert client.written == []


@pytest.mark.parametrize("shown", FOREIGN[:2])
def test_none_but_a_probes_is_made_inactive_in_bms(shown):
    address = shown["contact-emails"][0]["value"]
    client = Recorder(BmsContact(7, 2, last_name=shown["last-name"], emails=(BmsEmail(address, 1),)))
    assert OwnBmsContacts(client, Account(2, "Client Ltd"), TOKEN).clear_up() == []
    assert client.written == []


def test_its_own_is_written():
    client = Recorder(attributes(mark(TOKEN, 0), mail(TOKEN, 0)))
    OwnContacts(client, 1, TOKEN).update(7, {"title": "Probe"})
    assert client.written == ["update_contact"]
