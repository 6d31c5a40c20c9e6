# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do after a run, each step with its command."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..limits import limit
from .collecting import COLLECTION, counted, is_starved, summaries
from .labels import count, one_line
from .verdict import BLOCKED

_SHIPPED = ("audit", "drift", "enforce_settings", "preflight", "probe", "sync_contacts")
_MOST_HOSTS = 20


class Step(NamedTuple):
    """What to do, and the command that does it; blank where there is none."""

    text: str
    command: str = ""


def next_steps(report: Mapping[str, Any]) -> list[Step]:
    """The steps, those that lift what is blocked first."""
    return [*_over_limit(report), *_failed(report), *_decisions(report), *_go_on(report)]


def _over_limit(report: Mapping[str, Any]) -> Iterator[Step]:
    """One step for the clients that exceed the same limits."""
    clients: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for tenant in report["tenants"]:
        options = {str(limit["option"]) for each in summaries(tenant) for limit in each["limits_exceeded"]}
        if options:
            clients.setdefault(tuple(sorted(options)), []).append(tenant)
    for exceeded, tenants in clients.items():
        raised = " ".join(f"-e sync_{option}=100%" for option in exceeded)
        yield Step(
            f"{_named(tenants)}: if the whole plan is right, raise the limit for one run.",
            _command(_playbook(report), _hosts(tenants), raised, check=False),
        )


def _failed(report: Mapping[str, Any]) -> Iterator[Step]:
    tenants = [each for each in report["tenants"] if each["status"] == "failed"]
    if tenants:
        yield Step(
            f"{_named(tenants)}: read the message, and check everything that a client needs.",
            _command(f"{COLLECTION}.preflight", _hosts(tenants)),
        )


def _decisions(report: Mapping[str, Any]) -> Iterator[Step]:
    tenants = [each for each in report["tenants"] if any(run["conflicts"] for run in counted(each))]
    if tenants:
        yield Step(
            f"{_named(tenants)}: decide the conflicts, put the answers into the client's variables, and preview again.",
            _command(_playbook(report), _hosts(tenants), check=True),
        )


def _go_on(report: Mapping[str, Any]) -> Iterator[Step]:
    tenants = report["tenants"]
    blocked = [each for each in tenants if each["status"] in BLOCKED]
    changing = [each for each in tenants if each["status"] in ("attention", "changed")]
    if report["mode"] == "preview" and changing:
        others = _hosts(blocked) if len(blocked) <= _MOST_HOSTS else []
        yield Step(
            f"Approve {count(len(changing), 'client')}: run {'it' if len(changing) == 1 else 'them'} for real.",
            _command(_playbook(report), others, check=False, all_but=True),
        )
    elif report["mode"] == "real" and (starved := [each for each in tenants if is_starved(each)]):
        yield Step(
            f"{_named(starved)}: a quota has deferred people in three runs in a row. Run more often, "
            "or raise the quota.",
            _command(_playbook(report), []),
        )
    elif report["mode"] == "real" and any(_deferred(each) for each in tenants):
        yield Step("What is deferred is done by the next run.", _command(_playbook(report), []))


def _deferred(tenant: Mapping[str, Any]) -> bool:
    return any(each[part].get("deferred") for each in summaries(tenant) for part in ("actions", "push"))


def _playbook(report: Mapping[str, Any]) -> str:
    """The playbook that syncs, by the name that ansible-playbook takes."""
    names = [name.removesuffix(".yml") for name in report["playbooks"]]
    own = [name for name in report["playbooks"] if name.removesuffix(".yml") not in _SHIPPED]
    return own[-1] if own and "sync_contacts" not in names else f"{COLLECTION}.sync_contacts"


def _command(playbook: str, hosts: Iterable[str], more: str = "", *, check: bool = False, all_but: bool = False) -> str:
    listed = list(hosts)
    limited = f"--limit {limit(listed, all_but=all_but)}" if listed and len(listed) <= _MOST_HOSTS else ""
    parts = ("ansible-playbook -i inventory", shlex.quote(playbook), limited, more, "--check" if check else "")
    return one_line(" ".join(filter(None, parts)))


def _hosts(tenants: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(run["host"]) for each in tenants for run in counted(each)))


def _named(tenants: list[Mapping[str, Any]]) -> str:
    names = ", ".join(str(each["name"]) for each in tenants[:3])
    return f"{names} and {len(tenants) - 3} more" if len(tenants) > 3 else names
