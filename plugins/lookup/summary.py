# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: summary
short_description: Closing summary of the playbooks
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Gives a few lines for each client about the result that a task has registered. Clients that failed come first.
  - The closing play of the playbooks shows them, and fails the clients that failed, so that the exit code says it.
  - After a run with V(sync_first_run) they name the journal and say what to do next.
options:
  _terms:
    description: The hosts.
    type: list
    elements: str
    required: true
  registered:
    description: The variables that hold the results of each host.
    type: list
    elements: str
    default: [synced]
  failed:
    description: Whether to give the names of the hosts that failed, instead of the summary.
    type: bool
    default: false
  drift:
    description: Whether to give what a preview would change, of each host, instead of the summary.
    type: bool
    default: false
  totals:
    description: Whether to give the run in numbers, instead of the summary.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show how it went
  ansible.builtin.debug:
    msg: "{{ lookup('msp.psa_sync.summary', *ansible_play_hosts_all) }}"
  run_once: true
"""

RETURN = r"""
_raw:
  description: The lines, or with O(failed) the names of hosts, or with O(totals) a dictionary.
  type: list
  elements: raw
  sample:
    - - "happy_frog: FAILED. The organization 'Happy Frog' has no Office 365 sync settings."
      - "acme: 12 of 14 users selected"
      - "  IT Glue: 2 create, 10 linked"
      - "  BMS: 2 pushed"
      - 1 of 2 clients succeeded, 1 failed
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.lookup import LookupBase

from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.labels import one_line
from ansible_collections.msp.psa_sync.plugins.plugin_utils.summary import (
    MOST_LINES,
    chosen,
    drift,
    failure_of,
    summary,
    totals,
)
from ansible_collections.msp.psa_sync.plugins.plugin_utils.variables import default_journals, journal_file, misspelled


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        registered, hostvars = kwargs.get("registered") or ["synced"], (variables or {})["hostvars"]
        # Ansible puts the variables of a host together anew each time.
        hosts = {str(host): hostvars[host] for host in terms}
        outcomes = {host: chosen(own[name] for name in registered if name in own) for host, own in hosts.items()}
        if boolean(kwargs.get("failed", False)):
            return [[host for host, outcome in outcomes.items() if failure_of(outcome)]]
        if boolean(kwargs.get("drift", False)):
            return [drift(outcome or {}) for outcome in outcomes.values()]
        if boolean(kwargs.get("totals", False)):
            return [totals(outcomes)]
        preview = boolean((variables or {}).get("ansible_check_mode", False), strict=False)
        journals = {}
        for host, own in hosts.items():
            # What cannot be read has failed the task of its client, and takes the summary from no other one.
            with suppress(Exception):
                if boolean(own.get("sync_first_run", False), strict=False):
                    journals[host] = _journal(host, own, preview)
        *lines, last = summary(outcomes, journals)
        return [[*lines, *_misspelled(hosts), last]]


def _misspelled(hosts: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line for each variable that is spelled wrongly, with the clients that have it where not all have."""
    found: dict[str, list[str]] = {}
    for host, variables in hosts.items():
        for sentence in misspelled(variables):
            found.setdefault(one_line(sentence), []).append(host)
    for sentence, clients in found.items():
        more = f" and {len(clients) - MOST_LINES} more" if len(clients) > MOST_LINES else ""
        some = "" if len(clients) == len(hosts) else f"{one_line(', '.join(clients[:MOST_LINES]))}{more}: "
        yield f"warning: {some}{sentence}"


def _journal(host: str, variables: Mapping[str, Any], preview: bool) -> str | None:
    """The journal of a client's first run; None for a preview, which keeps none."""
    directory = str(variables.get("sync_journal_directory") or "").strip() or default_journals()
    return None if preview else journal_file(directory, host)
