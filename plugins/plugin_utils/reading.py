# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entry point of the inventory plugin: arguments, masking and failures, as the modules' entry points have them."""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.masking import Secrets
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.perform import Circumstances, perform
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.plain import plain
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.spec import ModuleSpec
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.tenants import OPTIONS, read
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.output import one_line

UNREAD: dict[str, str] = {}
"""The inventory sources of this run that could not be read, with the reasons. Ansible only warns of them."""


READ: set[str] = set()
"""Those that were read."""

_NAMES_A_PLUGIN = re.compile(r"""^\s*["']?plugin["']?\s*:\s*["']?msp\.psa_sync\.""", re.MULTILINE)
_NOT_TAKEN = (
    "Ansible did not take it for a source of msp.psa_sync.tenants. Its name must end with tenants.yml or psa_sync.yml, "
    "it must be valid YAML, and the inventory plugin auto must be enabled."
)


def read_in_process(option: Callable[[str], Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """What `tenants.read` finds; `option` gives the value of a connection option. Raises AnsibleParserError."""
    params = {name: plain(option(name)) for name in OPTIONS}
    secrets = Secrets()
    secrets.add_options(OPTIONS, params)
    outcome = perform(ModuleSpec(OPTIONS), read, params, secrets, Circumstances())
    for warning in outcome.warnings:
        warn(warning)
    if outcome.result.get("failed"):
        raise AnsibleParserError(one_line(outcome.result["msg"]))
    return outcome.result


def unread(sources: Iterable[str], is_ignored: Callable[[str], bool]) -> dict[str, str]:
    """The sources of the inventory from which clients are missing, each with the reason.

    `is_ignored` says of the name of a file whether Ansible omits it in a directory. Ansible only warns of a file that
    names a plugin of this collection where its name or its YAML is wrong, and of a path that is not there.
    """
    found = dict(UNREAD)
    for source in sources:
        if "," in source:
            continue
        if not os.path.exists(source):
            found.setdefault(source, "There is no such file.")
        for path in _files(source, is_ignored):
            if path not in READ and path not in found and _names_a_plugin(path):
                found[path] = _NOT_TAKEN
    return found


def _files(source: str, is_ignored: Callable[[str], bool]) -> Iterator[str]:
    """The YAML files of a source, which is a file or a directory."""
    if os.path.isdir(source):
        for name in sorted(os.listdir(source)):
            if not is_ignored(name):
                yield from _files(os.path.join(source, name), is_ignored)
    elif source.endswith((".yml", ".yaml")) and os.path.isfile(source):
        yield os.path.abspath(source)


def _names_a_plugin(path: str) -> bool:
    try:
        return _NAMES_A_PLUGIN.search(Path(path).read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False
