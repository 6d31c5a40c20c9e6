# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the names of two records say about them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.identity import (
    Names,
    compare_names,
    first_names_agree,
    have_common_word,
    name_as_written,
    same_key,
    single_name,
)

ANN = ("Ann", "Able")


def both_ways(*names: tuple[str | None, str | None]) -> set[Names]:
    """What comes of comparing the first with the second, and the second with the first."""
    return {compare_names(*names), compare_names(*reversed(names))}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(ANN, ("Ann", "Able"), id="equal"),
        pytest.param(ANN, (" ANN ", "able"), id="capitals-and-blanks"),
        pytest.param(ANN, ("Dr. Ann", "Able, PhD"), id="titles"),
        pytest.param(ANN, ("Prof.Dr.med. Ann", "Able Ph.D."), id="chained-titles"),
        pytest.param(("Jean-Luc", "Roe"), ("Jean Luc", "Roe"), id="hyphen"),
        pytest.param(("Jean-Luc", "Roe"), ("JeanLuc", "Roe"), id="hyphen-left-out"),
        pytest.param(("Anne-Marie", "Roe"), ("Anne\u2011Marie", "Roe"), id="non-breaking-hyphen"),
        pytest.param(("Nell", "O'Neil"), ("Nell", "O\u2019Neil"), id="apostrophe"),
        pytest.param(("Zoe", "Roe"), ("Zoe\u200b", "Roe"), id="zero-width-space"),
        pytest.param(("דנה", "כהן"), ("\u200fדנה\u200f", "כהן"), id="marks-of-direction"),
        pytest.param(("J.R.", "Roe"), ("J. R.", "Roe"), id="dots"),
        pytest.param(("Zoe\u0308", "Roe"), ("Zoë", "Roe"), id="decomposed"),
        pytest.param(("山田", "太郎"), ("山田", "太郎"), id="han"),
        pytest.param(("Ａnn", "Able"), ANN, id="full-width"),
        pytest.param(("Michael", "Herr"), ("Michael", "Herr"), id="surname-that-is-a-title-too"),
        pytest.param(("Li", "Ing"), ("Li", "Ing"), id="surname-that-is-a-degree-too"),
    ],
)
def test_same(one, other):
    assert compare_names(one, other) == Names.SAME
    assert same_key(*one) == same_key(*other)
    assert same_key(*one) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(ANN, (None, None), id="no-name"),
        pytest.param(ANN, ("", " \u200b"), id="blank-name"),
        pytest.param((None, None), (None, None), id="no-name-on-either-side"),
        pytest.param(ANN, ("ann@client.example", "-"), id="address-and-dash"),
        pytest.param(ANN, ("?", "Unknown"), id="placeholders"),
        pytest.param(ANN, ("n/a", "."), id="more-placeholders"),
        pytest.param(ANN, ("Ann Able", None), id="whole-name-in-the-first-field"),
        pytest.param(ANN, (None, "Able, Ann"), id="whole-name-in-the-last-field"),
        pytest.param(ANN, ("Able", "Ann"), id="swapped"),
        pytest.param(ANN, ("Ann", "Mr"), id="title-as-last-name"),
        pytest.param(ANN, ("Ann", "Dr."), id="title-with-a-dot-as-last-name"),
        pytest.param(ANN, ("Able", "Mrs"), id="last-name-and-title"),
        pytest.param(ANN, ("Mrs", "Able"), id="title-as-first-name"),
        pytest.param(ANN, ("Ann", "Acme Ltd"), id="company-as-last-name"),
        pytest.param(ANN, ("Ann", None), id="no-last-name"),
        pytest.param(ANN, ("Anna", "Able"), id="other-spelling-of-the-first-name"),
        pytest.param(("Mike", "Smith"), ("Michael", "Smith"), id="nickname"),
        pytest.param(("Ann", "Able"), ("Ann", "Baker"), id="married"),
        pytest.param(ANN, ("A", "Able"), id="initial"),
        pytest.param(ANN, ("A.", None), id="initial-alone"),
        pytest.param(("Ann Marie", "Able"), ("Ann", "A."), id="initial-of-the-last-name"),
        pytest.param(("Sam", "Roe"), ("S", "R"), id="two-initials"),
        pytest.param(("John Ronald", "Roe Smith"), ("J.R.", "Roe"), id="initials-and-a-part"),
        pytest.param(("María", "García"), ("María José", "García López"), id="more-names"),
        pytest.param(("Nils", "Strøm"), ("Nils", "Strom"), id="stroke"),
        pytest.param(("Nils", "Strøm"), ("nils strom", None), id="stroke-in-one-field"),
        pytest.param(("Jürgen", "Müller"), ("Juergen", "Mueller"), id="transcribed-diaeresis"),
        pytest.param(("Müller", "Jürgen"), ("Juergen", "Muller"), id="transcribed-and-swapped"),
        pytest.param(("Łukasz", "Żak"), ("Zak Lukasz", None), id="letters-without-decomposition"),
        pytest.param(("Işık", "Yılmaz"), ("Yilmaz", "Isik"), id="dotless-i"),
        pytest.param(("太郎", "山田"), ("Taro", "Yamada"), id="two-scripts"),
        pytest.param(("Иван", "Петров"), ("Ivan", "Petrov"), id="cyrillic-and-latin"),
        pytest.param(("太郎", "山田"), ("山田太郎", None), id="no-blank-between-the-names"),
        pytest.param(("Robert", "Roe"), ("Roe", 'Robert "Bob" (Sales)'), id="more-in-brackets"),
    ],
)
def test_open(one, other):
    assert both_ways(one, other) == {Names.OPEN}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("Petra", "Person"), ("Front", "Desk"), id="role"),
        pytest.param(("Ann", "Able"), ("Ben", "Baker"), id="somebody-else"),
        pytest.param(("Ann", "Able"), ("Bob", None), id="one-name-of-somebody-else"),
        pytest.param(("", "Lee Smith"), ("Ann", "Lee"), id="no-first-name-is-no-initial"),
        pytest.param(("John", "Smith"), ("J", "Smyth"), id="initial-and-another-last-name"),
        pytest.param(("John", "Smith"), ("Joan", "S."), id="another-first-name-and-an-initial"),
        pytest.param(("Lea", "Left"), ("Sue", "Stays"), id="replacement"),
        pytest.param(("Иван", "Петров"), ("Олег", "Сидоров"), id="cyrillic"),
        pytest.param(("太郎", "山田"), ("花子", "鈴木"), id="han"),
        pytest.param(("がく", "もり"), ("かく", "もい"), id="voiced-is-another-letter"),
        pytest.param(("पद्म", "शर्मा"), ("पदम", "शरमा"), id="a-missing-vowel-makes-another-letter"),
    ],
)
def test_different(one, other):
    assert both_ways(one, other) == {Names.DIFFERENT}


