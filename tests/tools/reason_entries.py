# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entries of the reason codes in the troubleshooting guide, made of the table of messages.

`python -m tests.tools.reason_entries` writes them into the guide anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from tests.tools.files import ROOT, development_tree

GUIDE = ROOT / "docs" / "docsite" / "rst" / "troubleshooting_guide.rst"
BEGIN = "..\n  The entries from here on are made of the table of messages: python -m tests.tools.reason_entries\n"
END = "..\n  The entries end here.\n"

GROUPS = (
    ("disabled", "Excluded users"),
    ("several_hits", "Matching"),
    ("no_address", "Contacts in IT Glue"),
    ("in_bms_by_address", "The look-up in BMS"),
    ("itglue_pushes", "Pushes"),
    ("bms_contact_elsewhere", "Linked contacts in BMS"),
    ("user_disabled", "Offboarding"),
    ("struck_from_plan", "Applied plans"),
    ("write_rejected", "Writes"),
    ("changed_since_read", "Changes of others"),
    ("contact_gone", "Reverting (rollback)"),
    ("check_ok", "Checks before a run"),
    ("override_for_unknown_user", "Warnings of a run"),
)
"""The first code of each group, and the group's title."""


def entries() -> str:
    """The part of the guide with an entry for each code, in the order of the table."""
    from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.messages import MESSAGES

    titles = dict(GROUPS)
    lines = [BEGIN]
    for code, message in MESSAGES.items():
        if title := titles.get(code):
            lines += [
                *([""] if len(lines) > 1 else []),
                title,
                "^" * len(title),
                "",
                ".. list-table::",
                "   :header-rows: 1",
                "   :widths: 22 39 39",
                "",
                "   * - Code",
                "     - What it says",
                "     - What to do",
            ]
        lines += _entry(code, message)
    return "\n".join([*lines, "", END])


LABEL = "ansible_collections.msp.psa_sync.docsite.reason_"
"""What the labels of the entries begin with; the code follows."""


def _entry(code, message) -> Iterator[str]:
    see = f" See :ref:`ansible_collections.msp.psa_sync.docsite.{message.guide}`." if message.guide else ""
    yield f"   * - .. _{LABEL}{code}:"
    yield ""
    yield f"       ``{code}``"
    yield f"     - ``{shown(message.sentence)}``"
    yield f"     - {shown(message.hint) or '(Nothing.)'}{see}"


def shown(text: str) -> str:
    """A sentence with `…` for its values, and without the marks of what may be left out."""
    return re.sub(r"\{\w+\}", "…", text.replace("[", "").replace("]", ""))


def main() -> None:
    sys.path.insert(0, str(development_tree()))
    text = GUIDE.read_text(encoding="utf-8")
    before, dummy, rest = text.partition(BEGIN)
    dummy, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{GUIDE} has no place for the entries.")
    GUIDE.write_text(before + entries() + after, encoding="utf-8")


if __name__ == "__main__":
    main()
