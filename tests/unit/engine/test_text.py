# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How addresses, names and phone numbers are compared (feature, sections 3 and 4)."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.text import (
    Number,
    address,
    contact_addresses,
    digits,
    domain,
    full_name,
    has_digits,
    is_address,
    is_placeholder,
    is_real_number,
    name,
    phone,
    primary_address,
    smtp_by_key,
    text,
)
from tests.unit.engine.builders import contact, user

# ------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("Ann@Client.Example", "ann@client.example", id="case-folded"),
        pytest.param("  ann@client.example\t", "ann@client.example", id="trimmed"),
        pytest.param("STRASSE@CLIENT.EXAMPLE", "strasse@client.example", id="upper-case-of-sharp-s"),
        pytest.param("straße@client.example", "strasse@client.example", id="sharp-s-folds"),
        pytest.param("İ@client.example", "i̇@client.example", id="turkish-dotted-i-folds"),
        pytest.param("ПОЧТА@client.example", "почта@client.example", id="cyrillic"),
        pytest.param(None, "", id="none"),
        pytest.param("   ", "", id="blank"),
    ],
)
def test_address(value, expected):
    assert address(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("ann@client.example", True, id="address"),
        pytest.param(" ann@client.example ", True, id="blanks-around"),
        pytest.param("ann_x#EXT#@client.onmicrosoft.com", True, id="guest-username"),
        pytest.param("ann", False, id="no-at-sign"),
        pytest.param("ann@", False, id="no-domain"),
        pytest.param("@client.example", False, id="no-mailbox"),
        pytest.param("ann@b@c", False, id="two-at-signs"),
        pytest.param("ann lee@client.example", False, id="blank-inside"),
        pytest.param("", False, id="blank"),
        pytest.param(None, False, id="none"),
    ],
)
def test_is_address(value, expected):
    assert is_address(value) is expected


def test_domain_is_what_follows_the_at_sign():
    assert domain(" Ann@Client.Example ") == "client.example"
    assert domain("ann") == domain(None) == ""


@pytest.mark.parametrize(
    ("proxies", "mail", "expected"),
    [
        pytest.param(("SMTP:a@x.io", "smtp:b@x.io"), "a@x.io", ("a@x.io", "b@x.io"), id="either-case-of-the-prefix"),
        pytest.param(("smtp:b@x.io", "SMTP:a@x.io"), None, ("a@x.io", "b@x.io"), id="primary-first"),
        pytest.param(("Smtp:b@x.io", " smtp :c@x.io"), None, ("b@x.io", "c@x.io"), id="odd-prefix"),
        pytest.param(("smtp:  b@x.io  ",), None, ("b@x.io",), id="blanks-after-the-colon"),
        pytest.param(("SIP:a@x.io", "X500:/o=x/cn=a", "SPO:SPO_1@SPO_2", "EUM:a@x.io"), None, (), id="no-addresses"),
        pytest.param(("a@x.io",), None, (), id="no-prefix"),
        pytest.param(("smtp:", "smtp:a"), None, (), id="nothing-behind-the-prefix"),
        pytest.param((), "a@x.io", ("a@x.io",), id="mail-alone"),
        pytest.param((), " a@x.io ", ("a@x.io",), id="mail-trimmed"),
        pytest.param(("smtp:b@x.io",), "a@x.io", ("b@x.io", "a@x.io"), id="mail-beside-aliases"),
        pytest.param(("SMTP:A@x.io", "smtp:a@X.io"), "a@x.io", ("A@x.io",), id="none-twice-as-first-written"),
        pytest.param((), "no address", (), id="malformed-mail"),
        pytest.param((), None, (), id="nothing"),
    ],
)
def test_smtp_addresses(proxies, mail, expected):
    assert tuple(smtp_by_key(user(proxy_addresses=proxies, mail=mail)).values()) == expected


