# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of messages: a sentence for each reason code, filled with the values that the source gives."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from string import Formatter

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.messages import MESSAGES
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.sentences import (
    OPTIONAL,
    explained,
    hint,
    sentence,
    warning,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import Reason, ReasonCode, because
from tests.tools.files import ROOT

SOURCES = [ROOT / "plugins" / "module_utils" / layer for layer in ("_engine", "_sync")]


def test_each_code_has_a_message():
    assert set(MESSAGES) == set(ReasonCode)


def test_no_two_codes_say_the_same():
    sentences = [message.sentence for message in MESSAGES.values()]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("code", ReasonCode)
def test_a_message_is_made_of_sentences(code):
    message = MESSAGES[code]
    assert message.sentence.endswith((".", "{said}"))
    assert message.hint == "" or message.hint.endswith((".", "]"))


def given() -> Iterator[tuple[str, frozenset[str]]]:
    """The codes that the source gives, each with the names of its values. A call with `**values` tells none."""
    for path in sorted(path for folder in SOURCES for path in folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="because" | "Reason"),
                    args=[ast.Attribute(value=ast.Name(id="ReasonCode"), attr=code), *rest],
                ) if all(each.arg for each in node.keywords):
                    names = {each.arg for each in node.keywords}
                    names |= {key.value for each in rest if isinstance(each, ast.Dict) for key in each.keys}
                    yield code, frozenset(names)


def parameters(text: str) -> set[str]:
    """The names of the values that a sentence or a hint takes."""
    names = {name for dummy, name, *dummy2 in Formatter().parse(text) if name}
    return {{"contacts": "contact_ids", "bms_contacts": "bms_contact_ids"}.get(name, name) for name in names}


@pytest.mark.parametrize(("name", "values"), sorted(set(given()), key=str))
def test_the_source_gives_the_values_that_a_sentence_names(name, values):
    message = MESSAGES[ReasonCode[name]]
    assert parameters(OPTIONAL.sub("", message.sentence + message.hint)) <= values


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (
            because(ReasonCode.SEVERAL_HITS, rule="alias", contact_ids=[72, 74], users=["ann@x.io"]),
            "The user matches contacts 72, 74 by an e-mail address, and so do ann@x.io.",
        ),
        (
            because(ReasonCode.SEVERAL_HITS, rule="name", contact_ids=[72], users=[]),
            "The user matches contact 72 by first and last name.",
        ),
        (
            because(ReasonCode.NO_BMS_LOCATION, account_id=5, location=None),
            "The BMS account 5 has no main location.",
        ),
        (
            because(ReasonCode.CONTACT_GONE, service="itglue"),
            "The contact is not in IT Glue any more.",
        ),
    ],
)
def test_a_sentence_is_filled(reason, expected):
    assert sentence(reason) == expected


@pytest.mark.parametrize(("same_names", "advised"), [(True, True), (False, False)])
def test_merging_is_advised_for_the_same_names_alone(same_names, advised):
    reason = because(ReasonCode.BMS_SEVERAL_HITS, bms_contact_ids=[8, 9], same_names=same_names)
    assert ("merge them" in hint(reason)) is advised


def test_text_of_a_service_breaks_no_line_and_steers_no_terminal():
    reason = because(
        ReasonCode.WRITE_REJECTED, service="bms", said="No\n::error::\x1b[2J\u202e {user} [x]" + "y" * 2000
    )
    reported = sentence(reason)
    assert reported.startswith("Kaseya BMS refused the write, and nothing was changed: No : :error:: [2J {user} [x]yyy")
    assert len(reported) < 1600


def test_a_value_that_is_missing_ends_no_run():
    assert all(warning(Reason(code)) for code in ReasonCode)


def test_several_reasons_are_reported_in_their_order_and_the_gravest_names_them():
    found = explained(
        [
            because(ReasonCode.EXTENSIONS_DROPPED),
            because(ReasonCode.INACTIVE_IN_BMS, bms_contact_id=9),
            because(ReasonCode.WRITE_FAILED, service="bms", said="No."),
            because(ReasonCode.EXTENSIONS_DROPPED),
        ]
    )
    assert found.code == "write_failed"
    assert found.codes == ("extensions_dropped", "inactive_in_bms", "write_failed")
    assert found.sentence.startswith("BMS has no phone extensions, so the push omits them. BMS contact 9 is inactive")
    assert found.sentence.count("extensions") == 1
    assert found.hint == "The next run tries again."


def test_no_reason_says_nothing():
    found = explained([])
    assert (found.code, found.codes, found.sentence, found.hint) == (None, (), None, None)
