# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run came to, in a few lines for each client; clients that failed come first."""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.notices import lacking
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.output import one_line

from ._report.entries import variable
from ._report.labels import EVIDENCE, EXCLUDED, KINDS, REVERTS, label

MOST_LINES = 5
"""Lines of one kind for a client, such as conflicts; the result and the report have all of them."""

_IN_ITGLUE = {
    "create": "new",
    "update": "changed",
    "unchanged": "up to date",
    "linked": "linked and left alone",
    "conflict": "to decide",
    "struck": "struck from the plan",
    "refused": "for which the plan no longer holds",
}
_IN_BMS = {
    "pushed": "new",
    "already_in_bms": "already in BMS",
    "pending": "left to IT Glue",
    "not_ready": "not ready",
    "off": "not pushed by the settings",
    "conflict": "to decide",
}

_LONGEST = 400
# What Ansible puts in front of a message, depending on its version.
_PREFIX = re.compile(
    r"^(?:(?:Task|Action) failed: |The lookup plugin '\S+' failed: |An unhandled exception occurred .*?: )+"
)
NOT_REACHED = "not reached: an earlier failure ended the run, or --tags or --skip-tags omitted the task"


def failure_of(outcome: Mapping[str, Any] | None) -> str | None:
    """Why a client counts as failed, None where it does not. `outcome` is its registered result."""
    if not outcome:
        return NOT_REACHED
    if outcome.get("failed") or outcome.get("unreachable") or outcome.get("failure"):
        return _one_line(_PREFIX.sub("", str(outcome.get("msg") or "failed without a message")))
    if outcome.get("ready", True) is False:  # preflight
        return _one_line("; ".join(map(str, outcome.get("to_do") or ["not ready"])))
    return None


