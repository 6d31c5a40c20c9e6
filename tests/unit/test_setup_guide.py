# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The setup guide names what the code asks for: permissions, clouds, regions, variables."""

from __future__ import annotations

import re

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import ENVIRONMENT
from ansible_collections.msp.psa_sync.plugins.module_utils._clients import bms, graph, itglue
from tests.tools.files import ROOT

GUIDE = (ROOT / "docs" / "docsite" / "rst" / "setup_guide.rst").read_text(encoding="utf-8")
LITERALS = re.findall(r"``(.+?)``", GUIDE)
TENANT_ID = "AZURE_TENANT_ID"  # of two modules alone


def test_each_permission_is_explained_that_an_error_may_name():
    source = (ROOT / "plugins" / "module_utils" / "_clients" / "graph.py").read_text(encoding="utf-8")
    rows = re.findall(r"^   \* - ``(\w+\.Read\.All)``\n     - .+\n     - .+$", GUIDE, re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == set(re.findall(r"\w+\.Read\.All", source))


def test_the_clouds_are_those_of_the_client():
    rows = re.findall(r"^   \* - ``(\w+)``\n     - ``(https:.+)``\n     - ``(https:.+)``$", GUIDE, re.MULTILINE)
    assert {cloud: (authority, address) for cloud, authority, address in rows} == graph.CLOUDS


def test_the_regions_are_those_of_the_clients():
    for variable, regions in (("ITGLUE_URL", itglue.REGIONS), ("BMS_URL", bms.REGIONS)):
        (sentence,) = re.findall(rf"``{variable}`` is the region, (.*?)[.;]", GUIDE)
        assert re.findall(r"``(\w+)``", sentence) == list(regions)


def test_every_variable_exists_and_none_is_omitted():
    shown = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", GUIDE))
    assert shown == {*ENVIRONMENT.values(), TENANT_ID}


def test_the_order_of_the_credentials_is_that_of_the_client():
    table = GUIDE.partition(".. list-table:: Credentials")[2].partition("\nClient secret\n")[0]
    options = [name for name, variable in ENVIRONMENT.items() if f"- ``{variable}``" in table]
    assert options == ["azure_client_secret", "azure_certificate_path", "azure_federated_token_file"]
    everything = dict.fromkeys(("client_secret", "certificate_path", "federated_token_file"), "x")
    for option in options:
        assert graph.GraphCredential("app", **everything).option == option
        everything.pop(option.removeprefix("azure_"))


def test_the_address_of_consent_is_the_one_of_the_message():
    (address,) = [each for each in LITERALS if "adminconsent" in each]
    source = (ROOT / "plugins" / "module_utils" / "_clients" / "graph.py").read_text(encoding="utf-8")
    assert 'f"{authority}/{tenant}/adminconsent?client_id={credential.client_id}"' in source
    assert address == f"{graph.CLOUDS['global'][0]}/TENANT/adminconsent?client_id=APP"
