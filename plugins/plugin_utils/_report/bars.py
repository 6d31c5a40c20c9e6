# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bars: how the parts of a whole are drawn to scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .labels import label

# What the segments of a chart look like; `report.css` gives the colours.
TONES = {
    "create": "new",
    "pushed": "new",
    "update": "change",
    "pending": "change",
    "unchanged": "calm",
    "linked": "calm-2",
    "already_in_bms": "calm",
    "off": "calm-2",
    "excluded": "out",
    "conflict": "warn",
    "not_ready": "warn-2",
    "deferred": "wait",
    "failed": "bad",
}


def segments(counts: Mapping[str, int], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """The parts of a bar 100 wide; a small part stays wide enough to be seen."""
    names = [name for name in dict.fromkeys((*labels, *counts)) if counts.get(name)]
    total = sum(counts.values())
    widths = [max(1.0, 100 * counts[name] / total) for name in names]
    scale = 100 / sum(widths) if widths else 0
    parts, start = [], 0.0
    for name, width in zip(names, widths, strict=True):
        parts.append(
            {
                "state": name,
                "name": label(labels, name),
                "count": counts[name],
                "tone": TONES.get(name, "out"),
                "start": round(start, 3),
                "width": round(width * scale, 3),
            }
        )
        start += width * scale
    return parts