@pytest.mark.parametrize(
    ("wanted", "mail", "username", "expected"),
    [
        pytest.param("mail", "a@x.io", "u@x.io", "a@x.io", id="mail"),
        pytest.param("mail", "", "u@x.io", "u@x.io", id="blank-mail-falls-back-on-the-username"),
        pytest.param("mail", None, "u@x.io", "u@x.io", id="no-mail-falls-back-on-the-username"),
        pytest.param("mail", "nonsense", "u@x.io", "u@x.io", id="malformed-mail-falls-back"),
        pytest.param("username", "a@x.io", "u@x.io", "u@x.io", id="username"),
        pytest.param("username", "a@x.io", "u", "a@x.io", id="username-that-is-no-address"),
        pytest.param("mail", None, "u", "p@x.io", id="the-mailbox-s-own-where-neither-is-an-address"),
        pytest.param("mail", " a@x.io ", "u", "a@x.io", id="trimmed"),
    ],
)
def test_primary_address(wanted, mail, username, expected):
    someone = user(mail=mail, username=username, proxy_addresses=("smtp:b@x.io", "SMTP:p@x.io"))
    assert primary_address(someone, wanted) == expected


def test_no_address_at_all():
    assert primary_address(user(mail=None, username="u", proxy_addresses=("SIP:a@x.io",)), "mail") == ""


def test_contact_addresses_are_all_of_them_folded_and_no_blank():
    assert contact_addresses(contact(1, "A@x.io", " b@X.io ", "a@x.io", "  ")) == {"a@x.io", "b@x.io"}


# ----------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Ann", " ann ", id="trimmed-and-case-folded"),
        pytest.param("Anna  Maria", "anna maria", id="inner-white-space-one-blank"),
        pytest.param("Anna\u00a0Maria", "Anna Maria", id="non-breaking-blank"),
        pytest.param("Anna\tMaria", "Anna\nMaria", id="tab-and-line-break"),
        pytest.param("Zoe\u0308", "Zoë", id="nfkc-composed-and-decomposed"),
        pytest.param("ﬁona", "Fiona", id="nfkc-ligature"),
        pytest.param("Ａｎｎ", "ann", id="nfkc-full-width"),
        pytest.param("Weiß", "WEISS", id="sharp-s"),
        pytest.param("WEIẞ", "weiss", id="capital-sharp-s"),
        pytest.param("Σίσυφος", "ΣΊΣΥΦΟΣ", id="greek-final-sigma"),
        pytest.param("Иван", "ИВАН", id="cyrillic"),
    ],
)
def test_equal_names(one, other):
    assert name(one) == name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Ann", "Anne", id="no-fuzzy-match"),
        pytest.param("Zoë", "Zoe", id="accents-count"),
        pytest.param("Anna-Maria", "Anna Maria", id="hyphens-count"),
        pytest.param("Ivan", "Иван", id="scripts-are-not-mixed"),
        pytest.param("Аnn", "Ann", id="cyrillic-look-alike"),
        pytest.param("Işık", "Isik", id="turkish-dotless-i-is-another-letter"),
    ],
)
def test_different_names(one, other):
    assert name(one) != name(other)


def test_turkish_capital_i_folds_as_unicode_says_not_as_turkish_does():
    assert name("İPEK") == name("i\u0307pek")
    assert name("IŞIK") == name("işik")


def test_folding_is_stable_for_every_letter():
    letters = map(chr, range(sys.maxunicode + 1))
    unstable = [each for each in letters if name(name(each)) != name(each) and unicodedata.category(each) != "Cs"]
    assert unstable == []


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        pytest.param("Ann", "Lee", ("ann", "lee"), id="both"),
        pytest.param("Ann", None, None, id="no-last-name"),
        pytest.param("", "Lee", None, id="blank-first-name"),
        pytest.param("Ann", " \u00a0", None, id="white-space-is-blank"),
    ],
)
def test_full_name(first, last, expected):
    assert full_name(first, last) == expected


def test_first_and_last_name_stay_apart():
    assert full_name("Ann Mary", "Lee") != full_name("Ann", "Mary Lee")


def test_text_is_trimmed_and_composed():
    assert text("  Zoe\u0308 ") == "Zoë"
    assert text(None) == ""