def chosen(results: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Of the results of a client's tasks the one that says most: the first that failed, else one that changed."""
    found = list(results)
    for wanted in (failure_of, lambda each: each.get("changed")):
        for each in found:
            if wanted(each):
                return each
    return found[-1] if found else None


def summary(
    outcomes: Mapping[str, Mapping[str, Any] | None], journals: Mapping[str, str | None] | None = None
) -> list[str]:
    """The lines for the results of the clients, by host name.

    `journals` has the clients of a first run, each with its journal, or None for a preview.
    """
    failures = {host: failure for host, outcome in outcomes.items() if (failure := failure_of(outcome))}
    lines = [f"{host}: FAILED. {failure}" for host, failure in failures.items()]
    for host, outcome in outcomes.items():
        if host not in failures:
            lines += _client(host, outcome or {})
            if journals and host in journals and "contacts" in (outcome or {}):
                lines += _first_run(outcome or {}, journals[host])
    lines += _first_runs(outcomes.values())
    lines += _hosts_of_one_client(outcomes)
    return [*lines, f"{len(outcomes) - len(failures)} of {len(outcomes)} clients succeeded, {len(failures)} failed"]


def totals(outcomes: Mapping[str, Mapping[str, Any] | None]) -> dict[str, int]:
    """The run in numbers, for artifacts of a job: nothing about people."""
    done = [outcome or {} for outcome in outcomes.values()]
    counts = [outcome.get("summary") or {} for outcome in done if not failure_of(outcome)]

    def counted(part: str, *names: str) -> int:
        return sum(int((each.get(part) or {}).get(name, 0)) for each in counts for name in names)

    return {
        "psa_sync_clients": len(done),
        "psa_sync_clients_failed": sum(failure_of(outcome) is not None for outcome in done),
        "psa_sync_clients_starved": sum(bool(outcome.get("starved")) for outcome in done),
        "psa_sync_contacts_created": counted("actions", "create"),
        "psa_sync_contacts_updated": counted("actions", "update"),
        "psa_sync_contacts_pushed": counted("push", "pushed", "pending"),
        "psa_sync_conflicts": sum(len(outcome.get("conflicts") or ()) for outcome in done),
        "psa_sync_not_ready": counted("push", "not_ready"),
        "psa_sync_deferred": counted("actions", "deferred") + counted("push", "deferred"),
    }


def drift(outcome: Mapping[str, Any]) -> list[str]:
    """What a preview would change for a client, in sentences; nothing where it is up to date."""
    counts, changes = outcome.get("summary") or {}, outcome.get("settings_changes") or {}
    name = _one_line((outcome.get("organization") or {}).get("name"))
    lines = [f"{label(KINDS, kind)} of {name}: {_one_line(_differences(change))}" for kind, change in changes.items()]
    if len(outcome.get("diff") or ()) > len(changes):
        in_itglue = _counted(counts.get("actions"), _IN_ITGLUE)
        in_bms = _counted(counts.get("push"), _IN_BMS) or "nothing to push"
        lines.append(f"contacts of {name} are not up to date. IT Glue: {in_itglue}. BMS: {in_bms}")
    if any("deferred" in (counts.get(part) or {}) for part in ("actions", "push")):
        lines.append(f"not all contacts of {name} could be compared")
    return lines


def _differences(change: Mapping[str, Any]) -> str:
    """The options that differ, each with what is stored and what is declared."""
    before, after = change.get("before") or {}, change.get("after") or {}
    if not before:
        return "not stored yet"
    options = dict.fromkeys([*after, *before])
    shown = [f"{option} is {_value(before.get(option))}, declared {_value(after.get(option))}" for option in options]
    return "; ".join(shown[:MOST_LINES]) + (f"; and {len(shown) - MOST_LINES} more" if len(shown) > MOST_LINES else "")


def _value(value: Any) -> str:
    return "not set" if value in (None, "", []) else json.dumps(value, ensure_ascii=False)


def _first_runs(outcomes: Iterable[Mapping[str, Any] | None]) -> Iterator[str]:
    """How long the first run of all clients together lasts, which share BMS's quota; by audit and preflight."""
    found = [each["first_run"] for each in outcomes if each and each.get("first_run")]
    if creates := sum(each["creates_in_bms"] for each in found):
        hours = sum(each["hours"] for each in found)
        yield (
            f"first run: at most {creates:,} contacts to create in BMS, which take {_lasting(hours)} at "
            f"{min(each['creates_per_hour'] for each in found):,} an hour"
        )


def _hosts_of_one_client(outcomes: Mapping[str, Mapping[str, Any] | None]) -> Iterator[str]:
    """A line for each organization that several hosts of the run stand for."""
    found: dict[tuple[Any, Any], list[str]] = {}
    for host, outcome in outcomes.items():
        organization = (outcome or {}).get("organization")
        if isinstance(organization, Mapping):
            # Organizations of two IT Glue accounts may have the same id.
            found.setdefault((organization.get("id"), organization.get("name")), []).append(host)
    for (ident, name), hosts in found.items():
        if len(hosts) > 1:
            yield (
                f"warning: the hosts {_one_line(', '.join(hosts))} are one client, the organization {_one_line(name)} "
                f"({ident}), so each task ran {len(hosts)} times for it. Keep one of these hosts, or give them one name"
            )


def _lasting(hours: float) -> str:
    if hours < 1:
        return "less than an hour"
    return f"about {hours:.0f} hours" if hours < 48 else f"about {hours / 24:.0f} days"


def _client(host: str, outcome: Mapping[str, Any]) -> Iterator[str]:
    counts = outcome.get("summary") or {}
    if "reverted" in outcome:
        yield f"{host}: reverted: {_named(counts.get('reverted'), REVERTS) or 'nothing'}"
        yield from _some(
            f"  not reverted: {_text(each, 'name')} ({_text(each, 'service')} {each.get('id')}): "
            f"{_text(each, 'reason')}"
            for each in outcome.get("not_reverted") or ()
        )
        yield from _settings(outcome.get("settings_changes") or {})
        return
    yield from _headline(host, counts, outcome)
    yield from _settings(outcome.get("settings_changes") or {})
    if runs := counts.get("deferred_runs"):
        starved = "STARVED: " if outcome.get("starved") else ""
        yield f"  {starved}a quota has deferred contacts in {runs} {'run' if runs == 1 else 'runs in a row'}"
    for lines in (_not_done(outcome), _not_ready(outcome), _decisions(outcome)):
        yield from _some(lines)


def _first_run(outcome: Mapping[str, Any], journal: str | None) -> Iterator[str]:
    """What to do after a first run. `journal` is None for a preview."""
    if journal is None:
        yield "  first run: this was a preview. If it is right, run the same command without --check"
        return
    yield f"  first run: each write is recorded in {journal}"
    directory = journal.rpartition("/")[0]
    given = f"sync_journal_directory={directory}"
    if given != shlex.quote(given):
        # Ansible splits name=value at blanks once more, when the shell has taken the quotation marks away.
        given = shlex.quote(json.dumps({"sync_journal_directory": directory}, ensure_ascii=False))
    yield f"  first run: to revert it, -e sync_state=reverted -e {given}"
    if any("deferred" in (each.get("action"), each.get("push")) for each in outcome["contacts"]):
        yield "  first run: contacts are deferred. Run the same command again"
    else:
        yield "  first run: leave sync_first_run out from now on, so that the limits protect this client"


def _headline(host: str, counts: Mapping[str, Any], outcome: Mapping[str, Any]) -> Iterator[str]:
    if "actions" not in counts:
        done = "ready to be synced" if outcome.get("ready") else "changed" if outcome.get("changed") else "OK"
        yield f"{host}: {done}"
        for each in outcome.get("checks") or ():
            if each.get("state") == "limited":
                yield f"  limited: {_text(each, 'name')}: {_text(each, 'message')}"
        return
    yield f"{host}: {counts.get('selected')} of {counts.get('users')} users selected"
    yield f"  IT Glue: {_counted(counts['actions'], _IN_ITGLUE)}"
    if "push" in counts:
        yield f"  BMS: {_counted(counts['push'], _IN_BMS) or 'nothing to push'}"
    if counts.get("excluded"):
        yield f"  excluded: {_named(counts['excluded'], EXCLUDED)}"


def _settings(changes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for kind, change in changes.items():
        options = ", ".join(change.get("after") or ()) if change.get("before") else "for the first time"
        ending = "" if change.get("stored") else " (not stored by this run)"
        yield f"  {label(KINDS, kind)} as declared: {options}{ending}"


def _not_done(outcome: Mapping[str, Any]) -> Iterator[str]:
    for each in outcome.get("contacts") or ():
        for state in ("failed", "deferred"):
            if state in (each.get("action"), each.get("push")):
                yield f"  {state}: {_text(each, 'user')}: {_text(each, 'reason')}"
                break
    for each in outcome.get("refused") or ():
        yield f"  not applied: {_text(each, 'user')}: {_text(each, 'reason')}"


def _not_ready(outcome: Mapping[str, Any]) -> Iterator[str]:
    for each in outcome.get("contacts") or ():
        if each.get("missing"):
            yield f"  not ready for BMS: {_text(each, 'user')} lacks {lacking(each)}"


def _decisions(outcome: Mapping[str, Any]) -> Iterator[str]:
    for each in outcome.get("conflicts") or ():
        users = _one_line(", ".join(map(str, each.get("users") or ())))
        answers = _one_line(json.dumps(each.get("answers") or {}, ensure_ascii=False))
        yield f"  conflict ({each.get('reason_code')}): {users}; answers for {variable(each)}: {answers}"
    for each in outcome.get("departed") or ():
        evidence = label(EVIDENCE, each.get("evidence"))
        yield f"  departed ({evidence}): {_text(each, 'user')}, contact {each.get('contact_id')}"
    for each in outcome.get("unclaimed") or ():
        addresses = _one_line(", ".join(map(str, each.get("addresses") or ())))
        yield f"  unmatched address: {addresses}, contact {each.get('contact_id')}"


def _some(lines: Iterable[str]) -> Iterator[str]:
    every = list(lines)
    yield from every[:MOST_LINES]
    if len(every) > MOST_LINES:
        yield f"  and {len(every) - MOST_LINES} more like this; the result and the report have all"


def _counted(counts: Mapping[str, int] | None, labels: Mapping[str, str] | None = None) -> str:
    return ", ".join(f"{count} {(labels or {}).get(name, name)}" for name, count in (counts or {}).items())


def _named(counts: Mapping[str, int] | None, labels: Mapping[str, str]) -> str:
    return ", ".join(f"{label(labels, name)} ({count})" for name, count in (counts or {}).items())


def _text(entry: Mapping[str, Any], key: str) -> str:
    return _one_line(entry.get(key))


def _one_line(text: Any) -> str:
    """Text that others wrote, short and without what would break a line or steer a terminal."""
    line = one_line(str(text or ""))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
