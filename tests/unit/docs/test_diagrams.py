# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diagrams of the guides are what their texts say."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.hosts import host_names
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Organization
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import ReasonCode
from tests.tools import flows, report_picture
from tests.tools.diagrams import IMAGES, drawings, drawn, read
from tests.tools.guides import GUIDES
from tests.unit.test_architecture import ARROWS

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
        elif kind == "text" and element.get("class") != "label":
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


CODES = re.compile(r"onflict\*{0,2} \(`{0,2}(\w+)`{0,2}\)")


def test_the_decision_has_the_conflicts_of_the_guide():
    guide = (GUIDES / "matching_guide.rst").read_text(encoding="utf-8")
    rules = guide.partition("Which contact\n---")[2].partition("A worked example\n---")[0]
    diagram = (IMAGES / "matching.txt").read_text(encoding="utf-8")
    codes = {"several_hits", "names_differ", "possibly_returned", "known_contact"}
    assert set(CODES.findall(diagram)) == codes == set(re.findall(r"\(``(\w+)``\)", rules)) & {*map(str, ReasonCode)}


def test_the_layers_import_what_the_source_imports():
    flow = flows.read((IMAGES / "architecture.txt").read_text(encoding="utf-8"))
    layers = flow.boxes.keys() & ARROWS.keys()
    assert layers == {"plugin_utils", "_ansible", "_sync", "_store", "_clients", "_engine"}
    drawn_arrows = {(arrow.start, arrow.end) for arrow in flow.arrows if {arrow.start, arrow.end} <= layers}
    assert drawn_arrows
    assert [(start, end) for start, end in drawn_arrows if end not in ARROWS[start]] == []


@pytest.mark.parametrize("text", ["box: a | 1 1\n", "box: a | 1 1 | A\narrow: a -> b\n"])
def test_a_line_that_is_no_part_of_a_flow_is_an_error(text):
    with pytest.raises(ValueError, match="is none of title, box, arrow"):
        flows.read(text)


def test_boxes_that_are_no_neighbours_cannot_have_an_arrow():
    with pytest.raises(ValueError, match="share neither a row nor a column"):
        flows.drawn(flows.read("box: a | 1 1 | A\nbox: b | 2 2 | B\narrow: a -> b\n"), "x.txt")


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=[path.stem for path in DRAWINGS])
def test_a_drawing_follows_the_look_of_the_system(drawing):
    light, dark = re.split(r"@media \(prefers-color-scheme: dark\)", drawing)
    for look in (light, dark):
        colours = dict(re.findall(r"(text|\.paper|\.step|\.end|\.answer) \{ fill: (#\w+) \}", look))
        assert [
            name for name, colour in colours.items() if name != "text" and contrast(colours["text"], colour) < 7
        ] == []


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_picture_of_the_report_has_the_marks_that_the_guide_explains():
    guide = (GUIDES / "reading_the_report_guide.rst").read_text(encoding="utf-8")
    explained = re.findall(r"^#\. (.+)$", guide.partition("Three questions\n---")[0], re.MULTILINE)
    assert explained == [words for dummy, words in report_picture.marks()]
    text = b"tEXt" + report_picture.KEYWORD + b"\0" + report_picture.digest()
    assert text in report_picture.PICTURE.read_bytes(), "python -m tests.tools.report_picture makes it again"


def test_the_hosts_of_the_picture_are_those_that_the_inventory_plugin_makes():
    clients = report_picture.clients()
    organizations = [Organization(id=number, name=name) for number, name in enumerate(clients.values(), start=1)]
    assert list(host_names(organizations).values()) == list(clients)


def test_a_picture_is_of_modest_size():
    assert [path.name for path in IMAGES.iterdir() if path.stat().st_size > 400_000] == []
