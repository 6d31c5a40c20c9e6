# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an observation means, where the sandbox cannot make it; and whose contact is a probe's."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine import probing as judge
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import ProtocolError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    BmsContact,
    BmsEmail,
    Contact,
    Email,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.probing import UNKNOWN, made_by_probe, mail, mark
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.probe_answers import Answers

TOKEN = "0123456789abcdef" * 2
OTHER = "fedcba9876543210" * 2
NUMBER = "+1 (555) 010-0199"


@pytest.mark.parametrize(
    ("judged", "answer"),
    [
        (judge.page_limit(1001, 1000, 2400, "GET"), "1000"),
        (judge.page_limit(1001, 1001, 2400, "GET"), "1001 or more"),
        (judge.page_limit(1001, 7, 7, "GET"), "7 or more"),
        (judge.page_limit(1001, 7, None, "GET"), UNKNOWN),
        (judge.page_limit(1001, 0, 0, "GET"), UNKNOWN),
        (judge.unknown_filter(5, 0, None), "matches_nothing"),
        (judge.unknown_filter(5, None, "HTTP 400"), "refused"),
        (judge.unknown_filter(0, 0, None), UNKNOWN),
        (judge.name_filter(False, False, None), "equals, case_unknown"),
        (judge.unlinked(None, None), "not_said"),
        (judge.unlinked([], "disabled"), "not_said"),
        (judge.phones(NUMBER, None, None), UNKNOWN),
        (judge.phones(NUMBER, "(555) 010-0199", None), "other_digits"),
        (judge.phones(NUMBER, NUMBER, "12"), "plus_kept, separators_kept"),
        (judge.email_filter(0, 1), UNKNOWN),
        (judge.email_filter(6, 6), UNKNOWN),
        (judge.noop("a", "a", "a"), UNKNOWN),
        (judge.noop("a", "a", None), UNKNOWN),
        (judge.null("Probe"), "keeps"),
        (judge.null(""), "clears"),
        (judge.arrays(["a"], ["b"], ["a"]), UNKNOWN),
        (judge.arrays(["a"], ["b"], ["B"]), "replaced"),
        (judge.primaries([False, True], None), "last_wins"),
        (judge.primaries([False, False], None), UNKNOWN),
        (judge.primaries([True], None), UNKNOWN),
        (judge.primaries([], "HTTP 422"), "refused"),
        (judge.foreign_location(False, None), "ignored"),
        (judge.bulk_create(50, 0, 0, "HTTP 422"), "refused"),
        (judge.bulk_create(50, 50, 20, None), "in_part"),
        (judge.bulk_atomic(None, 2), "bad_one_taken"),
        (judge.bulk_atomic(None, 1), "bad_one_left_out"),
        (judge.linked_writes(None, False), "ignored"),
        (judge.casing([]), UNKNOWN),
        (judge.types({"e-mail": ("lookup", ["Work"]), "phone": ("", [])}), "in_part"),
        (judge.inactive_by_default(5, 5, 0), UNKNOWN),
        (judge.inactive_by_default(4, 5, 3), UNKNOWN),
        (judge.patch_endpoints({"emails": "present", "phones": "absent"}), UNKNOWN),
        (judge.deactivated(True), "refused"),
        (judge.graph_page(0, True), UNKNOWN),
    ],
)
def test_an_inconclusive_observation_is_no_answer(judged, answer):
    assert judged.answer == answer
    assert judged.evidence


@pytest.mark.parametrize(
    ("seen", "own", "filtered", "names"),
    [
        (["Kaseya BMS", "Microsoft"], [], [], ["kaseya bms"]),
        (["BMS", "Vorex"], [], [], ["bms", "vorex"]),
        (["Kaseya PSA"], [Adapter("Kaseya PSA", "7")], [], ["kaseya psa"]),
        (["Kaseya PSA", "Microsoft"], [], ["Kaseya PSA"], ["kaseya psa"]),
        (["Kaseya PSA", "Microsoft"], [], ["Kaseya PSA", "Microsoft"], None),
        (["Kaseya PSA"], [Adapter("Kaseya PSA", "8")], [], None),
        ([], [], [], None),
    ],
)
def test_the_adapter_is_known_by_name_by_account_or_by_filter(seen, own, filtered, names):
    settings = judge.adapter(seen, own, 7, filtered).settings
    assert settings.get("bms_adapter_names") == names


def contact(last: str, *addresses: str, first: str | None = None) -> Contact:
    return Contact(1, first, last, emails=tuple(Email(each) for each in addresses))


@pytest.mark.parametrize(
    ("given", "own"),
    [
        (contact(mark(TOKEN, 0), mail(TOKEN, 0)), True),
        (contact(mark(TOKEN, 51), mail(TOKEN, 51).upper(), mail(TOKEN, 0, "a"), first="Probe"), True),
        (contact(mark(TOKEN, 0)), False),
        (contact(mark(TOKEN, 0), mail(OTHER, 0)), False),
        (contact(mark(TOKEN, 0), mail(TOKEN, 0), "ann@client.example"), False),
        (contact(mark(TOKEN, 0), mail(TOKEN, 0), first="Ann"), False),
        (contact("Real", mail(TOKEN, 0)), False),
        (contact(f"Probe {TOKEN} 0 Smith", mail(TOKEN, 0)), False),
        (BmsContact(1, 2, last_name=mark(TOKEN, 0), emails=(BmsEmail(mail(TOKEN, 0), 1),)), True),
        (BmsContact(1, 2, last_name=mark(TOKEN, 0), emails=(BmsEmail("ann@client.example", 1),)), False),
    ],
)
def test_only_name_and_every_address_together_make_a_contact_the_probes(given, own):
    assert made_by_probe(given) is own
    assert not made_by_probe(given, OTHER)


def test_a_service_that_fails_leaves_a_question_unknown_and_a_defect_of_the_probe_does_not():
    def refused():
        raise ProtocolError("Odd answer.", service="itglue")

    def defect():
        return {}["no such key"]

    answers = Answers()
    answers.answer("itglue_page_limit", refused)
    assert answers.found["itglue_page_limit"].answer == UNKNOWN
    with pytest.raises(KeyError):
        answers.answer("itglue_null", defect)
    assert "itglue_null" not in answers.found
