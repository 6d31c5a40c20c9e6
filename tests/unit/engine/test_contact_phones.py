# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The phones of a contact with those of its user, and which of them is primary."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._engine import contact_phones
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.contact_phones import is_fax
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.contact_phones import phones as phones_and_reasons
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Phone, PhoneLabels
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.phones import digits, is_real_number
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import Reason, ReasonCode
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.text import folded
from tests.unit.engine.builders import settings, user


def phones(*args):
    return phones_and_reasons(*args)[0]


def p(value, label="Office", primary=False, extension=None, kind="phone"):
    return Phone(value, label, extension, primary, kind)


def caller(office=None, mobile=None):
    return user(business_phones=(office,) if office else (), mobile_phone=mobile)


A, B, C = "4155550100", "4155550101", "4155550102"


@pytest.mark.parametrize(
    ("someone", "present", "expected"),
    [
        pytest.param(caller(), (), (), id="nothing"),
        pytest.param(caller(A, B), (), (p(A), p(B, "Mobile")), id="office-and-mobile-under-their-labels"),
        pytest.param(user(business_phones=(A, B, C)), (), (p(A),), id="the-first-business-phone"),
        pytest.param(caller("(415) 555-0100"), (p(A),), (p(A),), id="compared-by-digits"),
        pytest.param(caller("+1 415 555 0100"), (p("14155550100"),), (p("14155550100"),), id="a-plus-aside"),
        pytest.param(caller("001 415 555 0100"), (p("14155550100"),), (p("14155550100"),), id="a-leading-00-aside"),
        pytest.param(caller("14155550100"), (p("0014155550100"),), (p("0014155550100"),), id="00-on-the-other-side"),
        pytest.param(caller("415 555 0100 x123"), (), (p(A, extension="123"),), id="x-is-the-extension"),
        pytest.param(caller("415 555 0100 ext. 5"), (p(A),), (p(A, extension="5"),), id="an-extension-is-written"),
        pytest.param(
            caller("415 555 0100 ext. 5"), (p(A, extension="x5"),), (p(A, extension="x5"),), id="an-extension-is-there"
        ),
        pytest.param(
            caller("415 555 0100 x5"),
            (p(A, "Home"), p(A, extension="4")),
            (p(A, "Home"), p(A, extension="5")),
            id="an-extension-is-written-under-the-label",
        ),
        pytest.param(
            caller("415 555 0100 x5"),
            (p(A, "Fax", kind="fax"),),
            (p(A, "Fax", kind="fax"),),
            id="a-fax-gets-no-extension",
        ),
        pytest.param(caller(A), (p(A, extension="44"),), (p(A, extension="44"),), id="an-extension-stays"),
        pytest.param(caller("555-0109"), (p(B),), (p(B),), id="a-local-number-replaces-none"),
        pytest.param(caller("555-0100"), (p(A, "Home"),), (p(A, "Home"),), id="a-local-number-of-one-that-is-there"),
        pytest.param(caller("555-0100"), (p("000-000-0000"),), (p("5550100"),), id="a-local-number-for-a-placeholder"),
        pytest.param(caller("555-0100"), (p(B, "Home"),), (p(B, "Home"), p("5550100")), id="a-local-number-is-added"),
        pytest.param(caller(A), (p(A, "Home"),), (p(A, "Home"),), id="there-under-another-label"),
        pytest.param(caller(A), (p(A, "Fax", kind="fax"),), (p(A, "Fax", kind="fax"),), id="there-as-a-fax"),
        pytest.param(caller(A), (p(B),), (p(A),), id="one-other-under-the-label-is-replaced"),
        pytest.param(caller(A), (p(B, "OFFICE "),), (p(A, "OFFICE "),), id="labels-of-any-case-the-present-one-stays"),
        pytest.param(
            caller("415 555 0100 x9"), (p(B, extension="4"),), (p(A, extension="9"),), id="its-extension-goes-with-it"
        ),
        pytest.param(caller(A), (p(B, extension="4"),), (p(A),), id="its-extension-goes-even-for-none"),
        pytest.param(caller(A), (p(B, primary=True),), (p(A, primary=True),), id="the-replacement-inherits-primary"),
        pytest.param(caller(A), (p(B), p(C)), (p(B), p(C), p(A)), id="several-under-the-label-added"),
        pytest.param(
            caller(A), (p(B, kind="fax"),), (p(B, kind="fax"), p(A)), id="a-fax-under-the-label-is-not-replaced"
        ),
        pytest.param(caller(A), (p(B, "Home"), p(C, None)), (p(B, "Home"), p(C, None), p(A)), id="all-others-are-kept"),
        pytest.param(caller(None, A), (p(B),), (p(B), p(A, "Mobile")), id="only-its-own-label"),
        pytest.param(caller(A, B), (p(B), p(A, "Mobile")), (p(B), p(A, "Mobile")), id="swapped-labels-are-left"),
        pytest.param(caller(A, B), (p(B),), (p(B), p(A)), id="the-users-other-number-is-not-replaced"),
        pytest.param(caller(A, "+" + A), (), (p(A),), id="one-number-twice-is-added-once"),
        pytest.param(caller("1-800-FLOWERS"), (p(B),), (p(B),), id="a-vanity-number-is-no-number"),
        pytest.param(caller("000-000-0000"), (p(B),), (p(B),), id="zeros-are-no-number"),
        pytest.param(caller("n/a", "x12"), (p(B),), (p(B),), id="words-and-a-bare-extension-are-no-number"),
        pytest.param(caller("٠٢٠٧٩٤٦٠٩٥٨"), (p("02079460958"),), (p("02079460958"),), id="arabic-digits"),
        pytest.param(caller(A), (p("0000000000"),), (p(A),), id="a-placeholder-under-the-label-is-replaced"),
        pytest.param(
            caller(A),
            (p(B, primary=True), p(C, primary=True)),
            (p(B, primary=True), p(C, primary=True), p(A)),
            id="primary-is-not-touched-without-the-switch",
        ),
    ],
)
def test_phones(someone, present, expected):
    assert phones(someone, present, settings()) == expected


