# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The colours of the bars of the report's page look different to people who see no difference of red and green."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from tests.tools.files import ROOT

STYLE = (ROOT / "plugins" / "plugin_utils" / "_report" / "assets" / "report.css").read_text(encoding="utf-8")
TONES = ("new", "change", "warn", "warn-2", "wait", "bad", "calm", "calm-2", "out")
# What linear light becomes for the eye: Machado, Oliveira and Fernandes (2009), at full severity.
EYES = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}
APART = 10
"""CIE 1976 colour difference; 2.3 is the least that is seen where two areas touch."""

Colour = tuple[float, float, float]


def palettes() -> dict[str, dict[str, str]]:
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part))
        for part in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    )
    return {"light": light, "dark": {**light, **dark}}


def linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def seen(colour: str, eye: tuple[Colour, ...]) -> Colour:
    """The colour in CIELAB, as an eye sees it."""
    light = [linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5)]
    red, green, blue = (
        min(1.0, max(0.0, sum(one * part for one, part in zip(row, light, strict=True)))) for row in eye
    )
    x, y, z = (
        share ** (1 / 3) if share > 0.008856 else 7.787 * share + 16 / 116
        for share in (
            (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
            0.2126 * red + 0.7152 * green + 0.0722 * blue,
            (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_two_parts_of_a_bar_look_different(scheme, eye):
    colours = {tone: seen(palettes()[scheme][tone], EYES[eye]) for tone in TONES}
    differences = {
        (one, other): sum((a - b) ** 2 for a, b in zip(colours[one], colours[other], strict=True)) ** 0.5
        for one, other in combinations(TONES, 2)
    }
    assert {pair: round(found, 1) for pair, found in differences.items() if found < APART} == {}


def test_red_and_green_of_one_lightness_are_found_to_look_alike():
    red, green = (seen(colour, EYES["deuteranopia"]) for colour in ("#a06a4c", "#5f8a4c"))
    assert sum((a - b) ** 2 for a, b in zip(red, green, strict=True)) ** 0.5 < APART
