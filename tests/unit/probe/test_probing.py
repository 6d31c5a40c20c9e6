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
        (lambda: judge.page_limit(1001, 1000, 2400, "GET"), "1000"),
        (lambda: judge.page_limit(1001, 1001, 2400, "GET"), "1001 or more"),
        (lambda: judge.page_limit(1001, 1002, 2400, "GET"), "1002 or more"),
        (lambda: judge.page_limit(1001, 7, 7, "GET"), "7 or more"),
        (lambda: judge.page_limit(1001, 7, None, "GET"), UNKNOWN),
        (lambda: judge.page_limit(1001, 0, 0, "GET"), UNKNOWN),
        (lambda: judge.unknown_filter(5, 0, None), "matches_nothing"),
        (lambda: judge.unknown_filter(5, None, "HTTP 400"), "refused"),
        (lambda: judge.unknown_filter(0, 0, None), UNKNOWN),
        (lambda: judge.name_filter(False, False, None), "equals, case_unknown"),
        (lambda: judge.unlinked(None, None), "not_said"),
        (lambda: judge.unlinked([], "disabled"), "not_said"),
        (lambda: judge.phones(NUMBER, None, None), UNKNOWN),
        (lambda: judge.phones(NUMBER, "(555) 010-0199", None), "other_digits"),
        (lambda: judge.phones(NUMBER, NUMBER, "12"), "plus_kept, separators_kept"),
        (lambda: judge.email_filter(0, 1), UNKNOWN),
        (lambda: judge.email_filter(6, 6), UNKNOWN),
        (lambda: judge.noop("a", "a", "a"), UNKNOWN),
        (lambda: judge.noop("a", "a", None), UNKNOWN),
        (lambda: judge.null("Probe"), "keeps"),
        (lambda: judge.null(""), "clears"),
        (lambda: judge.arrays(["a"], ["b"], ["a"]), UNKNOWN),
        (lambda: judge.arrays(["a"], ["b"], ["B"]), "replaced"),
        (lambda: judge.primaries([False, True], None), "last_wins"),
        (lambda: judge.primaries([False, False], None), UNKNOWN),
        (lambda: judge.primaries([True], None), UNKNOWN),
        (lambda: judge.primaries([], "HTTP 422"), "refused"),
        (lambda: judge.foreign_location(False, None), "ignored"),
        (lambda: judge.bulk_create(50, 0, 0, "HTTP 422"), "refused"),
        (lambda: judge.bulk_create(50, 50, 20, None), "in_part"),
        (lambda: judge.bulk_atomic(None, 2), "bad_one_taken"),
        (lambda: judge.bulk_atomic(None, 1), "bad_one_left_out"),
        (lambda: judge.linked_writes(None, False), "ignored"),
        (lambda: judge.casing([]), UNKNOWN),
        (lambda: judge.types({"e-mail": ("lookup", ["Work"]), "phone": ("", [])}), "in_part"),
        (lambda: judge.inactive_by_default(5, 5, 0), UNKNOWN),
        (lambda: judge.inactive_by_default(4, 5, 3), UNKNOWN),
        (lambda: judge.patch_endpoints({"emails": "present", "phones": "absent"}), UNKNOWN),
        (lambda: judge.deactivated(True), "refused"),
        (lambda: judge.graph_page(0, True), UNKNOWN),
    ],
)
def test_an_inconclusive_observation_is_no_answer(judged, answer):
    found = judged()
    assert found.answer == answer
    assert found.evidence


SENT = Contact(1, None, mark(TOKEN, 0), title="Probe", emails=(Email(mail(TOKEN, 0)),))
SENT_TO_BMS = BmsContact(
    1, 2, first_name="Probe", last_name="Lee", emails=(BmsEmail("a@x.example", 1),), phones=(BmsPhone(NUMBER, 1),)
)


