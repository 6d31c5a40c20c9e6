# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diagrams of boxes in a grid, with arrows between neighbours.

    title: Where the data goes
    box: sync | 2 1-3 | The run | what it does
    arrow: users -> sync | reads

A box has a name, its column and row (or its first and last row), a heading and a text, in which ` / ` begins a new
line. `->` is an arrow with one tip, `<->` with two. An arrow is level where the boxes share a row, else upright.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.tools import svg

WIDTH, LETTERS, GAP = 210, 25, 110
"""Width of a column, letters in a line of it, and the room between columns for labels."""

UPRIGHT = 34
"""The room between rows."""

_BOX = re.compile(r"(\w+) \| (\d) (\d)(?:-(\d))? \| ([^|]+?)(?: \| ([^|]+))?")
_ARROW = re.compile(r"(\w+) (<?->) (\w+)(?: \| ([^|]+))?")


@dataclass(frozen=True)
class Box:
    column: int
    first: int
    last: int
    heading: str
    lines: tuple[str, ...]

    @property
    def height(self) -> int:
        return (1 + len(self.lines)) * svg.LINE + 2 * svg.MARGIN


@dataclass(frozen=True)
class Arrow:
    start: str
    end: str
    label: str
    both: bool


@dataclass
class Flow:
    title: str = ""
    boxes: dict[str, Box] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)


def read(text: str) -> Flow:
    """The diagram that a text describes. Raises ValueError for a line that says nothing."""
    flow = Flow()
    for kind, value, line in svg.entries(text):
        if kind == "title":
            flow.title = value
        elif kind == "box" and (found := _BOX.fullmatch(value)):
            name, column, first, last, heading, words = found.groups()
            lines = [part for each in (words or "").split(" / ") for part in textwrap.wrap(each, LETTERS)]
            flow.boxes[name] = Box(int(column), int(first), int(last or first), heading, tuple(lines))
        elif kind == "arrow" and (found := _ARROW.fullmatch(value)) and {found[1], found[3]} <= flow.boxes.keys():
            flow.arrows.append(Arrow(found[1], found[3], found[4] or "", both=found[2] == "<->"))
        else:
            raise ValueError(f"{line!r} is none of title, box, arrow (between boxes above it).")
    return flow


def drawn(flow: Flow, source: str) -> str:
    """The diagram as SVG. Raises ValueError for an arrow between boxes that share neither a row nor a column."""
    frames = _frames(flow)
    body: list[str] = []
    for name, box in flow.boxes.items():
        first = frames[name].top + svg.MARGIN + svg.LINE * 0.75
        body += svg.box(frames[name], first, box.lines, "end" if box.last > box.first else "step", box.heading)
    for arrow in flow.arrows:
        body += _arrow(flow, frames, arrow)
    width = max(frame.right for frame in frames.values()) + svg.MARGIN
    height = max(frame.bottom for frame in frames.values()) + svg.MARGIN
    return svg.document(width, height, flow.title, source, body)


def _frames(flow: Flow) -> dict[str, svg.Frame]:
    """Where the boxes are. A row is as high as its highest box; the last row of a high box grows with it."""
    boxes = flow.boxes.values()
    rows = range(1, max(box.last for box in boxes) + 1)
    heights = {row: max((box.height for box in boxes if box.first == box.last == row), default=0) for row in rows}
    for box in boxes:
        spanned = sum(heights[row] for row in range(box.first, box.last + 1)) + UPRIGHT * (box.last - box.first)
        heights[box.last] += max(0, box.height - spanned)
    tops = {row: svg.MARGIN + sum(heights[above] + UPRIGHT for above in rows if above < row) for row in rows}
    return {
        name: svg.Frame(
            svg.MARGIN + (box.column - 1) * (WIDTH + GAP),
            tops[box.first],
            WIDTH,
            tops[box.last] + heights[box.last] - tops[box.first],
        )
        for name, box in flow.boxes.items()
    }


def _arrow(flow: Flow, frames: dict[str, svg.Frame], arrow: Arrow) -> Iterator[str]:
    start, end = frames[arrow.start], frames[arrow.end]
    one, other = flow.boxes[arrow.start], flow.boxes[arrow.end]
    if one.column == other.column:
        middle = start.left + start.width / 2
        ends = (start.bottom, end.top) if one.first < other.first else (start.top, end.bottom)
        return svg.arrow((middle, ends[0]), (middle, ends[1]), arrow.label, both=arrow.both)
    shared = range(max(one.first, other.first), min(one.last, other.last) + 1)
    if not shared:
        raise ValueError(f"{arrow.start} and {arrow.end} share neither a row nor a column.")
    lower, higher = max(start.top, end.top), min(start.bottom, end.bottom)
    level = (lower + higher) / 2
    sides = (start.right, end.left) if one.column < other.column else (start.left, end.right)
    return svg.arrow((sides[0], level), (sides[1], level), arrow.label, both=arrow.both)
