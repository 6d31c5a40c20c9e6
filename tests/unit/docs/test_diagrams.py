# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diagrams of the guides are what their texts say."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.tools.diagrams import drawings, drawn, read

DRAWINGS = drawings()


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_a_drawing_is_what_its_text_says(path):
    assert path.read_text(encoding="utf-8") == DRAWINGS[path], "python -m tests.tools.diagrams draws it again"


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=[path.stem for path in DRAWINGS])
def test_no_text_leaves_its_box(drawing):
    boxes = []
    for element in ElementTree.fromstring(drawing).iter():
        kind = element.tag.rpartition("}")[2]
        if kind == "rect" and "x" in element.attrib:
            boxes.append([float(element.get(name)) for name in ("x", "y", "width", "height")])
        elif kind == "text" and element.text not in ("yes", "no"):
            left, top, width, height = boxes[-1]
            assert float(element.get("x")) + 7.6 * len(element.text) <= left + width
            assert top < float(element.get("y")) < top + height


def test_a_line_that_says_nothing_is_an_error():
    with pytest.raises(ValueError, match="perhaps: so"):
        read("start: a\nperhaps: so")
    with pytest.raises(ValueError, match="yes: so"):
        read("start: a\nyes: so")


def test_signs_of_markup_are_escaped():
    assert "&lt;b&gt; &amp; c" in drawn(read("start: <b> & c"), "x.txt")
