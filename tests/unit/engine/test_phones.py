# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How telephone numbers are read and compared (feature, section 4)."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.phones import (
    Number,
    digits,
    has_digits,
    is_placeholder,
    is_real_number,
    phone,
)


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
