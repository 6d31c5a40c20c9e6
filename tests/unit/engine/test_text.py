# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How addresses and names are compared and written."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.text import (
    APOSTROPHES,
    DASHES,
    address,
    contact_addresses,
    counted,
    domain,
    folded,
    full_name,
    is_address,
    is_blank,
    name,
    own_primary_address,
    own_primary_key,
    primary_address,
    primary_key,
    smtp_by_key,
    text,
    written_address,
)
from tests.unit.engine.builders import contact, user

# ------------------------------------------------------------------- addresses

AT_SIGN = "xn--" + "client＠x".encode("punycode").decode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("Ann@Client.Example", "ann@client.example", id="case-folded"),
        pytest.param("  ann@client.example\t", "ann@client.example", id="trimmed"),
        pytest.param("STRASSE@CLIENT.EXAMPLE", "strasse@client.example", id="upper-case-of-sharp-s"),
        pytest.param("straße@client.example", "strasse@client.example", id="sharp-s-folds"),
        pytest.param("İ@client.example", "i̇@client.example", id="turkish-dotted-i-folds"),
        pytest.param("ПОЧТА@client.example", "почта@client.example", id="cyrillic"),
        pytest.param("ann@a.ex\u200bample", "ann@a.example", id="zero-width-space-inside"),
        pytest.param("\ufeffann@a.example\u200f ", "ann@a.example", id="invisible-at-the-ends"),
        pytest.param("ａｎｎ＠client.example", "ann@client.example", id="full-width"),
        pytest.param("ann@xn--bcher-kva.example", "ann@bücher.example", id="ascii-form-of-a-domain"),
        pytest.param("ann@XN--BCHER-KVA.example", "ann@bücher.example", id="ascii-form-in-capitals"),
        pytest.param("ann@BÜCHER.example", "ann@bücher.example", id="domain-in-letters"),
        pytest.param("ann@bu\u0308cher\u3002example", "ann@bücher.example", id="decomposed-and-ideographic-stop"),
        pytest.param("ann@xn--strae-oqa.example", "ann@strasse.example", id="sharp-s-in-a-domain-folds"),
        pytest.param("ann@xn--client-.example", "ann@xn--client-.example", id="ascii-is-no-ascii-form"),
        pytest.param(f"ann@{AT_SIGN}.example", f"ann@{AT_SIGN}.example", id="ascii-form-of-an-at-sign"),
        pytest.param("ann@xn--é.example", "ann@xn--é.example", id="no-punycode"),
        pytest.param("ann@xn--" + "b" * 55 + "-oxf", "ann@ü" + "b" * 55, id="label-as-long-as-can-be"),
        pytest.param("ann@xn--" + "9" * 60, "ann@xn--" + "9" * 60, id="label-too-long"),
        pytest.param("xn--bcher-kva", "xn--bcher-kva", id="no-domain"),
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


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(" Ann@Client.Example\u200b ", "Ann@Client.Example", id="ends"),
        pytest.param("Ann@Cli\u200bent.Ex\u00adample", "Ann@Client.Example", id="inside"),
        pytest.param("ann@bücher.example", "ann@bücher.example", id="domain-as-it-is-written"),
        pytest.param("\u200b", "", id="nothing-visible"),
    ],
)
def test_an_address_is_written_without_invisible_characters(value, expected):
    assert written_address(value) == expected


def test_a_domain_has_one_form():
    assert domain("ann@xn--bcher-kva.example") == domain("ann@Bücher.example") == "bücher.example"


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
        pytest.param(("\u200bSMTP:\u200ba@x.io",), None, ("a@x.io",), id="invisible-characters"),
        pytest.param(("smtp:a@bücher.io",), "a@xn--bcher-kva.io", ("a@bücher.io",), id="one-domain-in-two-forms"),
        pytest.param((), None, (), id="nothing"),
    ],
)
def test_smtp_addresses(proxies, mail, expected):
    assert tuple(smtp_by_key(user(proxy_addresses=proxies, mail=mail)).values()) == expected


#: Surrogates, private use, and what Unicode has no character for.
UNASSIGNED = {"Cs", "Co", "Cn"}
BOTH_KINDS = ("smtp:b@x.io", "SMTP:p@x.io")
GUEST = "gus_partner.example#EXT#@client.onmicrosoft.com"