@pytest.mark.parametrize(
    "names",
    [
        ("Ann", None),
        (None, "Able"),
        ("Mr", "Able"),
        ("Frau", "Able"),
        ("Ann", "Dr."),
        ("Ann", "-"),
        ("ann@client.example", "Able"),
        ("Ann", "unknown"),
        ("...", "Able"),
    ],
)
def test_a_single_name_is_same_with_none(names):
    assert same_key(*names) is None
    assert compare_names(names, names) == Names.OPEN


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("Zoë", "Roe"), ("Zoe", "Roe"), id="diacritics-count"),
        pytest.param(("Jürgen", "Müller"), ("Juergen", "Mueller"), id="transcription-counts"),
        pytest.param(("John", "Smith"), ("John", "Smith Jr"), id="junior-is-another-person"),
        pytest.param(("Ann Mary", "Lee"), ("Ann", "Mary Lee"), id="the-fields-count"),
        pytest.param(("Аnn", "Able"), ("Ann", "Able"), id="cyrillic-look-alike"),
    ],
)
def test_not_same(one, other):
    assert compare_names(one, other) == Names.OPEN
    assert same_key(*one) != same_key(*other)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((None, "Reception"), "reception"),
        (("RECEPTION", ""), "reception"),
        (("Reception", "-"), "reception"),
        (("Mr", "Able"), "able"),
        (ANN, ""),
        ((None, None), ""),
    ],
)
def test_single_name(names, expected):
    assert single_name(*names) == expected


@pytest.mark.parametrize(
    ("present", "wanted", "surname", "expected"),
    [
        ("Anne", "Ann", False, "Ann"),
        ("Ann", " ", False, "Ann"),
        ("Ann", "-", False, "Ann"),
        ("-", "?", False, "?"),
        ("Herr", "-", True, "Herr"),
        ("Herr", "-", False, "-"),
        ("-", "Herr", True, "Herr"),
    ],
)
def test_a_name_is_written_over_another_but_a_placeholder_over_none(present, wanted, surname, expected):
    assert name_as_written(present, wanted, **{"surname": True} if surname else {}) == expected


def test_a_common_word_is_found_in_any_field():
    assert have_common_word(("Max", "Person"), ("Petra", "Person"))
    assert have_common_word(("Müller", None), ("Eva", "Mueller"))
    assert have_common_word(("Max", "Person"), ("Max", "Baker"))
    assert not have_common_word(ANN, ("Ben", "Baker"))
    assert not have_common_word(ANN, (None, None))
    assert not have_common_word(("Dr.", "Able"), ("Dr.", "Baker"))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Ann", "ann", True),
        ("Zoë", "Zoe", True),
        ("Ann", None, True),
        ("Ann", "A.", True),
        ("Mike", "Michael", False),
        ("Ann", "Anna", False),
        ("Max", "Petra", False),
    ],
)
def test_first_names_agree(one, other, expected):
    assert first_names_agree((one, "Roe"), (other, "Smith")) is expected
    assert first_names_agree((other, "Smith"), (one, "Roe")) is expected


PARTS = st.one_of(
    st.none(),
    st.sampled_from(["Ann", "A.", "Dr. Ann", "Able", "Müller", "Mueller", "-", "山田", "Jean-Luc"]),
    st.text(),
)


@given(PARTS, PARTS, PARTS, PARTS)
def test_the_order_of_the_records_does_not_matter(first, last, other_first, other_last):
    one, other = (first, last), (other_first, other_last)
    assert len(both_ways(one, other)) == 1
    assert (compare_names(one, other) == Names.SAME) == (
        same_key(*one) is not None and same_key(*one) == same_key(*other)
    )


@given(PARTS, PARTS)
def test_nobody_is_different_from_itself(first, last):
    assert compare_names((first, last), (first, last)) != Names.DIFFERENT
