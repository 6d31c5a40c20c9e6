# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an observation means, where the sandbox cannot make it; and whose contact is a probe's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine import probing as judge
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import ProtocolError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    BmsContact,
    BmsEmail,
    BmsPhone,
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


SENT = Contact(1, None, mark(TOKEN, 0), title="Probe", emails=(Email(mail(TOKEN, 0)),))
SENT_TO_BMS = BmsContact(
    1, 2, first_name="Probe", last_name="Lee", emails=(BmsEmail("a@x.example", 1),), phones=(BmsPhone(NUMBER, 1),)
)


@pytest.mark.parametrize(
    ("judged", "answer"),
    [
        (judge.unknown_filter(5, 5, None), "ignored"),
        (judge.name_filter(True, True, True), "contains, any_case"),
        (judge.name_filter(False, True, False), "starts_with, same_case"),
        (judge.created(SENT, SENT), "as_sent"),
        (judge.created(replace(SENT, last_name="X"), SENT), "otherwise"),
        (judge.created(replace(SENT, title=None), SENT), "otherwise"),
        (judge.created(replace(SENT, emails=()), SENT), "otherwise"),
        (judge.unlinked([], None), "said"),
        (judge.phones(NUMBER, "+15550100199", None), "plus_kept"),
        (judge.phones(NUMBER, "15550100199", "12"), "plus_stripped"),
        (judge.phones(NUMBER, "1-555-010-0199", None), "plus_stripped, separators_kept"),
        (judge.email_filter(1, 1), "any_case"),
        (judge.email_filter(1, 0), "same_case"),
        (judge.noop("a", "a", "b"), "stays"),
        (judge.noop("a", "b", "c"), "moves"),
        (judge.arrays(["a"], ["b"], ["A", "b"]), "merged"),
        (judge.primaries([True, True], None), "as_sent"),
        (judge.primaries([True, False], None), "first_wins"),
        (judge.foreign_location(True, None), "taken"),
        (judge.foreign_location(False, "HTTP 422"), "refused"),
        (judge.bulk_create(50, 50, 50, None), "taken"),
        (judge.bulk_create(50, 49, 49, None), "in_part"),
        (judge.bulk_create(50, 49, 50, None), "in_part"),
        (judge.bulk_atomic("HTTP 422", 0), "as_a_whole"),
        (judge.bulk_atomic("HTTP 422", 1), "one_by_one"),
        (judge.deleted(None), "works"),
        (judge.deleted("HTTP 403"), "refused"),
        (judge.native_push(True, 0, 60.0), "on"),
        (judge.native_push(False, 1, 60.0), "on"),
        (judge.native_push(False, 0, 60.0), "not_seen"),
        (judge.linked_writes(None, True), "taken"),
        (judge.linked_writes("HTTP 422", False), "refused"),
        (judge.casing(["Result", "success"]), "pascal_case"),
        (judge.casing(["result"]), "camel_case"),
        (judge.envelope(["Result"]), "wrapped"),
        (judge.envelope(["success"]), "wrapped"),
        (judge.envelope(["id"]), "bare"),
        (judge.account(7, "Client", True), "7"),
        (judge.types({"e-mail": ("", []), "phone": ("", [])}), "none"),
        (judge.types({"e-mail": ("b", ["Work"]), "phone": ("a", ["Desk"])}), "a, b"),
        (judge.inactive_by_default(8, 5, 3), "included"),
        (judge.inactive_by_default(5, 5, 3), "left_out"),
        (judge.inactive_by_default(None, 5, 3), UNKNOWN),
        (judge.inactive_by_default(5, None, 3), UNKNOWN),
        (judge.bms_created(SENT_TO_BMS, SENT_TO_BMS), "as_sent"),
        (judge.bms_created(replace(SENT_TO_BMS, first_name="X"), SENT_TO_BMS), "otherwise"),
        (judge.bms_created(replace(SENT_TO_BMS, last_name="X"), SENT_TO_BMS), "otherwise"),
        (judge.bms_created(replace(SENT_TO_BMS, emails=()), SENT_TO_BMS), "otherwise"),
        (judge.patch_endpoints({"emails": "present", "phones": "present"}), "present"),
        (judge.patch_endpoints({"emails": "absent", "phones": "absent"}), "absent"),
        (judge.deactivated(False), "works"),
        (judge.graph_page(100, True), "100"),
        (judge.graph_page(7, False), "7 or more"),
        (judge.granted(None, "Groups"), "granted"),
        (judge.granted("HTTP 403", "Groups"), "denied"),
    ],
)
def test_a_conclusive_observation_is_an_answer(judged, answer):
    assert judged.answer == answer


@pytest.mark.parametrize(
    ("judged", "evidence"),
    [
        (judge.page_limit(1001, 7, None, "GET"), "an unknown number of rows"),
        (judge.page_limit(1001, 7, 9, "GET"), "7 of 9 rows"),
        (judge.native_push(True, 0, 60.0), "was linked within 60 s, and BMS does not have it"),
        (judge.native_push(False, 1, 60.0), "was not linked within 60 s, and BMS has it"),
        (judge.linked_writes(None, True), "The write shows"),
        (judge.linked_writes(None, False), "The write does not show"),
        (judge.envelope(["id"]), "without an envelope"),
        (judge.envelope(["result"]), "in an envelope"),
        (judge.account(7, "Client", True), "Client (7) is active"),
        (judge.account(7, "Client", False), "Client (7) is not active"),
        (judge.bms_created(SENT_TO_BMS, SENT_TO_BMS), "3 of first name, last name and e-mail read back as they"),
        (judge.bms_created(SENT_TO_BMS, SENT_TO_BMS), f"the phone {NUMBER} reads back as {NUMBER}."),
        (judge.bms_created(replace(SENT_TO_BMS, phones=()), SENT_TO_BMS), "reads back as none"),
        (judge.deactivated(False), "as inactive"),
        (judge.deactivated(True), "as active"),
        (judge.graph_page(7, True), "7 users, and there are more"),
        (judge.graph_page(7, False), "7 users, and these are all"),
        (judge.phones(NUMBER, NUMBER, None), "extension none"),
        (judge.phones(NUMBER, NUMBER, "12"), "extension 12"),
        (judge.adapter(["B", "A"], [], None, []), "The integrations seen are: A, B."),
        (judge.adapter([], [], None, []), "The integrations seen are: none."),
        (judge.casing([]), "the keys none"),
        (judge.types({"e-mail": ("", [])}), "e-mail: none (no look-up)"),
        (judge.types({"e-mail": ("table", ["Work", "Home"])}), "e-mail: Work, Home (table)"),
        (judge.null(None), "null"),
        (judge.null(""), "blank"),
        (judge.null("Probe"), "what it was"),
        (judge.null(5), "something else"),
        (judge.unlinked([1, 2], None), "adapters-resources is a list of 2, psa-integration is null"),
        (judge.unlinked([], None), "adapters-resources is an empty list"),
    ],
)
def test_the_evidence_says_what_was_seen(judged, evidence):
    assert evidence in judged.evidence


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
