# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m tests.tools.diagrams` draws the decision diagrams of the guides from their texts.

A text is a list of questions (`ask:`), each with what comes of a `yes:`; a no leads to the next question. The
drawings are in the repository beside their texts; a test holds the two against each other.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from tests.tools.files import ROOT

IMAGES = ROOT / "docs" / "docsite" / "rst" / "images"

WIDTH, LINE, MARGIN, GAP = 760, 18, 10, 26
QUESTION, ANSWER = (10, 360), (450, 300)
"""Left edge and width of the two columns, in pixels."""

LETTERS_IN = {QUESTION: 45, ANSWER: 36}
"""How many letters a line of a box has at most."""

HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" \
aria-labelledby="title" font-family="sans-serif" font-size="14">
<!-- Copyright (c) 2026, The msp.psa_sync authors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
Drawn from {source}: change that. -->
<title id="title">{title}</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">\
<path d="M0 0 8 4 0 8z" fill="#444"/></marker></defs>
<rect width="{width}" height="{height}" fill="#fff"/>
"""


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
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        kind, dummy, said = (part.strip() for part in line.partition(":"))
        if kind == "title":
            diagram.title = said
        elif kind in ("start", "ask", "end"):
            diagram.steps.append(Step(said, ends=kind != "ask"))
        elif kind == "yes" and diagram.steps and not diagram.steps[-1].ends:
            diagram.steps[-1].answer = said
        else:
            raise ValueError(f"{line!r} is none of title, start, ask, yes (below ask), end.")
    return diagram


def drawn(diagram: Diagram, source: str) -> str:
    """The diagram as SVG."""
    body, top = [], MARGIN
    for number, step in enumerate(diagram.steps):
        lines, answer = _lines(step.text, QUESTION), _lines(step.answer, ANSWER)
        height = max(len(lines), len(answer)) * LINE + 2 * MARGIN
        body += _box(QUESTION, top, height, lines, "#dce9f7" if step.ends else "#fff")
        if answer:
            body += _box(ANSWER, top, height, answer, "#eef6e6")
            body += _arrow(sum(QUESTION), top + height / 2, ANSWER[0], top + height / 2, "yes")
        bottom = top + height
        if number + 1 < len(diagram.steps):
            middle = QUESTION[0] + QUESTION[1] / 2
            body += _arrow(middle, bottom, middle, bottom + GAP, "no" if answer else "")
        top = bottom + GAP
    head = HEAD.format(width=WIDTH, height=top - GAP + MARGIN, title=escape(diagram.title), source=source)
    return "\n".join([head.rstrip("\n"), *body, "</svg>", ""])


def _lines(text: str, column: tuple[int, int]) -> list[str]:
    return textwrap.wrap(text, LETTERS_IN[column])


def _box(column: tuple[int, int], top: int, height: int, lines: list[str], fill: str) -> Iterator[str]:
    left, width = column
    yield f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="6" fill="{fill}" stroke="#444"/>'
    first = top + (height - len(lines) * LINE) / 2 + LINE * 0.75
    for number, line in enumerate(lines):
        yield f'<text x="{left + MARGIN}" y="{first + number * LINE:g}">{escape(line)}</text>'


def _arrow(left: float, top: float, right: float, bottom: float, label: str) -> Iterator[str]:
    yield (f'<path d="M{left:g} {top:g} L{right:g} {bottom:g}" stroke="#444" fill="none" marker-end="url(#tip)"/>')
    if label:
        beside = top + (bottom - top) / 2 + (-4 if top == bottom else 5)
        yield f'<text x="{(left + right) / 2 + 6:g}" y="{beside:g}">{label}</text>'


def drawings() -> dict[Path, str]:
    """What each drawing has to be."""
    return {
        path.with_suffix(".svg"): drawn(read(path.read_text(encoding="utf-8")), path.name)
        for path in sorted(IMAGES.glob("*.txt"))
    }


def main() -> None:
    """Write the drawings."""
    for path, drawing in drawings().items():
        path.write_text(drawing, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