@pytest.mark.parametrize(
    ("wanted", "mail", "username", "proxies", "existing", "new"),
    [
        pytest.param("mail", "a@x.io", "u@x.io", BOTH_KINDS, "a@x.io", "a@x.io", id="mail"),
        pytest.param("mail", " a@x.io\u200b", "u@x.io", (), "a@x.io", "a@x.io", id="mail-trimmed"),
        pytest.param("mail", "", "u@x.io", BOTH_KINDS, "p@x.io", "p@x.io", id="mailbox-in-place-of-a-blank-mail"),
        pytest.param("mail", None, "u@x.io", BOTH_KINDS, "p@x.io", "p@x.io", id="mailbox-in-place-of-no-mail"),
        pytest.param("mail", "nonsense", "u@x.io", BOTH_KINDS, "p@x.io", "p@x.io", id="mailbox-in-place-of-nonsense"),
        pytest.param("mail", None, "u@x.io", ("smtp:b@x.io",), "", "u@x.io", id="username-for-a-new-contact-alone"),
        pytest.param("mail", None, "u", ("smtp:b@x.io",), "", "b@x.io", id="alias-for-a-new-contact-alone"),
        pytest.param("mail", None, GUEST, (), "", "", id="guest-without-mail"),
        pytest.param("mail", None, GUEST, ("smtp:b@x.io",), "", "b@x.io", id="guest-with-an-alias"),
        pytest.param("mail", "g@y.io", GUEST, (), "g@y.io", "g@y.io", id="guest-with-mail"),
        pytest.param("mail", GUEST, "u@x.io", (f"SMTP:{GUEST}",), "", "u@x.io", id="mail-of-a-guest-in-the-mailbox"),
        pytest.param("username", "a@x.io", "u@x.io", BOTH_KINDS, "u@x.io", "u@x.io", id="username"),
        pytest.param("username", "a@x.io", "u", BOTH_KINDS, "a@x.io", "a@x.io", id="username-that-is-no-address"),
        pytest.param("username", "a@x.io", GUEST.lower(), (), "a@x.io", "a@x.io", id="username-of-a-guest"),
        pytest.param("username", None, GUEST, (), "", "", id="username-of-a-guest-without-mail"),
        pytest.param("mail", "c#dev@x.io", "u@x.io", (), "c#dev@x.io", "c#dev@x.io", id="a-number-sign-is-no-guest"),
        pytest.param("mail", None, "u", ("SIP:a@x.io",), "", "", id="no-address-at-all"),
    ],
)
def test_primary_address(wanted, mail, username, proxies, existing, new):
    someone = user(mail=mail, username=username, proxy_addresses=proxies)
    assert (own_primary_address(someone, wanted), primary_address(someone, wanted)) == (existing, new)
    own = address(own_primary_address(someone, wanted))
    assert own == own_primary_key(someone, wanted, smtp_by_key(someone)) == own_primary_key(someone, wanted, {})
    assert address(new) == primary_key(someone, wanted, smtp_by_key(someone)) == primary_key(someone, wanted, {})


def test_contact_addresses_are_all_of_them_folded_and_no_blank():
    assert contact_addresses(contact(1, "A@x.io", " b@X.io ", "a@x.io", "  ")) == {"a@x.io", "b@x.io"}


def test_a_number_is_shown_with_its_noun():
    assert [counted(number, "contact") for number in (0, 1, 2)] == ["0 contacts", "1 contact", "2 contacts"]


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
        pytest.param("O'Neil", "O\u2019Neil", id="typographic-apostrophe"),
        pytest.param("O`Neil", "O\u00b4Neil", id="accents-as-apostrophes"),
        pytest.param("Anne-Marie", "Anne\u2011Marie", id="non-breaking-hyphen"),
        pytest.param("Anne\u2013Marie", "Anne\u2212Marie", id="dash-and-minus"),
        pytest.param("Zoe", "Zoe\u200b", id="zero-width-space"),
        pytest.param("\u200fדנה\u200e", "דנה", id="marks-of-direction"),
        pytest.param("An\u00adna", "Anna", id="soft-hyphen"),
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
    characters = map(chr, range(sys.maxunicode + 1))
    folded = {name(each) for each in characters if unicodedata.category(each) not in UNASSIGNED}
    assert [each for each in folded if name(each) != each] == []


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


def test_every_dash_of_unicode_is_a_hyphen():
    dashes = {chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Pd"}
    assert dashes - set(DASHES) == {"-"}


def test_apostrophes_are_all_alike():
    assert {name(f"O{each}Neil") for each in APOSTROPHES} == {"o'neil"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("  Zoe\u0308 ", "Zoë", id="trimmed-and-composed"),
        pytest.param(" \u200b Zoe \u200f\u200b", "Zoe", id="invisible-characters-at-the-ends"),
        pytest.param("علی\u200cرضا", "علی\u200cرضا", id="inside-they-are-spelling"),
        pytest.param("\u200b", "", id="nothing-visible"),
        pytest.param(None, "", id="none"),
    ],
)
def test_what_is_written(value, expected):
    assert text(value) == expected
    assert is_blank(value) is not bool(expected)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param("Zu\u0308rich", " ZÜRICH ", True, id="decomposed-and-case"),
        pytest.param("Head\u00a0Office\u200b", "head office", True, id="blanks-and-invisible-characters"),
        pytest.param("Paul\u2019s Café", "Paul's Cafe\u0301", True, id="apostrophe"),
        pytest.param("Leeds", "Leeds 2", False, id="different"),
    ],
)
def test_names_of_organizations_locations_and_types(one, other, expected):
    assert (folded(one) == folded(other)) is expected
