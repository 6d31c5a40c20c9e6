# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m tests.tools.diagrams` draws the diagrams of the guides from their texts.

A text is a list of questions (`ask:`), each with what comes of a `yes:`; a no leads to the next question. Or it is a
grid of boxes (`box:`) and arrows, see `tests/tools/flows.py`. The drawings are in the repository beside their texts;
a test compares the two. They follow the system's light or dark look.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.tools import flows, svg
from tests.tools.files import ROOT

IMAGES = ROOT / "docs" / "docsite" / "rst" / "images"

WIDTH, GAP = 760, 26
QUESTION, ANSWER = (10, 360), (450, 300)
"""Left edge and width of the two columns, in pixels."""

LETTERS_IN = {QUESTION: 45, ANSWER: 36}
"""How many letters a line of a box has at most."""


@dataclass
class Step:
    """A box of the left column; `answer` is what comes of a yes, blank for the first and the last box."""

    text: str
    answer: str = ""
    ends: bool = False


@dataclass
class Diagram:
    title: str = ""
    steps: list[Step] = field(default_factory=list)


def read(text: str) -> Diagram:
    """The diagram that a text describes. Raises ValueError for a line that says nothing."""
    diagram = Diagram()
    for kind, value, line in svg.entries(text):
        if kind == "title":
            diagram.title = value
        elif kind in ("start", "ask", "end"):
            diagram.steps.append(Step(value, ends=kind != "ask"))
        elif kind == "yes" and diagram.steps and not diagram.steps[-1].ends:
            diagram.steps[-1].answer = value
        else:
            raise ValueError(f"{line!r} is none of title, start, ask, yes (below ask), end.")
    return diagram


def drawn(diagram: Diagram, source: str) -> str:
    """The diagram as SVG."""
    body: list[str] = []
    top = svg.MARGIN
    for number, step in enumerate(diagram.steps):
        lines, answer = _lines(step.text, QUESTION), _lines(step.answer, ANSWER)
        height = max(len(lines), len(answer)) * svg.LINE + 2 * svg.MARGIN
        body += _box(QUESTION, top, height, lines, "end" if step.ends else "step")
        if answer:
            body += _box(ANSWER, top, height, answer, "answer")
            body += svg.arrow((sum(QUESTION), top + height / 2), (ANSWER[0], top + height / 2), "yes")
        bottom = top + height
        if number + 1 < len(diagram.steps):
            middle = QUESTION[0] + QUESTION[1] / 2
            body += svg.arrow((middle, bottom), (middle, bottom + GAP), "no" if answer else "")
        top = bottom + GAP
    return svg.document(WIDTH, top - GAP + svg.MARGIN, diagram.title, source, body)


def _lines(text: str, column: tuple[int, int]) -> list[str]:
    return textwrap.wrap(text, LETTERS_IN[column])


def _box(column: tuple[int, int], top: int, height: int, lines: list[str], look: str) -> Iterator[str]:
    left, width = column
    first = top + (height - len(lines) * svg.LINE) / 2 + svg.LINE * 0.75
    return svg.box(svg.Frame(left, top, width, height), first, lines, look)


def drawing(path: Path) -> str:
    """The drawing of a text. Raises ValueError for a line that says nothing."""
    text = path.read_text(encoding="utf-8")
    if any(kind == "box" for kind, *dummy in svg.entries(text)):
        return flows.drawn(flows.read(text), path.name)
    return drawn(read(text), path.name)


def drawings() -> dict[Path, str]:
    """What each drawing has to be."""
    return {path.with_suffix(".svg"): drawing(path) for path in sorted(IMAGES.glob("*.txt"))}


def main() -> None:
    """Write the drawings."""
    for path, text in drawings().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
