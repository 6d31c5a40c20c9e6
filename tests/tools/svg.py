# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Boxes and arrows as SVG, in the system's light or dark look; and the lines of a text that describes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import NamedTuple

LINE, MARGIN = 18, 10
"""Height of a line of text and margin within a box, in pixels."""

Point = tuple[float, float]

HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" \
aria-labelledby="title" font-family="sans-serif" font-size="14">
<!-- Copyright (c) 2026, The msp.psa_sync authors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
Drawn from {source}: change that. -->
<title id="title">{title}</title>
<style>
text {{ fill: #1b1f24 }} .paper {{ fill: #fff }} rect {{ stroke: #444c56 }} .paper {{ stroke: none }}
.step {{ fill: #f6f8fa }} .end {{ fill: #dce9f7 }} .answer {{ fill: #e6f4e0 }}
.line {{ stroke: #444c56; fill: none }} .tip {{ fill: #444c56 }} .heading {{ font-weight: bold }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6edf3 }} .paper {{ fill: #161b22 }} rect {{ stroke: #8b949e }}
.step {{ fill: #21262d }} .end {{ fill: #12345a }} .answer {{ fill: #173a1e }}
.line {{ stroke: #adb5bd }} .tip {{ fill: #adb5bd }}
}}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" \
orient="auto-start-reverse"><path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>
<rect class="paper" width="{width}" height="{height}"/>
"""


class Frame(NamedTuple):
    """Where a box is, in pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height


def entries(text: str) -> Iterator[tuple[str, str, str]]:
    """The lines `kind: value` of a text: kind, value, and the whole line. Comments and blank lines are skipped."""
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            kind, dummy, value = (part.strip() for part in line.partition(":"))
            yield kind, value, line


def document(width: float, height: float, title: str, source: str, body: Iterable[str]) -> str:
    """A whole drawing."""
    head = HEAD.format(width=f"{width:g}", height=f"{height:g}", title=escape(title), source=source)
    return "\n".join([head.rstrip("\n"), *body, "</svg>", ""])


def box(frame: Frame, first: float, lines: Iterable[str], look: str, heading: str = "") -> Iterator[str]:
    """A box of a look with lines of text, the first of them at the height `first`."""
    yield (
        f'<rect class="{look}" x="{frame.left:g}" y="{frame.top:g}" width="{frame.width:g}" '
        f'height="{frame.height:g}" rx="6"/>'
    )
    shown = [(heading, ' class="heading"')] if heading else []
    shown += [(line, "") for line in lines]
    for number, (line, style) in enumerate(shown):
        yield f'<text{style} x="{frame.left + MARGIN:g}" y="{first + number * LINE:g}">{escape(line)}</text>'


def arrow(start: Point, end: Point, label: str = "", *, both: bool = False) -> Iterator[str]:
    """A straight arrow; `both` gives it a tip at its start too. The label is above it or beside it."""
    tips = 'marker-start="url(#tip)" ' * both + 'marker-end="url(#tip)"'
    yield f'<path class="line" d="M{start[0]:g} {start[1]:g} L{end[0]:g} {end[1]:g}" {tips}/>'
    if label:
        level = start[1] == end[1]
        left = (start[0] + end[0]) / 2 + (0 if level else 6)
        top = start[1] + (end[1] - start[1]) / 2 + (-5 if level else 5)
        anchor = ' text-anchor="middle"' if level else ""
        yield f'<text class="label"{anchor} x="{left:g}" y="{top:g}">{escape(label)}</text>'
