# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Worlds in which organizations carry settings already, and runs of Ansible's commands on them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.settings import merge
from ansible_collections.msp.psa_sync.plugins.module_utils._store import layout
from tests.sandbox.launch import Running
from tests.tools.files import ROOT

KINDS = ("office365", "bms", "tenants")


def with_settings(world: dict, carried: Mapping[int, Mapping[str, Mapping]]) -> dict:
    """The world with the settings of each organization, by kind, as flexible assets."""
    types = {kind: _complete(number, kind) for number, kind in enumerate(KINDS, start=1)}
    assets = [
        {
            "id": 100 + 10 * organization_id + KINDS.index(kind),
            "organization-id": organization_id,
            "flexible-asset-type-id": types[kind].id,
            "traits": layout.write(kind, merge(kind, None, settings), {}, types[kind]),
        }
        for organization_id, kinds in carried.items()
        for kind, settings in kinds.items()
    ]
    described = [
        {
            "id": one.id,
            "name": one.name,
            "fields": [
                {
                    "id": field.id,
                    "name": field.name,
                    "name-key": field.key,
                    "kind": field.kind,
                    "order": field.order,
                    "required": field.required,
                    "use-for-title": field.use_for_title,
                    "show-in-list": field.show_in_list,
                    "default-value": field.default_value,
                }
                for field in one.fields
            ],
        }
        for one in types.values()
    ]
    itglue = {**world["itglue"], "flexible_asset_types": described, "flexible_assets": assets}
    return {**world, "itglue": itglue}


def _complete(number: int, kind: str):
    made = layout.new_type(kind)
    fields = (
        replace(field, id=1000 * number + order, key=layout.key_of(field.name), order=order)
        for order, field in enumerate(made.fields, start=1)
    )
    return replace(made, id=number, fields=tuple(fields))


def run(sandbox: Running, command: str, *arguments: str | Path, cwd: Path | None = None, **variables: str):
    """One of Ansible's commands with the connection variables of the sandbox; no stray settings of the checkout."""
    if cwd is None:
        variables = {"ANSIBLE_CONFIG": str(ROOT / ".ci" / "ansible.cfg"), **variables}
    return subprocess.run(
        [Path(sys.executable).with_name(command), *arguments],
        check=False,
        cwd=cwd,
        env={**os.environ, **sandbox.env, **variables},
        capture_output=True,
        text=True,
    )
