# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the playbooks: which option each one holds, and which are spelled wrongly."""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import CONNECTION_OPTIONS
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.entry_points import entry_point
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.fleet import VARIABLE
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.option_specs import SETTINGS_OPTIONS
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.plain import plain

PREFIXED = {"ca_path", "timeout", "proxy", "no_proxy"}
"""Connection options whose names others may use: their variables begin with `sync_`."""

OF_IT_GLUE = PREFIXED | {"itglue_url", "itglue_api_key", "itglue_quota"}
DECLARED = {"office365_settings": "office365_sync", "bms_settings": "bms_sync"}
DECLARING = {f"{kind}_settings": kind for kind in DECLARED.values()}
FILES = {"plan_file", "apply_plan", "journal_file"}
FROM_DIRECTORIES = {"sync_plan_directory", "sync_apply_plan", "sync_journal_directory", "sync_first_run"}
SAID_BY_THE_TASK = {"organization", "store_settings", "always_check_bms"}
AMONG_THE_SETTINGS = {"tenant_id"}
OF_PLAYS = {"sync_serial", "sync_max_fail_percentage", "sync_throttle"}
"""Variables that hold no option of a module."""

OF_ONE_PLAYBOOK = {
    "api_probe": {"probe_organization"},
    "tenant_match_info": {"onboard_clients", "onboard_directory", "onboard_group", "onboard_overwrite"},
}
"""The same, of the playbook that runs the module."""

OF_NOTIFY = {
    *("notify_report", "notify_report_url", "notify_always"),
    *("notify_teams_url", "notify_slack_url", "notify_webhook_url", "notify_webhook_headers"),
    *("notify_email_to", "notify_email_from", "notify_email_host", "notify_email_security", "notify_email_port"),
    *("notify_email_username", "notify_email_password", "notify_email_ca_path", "notify_email_timeout"),
}
"""The variables of the role `notify`."""

FIRST_RUN_LIMITS = ("max_creates", "max_updates", "max_pushes")
"""The limits that `sync_first_run` raises, where they are not given."""

MISSPELLED: list[str] = []
"""Sentences about variables that the options of a task were made of. The task's result takes them, for the report."""

_PREFIX_OF = {"api_probe": "probe_", "tenant_match_info": "onboard_"}
"""Modules whose variables do not begin with `sync_`."""

_NOT_ASKED_FOR = {"tenant_match_info": {"state"}}
"""Options that no variable holds: the playbook works with all tenants."""

_WITH_VARIABLES = ("contact_sync", "contact_audit_info", "preflight_info")
_PREFIXES = ("sync_", "office365_sync_", "bms_sync_")
_FAMILIES = ("itglue_", "bms_", "azure_", "graph_", "office365_")
_NEARLY = 0.9
"""How much alike a name must be to the variable that it is taken for, as `difflib` counts it."""

# Words that other people's variables may have as names.
_COMMON_WORDS = {"account", "organization", "report", "state", "users"}
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LONGEST_STEM = 60


def options_of(module: str) -> frozenset[str]:
    """The options of a module of this collection. Raises LookupError where there is none of that name."""
    return frozenset(entry_point(module)[0].options)


@cache
def variables_of(module: str) -> dict[str, str]:
    """The variable of each option that has one of its own. A module that declares settings talks to
    IT Glue alone, and gets the secrets of no other service."""
    options = options_of(module)
    connection = OF_IT_GLUE if module in DECLARING else options & CONNECTION_OPTIONS.keys()
    variables = {each: f"sync_{each}" if each in PREFIXED else each for each in connection}
    if module in DECLARING:
        return variables
    own = options - CONNECTION_OPTIONS.keys() - DECLARED.keys() - FILES - SAID_BY_THE_TASK
    if module in _PREFIX_OF:
        return variables | {each: f"{_PREFIX_OF[module]}{each}" for each in own - _NOT_ASKED_FOR.get(module, set())}
    return variables | {each: f"sync_{each}" for each in own - AMONG_THE_SETTINGS}


@cache
def settings_of(module: str) -> dict[str, str | None]:
    """The kinds of settings that a module takes, each with its option, None where they are its own options."""
    if module in DECLARING:
        return {DECLARING[module]: None}
    return {kind: option for option, kind in DECLARED.items() if option in options_of(module)}


def value_of(name: str, variables: Mapping[str, Any], templar: Any) -> Any:
    """The value of a variable; None where it is not set. Raises AnsibleLookupError, with its name, where its template
    or its vault cannot be read: Ansible's own message has the name of what it lacks alone."""
    if name not in variables:
        return None
    try:
        value = templar.template(variables[name])
        if isinstance(value, (dict, list)):
            plain(value)  # from ansible-core 2.19 on, a template in there is not read before it is looked at
    except AnsibleError as error:
        raise AnsibleLookupError(f"The variable {name} cannot be read: {error}") from error
    return value


