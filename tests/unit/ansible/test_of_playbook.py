# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of the playbooks take the variables of their client by themselves, and leave failures to the summary."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail, AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.msp.psa_sync.plugins.lookup.options import LookupModule
from ansible_collections.msp.psa_sync.plugins.plugin_utils import of_playbook
from ansible_collections.msp.psa_sync.plugins.plugin_utils.of_playbook import (
    MARK,
    is_marked,
    left_to_summary,
    with_variables,
)
from tests.unit.ansible.templates import trust_as_template


@pytest.fixture(autouse=True)
def loader(monkeypatch):
    """What Ansible's own loader finds in an installed collection."""
    found = {"msp.psa_sync.options": LookupModule}
    monkeypatch.setattr(
        of_playbook, "lookup_loader", SimpleNamespace(get=lambda name, **keywords: found[name](**keywords))
    )


def args(given=None, **variables) -> dict:
    templar = Templar(loader=DataLoader(), variables=variables)
    return with_variables(given or {}, "msp.psa_sync.contact_sync", variables, templar)


def test_the_options_are_those_of_the_variables_of_the_client():
    found = args(
        {"store_settings": True},
        itglue_organization=trust_as_template("{{ number }}"),
        number="7",
        sync_max_creates=trust_as_template("{{ number }}0%"),
        bms_url="",
    )
    assert found == {
        "organization": "7",
        "store_settings": True,
        "max_creates": "70%",
        "office365_settings": {},
        "bms_settings": {},
    }


def test_what_the_task_says_counts():
    assert args({"timeout": 5}, itglue_organization="7", sync_timeout=9)["timeout"] == 5


@pytest.mark.parametrize("variables", [{}, {"itglue_organization": None}])
def test_a_client_without_an_organization_fails(variables):
    with pytest.raises(AnsibleActionFail, match="itglue_organization of the client is not set"):
        args(**variables)


def test_an_organization_that_cannot_be_read_is_named():
    with pytest.raises(AnsibleLookupError, match="The variable itglue_organization cannot be read: 'nowhere' is"):
        args(itglue_organization=trust_as_template("{{ nowhere }}"))


def test_variables_in_disorder_fail():
    with pytest.raises(AnsibleLookupError, match="sync_apply_plan"):
        args(itglue_organization="7", sync_apply_plan=True)


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        ({"failed": True, "failure": {"code": "defect"}}, False),
        ({"failed": True, "msg": "missing required arguments"}, True),
        ({"changed": True}, None),
    ],
)
def test_a_failure_with_a_message_of_its_own_is_left_to_the_summary(result, failed):
    left = left_to_summary(result)
    assert left.get("failed") is failed
    assert {**left, "failed": None} == {**result, "failed": None}


def test_tasks_of_other_playbooks_are_none_of_these():
    assert is_marked({MARK: True})
    assert not is_marked({"itglue_organization": "7"})
