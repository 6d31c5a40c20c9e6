# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: notification
short_description: Message about a run, for chats, e-mail and webhooks
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Makes a short message of the report that the callback P(msp.psa_sync.sync_report#callback) has written as JSON. The
    role C(msp.psa_sync.notify) sends it.
  - A message is needed where a client failed or exceeds a limit, where something needs a decision, or where a client
    was deferred in several runs in a row. It is news where the last message about this report said something else.
  - A variable that begins with V(notify_) and is like one of the role, and is none, brings a warning.
  - Clients are named, people are only counted. Names and messages, which are text of others, are plain text in each
    form, without markup, links and mentions.
options:
  _terms:
    description: The path of the report's JSON file.
    type: list
    elements: path
    required: true
  url:
    description: Where the report can be opened, for a link in the message.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show what would be sent
  ansible.builtin.debug:
    msg: "{{ lookup('msp.psa_sync.notification', 'sync_report/sync_report.json').text }}"

- name: Keep it for a ticket
  ansible.builtin.copy:
    content: "{{ notification.text }}"
    dest: ticket.txt
    mode: "0600"
  when: notification.needed and notification.news
  vars:
    notification: "{{ lookup('msp.psa_sync.notification', 'sync_report/sync_report.json') }}"
"""

RETURN = r"""
_raw:
  description:
    - The message of each report. C(needed) and C(news) say whether to send it; C(title), C(lines) and C(text) are
      plain text; C(slack) and C(teams) are what these take; C(webhook) is plain data; C(digest) belongs into the file
      C(remembered), once the message is sent.
  type: list
  elements: dict
  sample:
    - needed: true
      news: true
      title: "Contact sync (Real run): 2 clients done, 1 failed, 1 client needs a look"
      lines: ["Sad Toad (sad_toad): The tenant has not consented."]
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.labels import one_line
from ansible_collections.msp.psa_sync.plugins.plugin_utils.notification import message
from ansible_collections.msp.psa_sync.plugins.plugin_utils.variables import misspelled_of_role

REMEMBERED = ".notified"
"""What follows the name of the report in the name of the file that holds the digest of the last message."""


display = Display()


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        for sentence in misspelled_of_role(variables or {}):
            display.warning(one_line(sentence))
        # Absolute: Ansible runs the task that remembers the message in the directory of the playbook.
        return [_message(Path(str(term)).expanduser().absolute(), str(kwargs.get("url") or "")) for term in terms]


def _message(path: Path, url: str) -> dict[str, Any]:
    report = _read(path)
    try:
        made = message(report, url)
    except (KeyError, TypeError, AttributeError) as error:
        raise AnsibleLookupError(f"{path} is no report of msp.psa_sync.sync_report: {error!r}.") from None
    remembered = path.with_name(path.name + REMEMBERED)
    return {
        "needed": made.needed,
        "news": made.digest != _last(remembered),
        "title": made.title,
        "lines": list(made.lines),
        "url": made.url,
        "text": made.text,
        "slack": made.slack,
        "teams": made.teams,
        "webhook": {
            "title": made.title,
            "lines": list(made.lines),
            "url": made.url,
            "mode": report["mode"],
            "complete": report["complete"],
            "totals": report["totals"],
        },
        "digest": made.digest,
        "remembered": str(remembered),
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AnsibleLookupError(
            f"The report {path} could not be read: {error}. Enable the callback msp.psa_sync.sync_report with the "
            "format json, and name its file in notify_report."
        ) from None
    return found if isinstance(found, dict) else {}


def _last(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