# ------------------------------------------------------------------- spelling


def load_names() -> None:
    """Know the names of all variables. It imports the modules that have them, so a process does it before it forks."""
    _names_of_families()
    _unprefixed()


def misspelled(names: Iterable[str], modules: Iterable[str] = ()) -> Iterator[str]:
    """A sentence for each name that looks like a variable of the playbooks and is none. Modules whose variables have a
    prefix of their own are named: other people may use the prefix elsewhere."""
    known, unprefixed, prefixes = known_variables(), _unprefixed(), _PREFIXES
    for module in _PREFIX_OF.keys() & set(modules):
        known |= OF_ONE_PLAYBOOK[module] | set(variables_of(module).values())
        prefixes += (_PREFIX_OF[module],)
    for name in names:
        if name.startswith(prefixes) and name not in known:
            yield _without_effect(name, get_close_matches(name, known, 1))
        elif _may_be_of_a_family(name) and (near := _nearly(name)):
            yield _without_effect(name, near)
        elif name in unprefixed:
            yield (
                f"The variable {name} has no effect: it is an option of msp.psa_sync without its prefix. "
                f"Did you mean {unprefixed[name]}?"
            )


def _may_be_of_a_family(name: str) -> bool:
    """Whether a name without a prefix of the collection is worth comparing: that takes time."""
    return name.startswith(_FAMILIES) or "365_sync_" in name


def _nearly(name: str) -> list[str]:
    """The variable that a name differs from by a letter or two. Other people's variables may begin as these do."""
    names = _names_of_families()
    return [] if name in names else get_close_matches(name, names, 1, _NEARLY)


@cache
def _names_of_families() -> frozenset[str]:
    return known_variables() | CONNECTION_OPTIONS.keys() | {VARIABLE}


def misspelled_of_role(names: Iterable[str]) -> Iterator[str]:
    """The same for variables of the role `notify`, where they are like one of them: a playbook that has the role may
    have others that begin with `notify_`."""
    for name in names:
        if name.startswith("notify_") and name not in OF_NOTIFY and (near := get_close_matches(name, OF_NOTIFY, 1)):
            yield _without_effect(name, near)


def _without_effect(name: str, near: list[str]) -> str:
    hint = f"Did you mean {near[0]}?" if near else "The guide to the playbooks lists all variables."
    return f"The variable {name} is none of msp.psa_sync, so it has no effect. {hint}"


@cache
def known_variables() -> frozenset[str]:
    """All variables of the playbooks that begin with one of the collection's prefixes."""
    found = {variable for module in _WITH_VARIABLES for variable in variables_of(module).values()}
    found |= {f"{kind}_{what}" for kind in DECLARED.values() for what in ("settings", "defaults")}
    return frozenset(each for each in found | FROM_DIRECTORIES | OF_PLAYS if each.startswith(_PREFIXES))


@cache
def _unprefixed() -> dict[str, str]:
    """The names of options that people may take for variables, and where their values belong."""
    found = {
        option: f"{DECLARED[f'{kind}_settings']}_settings.{option}"
        for kind, options in SETTINGS_OPTIONS.items()
        for option in options
    }
    found |= {variable.removeprefix("sync_"): variable for variable in (*FROM_DIRECTORIES, "sync_max_fail_percentage")}
    found |= {"plan_file": "sync_plan_directory", "journal_file": "sync_journal_directory"}
    found |= {option: f"{kind}_settings" for option, kind in DECLARED.items()}
    for module in _WITH_VARIABLES:
        found |= {option: name for option, name in variables_of(module).items() if name == f"sync_{option}"}
    return {option: name for option, name in found.items() if option not in _COMMON_WORDS | PREFIXED}


# ---------------------------------------------------------------------- files


def file_stem(host: str) -> str:
    """The name of a host's files: its own where that is a safe and short name, else its words and a digest."""
    if _SAFE_NAME.fullmatch(host):
        return host
    words = "-".join(re.findall(r"[A-Za-z0-9]+", host))[:_LONGEST_STEM].strip("-")
    digest = hashlib.sha256(host.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return "-".join(filter(None, (words, digest)))


def default_journals() -> Path:
    """The directory in which a first run keeps its journals where none is given."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "msp.psa_sync" / "journals"


def journal_file(directory: str | Path, host: str) -> str:
    """The journal of a client in a directory."""
    return f"{directory}/{file_stem(host)}.journal"
