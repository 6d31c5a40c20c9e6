# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the rules take: matching, enriching and planning, without any service.

It is done for 1,000, 10,000, 20,000 and 100,000 users with as many IT Glue contacts and BMS contacts,
each time in a process of its own, as in a run: no name or number has been seen before. The yardstick
beside it is a bare dictionary join: the addresses of the same users and contacts, normalised beforehand,
looked up once each. It is what no matching can do without, and does nothing else. Both are measured in
the same process, one after the other, each for the first time: what is done again finds its data in the
processor's cache. All is computing, so the time of the processor is taken: other work on the machine disturbs it less.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks.people import given_name, surname
from tests.benchmarks.report import Row
from tests.tools.files import ROOT, development_tree

sys.path.insert(0, str(development_tree()))

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Account,
    Adapter,
    BmsContact,
    BmsEmail,
    BmsLocation,
    BmsSettings,
    BmsSnapshot,
    BmsType,
    Contact,
    Email,
    Location,
    Office365Settings,
    Organization,
    Phone,
    Snapshot,
    User,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.options import Options
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.planning import Findings, Planning
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.text import (
    address,
    contact_addresses,
    smtp_by_key,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.collector import uncollected

SIZES = (1_000, 10_000, 20_000, 100_000)
RUNS = 5
SECONDS = {20_000: 1, 100_000: 6}
MEGABYTES, GROWTH, JOINS = 600, 12, 50

LOCATIONS = (Location(10, "Head Office", primary=True, address_1="1 High Street", city="Leeds"), Location(11, "Depot"))

SETTINGS = Office365Settings(set_phone_numbers_primary=True, phone_type="Office", replace_blank_phone_numbers=True)
PUSHING = BmsSettings(
    contact_sync=True, two_way_sync=True, auto_push_office365_contacts=True, email_type="Work", phone_type="Work"
)


def mobile(number: int) -> str:
    """A mobile number that ends in other digits than the office number, as two numbers of one person do."""
    return f"07700 {(number + 1) * 7 % 1_000_000:06d}"


def user(number: int) -> User:
    return User(
        id=f"00000000-0000-4000-8000-{number:012d}",
        username=f"u{number}@client.onmicrosoft.com",
        mail=f"U{number}@Client.example",
        proxy_addresses=(f"SMTP:U{number}@Client.example", f"smtp:old{number}@client.example", f"SIP:u{number}@client"),
        given_name=given_name(number),
        surname=surname(number),
        job_title="Clerk" if number % 3 else None,
        business_phones=(f"+44 113 {number:07d}",) if number % 4 else (),
        mobile_phone=mobile(number) if number % 5 == 0 else None,
        office_location="Head Office" if number % 2 else None,
        sku_ids=("05e9a617-0261-4cee-bb44-138d3ef5d965",) if number % 20 else (),
    )


def contact(number: int) -> Contact:
    """Found by an alias and as it should be; one in twenty each is found by the username or by
    the name, and changed. One in ten is linked to BMS."""
    values = {0: (f"u{number}@client.onmicrosoft.com",), 1: (f"private{number}@mail.example",)}
    addresses = values.get(number % 20, (f"u{number}@client.example", f"old{number}@client.example"))
    phones = (Phone(f"44113{number:07d}", "Office", primary=True),) if number % 4 else ()
    phones += (Phone(mobile(number).replace(" ", ""), "Mobile", primary=not phones),) if number % 5 == 0 else ()
    linked = number % 10 == 3
    return Contact(
        id=number + 1,
        first_name=given_name(number),
        last_name=surname(number),
        title="Clerk" if number % 3 else None,
        emails=tuple(Email(value, "Work", value is addresses[0]) for value in addresses),
        phones=phones or (Phone("0000000000", "Office", primary=True),),
        location_id=10,
        location_name="Head Office",
        psa_integration="enabled" if linked else None,
        adapters=(Adapter("Kaseya BMS", str(number + 500_001), sync=True),) if linked else (),
    )


def world(size: int) -> tuple[Snapshot, BmsSnapshot]:
    """As many users as contacts; one user in ten has no contact yet, one contact in ten no user."""
    lost = size // 10
    snapshot = Snapshot(
        Organization(1, "Client"),
        "tenant",
        SETTINGS,
        PUSHING,
        tuple(user(number) for number in range(size)),
        tuple(contact(number) for number in range(lost, size + lost)),
    )
    in_bms = tuple(
        BmsContact(
            id=number + 500_001,
            account_id=7,
            location_id=1,
            first_name=given_name(number),
            last_name=surname(number),
            job_title="Clerk",
            emails=(BmsEmail(f"u{number}@client.example", 1, "Work", True),),
        )
        for number in range(lost, size + lost)
    )
    kind = BmsType(1, "Work")
    return snapshot, BmsSnapshot(Account(7, "Client"), in_bms, (BmsLocation(1, "Head Office", True),), kind, kind)


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    value = call()
    return value, time.process_time() - start


@uncollected  # as in a run
def engine(snapshot: Snapshot, bms: BmsSnapshot) -> tuple[float, float]:
    """Seconds for all that is planned before BMS is read (selecting, matching, enriching), and for the rest."""
    options = Options(max_creates="100%", max_updates="100%", max_pushes="100%")
    planning, before = timed(lambda: Planning(snapshot, options, Findings(frozenset(), (), LOCATIONS)))
    types = (bms.email_type, bms.phone_type)
    after = timed(lambda: planning.add(Findings(bms=bms, bms_locations=bms.locations, bms_types=types)))[1]
    plan = planning.plan
    if len(plan.operations) != len(snapshot.users) or plan.limits_exceeded or plan.conflicts:
        raise RuntimeError("The world that is measured is not the one that was meant.")
    return before, after


@uncollected
def bare_join(snapshot: Snapshot) -> float:
    """Seconds."""
    users = [[address(each) for each in (*smtp_by_key(user), user.username)] for user in snapshot.users]
    contacts = [(contact.id, contact_addresses(contact)) for contact in snapshot.contacts]

    def join() -> list[set[int]]:
        holders: dict[str, int] = {}
        for ident, addresses in contacts:
            for value in addresses:
                holders[value] = ident
        return [{holders[value] for value in addresses if value in holders} for addresses in users]

    return timed(join)[1]


def measure(scale: float) -> list[Row]:
    """Each size in a fresh process, so that its peak is its own."""
    rows, seconds = [], {}
    for planned_size in SIZES:
        size = max(100, int(planned_size * scale))
        command = [sys.executable, "-m", __name__, str(size)]
        runs = [subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT) for dummy in range(RUNS)]
        found = min((json.loads(ran.stdout) for ran in runs), key=lambda each: sum(each["parts"]))
        seconds[planned_size] = taken = sum(found["parts"])
        join = {"beside": "bare join", "limit": found["join"], "ratio": taken / found["join"]}
        goal: dict[str, Any] = {}
        if planned_size in SECONDS:
            most = SECONDS[planned_size]
            met = join["ratio"] <= JOINS and taken < most
            goal = {"goal": f"under {most} s, at most {JOINS} times", "met": met}
        rows.append(Row("core", f"{size:,} users", taken, "s", **join, **goal))
        large = planned_size == max(SIZES)
        goal = {"goal": f"at most {MEGABYTES} MB", "met": found["peak"] <= MEGABYTES} if large else {}
        data = {"beside": "the data alone", "limit": found["data"], "ratio": found["peak"] / found["data"]}
        rows.append(Row("core", f"{size:,} users: peak memory", found["peak"], "MB", **data, **goal))
    middle, largest = SIZES[1], SIZES[-1]
    growth = seconds[largest] / seconds[middle]
    what = f"growth from {middle:,} to {largest:,}"
    goal = {"goal": f"at most {GROWTH} times", "met": growth <= GROWTH}
    rows.append(
        Row("core", what, growth, "times", "as many users", largest / middle, growth / (largest / middle), **goal)
    )
    return rows


def main() -> None:
    """One size, as JSON: seconds of the parts and of the join, megabytes of the data and at the peak."""
    size = int(sys.argv[1])
    snapshot, bms = world(size)
    data = peak()
    parts = engine(snapshot, bms)
    print(json.dumps({"parts": parts, "data": data, "peak": peak(), "join": bare_join(snapshot)}))


def peak() -> int:
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