def test_phone_labels_are_those_of_the_settings():
    labels = PhoneLabels(office="Work", mobile="Cell")
    assert phones(caller(A, B), (), settings(phone_labels=labels)) == (p(A, "Work"), p(B, "Cell"))


ZERO = "000-000-0000"
FAX = p("4155559999", "Fax", primary=True, kind="fax")


@pytest.mark.parametrize(
    ("phone_type", "someone", "present", "expected"),
    [
        pytest.param("Mobile", caller(A, B), (), B, id="the-users-number-of-phone_type"),
        pytest.param("Mobile", caller(A, B), (p(C, primary=True),), B, id="before-the-present-primary"),
        pytest.param(
            "Mobile",
            caller(A, B),
            (p(A, primary=True), p(B, "Mobile")),
            B,
            id="before-the-other-number-that-is-primary-by-now",
        ),
        pytest.param(
            "Mobile",
            caller(None, "1234 5678 9012 3456"),
            (p(C, primary=True), p("1234567890123456", "Mobile")),
            "1234567890123456",
            id="the-same-where-its-digits-alone-tell-it",
        ),
        pytest.param(
            "Mobile", caller(A), (p(C, "Mobile", primary=True),), C, id="the-present-primary-before-the-other-number"
        ),
        pytest.param("Mobile", caller(A), (p(C, "Mobile"), p(B, "Home")), A, id="the-users-other-number"),
        pytest.param(
            "Mobile", caller(A), (p(ZERO, "Mobile", primary=True),), A, id="the-users-other-number-before-a-placeholder"
        ),
        pytest.param(
            "Mobile", caller(A), (p(C, "Work Fax", primary=True),), A, id="the-users-other-number-before-a-fax-by-label"
        ),
        pytest.param(
            "Mobile", caller(), (p(A), p(B, "Home", primary=True), p(C, "Mobile")), B, id="the-present-primary"
        ),
        pytest.param("Mobile", caller(), (p(A), p(C, "mobile ")), C, id="the-phone-labelled-phone_type"),
        pytest.param("Mobile", caller(), (p(A), p(B, "Home")), A, id="the-first-phone"),
        pytest.param("Mobile", caller(), (FAX, p(A)), A, id="never-a-fax"),
        pytest.param("Mobile", caller(), (p(B, "Fax", primary=True), p(A)), A, id="never-a-fax-by-its-label"),
        pytest.param(
            "Office", caller(), (p(B, "Office", kind="fax"), p(A, "Home")), A, id="not-even-a-fax-of-phone_type"
        ),
        pytest.param(
            "Office",
            caller(),
            (p(ZERO, "Office", primary=True), p(A, "Home")),
            A,
            id="never-the-placeholder-beside-a-real-one",
        ),
        pytest.param(
            "Office",
            caller(),
            (p("1800FLOWERS", "Home", primary=True), p(ZERO, "Office")),
            "1800FLOWERS",
            id="a-number-in-letters-is-a-real-one",
        ),
        pytest.param("Office", caller(), (p(ZERO, "Office"),), ZERO, id="the-placeholder-alone"),
        pytest.param(
            "Office",
            caller(B),
            (p(B, "Home"), p(A, "Office", primary=True)),
            B,
            id="the-users-number-under-whatever-label",
        ),
        pytest.param("Mobile", caller(), (p(A, primary=True), p(B, primary=True)), A, id="of-several-primaries-one"),
    ],
)
def test_the_primary_phone(phone_type, someone, present, expected):
    found = phones(someone, present, settings(set_phone_numbers_primary=True, phone_type=phone_type))
    assert [each.value for each in found if each.primary] == [expected]


