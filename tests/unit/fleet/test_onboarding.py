# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which clients are onboarded, what their files hold, and what is reported as missing."""

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleLookupError

from ansible_collections.msp.psa_sync.plugins.lookup.onboarding import LookupModule
from ansible_collections.msp.psa_sync.plugins.plugin_utils.onboarding import chosen, client, file_path, report, text

IDS = [f"0000000{number}-0000-4000-8000-00000000000{number}" for number in range(1, 6)]


def entry(number: int, name: str | None, organization: tuple[int, str] | None = None, state: str = "matched", **others):
    return {
        "tenant": {"id": IDS[number], "name": name, "domain": f"t{number}.onmicrosoft.com"},
        "state": state if organization or state == "ignored" else "unmatched",
        "organization": organization and {"id": organization[0], "name": organization[1]},
        "host": organization and organization[1].casefold().replace(" ", "_"),
        "suggestions": [],
        **others,
    }


FROG = entry(0, "Happy Frog", (2, "Happy Frog"))
TOAD = entry(1, "Sad Toad", (3, "Toads Ltd"))
NEWT = entry(2, "Newt", suggestions=[{"organization": {"id": 4, "name": "Newts"}, "score": 71}])
OLD = entry(3, "Old Client", state="ignored")
TWIN = entry(4, "happy  frog")
EVERY = [FROG, TOAD, NEWT, OLD, TWIN]
HOST = client(FROG)
READY = {"organization": {"id": 2, "name": "Happy Frog"}, "ready": True, "checks": [], "bms_account": None}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (IDS[0].upper(), FROG),
        ("T0.onmicrosoft.com", FROG),
        (" sad toad ", TOAD),
        ("toads ltd", TOAD),
        ("3", TOAD),
        (3, TOAD),
    ],
)
def test_a_client_is_meant_by_its_tenant_or_its_organization(wanted, found):
    assert chosen(EVERY, [wanted]) == ([found], [])


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("Happy Frog", f"several: Happy Frog ({IDS[0]}), happy frog ({IDS[4]}). Give the tenant id"),
        ("Nobody", "none of the 5 client tenants"),
        ("Newt", "Perhaps: Newts (4, 71 % alike)"),
        ("Old Client", "state=unmatched"),
        ("\x1b[31mNobody\n", "'[31mNobody' was not found"),
    ],
)
def test_who_cannot_be_onboarded_is_reported_with_what_to_do(wanted, words):
    clients, (problem,) = chosen(EVERY, [wanted])
    assert clients == []
    assert words in problem


def test_all_omits_tenants_that_are_ignored():
    clients, problems = chosen(EVERY, ["all"])
    assert clients == [FROG, TOAD]
    assert len(problems) == 2


NAMES = ["{{ lookup('pipe', 'id') }}", "a\nb: c", "\ufffe \x00 \u2028x", "# [all]", "'\"", "🐸 株式会社"]


@pytest.mark.parametrize("given", NAMES)
def test_a_file_holds_names_of_others_in_comments_alone(given):
    one = {**HOST, "organization": {"id": 2, "name": given}, "tenant": {**HOST["tenant"], "name": given}}
    made = text(one, {"id": 7, "name": given}, "clients")
    variables = {"itglue_organization": 2, "office365_sync_settings": {"tenant_id": IDS[0]}}
    assert yaml.safe_load(made) == {"clients": {"hosts": {"happy_frog": variables}}}
    assert "{{" not in "".join(line for line in made.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("host", ["123", "null", "yes", "株式会社", "../../x", "a" * 300])
def test_a_host_keeps_its_name_and_its_file_lies_in_the_directory(host):
    assert list(yaml.safe_load(text({**HOST, "host": host}, None, "g"))["g"]["hosts"]) == [host]
    path = file_path("/srv/inventory", host)
    assert path.startswith("/srv/inventory/client_")
    assert path.count("/") == 3
    assert len(path) < 150


def lines(checked=None, written=None, **changes) -> str:
    checked = checked or READY
    return "\n".join(report({**HOST, **changes}, "/srv/f.yml", checked, written or {"changed": True}, preview=False))


def test_what_is_missing_is_listed_with_the_next_command():
    checks = [
        {"name": "microsoft", "state": "failed", "message": "Consent\nis missing."},
        {"name": "bms_link", "state": "limited", "message": "Not linked."},
        {"name": "itglue", "state": "ready", "message": "OK."},
        {"name": "bms", "state": "skipped", "message": "Not checked."},
    ]
    message = lines({**READY, "ready": False, "checks": checks})
    assert message.count("missing: ") == 2
    assert "missing: microsoft: Consent is missing." in message
    assert "next: when this is done: ansible-playbook msp.psa_sync.preflight --limit happy_frog" in message
    assert "next: ansible-playbook msp.psa_sync.audit --limit happy_frog" in lines()
    assert "msp.psa_sync.audit --limit 'Happy Frog,'" in lines(host="Happy Frog")
    assert "turn off IT Glue's own two-way sync" in lines()


def test_a_host_of_the_inventory_that_is_another_client_is_reported():
    assert "is Other (9)" in lines({**READY, "organization": {"id": 9, "name": "Other"}})


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"changed": True}, "was written"),
        ({"changed": False}, "left as it is"),
        ({"skipped": True}, "because the inventory has this host"),
        ({"failed": True, "msg": "No space left"}, "was not written. No space left"),
    ],
)
def test_what_became_of_the_file_is_reported(written, words):
    assert words in lines(written=written)


@pytest.mark.parametrize(("names", "words"), [(["", " "], "Give onboard_clients"), (["Frog"], "no directory")])
def test_what_is_not_said_is_asked_for(names, words):
    hostvars = {"localhost": {"onboarding_found": {"tenants": EVERY}}}
    directory = "/srv" if names == ["", " "] else "/nowhere/at/all"
    with pytest.raises(AnsibleLookupError, match=words):
        LookupModule().run(names, variables={"hostvars": hostvars}, directory=directory)


class Unreadable(dict):
    def get(self, name, default=None):
        raise RuntimeError("'nowhere' is undefined")


@pytest.mark.parametrize(
    ("inventory", "host", "known"),
    [
        ({}, "happy_frog", False),
        ({"happy_frog": {}}, "happy_frog", True),
        ({"toad": {"itglue_organization": 3}, "none": {}}, "happy_frog", False),
        ({"frog": {"itglue_organization": 2}}, "frog", True),
        ({"frog": {"itglue_organization": "happy  FROG"}, "other": {"itglue_organization": 2}}, "other", True),
        ({"frog": {"itglue_organization": 2}, "happy_frog": {}}, "happy_frog", True),
        ({"broken": Unreadable(), "blank": {"itglue_organization": None}}, "happy_frog", False),
    ],
)
def test_a_client_is_the_host_that_the_inventory_has_for_its_organization(inventory, host, known, tmp_path):
    """A second host of the same client would be synced twice."""
    hostvars = {"localhost": {"onboarding_found": {"tenants": EVERY}}, **inventory}
    variables = {"hostvars": hostvars, "groups": {"all": list(inventory)}}
    (found,) = LookupModule().run(["2"], variables=variables, directory=str(tmp_path))
    assert [(each["host"], each["known"]) for each in found["clients"]] == [(host, known)]
    hostvars[host] = {**inventory.get(host, {}), "onboarding_tenant_id": IDS[0]}
    (content,) = LookupModule().run([host], variables=variables, of="text")
    assert list(yaml.safe_load(content)["clients"]["hosts"]) == [host]
