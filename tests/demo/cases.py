# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is in the demo's world, and what must become of each.

The expectations are written down by hand, so that they do not depend on what they check.
"""

from __future__ import annotations

from dataclasses import dataclass

HAPPY_FROG, MUELLER, SAKURA = "happy_frog", "muller_sohne_gmbh", "sakura_design"

# The organization in IT Glue and the account in BMS of each client.
ORGANIZATIONS = {HAPPY_FROG: 1, MUELLER: 2, SAKURA: 3}
ACCOUNTS = {HAPPY_FROG: 2501, MUELLER: 2502, SAKURA: 2503}


@dataclass(frozen=True)
class Case:
    """One person. `action`, `rule` and `push` are those of the result of `contact_sync`.

    `email` and `phone` are the primary ones that IT Glue must hold in the end, and BMS too
    when the person is pushed; `in_bms` is how many BMS contacts have the address `email`.
    """

    client: str
    user: str
    person: str
    what: str
    action: str
    rule: str | None = None
    push: str | None = None
    missing: tuple[str, ...] = ()
    email: str | None = None
    phone: str | None = None
    in_bms: int = 0


def pushed(client: str, user: str, person: str, what: str, action: str, rule: str | None, **wanted: str) -> Case:
    """A person who must be in BMS exactly once in the end, because the sync puts it there."""
    return Case(client, user, person, what, action, rule, "pushed", in_bms=1, **wanted)


CASES = (
    # ------------------------------------------------------------ scenario 1
    pushed(
        HAPPY_FROG,
        "aokafor@happyfrog.example",
        "Amara Okafor",
        "scenario 1: there are only look-alikes, no rule matches",
        "create",
        None,
        email="amara.okafor@happyfrog.example",
        phone="15550100101",
    ),
    # ------------------------------------------------------------ scenario 2
    pushed(
        HAPPY_FROG,
        "bjorn.angstrom@happyfrog.example",
        "Björn Ångström",
        "scenario 2: matched by an alias, whatever its case; his phone made primary, its extension kept",
        "update",
        "alias",
        email="bjorn.angstrom@happyfrog.example",
        phone="15550100102",
    ),
    pushed(
        HAPPY_FROG,
        "zofia@happyfrog.onmicrosoft.com",
        "Zofia Zielińska",
        "scenario 2: matched by the username; she has married",
        "update",
        "username",
        email="zofia.zielinska@happyfrog.example",
        phone="15550100103",
    ),
    pushed(
        HAPPY_FROG,
        "georgia@happyfrog.example",
        "Γεωργία Παπαδοπούλου",
        "scenario 2: matched by first and last name, not by the address of the shared mailbox",
        "update",
        "name",
        email="georgia@happyfrog.example",
        phone="15550100104",
    ),
    Case(
        HAPPY_FROG,
        "hoa.nguyen@happyfrog.example",
        "Thị Hoa Nguyễn",
        "has sync controls: left alone, though her title differs",
        "linked",
        "alias",
        email="hoa.nguyen@happyfrog.example",
        phone="15550100105",
        in_bms=1,
    ),
    # ------------------------------------------------------------ who is left out
    Case(
        HAPPY_FROG,
        "anna.larsen@happyfrog.example",
        "Anna Larsen",
        "has left, her account is disabled",
        "excluded",
        "alias",
        email="anna.larsen@happyfrog.example",
        in_bms=1,
    ),
    Case(
        HAPPY_FROG,
        "anna.larsen2@happyfrog.example",
        "Anna Larsen",
        "her namesake, or she has returned: a conflict",
        "conflict",
        email="anna.larsen2@happyfrog.example",
    ),
    Case(
        HAPPY_FROG,
        "rahul_partner.example#EXT#@happyfrog.onmicrosoft.com",
        "Rahul Mehta",
        "a guest",
        "excluded",
        email="rahul@partner.example",
    ),
    Case(
        HAPPY_FROG,
        "reception@happyfrog.example",
        "(shared mailbox)",
        "has no licence",
        "excluded",
        email="reception@happyfrog.example",
    ),
    Case(
        HAPPY_FROG,
        "svc-backup@happyfrog.example",
        "Backup Service",
        "fits the pattern svc-*",
        "excluded",
        email="svc-backup@happyfrog.example",
    ),
    # ------------------------------------------------------------ phones, readiness
    pushed(
        MUELLER,
        "juergen.gross@mueller-soehne.example",
        "Jürgen Groß",
        "has no phone number: gets 000-000-0000",
        "update",
        "alias",
        email="juergen.gross@mueller-soehne.example",
        phone="0000000000",
    ),
    pushed(
        MUELLER,
        "ayse.yilmaz@mueller-soehne.example",
        "Ayşe Yılmaz",
        "her office phone, spelled otherwise, is made primary; her mobile is added",
        "update",
        "alias",
        email="ayse.yilmaz@mueller-soehne.example",
        phone="493023125102",
    ),
    pushed(
        MUELLER,
        "olga.kuznetsova@mueller-soehne.example",
        "Ольга Кузнецова",
        "new, has only a mobile: that is made primary",
        "create",
        None,
        email="olga.kuznetsova@mueller-soehne.example",
        phone="491713920103",
    ),
    Case(
        MUELLER,
        "lukas.weiss@mueller-soehne.example",
        "Lukas Weiß",
        "no location can be told: not ready",
        "create",
        None,
        "not_ready",
        ("location",),
        email="lukas.weiss@mueller-soehne.example",
        phone="493023125104",
    ),
    Case(
        MUELLER,
        "buchhaltung@mueller-soehne.example",
        "Buchhaltung",
        "has no first name: not ready",
        "create",
        None,
        "not_ready",
        ("first_name",),
        email="buchhaltung@mueller-soehne.example",
        phone="493023125105",
    ),
    Case(
        MUELLER,
        "fatima.alsayed@mueller-soehne.example",
        "فاطمة السيد",
        "is in BMS only, spelled otherwise: adopted, not doubled",
        "create",
        None,
        "already_in_bms",
        email="fatima.alsayed@mueller-soehne.example",
        phone="493023125106",
        in_bms=1,
    ),
    # ------------------------------------------------------------ conflicts, other settings
    Case(
        SAKURA,
        "ken.sato@sakura-design.example",
        "佐藤 健",
        "two users of one name, one contact: a conflict",
        "conflict",
        email="ken.sato@sakura-design.example",
    ),
    Case(
        SAKURA,
        "takeru.sato@sakura-design.example",
        "佐藤 健",
        "the other one",
        "conflict",
        email="takeru.sato@sakura-design.example",
    ),
    pushed(
        SAKURA,
        "hanako.suzuki@sakura-design.example",
        "鈴木 花子",
        "new, with this client's contact type",
        "create",
        None,
        email="hanako.suzuki@sakura-design.example",
        phone="81355500103",
    ),
    Case(
        SAKURA,
        "moshe.cohen@sakura-design.example",
        "משה כהן",
        "is in BMS under another address: found by name",
        "unchanged",
        "alias",
        "already_in_bms",
        email="moshe.cohen@sakura-design.example",
        phone="81355500104",
    ),
    Case(
        SAKURA,
        "minjun.kim@sakura-design.example",
        "김민준",
        "has sync controls: left alone",
        "linked",
        "alias",
        email="minjun.kim@sakura-design.example",
        phone="81355500105",
        in_bms=1,
    ),
    Case(
        SAKURA,
        "yumi.tanaka@sakura-design.example",
        "田中 由美",
        "has left, her account is disabled",
        "excluded",
        "alias",
        email="yumi.tanaka@sakura-design.example",
    ),
    pushed(
        SAKURA,
        "naomi.hart@sakura-design.example",
        "Naomi Hart",
        "new: the contacts that hold her aliases belong to a departed colleague, and to the front desk",
        "create",
        None,
        email="naomi.hart@sakura-design.example",
        phone="0355500108",
    ),
    Case(
        SAKURA,
        "archive@sakura-old.example",
        "Old Archive",
        "is not of this client's domain",
        "excluded",
        email="archive@sakura-old.example",
    ),
)

CONFLICTS = {
    HAPPY_FROG: [("possibly_returned", {"anna.larsen2@happyfrog.example": [1108, "new", "ignore"]})],
    SAKURA: [
        (
            "several_hits",
            {
                "ken.sato@sakura-design.example": [1301, "new", "ignore"],
                "takeru.sato@sakura-design.example": [1301, "new", "ignore"],
            },
        )
    ],
}
"""The reason code and the answers of each conflict. Nothing tells which answer is best, so none is suggested."""

DEPARTED = {
    HAPPY_FROG: ["anna.larsen@happyfrog.example"],
    SAKURA: ["yumi.tanaka@sakura-design.example", "pedro.lima@sakura-design.example"],
}
"""Who must be reported as having left. A conflict asks whether the disabled Anna Larsen is the other one."""