def test_no_phone_no_primary():
    found = phones(
        caller(), (replace(FAX, primary=False),), settings(set_phone_numbers_primary=True, phone_type="Office")
    )
    assert found == (replace(FAX, primary=False),)


@pytest.mark.parametrize(
    ("someone", "present", "expected"),
    [
        pytest.param(caller(), (), (p(ZERO, "Mobile", True),), id="no-number-on-either-side"),
        pytest.param(caller("n/a", ZERO), (), (p(ZERO, "Mobile", True),), id="zeros-and-words-are-no-number"),
        pytest.param(
            caller(),
            (p(A, "Telefax", True),),
            (p(A, "Telefax"), p(ZERO, "Mobile", True)),
            id="a-fax-by-its-label-is-no-number",
        ),
        pytest.param(caller(), (FAX,), (replace(FAX, primary=False), p(ZERO, "Mobile", True)), id="a-fax-is-no-number"),
        pytest.param(caller(A), (), (p(A),), id="a-number-of-the-user"),
        pytest.param(caller(), (p(A),), (p(A),), id="a-number-of-the-contact"),
        pytest.param(caller(), (p("1800FLOWERS"),), (p("1800FLOWERS"),), id="a-number-in-letters"),
        pytest.param(
            caller(), (p("0000000000", "Home"),), (p("0000000000", "Home", True),), id="the-placeholder-that-is-there"
        ),
        pytest.param(
            caller(),
            (p(ZERO, "Home"), p(ZERO, "Mobile", True)),
            (p(ZERO, "Home"), p(ZERO, "Mobile", True)),
            id="of-two-placeholders-the-primary-one",
        ),
        pytest.param(
            caller(A),
            (p(ZERO, "Mobile", True),),
            (p(A, "Office", True),),
            id="a-real-number-replaces-it-and-is-primary",
        ),
        pytest.param(
            caller(None, A), (p(ZERO, "Mobile", True),), (p(A, "Mobile", True),), id="a-real-number-under-its-label"
        ),
        pytest.param(
            caller(A, B), (p(ZERO, "Mobile", True),), (p(B, "Mobile", True), p(A)), id="two-real-numbers-one-primary"
        ),
        pytest.param(
            caller(), (p(ZERO, "Mobile", True), p(A, "Home")), (p(A, "Home", True),), id="a-real-number-typed-by-hand"
        ),
        pytest.param(
            caller(A),
            (p(ZERO, "Mobile", True), p(A, "Fax", kind="fax"), p(B, "Home")),
            (p(A, "Fax", kind="fax"), p(B, "Home", True)),
            id="no-fax-takes-its-place-though-it-is-the-users-number",
        ),
        pytest.param(
            caller(), (p(ZERO, "Mobile"), p(A, "Home", True)), (p(A, "Home", True),), id="a-primary-beside-it-stays"
        ),
        pytest.param(
            caller(A),
            (p(ZERO, "Mobile"), p(A, "Home"), p(B, "Cell", True)),
            (p(A, "Home"), p(B, "Cell", True)),
            id="what-was-not-primary-hands-nothing-on",
        ),
    ],
)
def test_the_blank_phone(someone, present, expected):
    assert phones(someone, present, settings(replace_blank_phone_numbers=True, phone_type="Mobile")) == expected


def test_the_users_number_is_primary_where_a_placeholder_before_it_goes():
    present = (p(ZERO, "Home"), p(A, "Office", True), p(B, "Mobile"))
    both = settings(replace_blank_phone_numbers=True, set_phone_numbers_primary=True, phone_type="Mobile")
    assert phones(caller(None, B), present, both) == (p(A, "Office"), p(B, "Mobile", True))


