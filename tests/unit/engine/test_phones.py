# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How telephone numbers are read and compared (guide to matching, telephone numbers)."""

from __future__ import annotations

import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.countries import region
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.numbering_plans import (
    e164,
    is_whole,
    is_whole_as_written,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.phone_patterns import is_fax_label
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.phones import (
    Number,
    digits,
    extension_key,
    has_digits,
    is_placeholder,
    is_real_number,
    is_same_number,
    is_tail,
    read,
    spelling,
    stored_key,
)
from tests.tools.files import development_tree

US, UK = "4155550100", "+442079460958"

# --------------------------------------------------------------------- reading


def _spelled_around(number: str, code: str, prefix: str) -> list[str]:
    """Digits near a number: shorter and longer ones, zeros alone, and it with what is dialled within its country."""
    national = number[len(code) :]
    changed = (national[1:], national[:-1], national[:-2], f"{national}0", f"{national}00", f"0{national}", "0" * 9)
    return [number, *(code + each for each in changed), code + prefix + national, f"{code}{code}{national}"]


def test_a_number_that_is_whole_as_it_is_written_is_the_number_that_the_library_reads():
    numbers = [
        (number, phonenumbers.ndd_prefix_for_region(country, True) or "")
        for country in phonenumbers.SUPPORTED_REGIONS
        for kind in phonenumbers.PhoneNumberType.values()
        if (number := phonenumbers.example_number_for_type(country, kind))
    ]
    numbers += [
        (number, "")
        for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
        if (number := phonenumbers.example_number_for_non_geo_entity(code))
    ]
    written = set()
    for number, prefix in numbers:
        written |= {*_spelled_around(e164(number)[1:], str(number.country_code), prefix)}
    whole = {each for each in written if is_whole_as_written(each)}
    for each in whole:
        found = phonenumbers.parse(f"+{each}", None)
        assert (e164(found), is_whole(found), bool(found.national_number)) == (f"+{each}", True, True)
    examples = {e164(number)[1:] for number, dummy in numbers}
    assert len(examples & whole) > 0.95 * len(examples)


@pytest.mark.parametrize("digits", ["0", "44", "999", "4402079460958", "440000000000", "0442079460958"])
def test_what_takes_the_library_to_read_is_not_whole_as_it_is_written(digits):
    assert not is_whole_as_written(digits)


@pytest.mark.parametrize(
    ("value", "country", "expected"),
    [
        # One number in its spellings.
        pytest.param("415-555-0100", None, Number(US), id="separators"),
        pytest.param("(415) 555.0100", "US", Number(US), id="brackets-and-dots"),
        pytest.param("415‑555‑0100", None, Number(US), id="other-hyphens"),
        pytest.param("+1 415 555 0100", None, Number("+14155550100"), id="plus"),
        pytest.param("1 415 555 0100", "US", Number("14155550100"), id="the-code-of-the-country-without-a-plus"),
        pytest.param("(+1) 415 555 0100", None, Number("+14155550100"), id="plus-in-brackets"),
        pytest.param("tel:+1-415-555-0100", None, Number("+14155550100"), id="uri"),
        pytest.param("\u202a+14155550100\u202c", None, Number("+14155550100"), id="invisible-characters"),
        pytest.param("＋４４ ２０ ７９４６ ０９５８", None, Number(UK), id="full-width"),
        pytest.param("٠٢٠٧٩٤٦٠٩٥٨", "GB", Number("02079460958"), id="arabic-digits"),
        pytest.param("٠٢٠٧٩٤٦٠٩٥٨", None, Number("02079460958"), id="arabic-digits-of-no-country"),
        pytest.param("415²555 0100", None, Number(US), id="a-superscript-is-no-digit"),
        pytest.param("0044 20 7946 0958", "GB", Number(UK), id="00"),
        pytest.param("1 +44 20 7946 0958", "US", Number("+1442079460958", sure=False), id="a-digit-right-before-it"),
        pytest.param("0044 20 7946 0958", None, Number(UK), id="00-of-no-country"),
        pytest.param("0044 20 7900 0958", None, Number("+442079000958"), id="00-twice"),
        pytest.param("00 1 415 555 0100", "US", Number("+14155550100"), id="00-where-it-is-not-dialled"),
        pytest.param("011 44 20 7946 0958", "US", Number(UK), id="the-prefix-that-the-country-dials"),
        pytest.param("+44 (0)20 7946 0958", None, Number(UK), id="zero-in-brackets"),
        pytest.param("+44(0)2079460958", "US", Number(UK), id="zero-in-brackets-in-another-country"),
        pytest.param("44 (0)20 7946 0958", None, Number(UK), id="zero-in-brackets-without-a-plus"),
        pytest.param("+49 (0) 30 23125 - 0", "DE", Number("+4930231250"), id="zero-in-brackets-with-blanks"),
        pytest.param("0044 (0)20 7946 0958", "DE", Number(UK), id="00-and-zero-in-brackets"),
        pytest.param("0049 030 23125104", "DE", Number("+493023125104"), id="00-and-a-zero-that-is-not-dialled"),
        pytest.param("44 020 7946 0958", "GB", Number(UK), id="a-zero-that-is-not-dialled-without-a-plus"),
        pytest.param("0039 (0)6 6982 1234", "IT", Number("+390669821234"), id="00-and-italys-zero"),
        pytest.param("442079460958", "GB", Number("442079460958"), id="a-country-code-without-a-plus"),
        pytest.param("(0)20 7946 0958", "GB", Number("02079460958"), id="zero-in-brackets-without-a-country-code"),
        pytest.param("+39 (0)6 6982 1234", "US", Number("+390669821234"), id="italy-keeps-its-zero"),
        pytest.param("030/23125-104", "DE", Number("03023125104"), id="a-slash-behind-the-area-code"),
        pytest.param("030/23125-104", None, Number("03023125104"), id="a-slash-of-no-country"),
        pytest.param("01.02.20.24.12", "FR", Number("0102202412"), id="pairs-are-no-date"),
        # Words beside it.
        pytest.param("Tel. 0113 496 0000", None, Number("01134960000"), id="a-word-before"),
        pytest.param("0113 496 0000 (home)", "GB", Number("01134960000"), id="a-word-behind"),
        pytest.param("8am-5pm 415-555-0100", "US", Number(US), id="hours-before"),
        pytest.param("415-555-0100 until 2024-01-15", "US", Number(US), id="a-date-behind"),
        pytest.param("+44 20 7946 0958 (since 2024)", "GB", Number(UK), id="a-year-behind"),
        # Of several the first.
        pytest.param(
            "555-123-4567 / 555-987-6543", "US", Number("5551234567", several=True), id="two-that-do-not-exist"
        ),
        pytest.param("555-123-4567 / 555-987-6543", None, Number("5551234567", several=True), id="two-of-no-country"),
        pytest.param("4155550100; 4155550101", None, Number(US, several=True), id="a-semicolon"),
        pytest.param("415 555 0100 or 415 555 0101", "US", Number(US, several=True), id="or"),
        pytest.param(
            "+41 44 668 18 00, 044 668 18 01",
            None,
            Number("+41446681800", several=True),
            id="the-country-of-the-first-is-that-of-the-second",
        ),
        pytest.param(
            "Fax +41 44 668 18 00 Tel 044 668 18 01", None, Number("0446681801"), id="a-fax-tells-the-country"
        ),
        pytest.param("+43 6404", None, None, id="too-short-for-a-number"),
        pytest.param(
            "555-1234, 555-1235",
            None,
            Number("5551234", sure=False, several=True),
            id="two-local-numbers-of-no-country-are-not-one",
        ),
        pytest.param(
            "044 668 18 01, +41 44 668 18 00",
            None,
            Number("0446681801", several=True),
            id="the-country-of-the-second-is-that-of-the-first",
        ),
        pytest.param(
            "Büro 030 23125104\nHandy 0151 23456789", None, Number("03023125104", several=True), id="one-in-each-line"
        ),
        pytest.param("t: 415.555.0100 m: 415.555.0101", "US", Number(US, several=True), id="with-words"),
        pytest.param("4155550100 / +1 415 555 0100", "US", Number(US), id="one-number-twice"),
        pytest.param("020 7946 0958 / +44 7700 900123", None, Number("02079460958", several=True), id="a-neighbour"),
        pytest.param(
            "020 7946 0958 x1 / 020 7946 0959 x2", "GB", Number("02079460958", "1", several=True), id="x-each"
        ),
        pytest.param(
            "022 27561234/5", "IN", Number("02227561234", sure=False, several=True), id="the-last-digit-of-the-second"
        ),
        pytest.param(
            "+91-22-27561234/35/36", None, Number("+912227561234", sure=False, several=True), id="last-digits-of-three"
        ),
        pytest.param(
            "022 27561235, 022 27561234/5",
            "IN",
            Number("02227561235", sure=False, several=True),
            id="the-last-digit-of-the-third",
        ),
        pytest.param("+1 415 555/0100", "US", Number(f"+1{US}"), id="a-slash-within-an-existing-number"),
        pytest.param(
            "030 23125/104", "DE", Number("03023125104"), id="a-slash-between-an-existing-number-and-more-of-it"
        ),
        # Prefixes that a country has given up.
        pytest.param("+52 1 55 1234 5678", None, Number("+525512345678"), id="mexicos-mobile-prefix"),
        pytest.param("0052 1 55 1234 5678 ext 12", "US", Number("+525512345678", "12"), id="the-same-behind-00"),
        pytest.param("Cel. 044 55 1234 5678", "MX", Number("5512345678"), id="the-same-within-mexico"),
        pytest.param("01 55 1234 5678", "MX", Number("5512345678"), id="mexicos-prefix-of-other-areas"),
        pytest.param("+54 11 15 1234 5678", None, Number("+5491112345678"), id="argentinas-mobile-prefix"),
        # Faxes.
        pytest.param("Fax 4155550100", "US", None, id="a-fax"),
        pytest.param("Fax: 4155550100", None, None, id="a-fax-of-no-country"),
        pytest.param("Fax 415-555-0101 Tel 415-555-0100", "US", Number(US), id="a-fax-first"),
        pytest.param("Tel 415-555-0100 Fax 415-555-0101", "US", Number(US), id="a-fax-last-is-no-second-number"),
        pytest.param("020 7946 0959 fax", "GB", None, id="a-fax-behind"),
        pytest.param("415-555-0101 (eFax)", None, None, id="a-fax-behind-of-no-country"),
        pytest.param("415-555-0100, 415-555-0101 fax", "US", Number(US), id="a-fax-behind-the-second"),
        pytest.param("Fax 415-555-0101 fax", "US", None, id="a-fax-before-and-behind"),
        pytest.param("415-555-0100, Fax 415-555-0101 (fax)", "US", Number(US), id="the-same-behind-a-number"),
        # No number.
        pytest.param("2024-01-15", "DE", None, id="a-date"),
        pytest.param("15.01.2024", "DE", None, id="a-german-date"),
        pytest.param("01/15/2024", "US", None, id="an-american-date"),
        pytest.param("2024-01-15 10:30", "DE", None, id="a-date-and-time"),
        pytest.param("n/a since 2024-01-15", "US", None, id="a-note-with-a-date"),
        pytest.param("n/a since 2024-01-15", None, None, id="a-note-with-a-date-of-no-country"),
        pytest.param("call back 20240115", "US", None, id="a-note-with-a-date-of-digits"),
        pytest.param("call back 20240115", None, None, id="a-note-with-a-date-of-digits-of-no-country"),
        pytest.param("ask Bob 2312510", "DE", None, id="a-note-with-a-few-digits"),
        pytest.param("Employee 12345678", "US", None, id="a-note-with-a-number-of-another-kind"),
        pytest.param("Room 415", None, None, id="a-room"),
        pytest.param("1-800-FLOWERS", "US", None, id="vanity"),
        pytest.param("1-800-555-CALL", "US", None, id="half-vanity"),
        pytest.param("x123", "US", None, id="an-extension-alone"),
        pytest.param("Durchwahl 12", "DE", None, id="a-german-extension-alone"),
        pytest.param("1234 5678 9012 3456", "US", None, id="too-long"),
        pytest.param("+1 555", None, None, id="too-short"),
        pytest.param("12", None, None, id="two-digits"),
        pytest.param("10 44", None, None, id="two-digits-twice"),
        pytest.param("000-000-0000", "US", None, id="ten-zeros"),
        pytest.param("+00 000", None, None, id="any-zeros"),
        pytest.param("n/a", "US", None, id="no-digits"),
        pytest.param("911", "US", None, id="an-emergency-number"),
        pytest.param("112", "DE", None, id="an-emergency-number-of-another-country"),
        pytest.param("10111", "ZA", None, id="a-long-emergency-number"),
        pytest.param("20240115", "US", None, id="a-date-of-digits-that-is-no-number-of-the-country"),
        pytest.param("", "US", None, id="blank"),
        pytest.param(None, "US", None, id="none"),
        # Not sure.
        pytest.param("555-0100", "US", Number("5550100", sure=False), id="a-local-number"),
        pytest.param("5550100", None, Number("5550100", sure=False), id="a-local-number-of-no-country"),
        pytest.param("23125104", None, Number("23125104"), id="as-many-digits-as-some-countries-have"),
        pytest.param("123456789012345", None, Number("123456789012345"), id="as-many-digits-as-any-country-has"),
        pytest.param("23125104", "DE", Number("23125104", sure=False), id="without-the-prefix-of-national-numbers"),
        pytest.param("104", "DE", Number("104", sure=False), id="an-internal-number"),
        pytest.param("211 1234", "IS", Number("2111234"), id="a-short-number-that-is-whole-in-its-country"),
        pytest.param("ask Bob 231251045", "DE", Number("231251045", sure=False), id="a-note-with-a-longer-one"),
        pytest.param("ask Bob 23125104", "DE", Number("23125104", sure=False), id="a-note-with-a-local-number"),
        pytest.param("415 555 010", "US", Number("415555010", sure=False), id="a-digit-is-missing"),
        pytest.param("+1 415 555 010", None, Number("+1415555010", sure=False), id="a-digit-is-missing-behind-a-plus"),
        pytest.param("415-555-0100 12", "US", Number(US, sure=False), id="digits-behind-without-a-mark"),
        pytest.param("415      555-0100", "US", Number(US, sure=False), id="digits-far-before"),
        pytest.param("20240115", None, Number("20240115", sure=False), id="a-date-of-digits"),
        pytest.param("20240115", "DK", Number("20240115", sure=False), id="a-date-of-digits-that-is-a-number-too"),
        pytest.param("ask Bob 4155550100", None, Number(US, sure=False), id="a-note-of-no-country"),
        pytest.param("ask Bob 23125104", None, Number("23125104", sure=False), id="a-note-with-fewer-digits"),
        pytest.param("1044", None, Number("1044", sure=False), id="an-internal-number-of-no-country"),
    ],
)
def test_read(value, country, expected):
    assert read(value, country) == expected


@pytest.mark.parametrize("country", ["US", None])
@pytest.mark.parametrize(
    "spelled",
    [
        *("x12", "X 12", "ext 12", "ext. 12", "Ext: 12", "extn 12", "extn. 12", "extension 12", "Extension: 12"),
        *("#12", "# 12", ";ext=12", ",,12#", ",,12", ";12", ",12#", "poste 12", "Poste: 12", "Durchwahl 12"),
        *(
            "Klappe 12",
            "Extensão 12",
            "ramal 12",
            "interno 12",
            "DW 12",
            "int. 12",
            "anexo 12",
            "(ext 12)",
            "(x12)",
            "[x12]",
            "(Durchwahl: 12)",
            "/ x12",
            ", ext 12",
        ),
        *("x١٢", "ｘ１２", "доб. 12", "内線12", "转12", "wew. 12", "mellék: 12", "dahili 12", "εσωτ. 12"),
        *("שלוחה 12", "تحويلة 12", "số máy lẻ 12", "Ext. No. 12", "ext (12)"),
    ],
)
@pytest.mark.parametrize("number", ["+1 415 555 0100", "(415) 555-0100"])
def test_extensions_in_every_spelling(number, spelled, country):
    """An extension directly behind the number, and behind a blank."""
    value = read(number, country).value
    assert read(f"{number}{spelled}", country) == Number(value, "12")
    assert read(f"{number} {spelled}", country) == Number(value, "12")
    assert spelling(f"{number} {spelled}") == (digits(number), "12")


def test_a_very_long_value_is_read_at_once():
    assert read(" ,;.-" * 40_000 + "x", "US") is None
    assert read("1 " * 40_000, "US") is None


@given(st.from_regex(r"\+[0-9]{1,12}(?: [0-9]{1,6}){0,4}", fullmatch=True), st.sampled_from(["US", "DE", None]))
def test_a_number_that_stands_alone_is_read_as_it_is_found_in_a_text(text, country):
    assert read(text, country) == read(f" {text} ", country)


@given(st.text(alphabet="0123456789+-()/;,. x#extFaxTel٣４", max_size=40), st.sampled_from(["US", "DE", None]))
def test_whatever_is_read_can_be_dialled_and_is_read_again(text, country):
    number = read(text, country)
    if number is None:
        return
    assert number.value.removeprefix("+").isdigit()
    assert number.value.isascii()
    assert digits(number.value)
    assert number.extension is None or (number.extension.isdigit() and number.extension.isascii())
    if number.sure:
        again = read(number.value, country)
        assert again is None or is_same_number(again.value, number.value, country)


@st.composite
def existing_numbers(draw) -> tuple[str, str, phonenumbers.PhoneNumber]:
    """A country and an example number of it."""
    country = draw(st.sampled_from(["US", "GB", "DE", "FR", "IT", "CH", "AU", "IN", "JP", "DK", "ZA", "MX"]))
    kind = draw(st.sampled_from([phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE]))
    return country, phonenumbers.example_number_for_type(country, kind)


@given(existing_numbers(), st.booleans(), st.sampled_from(["", " x12", ";ext=12", " (ext. 12)"]))
def test_national_and_international_form_are_one_number(drawn, same_country, mark):
    country, number = drawn
    forms = phonenumbers.PhoneNumberFormat
    international = read(
        phonenumbers.format_number(number, forms.INTERNATIONAL) + mark, country if same_country else None
    )
    national = read(phonenumbers.format_number(number, forms.NATIONAL) + mark, country)
    assert international == Number(phonenumbers.format_number(number, forms.E164), "12" if mark else None)
    assert national.sure
    assert national.extension == international.extension
    stored = international.value.removeprefix("+")  # as IT Glue may keep it
    for value in (international.value, stored):
        assert is_same_number(national.value, value, country)
        assert is_same_number(value, national.value, country)


# ------------------------------------------------------------------- comparing


@pytest.mark.parametrize(
    ("one", "other", "country", "expected"),
    [
        pytest.param("+442079460958", "442079460958", None, True, id="equal-digits"),
        pytest.param("020 7946 0958", "+442079460958", "GB", True, id="national-and-international"),
        pytest.param("020 7946 0958", "442079460958", "GB", True, id="without-the-plus"),
        pytest.param("02079460958", "442079460958", None, True, id="the-other-tells-the-country"),
        pytest.param("+14155550100", "4155550100", None, True, id="the-country-of-the-number"),
        pytest.param("+14155550100", "4155550100", "GB", True, id="not-that-of-the-user"),
        pytest.param("+15551234567", "5551234567", None, True, id="the-country-of-a-number-that-does-not-exist"),
        pytest.param("+447911123456", "07911123456", "US", True, id="a-mobile-of-another-country"),
        pytest.param("+442079460958", "4402079460958", None, True, id="the-zero-left-in"),
        pytest.param("+442079460958", "02079460959", "GB", False, id="another-number"),
        pytest.param("+442079460958", "02079460958", "US", True, id="the-country-of-one-of-them"),
        pytest.param("14155550100", "12135550100", "US", False, id="equal-ends"),
        pytest.param("+442079460958", "+493079460958", "US", False, id="equal-ends-in-two-countries"),
        pytest.param("+5215512345678", "525512345678", None, True, id="mexicos-former-mobile-prefix"),
        pytest.param("0445512345678", "+525512345678", "MX", True, id="the-same-within-mexico"),
        pytest.param("+493023125104", "23125104", "DE", False, id="a-local-number"),
        pytest.param("4302345678", "+432345678", "US", False, id="a-number-of-texas-with-the-code-of-austria"),
        pytest.param("+141555501001", "41555501001", "US", True, id="a-digit-too-many"),
        pytest.param("+4420794609581", "020794609581", "GB", True, id="a-digit-too-many-behind-a-zero"),
        pytest.param("000-000-0000", "0000000000", None, False, id="placeholders-are-no-number"),
        pytest.param("1800FLOWERS", "1800CALLNOW", None, False, id="letters-are-no-number"),
        pytest.param(US, "n/a", None, False, id="a-number-and-none"),
        pytest.param("", "", None, False, id="blank"),
    ],
)
def test_same_number(one, other, country, expected):
    assert is_same_number(one, other, country) is expected
    assert is_same_number(other, one, country) is expected


@pytest.mark.parametrize(
    "value",
    [
        "442079460958",
        "+44 (0) 20 7946 0958",
        "0044 [ 0 ] 20 7946 0958",
        "+44[0]2079460958",
        "４４２０７９４６０９５８",
        "442079460958\x7f",
    ],
)
def test_the_digits_that_are_compared(value):
    assert digits(value) == "442079460958"
    assert spelling(value) == ("442079460958", None)


def test_words_are_noted_beside_a_number_but_make_no_number_of_a_few_digits():
    assert spelling("ask Bob 23125104") == ("23125104", None)
    assert spelling("ask Bob 4155550100") == (US, None)
    assert spelling("Room 1234567") == ("", None)


@pytest.mark.parametrize(
    ("number", "stored", "expected"),
    [("23125104", "+49 30 23125-104", True), ("104", "493023125104", True), ("4", "104", False), ("", "104", False)],
)
def test_tail(number, stored, expected):
    assert is_tail(number, stored) is expected


@pytest.mark.parametrize(
    ("value", "placeholder", "real"),
    [
        pytest.param("000-000-0000", True, False, id="placeholder"),
        pytest.param("0000000000", True, False, id="placeholder-stripped"),
        pytest.param("4155550100", False, True, id="number"),
        pytest.param("1800FLOWERS", False, True, id="vanity-that-somebody-stored"),
        pytest.param("٠٠٠", True, False, id="placeholder-in-other-digits"),
        pytest.param("n/a", False, False, id="text"),
        pytest.param("", False, False, id="blank"),
        pytest.param(None, False, False, id="none"),
    ],
)
def test_stored_numbers(value, placeholder, real):
    assert (is_placeholder(value), is_real_number(value)) == (placeholder, real)
    assert has_digits(value) == (placeholder or real)


def test_stored_values_are_compared_by_digits_and_words_by_their_letters():
    assert stored_key("(415) 555-0100") == stored_key("+4155550100")
    assert stored_key("000-000-0000") == stored_key("0")
    assert stored_key("1800FLOWERS") == stored_key("1800flowers") != stored_key("1800CALLNOW")


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        *[(label, True) for label in ("Fax", "FAX", " fax ", "Work Fax", "Telefax", "Office-Fax", "eFax", "WorkFax")],
        *[(label, False) for label in ("Office", "Halifax", "", None)],
    ],
)
def test_labels_of_faxes(label, expected):
    assert is_fax_label(label) is expected