# ---------------------------------------------------------------------- phones


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("415-555-0100", Number("4155550100", "4155550100", None), id="separators"),
        pytest.param("(415) 555.0100", Number("4155550100", "4155550100", None), id="brackets-and-dots"),
        pytest.param("+1 415 555 0100", Number("+14155550100", "14155550100", None), id="plus-is-kept-not-compared"),
        pytest.param("(+1) 415 555 0100", Number("+14155550100", "14155550100", None), id="plus-in-brackets"),
        pytest.param("＋1 415 555 0100", Number("+14155550100", "14155550100", None), id="full-width-plus"),
        pytest.param("tel:+1-415-555-0100", Number("+14155550100", "14155550100", None), id="uri"),
        pytest.param("001 415 555 0100", Number("0014155550100", "14155550100", None), id="leading-00-is-not-compared"),
        pytest.param("+001 415 555 0100", Number("+0014155550100", "14155550100", None), id="both"),
        pytest.param("0113 496 0000", Number("01134960000", "01134960000", None), id="one-leading-zero-counts"),
        pytest.param("٠٢٠٧٩٤٦٠٩٥٨", Number("02079460958", "02079460958", None), id="arabic-digits"),
        pytest.param("415²555 0100", Number("4155550100", "4155550100", None), id="a-superscript-is-no-digit"),
        pytest.param("415-555-0100 x123", Number("4155550100", "4155550100", "123"), id="x"),
        pytest.param("415-555-0100x123", Number("4155550100", "4155550100", "123"), id="x-without-blank"),
        pytest.param("415-555-0100 X 123", Number("4155550100", "4155550100", "123"), id="capital-x"),
        pytest.param("415-555-0100 ext. 123", Number("4155550100", "4155550100", "123"), id="ext"),
        pytest.param("415-555-0100, Extension: 123", Number("4155550100", "4155550100", "123"), id="extension"),
        pytest.param("415-555-0100 #123", Number("4155550100", "4155550100", "123"), id="hash"),
        pytest.param("tel:+1-415-555-0100;ext=12", Number("+14155550100", "14155550100", "12"), id="uri-extension"),
        pytest.param("415-555-0100 x٢٣", Number("4155550100", "4155550100", "23"), id="arabic-extension"),
        pytest.param("Fax 4155550100", Number("4155550100", "4155550100", None), id="a-word-that-ends-in-x"),
        pytest.param("Tel. 0113 496 0000", Number("01134960000", "01134960000", None), id="a-word-before"),
        pytest.param("0113 496 0000 (home)", Number("01134960000", "01134960000", None), id="a-word-behind"),
        pytest.param("1-800-FLOWERS", None, id="vanity"),
        pytest.param("1-800-555-CALL", None, id="half-vanity"),
        pytest.param("n/a", None, id="no-digits"),
        pytest.param("x123", None, id="extension-alone"),
        pytest.param("000-000-0000", None, id="ten-zeros-are-no-number"),
        pytest.param("+00 000", None, id="any-zeros-are-no-number"),
        pytest.param("", None, id="blank"),
        pytest.param(None, None, id="none"),
    ],
)
def test_phone(value, expected):
    assert phone(value) == expected


@pytest.mark.parametrize(
    "value", ["+1 415 555 0100", "001-415-555-0100", "+0014155550100", "415 555 0100 x5", "٠٢٠ ٧٩"]
)
def test_a_number_compares_equal_when_the_server_has_stripped_its_separators(value):
    stripped = phone(value).value.replace("+", "")
    assert digits(stripped) == digits(value) == phone(value).digits


def test_a_very_long_value_is_read_at_once():
    assert phone(" ,;.-" * 40_000 + "x") is None


@pytest.mark.parametrize(
    ("value", "placeholder", "real"),
    [
        pytest.param("000-000-0000", True, False, id="placeholder"),
        pytest.param("0000000000", True, False, id="placeholder-stripped"),
        pytest.param("4155550100", False, True, id="number"),
        pytest.param("1800FLOWERS", False, True, id="vanity-that-somebody-stored"),
        pytest.param("n/a", False, False, id="text"),
        pytest.param("", False, False, id="blank"),
        pytest.param(None, False, False, id="none"),
    ],
)
def test_stored_numbers(value, placeholder, real):
    assert (is_placeholder(value), is_real_number(value)) == (placeholder, real)
    assert has_digits(value) == (placeholder or real)
