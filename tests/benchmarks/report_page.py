# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the page of the report does with 1,000 clients and 50,000 people, in a headless Chromium.

`python -m tests.benchmarks.report_page [FRACTION]` measures this alone.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.tools import browser as browsers
from tests.tools.files import development_tree
from tests.tools.report_samples import about, large

from .report import Row, at_most, table

CLIENTS, PEOPLE = 1_000, 50_000
LOADED, ANSWERED = 3.0, 1.0
"""Seconds that a person waits for the page, and for an answer to what they type or choose.

What the page works for is measured apart, as a busy machine makes anything slow.
"""


def measure(scale: float) -> list[Row]:
    sys.path.insert(0, str(development_tree()))
    from ansible_collections.msp.psa_sync.plugins.plugin_utils._report import collecting
    from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.page import html

    clients, people = max(10, int(CLIENTS * scale)), max(100, int(PEOPLE * scale))
    report = collecting.report(about(), large(clients, people))
    start = time.monotonic()
    text = html(report)
    rendered = time.monotonic() - start
    what = f"{people:,} people of {clients:,} clients"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder, "page.html")
        path.write_text(text, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=browsers.find(), args=["--no-sandbox"])
        page = browser.new_page()
        meter = page.context.new_cdp_session(page)
        meter.send("Performance.enable", {"timeDomain": "threadTicks"})
        start = time.monotonic()
        page.goto(path.as_uri())
        expect(page.locator("html")).to_have_attribute("data-ready", "true", timeout=60_000)
        loaded = time.monotonic() - start
        metrics = {each["name"]: each["value"] for each in meter.send("Performance.getMetrics")["metrics"]}
        work = metrics["TaskDuration"]
        searched = _searched(page, f"person.{people // clients - 1:03} client{clients - 1:04}")
        filtered = _filtered(page)
        browser.close()
    return [
        Row("page", f"{what}: written", rendered, "s"),
        Row("page", f"{what}: size", len(text.encode()) / 1e6, "MB"),
        Row("page", f"{what}: loaded", loaded, "s"),
        Row(
            "page",
            "loaded: work of the page",
            work,
            "s",
            "a person's patience",
            goal="at most",
            **at_most(work, LOADED),
        ),
        Row("page", "search", searched, "s", "a person's patience", goal="at most", **at_most(searched, ANSWERED)),
        Row("page", "filter", filtered, "s", "a person's patience", goal="at most", **at_most(filtered, ANSWERED)),
    ]


def _searched(page: Page, words: str) -> float:
    """The seconds from the last key to the answer."""
    start = time.monotonic()
    page.locator("#people-search").fill(words)
    page.locator("#people .counter", has_text="1 of ").wait_for(timeout=60_000)
    return time.monotonic() - start


def _filtered(page: Page) -> float:
    page.get_by_role("button", name="Show all").click()
    start = time.monotonic()
    page.locator("#people-action").select_option(index=1)
    page.locator("#people .counter", has_text=" of ").wait_for(timeout=60_000)
    return time.monotonic() - start


if __name__ == "__main__":
    print(table(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)))
