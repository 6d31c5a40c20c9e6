# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The glossary has the words that people search for, and leads each of them to a page."""

from __future__ import annotations

import re

import pytest

from tests.tools.guides import GUIDES, SEARCHED, guides, indexed, tables

NAME = "glossary_guide"
TEXT = (GUIDES / f"{NAME}.rst").read_text(encoding="utf-8")


def words() -> list[str]:
    """The words by which a row is found."""
    found = [row["You search for"].split(", ") for row in tables(NAME)["Words"]]
    return [word for row in found for word in row]


@pytest.mark.parametrize("word", SEARCHED)
def test_a_word_that_people_search_for_has_a_row(word):
    assert word in words()


def test_each_word_stands_in_one_row():
    assert len(words()) == len(set(words()))


def test_rows_are_in_the_order_of_the_alphabet():
    first = [row["You search for"].casefold() for row in tables(NAME)["Words"]]
    assert first == sorted(first)


def test_the_words_of_the_vendors_are_explained():
    explained = {row["Word"]: row["Word of"] for row in tables(NAME)["Who is who"]}
    vendors = {"tenant": "Microsoft Entra", "organization": "IT Glue", "account": "Kaseya BMS", "client": "the MSP"}
    assert vendors.items() <= explained.items()


def test_the_index_has_each_word():
    entries = re.findall(r"^   single: (.+)$", TEXT, re.MULTILINE)
    assert sorted(entries) == sorted([*(row["Word"] for row in tables(NAME)["Who is who"]), *words()])


def test_each_reference_leads_to_a_guide():
    referred = set(re.findall(r":ref:`ansible_collections\.msp\.psa_sync\.docsite\.(\w+)`", TEXT))
    assert len(referred) > 10
    assert referred <= set(guides())


@pytest.mark.parametrize(("word", "name"), SEARCHED.items())
def test_the_guide_for_a_word_has_it_in_its_index_and_its_row_leads_there(word, name):
    assert word in indexed(name)
    rows = TEXT.partition(".. list-table:: Words\n")[2].split("\n   * - ")
    (row,) = [row for row in rows if word in row.partition("\n")[0].split(", ")]
    assert f"docsite.{name}`" in row
