# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""New clients: which ones are meant, the file that makes each a host of the inventory, and what is missing.

The names of tenants and organizations are text of others. A file holds them in comments alone, and its
values are ids, so that Ansible has nothing to template in it; its own name is made of the host's.
"""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.output import one_line
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.tenants import IGNORED, MATCHED
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.text import name

from .limits import limit
from .variables import file_stem

EVERY = "all"
"""What stands for all tenants that are not ignored."""

Entry = Mapping[str, Any]


def chosen(tenants: Sequence[Entry], wanted: Iterable[Any]) -> tuple[list[Entry], list[str]]:
    """The entries of `tenant_match_info` that are meant, and a sentence for each that cannot be onboarded.

    A client is meant by the name, the domain or the id of its tenant, or by the name or the id of its organization.
    """
    found: dict[str, Entry] = {}
    problems: list[str] = []
    for each in wanted:
        meant = [entry for entry in tenants if _is_meant(entry, str(each))]
        if len(meant) > 1 and name(str(each)) != EVERY:
            problems.append(f"{_quoted(each)} is the name of several: {_listed(meant)}. Give the tenant id.")
        elif not meant:
            problems.append(
                f"{_quoted(each)} was not found: none of the {len(tenants)} client tenants and none of their "
                "organizations has this name, domain or id. The module msp.psa_sync.tenant_match_info lists them."
            )
        else:
            found |= {entry["tenant"]["id"]: entry for entry in meant}
    ready = [entry for entry in found.values() if entry["state"] == MATCHED]
    return ready, [*problems, *(_unmatched(entry) for entry in found.values() if entry["state"] != MATCHED)]


def _is_meant(entry: Entry, wanted: str) -> bool:
    key = name(wanted)
    if key == EVERY:
        return bool(entry["state"] != IGNORED)
    tenant, organization = entry["tenant"], entry["organization"] or {}
    texts = (tenant["name"], tenant["domain"], organization.get("name"))
    ids = (tenant["id"], organization.get("id"))
    return bool(key) and (key in map(name, filter(None, texts)) or wanted.strip().casefold() in map(str, ids))


def _unmatched(entry: Entry) -> str:
    tenant = entry["tenant"]
    who = f"The tenant {_shown(tenant)} ({tenant['id']})"
    command = f"ansible localhost -m msp.psa_sync.tenant_match -a 'tenant={tenant['id']} "
    if entry["state"] == IGNORED:
        return f"{who} is on the list of ignored tenants. Take it from there: {command}state=unmatched'."
    likely = ", ".join(
        f"{_shown(each['organization'])} ({each['organization']['id']}, {each['score']} % alike)"
        for each in entry["suggestions"]
    )
    return (
        f"{who} has no organization of exactly its name. {f'Perhaps: {likely}. ' if likely else ''}"
        f"Say which one it is, then run again: {command}organization=ID'."
    )


def client(entry: Entry) -> dict[str, Any]:
    """A client by its host, its organization and its tenant."""
    return {
        "host": str(entry["host"]),
        "organization": dict(entry["organization"]),
        "tenant": dict(entry["tenant"]),
    }


def as_declared(clients: Iterable[Entry], declared: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each client as the host that the inventory has for it, whatever that is called: two would be synced twice.

    `declared` has the organization of each host of the inventory, blank where it has none.
    """
    hosts = {name(organization): host for host, organization in reversed(declared.items())}
    found = []
    for one in clients:
        organization, host = one["organization"], one["host"]
        if host not in declared:
            keys = filter(None, (str(organization["id"]), name(organization["name"])))
            host = next((hosts[key] for key in keys if key in hosts), host)
        found.append({**one, "host": host, "known": host in declared})
    return found


def file_path(directory: str, host: str) -> str:
    """The file of a host in the directory of an inventory."""
    return f"{directory}/client_{file_stem(host)}.yml"


def text(one: Entry, account: Entry | None, group: str) -> str:
    """The file of a client, as an inventory of YAML. Values are ids; names stand in comments."""
    organization, tenant = one["organization"], one["tenant"]
    variables = {
        "itglue_organization": organization["id"],
        "office365_sync_settings": {"tenant_id": tenant["id"]},
    }
    comments = [
        f"organization in IT Glue: {_shown(organization)} ({organization['id']})",
        f"tenant: {', '.join(filter(None, (_shown(tenant), one_line(tenant['domain'] or ''))))}",
        f"account in BMS: {_shown(account)} ({account['id']})" if account else "account in BMS: not found yet",
    ]
    content = {group: {"hosts": {one["host"]: variables}}}
    head = "".join(f"# {_readable(each)}\n" for each in ("Made by the playbook msp.psa_sync.onboard.", *comments))
    return f"---\n{head}{yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=1000)}"


# ------------------------------------------------------------------------ summary


def report(one: Entry, path: str, checked: Entry, written: Entry, *, preview: bool) -> Iterator[str]:
    """What there is to say of a client: what was found, what became of its file, what is missing, what comes next.

    `checked` is the result of `preflight_info`, and `written` that of the task that wrote the file at `path`.
    """
    host, organization, tenant = one["host"], one["organization"], one["tenant"]
    account = checked.get("bms_account")
    in_bms = f"BMS account {_shown(account)} ({account['id']})" if account else "no BMS account found"
    yield f"{host}: {_shown(organization)} ({organization['id']}), tenant {_shown(tenant)} ({tenant['id']}), {in_bms}"
    yield f"  {_file(path, written, preview)}"
    if "checks" not in checked:
        yield f"  not checked: {one_line(str(checked.get('msg') or 'an earlier failure ended the run'))}"
        return
    if (checked["organization"] or organization)["id"] != organization["id"]:
        yield (
            f"  wrong: the host {host} of your inventory is {_shown(checked['organization'])} "
            f"({checked['organization']['id']}). Give one of the two another name"
        )
    missing = [each for each in checked["checks"] if each["state"] in ("failed", "limited")]
    yield from (f"  missing: {each['name']}: {one_line(each['message'])}" for each in missing)
    yield (
        "  before the first real run: turn off IT Glue's own two-way sync of contacts with BMS, and the contact sync "
        "of its Microsoft integration. The setting two_way_sync does not change it"
    )
    step = "audit" if checked["ready"] else "preflight"
    after = "" if checked["ready"] else "when this is done: "
    yield f"  next: {after}ansible-playbook msp.psa_sync.{step} --limit {limit([host])}"


def _file(path: str, written: Entry, preview: bool) -> str:
    if not written or written.get("failed"):
        return f"file: {path} was not written. {one_line(str(written.get('msg') or ''))}".rstrip()
    if written.get("skipped"):
        return (
            f"file: {path} was not written, because the inventory has this host, or there is something else than a "
            "regular file. To write it although the inventory has the host: -e onboard_overwrite=true"
        )
    if written.get("changed"):
        return f"file: {path} {'would be written' if preview else 'was written'}"
    return f"file: {path} is there already and was left as it is"


def _shown(record: Entry) -> str:
    return one_line(str(record["name"] or "without a name"))


def _readable(comment: str) -> str:
    """A comment without characters that YAML forbids even there."""
    return "".join(sign if sign.isprintable() else " " for sign in comment)


def _quoted(value: Any) -> str:
    return f"'{one_line(str(value))}'"


def _listed(entries: Iterable[Entry]) -> str:
    return ", ".join(f"{_shown(each['tenant'])} ({each['tenant']['id']})" for each in entries)