def test_no_placeholder_without_the_switch():
    assert phones(caller(), (), settings(set_phone_numbers_primary=True, phone_type="Mobile")) == ()
    kept = (p(ZERO, "Mobile", True), p(A, "Home"))
    assert phones(caller(), kept, settings()) == kept


# ------------------------------------------------- what the two services hold


@pytest.mark.parametrize(
    ("text", "country", "present", "expected"),
    [
        pytest.param("+44 (0)20 7946 0958", "GB", p("442079460958"), p("442079460958"), id="zero-in-brackets"),
        pytest.param("020 7946 0958", "GB", p("+442079460958"), p("+442079460958"), id="national"),
        pytest.param("+1 415 555 0100", "US", p(A, extension="44"), p(A, extension="44"), id="extension-stays"),
        pytest.param("(415) 555-0100 ext. 55", "US", p(A, extension="44"), p(A, extension="55"), id="extension"),
        pytest.param("555-123-4567 / 555-987-6543", "US", None, p("5551234567"), id="the-first"),
        pytest.param("n/a since 2024-01-15", "US", p(A), p(A), id="no-number"),
        pytest.param("+1 415 555 0100,,12#", "US", None, p("+14155550100", extension="12"), id="dialled"),
        pytest.param("+33 1 23 45 67 89 poste 12", "FR", None, p("+33123456789", extension="12"), id="poste"),
        pytest.param("415-555-0100 (ext 12)", "US", None, p(A, extension="12"), id="in-brackets"),
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["country-known", "country-not-known"])
def test_what_a_person_typed(text, country, present, expected, known):
    held = (present,) if present else ()
    found, reasons = phones_and_reasons(caller(text), held, settings(), lambda: country if known else None)
    assert found == (expected,)
    codes = [reason.code for reason in reasons]
    assert codes == ([ReasonCode.PHONE_FIRST_OF_SEVERAL] if text.count("555") == 2 else [])


def test_the_first_of_several_is_reported():
    dummy, (reason,) = phones_and_reasons(caller("415-555-0100 / 415-555-0101"), (), settings())
    assert reason == Reason(
        ReasonCode.PHONE_FIRST_OF_SEVERAL, {"phone": "415-555-0100 / 415-555-0101", "used": A, "label": "Office"}
    )


def test_a_number_that_is_kept_because_another_is_not_sure_is_reported():
    dummy, reasons = phones_and_reasons(caller("555-0109"), (p(A),), settings())
    assert reasons == (Reason(ReasonCode.PHONE_NOT_SURE, {"phone": "555-0109", "label": "Office"}),)


def test_the_country_is_asked_for_only_where_a_number_is_read():
    def unknown():
        raise AssertionError("asked for")

    held = (p(A, primary=True), p("442079460958", "Mobile"))
    someone = caller("(415) 555-0100", "+44 (0)20 7946 0958")
    assert phones_and_reasons(someone, held, settings(), unknown) == (held, ())


def test_nothing_is_read_in_steady_state(monkeypatch):
    """Once the numbers are written, they are recognized by their digits."""
    numbers = ("+44 (0)20 7946 0958", "020 7946 0958", "(415) 555-0100 ext. 55", "0044 20 7946 0958", "+1 415 555 0100")
    stored = {text: phones(caller(text), (), settings(), lambda: "GB") for text in numbers}

    def read(*dummy):
        raise AssertionError("read")

    monkeypatch.setattr(contact_phones, "read", read)
    for text, entries in stored.items():
        kept = tuple(replace(entry, value=entry.value.removeprefix("+")) for entry in entries)
        assert phones(caller(text), kept, settings(), lambda: "GB") == kept


TEXTS = (A, "+1 415 555 0101", "(415) 555-0100 x7", "020 7946 0958", "+44 (0)20 7946 0958", "555-0100", "104", "n/a")
LABELS = ("Office", "Mobile", "office ", "Home", "Fax", None)

texts = st.none() | st.sampled_from((*TEXTS, "2024-01-15", "415-555-0100 / 415-555-0102", ZERO, f"{A} x44", f"fax {A}"))
entries = st.lists(
    st.builds(
        Phone,
        st.sampled_from((A, "14155550101", "442079460958", "02079460958", ZERO, "1800FLOWERS", "3023125104")),
        st.sampled_from(LABELS),
        st.sampled_from((None, "", "7", "44")),
        st.booleans(),
        st.sampled_from(("phone", "phone", "fax")),
    ),
    max_size=4,
)
rules = st.builds(
    settings,
    set_phone_numbers_primary=st.booleans(),
    replace_blank_phone_numbers=st.booleans(),
    phone_type=st.sampled_from(("Office", "Mobile")),
)
countries = st.sampled_from(("US", "GB", None))


def identity(entry):
    return digits(entry.value) or entry.value, folded(entry.label), entry.kind


def is_voice(entry):
    return not is_fax(entry) and any(map(str.isdigit, entry.value))


def test_a_second_run_reads_what_the_first_has_written():
    """In another country the number is not sure; once it is written, its digits are. A fax is no phone in any run."""
    chosen = settings(set_phone_numbers_primary=True, phone_type="Office")
    held = (p("442079460958", primary=True),)
    for someone in (
        caller(A),
        caller(A, "415 555 0100 x12"),
        caller("415 555 0100 x12", A),
        caller("555-0100", "+1 415 555 0100"),
        caller("555-0109", "555-0109"),
        caller("+1 415 555 0100", "415 555 0100 x44"),
        caller("415 555 0100 x44", "+1 415 555 0100"),
        caller("fax 415 555 0100", "+1 415 555 0100"),
        caller("415 555 0100 (fax)", "+1 415 555 0100"),
    ):
        after = phones(someone, held, chosen, lambda: "GB")
        assert phones(someone, after, chosen, lambda: "GB") == after


@pytest.mark.parametrize("in_order", [list, reversed])
def test_a_fax_has_no_extension_for_the_phone_of_the_same_digits(in_order):
    present = in_order([p("4155550100"), p("4155550100", extension="44", kind="fax")])
    after = phones(caller(None, "415 555 0100 x44"), tuple(present), settings(), lambda: "US")
    assert [entry.extension for entry in after] == ["44", "44"]


@given(texts, texts, entries, rules, countries, st.randoms())
def test_a_second_run_changes_no_phone(office, mobile, present, chosen, country, chance):
    """Whatever IT Glue makes of the plus and of the order."""
    someone = caller(office, mobile)
    after = phones(someone, tuple(present), chosen, lambda: country)
    assert phones(someone, after, chosen, lambda: country) == after
    kept = [replace(entry, value=entry.value.removeprefix("+")) for entry in after]
    chance.shuffle(kept)
    assert phones(someone, tuple(kept), chosen, lambda: country) == tuple(kept)


@given(texts, texts, entries, rules, countries)
def test_phones_that_are_seen_to_be_up_to_date_are_those_that_the_rules_leave(office, mobile, present, chosen, country):
    someone = caller(office, mobile)
    with patch.object(contact_phones, "_is_up_to_date", return_value=False):
        by_the_rules = phones(someone, tuple(present), chosen, lambda: country)
    assert phones(someone, tuple(present), chosen, lambda: country) == by_the_rules


@given(texts, texts, entries, rules, countries)
def test_no_phone_is_lost_but_one_for_each_of_the_users_numbers(office, mobile, present, chosen, country):
    after = phones(caller(office, mobile), tuple(present), chosen, lambda: country)
    lost = Counter(map(identity, present)) - Counter(map(identity, after))
    real = [each for each in lost.elements() if each[0].strip("0-")]
    replaced = {label for dummy, label, dummy2 in real}
    assert len(real) == len(replaced)
    assert replaced <= {label for label, text in (("office", office), ("mobile", mobile)) if text}
    assert all(kind == "phone" for dummy, dummy2, kind in real)


@given(texts, texts, entries, rules, countries)
def test_the_primary_phone_is_one_to_call(office, mobile, present, chosen, country):
    assume(chosen.set_phone_numbers_primary)
    after = phones(caller(office, mobile), tuple(present), chosen, lambda: country)
    primary = [entry for entry in after if entry.primary]
    voices = [entry for entry in after if is_voice(entry)]
    if voices:
        assert len(primary) == 1
        assert primary[0] in voices
        assert is_real_number(primary[0].value) or not any(is_real_number(entry.value) for entry in voices)


@given(texts, texts, entries, rules, countries, st.randoms())
def test_the_numbers_do_not_depend_on_the_order_of_the_entries(office, mobile, present, chosen, country, chance):
    someone = caller(office, mobile)
    shuffled = chance.sample(present, len(present))
    one, other = (phones(someone, tuple(each), chosen, lambda: country) for each in (present, shuffled))
    assert Counter(map(identity, one)) == Counter(map(identity, other))
