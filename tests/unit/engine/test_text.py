# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How addresses and names are compared (feature, section 3)."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.text import (
    address,
    contact_addresses,
    domain,
    full_name,
    is_address,
    name,
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
