# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The formats of a report, by the names that the option `formats` knows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .junit import junit
from .markdown import markdown
from .page import html
from .spreadsheet import spreadsheet


class Form(NamedTuple):
    """How a form is rendered, and how its file ends."""

    render: Callable[[Mapping[str, Any]], str]
    ending: str


def as_json(report: Mapping[str, Any]) -> str:
    """The report as it is; `assets/report.schema.json` describes it."""
    return json.dumps(report, ensure_ascii=False, indent=1).encode("utf-8", "replace").decode() + "\n"


OWNER_ONLY = 0o600
"""Names, addresses and phone numbers are in a report."""

FORMATS = {
    "html": Form(html, "html"),
    "markdown": Form(markdown, "md"),
    "json": Form(as_json, "json"),
    "csv": Form(spreadsheet, "csv"),
    "junit": Form(junit, "junit.xml"),
}


def write(name: str, report: Mapping[str, Any], base: Path, *, markdown_limit: int) -> Path:
    """Write one format to `base` with its ending, for its owner alone, and return the file.

    Whoever reads it meanwhile sees all or nothing. Raises OSError.
    """
    chosen = FORMATS[name]
    text = markdown(report, markdown_limit) if name == "markdown" else chosen.render(report)
    path = base.with_name(f"{base.name}.{chosen.ending}")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with open(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
        file.write(text)
    os.replace(fresh, path)
    return path