@pytest.mark.parametrize(
    ("judged", "answer"),
    [
        (lambda: judge.unknown_filter(5, 5, None), "ignored"),
        (lambda: judge.name_filter(True, True, True), "contains, any_case"),
        (lambda: judge.name_filter(False, True, False), "starts_with, same_case"),
        (lambda: judge.created(SENT, SENT), "as_sent"),
        (lambda: judge.created(replace(SENT, last_name="X"), SENT), "otherwise"),
        (lambda: judge.created(replace(SENT, title=None), SENT), "otherwise"),
        (lambda: judge.created(replace(SENT, emails=()), SENT), "otherwise"),
        (lambda: judge.unlinked([], None), "said"),
        (lambda: judge.phones(NUMBER, "+15550100199", None), "plus_kept"),
        (lambda: judge.phones(NUMBER, "15550100199", "12"), "plus_stripped"),
        (lambda: judge.phones(NUMBER, "1-555-010-0199", None), "plus_stripped, separators_kept"),
        (lambda: judge.email_filter(1, 1), "any_case"),
        (lambda: judge.email_filter(1, 0), "same_case"),
        (lambda: judge.noop("a", "a", "b"), "stays"),
        (lambda: judge.noop("a", "b", "c"), "moves"),
        (lambda: judge.arrays(["a"], ["b"], ["A", "b"]), "merged"),
        (lambda: judge.primaries([True, True], None), "as_sent"),
        (lambda: judge.primaries([True, False], None), "first_wins"),
        (lambda: judge.foreign_location(True, None), "taken"),
        (lambda: judge.foreign_location(False, "HTTP 422"), "refused"),
        (lambda: judge.bulk_create(50, 50, 50, None), "taken"),
        (lambda: judge.bulk_create(50, 49, 49, None), "in_part"),
        (lambda: judge.bulk_create(50, 49, 50, None), "in_part"),
        (lambda: judge.bulk_atomic("HTTP 422", 0), "as_a_whole"),
        (lambda: judge.bulk_atomic("HTTP 422", 1), "one_by_one"),
        (lambda: judge.deleted(None), "works"),
        (lambda: judge.deleted("HTTP 403"), "refused"),
        (lambda: judge.native_push(True, 0, 60.0), "on"),
        (lambda: judge.native_push(False, 1, 60.0), "on"),
        (lambda: judge.native_push(False, 0, 60.0), "not_seen"),
        (lambda: judge.linked_writes(None, True), "taken"),
        (lambda: judge.linked_writes("HTTP 422", False), "refused"),
        (lambda: judge.casing(["Result", "success"]), "pascal_case"),
        (lambda: judge.casing(["result"]), "camel_case"),
        (lambda: judge.envelope(["Result"]), "wrapped"),
        (lambda: judge.envelope(["success"]), "wrapped"),
        (lambda: judge.envelope(["id"]), "bare"),
        (lambda: judge.account(7, "Client", True), "7"),
        (lambda: judge.types({"e-mail": ("", []), "phone": ("", [])}), "none"),
        (lambda: judge.types({"e-mail": ("b", ["Work"]), "phone": ("a", ["Desk"])}), "a, b"),
        (lambda: judge.inactive_by_default(8, 5, 3), "included"),
        (lambda: judge.inactive_by_default(5, 5, 3), "left_out"),
        (lambda: judge.inactive_by_default(None, 5, 3), UNKNOWN),
        (lambda: judge.inactive_by_default(5, None, 3), UNKNOWN),
        (lambda: judge.bms_created(SENT_TO_BMS, SENT_TO_BMS), "as_sent"),
        (lambda: judge.bms_created(replace(SENT_TO_BMS, first_name="X"), SENT_TO_BMS), "otherwise"),
        (lambda: judge.bms_created(replace(SENT_TO_BMS, last_name="X"), SENT_TO_BMS), "otherwise"),
        (lambda: judge.bms_created(replace(SENT_TO_BMS, emails=()), SENT_TO_BMS), "otherwise"),
        (lambda: judge.patch_endpoints({"emails": "present", "phones": "present"}), "present"),
        (lambda: judge.patch_endpoints({"emails": "absent", "phones": "absent"}), "absent"),
        (lambda: judge.deactivated(False), "works"),
        (lambda: judge.graph_page(100, True), "100"),
        (lambda: judge.graph_page(7, False), "7 or more"),
        (lambda: judge.granted(None, "Groups"), "granted"),
        (lambda: judge.granted("HTTP 403", "Groups"), "denied"),
    ],
)
def test_a_conclusive_observation_is_an_answer(judged, answer):
    assert judged().answer == answer


@pytest.mark.parametrize(
    ("judged", "evidence"),
    [
        (lambda: judge.page_limit(1001, 7, None, "GET"), "an unknown number of rows"),
        (lambda: judge.page_limit(1001, 7, 9, "GET"), "7 of 9 rows"),
        (lambda: judge.native_push(True, 0, 60.0), "was linked within 60 s, and BMS does not have it"),
        (lambda: judge.native_push(False, 1, 60.0), "was not linked within 60 s, and BMS has it"),
        (lambda: judge.linked_writes(None, True), "The write shows"),
        (lambda: judge.linked_writes(None, False), "The write does not show"),
        (lambda: judge.foreign_location(True, None), "accepts it and shows it"),
        (lambda: judge.foreign_location(False, None), "does not show it"),
        (lambda: judge.envelope(["id"]), "without an envelope"),
        (lambda: judge.envelope(["result"]), "in an envelope"),
        (lambda: judge.account(7, "Client", True), "Client (7) is active"),
        (lambda: judge.account(7, "Client", False), "Client (7) is not active"),
        (
            lambda: judge.bms_created(SENT_TO_BMS, SENT_TO_BMS),
            "3 of first name, last name and e-mail read back as they",
        ),
        (lambda: judge.bms_created(SENT_TO_BMS, SENT_TO_BMS), f"the phone {NUMBER} reads back as {NUMBER}."),
        (lambda: judge.bms_created(replace(SENT_TO_BMS, phones=()), SENT_TO_BMS), "reads back as none"),
        (lambda: judge.deactivated(False), "as inactive"),
        (lambda: judge.deactivated(True), "as active"),
        (lambda: judge.graph_page(7, True), "7 users, and there are more"),
        (lambda: judge.graph_page(7, False), "7 users, and these are all"),
        (lambda: judge.phones(NUMBER, NUMBER, None), "extension none"),
        (lambda: judge.phones(NUMBER, NUMBER, "12"), "extension 12"),
        (lambda: judge.adapter(["B", "A"], [], None, []), "The integrations seen are: A, B."),
        (lambda: judge.adapter([], [], None, []), "The integrations seen are: none."),
        (lambda: judge.casing([]), "the keys none"),
        (lambda: judge.types({"e-mail": ("", [])}), "e-mail: none (no look-up)"),
        (lambda: judge.types({"e-mail": ("table", ["Work", "Home"])}), "e-mail: Work, Home (table)"),
        (lambda: judge.null(None), "null"),
        (lambda: judge.null(""), "blank"),
        (lambda: judge.null("Probe"), "what it was"),
        (lambda: judge.null(5), "something else"),
        (lambda: judge.unlinked([1, 2], None), "adapters-resources is a list of 2, psa-integration is null"),
        (lambda: judge.unlinked([], None), "adapters-resources is an empty list"),
    ],
)
def test_the_evidence_says_what_was_seen(judged, evidence):
    assert evidence in judged().evidence


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
    assert made_by_probe(given, TOKEN) is own
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