# --------------------------------------------------------------------- regions


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        *[(name, "GB") for name in ("GB", "gb", "United Kingdom", "UK", " england ", "Great Britain")],
        *[(name, "US") for name in ("US", "United States", "USA", "united states of america")],
        *[(name, "DE") for name in ("DE", "Germany", "Deutschland")],
        *[(name, None) for name in ("Atlantis", "XX", "", None)],
    ],
)
def test_region(country, expected):
    assert region(country) == expected


def test_every_region_is_one_of_the_library():
    from ansible_collections.msp.psa_sync.plugins.module_utils._engine.countries import _codes

    assert set(_codes().values()) <= phonenumbers.SUPPORTED_REGIONS
    assert len(set(_codes().values())) > 240


# ------------------------------------------------------------------------ cost


def test_equal_digits_do_not_load_the_library():
    """Most runs see nothing but equal digits."""
    module = "ansible_collections.msp.psa_sync.plugins.module_utils._engine.phones"
    code = f"""
import sys
sys.path.insert(0, {str(development_tree())!r})
from {module} import is_same_number, read, spelling
assert is_same_number("+44 (0)20 7946 0958", "442079460958", "GB")
assert not is_same_number("4155550100", "4155550101", "US")
assert spelling("(415) 555-0100 ext. 55") == ("4155550100", "55")
assert read("n/a", "US") is read("000-000-0000", "US") is read("x12", "US") is None
assert "phonenumbers" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_digits_of_other_scripts_are_digits_wherever_they_are_stored():
    assert (extension_key("１２"), is_real_number("４１５５５５０１００"), is_real_number("０００")) == (
        "12",
        True,
        False,
    )
