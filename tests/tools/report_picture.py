# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m tests.tools.report_picture` makes the picture of the report that the README and the guide show.

It is the page of a preview of the demo's clients, of which one exceeds a limit and one has not consented, with the
numbered marks of `report.marks`. The picture holds a digest of the marks and of the hosts; a test compares it.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.tools import browser
from tests.tools.diagrams import IMAGES
from tests.tools.files import ROOT, development_tree

if TYPE_CHECKING:
    from playwright.sync_api import Page

MARKS, PICTURE = IMAGES / "report.marks", IMAGES / "report.png"
WORLD = ROOT / "tests" / "demo" / "world.json"
INVENTORY = ROOT / "docs" / "examples" / "inventory"
SIZE = {"width": 1280, "height": 900}
KEYWORD = b"Marks"
NO_CONSENT = ("green_lake_ltd", "Green Lake Ltd")
"""Host and name of the client that has not consented. The others are those of the example."""

# Room for the numbers of the parts.
WIDEN = """() => {
  for (const part of document.querySelectorAll(".wide")) part.style.paddingInline = "44px";
}"""
# A number beside the first place that the selector finds, in a table above it.
DRAW = """([selector, number]) => {
  const element = document.querySelector(selector), place = element.getBoundingClientRect();
  const [left, up] = element.closest("table") ? [2, 26] : [32, 4];
  const mark = document.createElement("div");
  mark.textContent = number;
  mark.style.cssText = `position: absolute; z-index: 9; width: 24px; height: 24px; border-radius: 50%; color: #fff;
    background: #a40e5e; border: 2px solid #fff; font: bold 14px/24px sans-serif; text-align: center;
    left: ${place.left + scrollX - left}px; top: ${place.top + scrollY - up}px`;
  document.body.append(mark);
}"""

Json = dict[str, Any]


def marks() -> list[tuple[str, str]]:
    """The selectors of the marked places, each with what is said of it."""
    text = MARKS.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("# ")]
    return [(selector, words) for selector, dummy, words in (line.partition(": ") for line in lines if line != "#")]


def report() -> Json:
    """The report of a preview of the demo's clients."""
    from ansible_collections.msp.psa_sync.plugins.plugin_utils._report import collecting
    from tests.tools.report_samples import about

    facts = about(playbooks=("sync_contacts.yml",), seconds=12.0, finished="2026-03-09T06:00:12Z")
    return collecting.report(facts, events())


def events() -> Iterator[Any]:
    from tests.tools.report_samples import event
    from tests.trust.inprocess import Stand

    world = json.loads(WORLD.read_text(encoding="utf-8"))
    common = _variables("group_vars/clients.yml")
    for path in sorted((INVENTORY / "host_vars").glob("*.yml")):
        own = _variables(f"host_vars/{path.name}")
        settings = {
            f"{kind}_settings": common.get(f"{kind}_sync_defaults", {}) | own.get(f"{kind}_sync_settings", {})
            for kind in ("office365", "bms")
        }
        limits = {"max_creates": 1} if path.stem == "muller_sohne_gmbh" else {}
        done = Stand(world).sync(
            check=True, organization=own["itglue_organization"], report="changes", **settings, **limits
        )
        failed = {"failed": True, "msg": str(done.error)} if done.error else {}
        if path.stem == "sakura_design" and "organization" in done.result:
            # Not every machine has the signs of its name.
            done.result["organization"]["name"] = "Sakura Design K.K."
        yield event(path.stem, "failed" if failed else "changed", {**done.result, **failed})
    consent = (
        "Microsoft Entra gives no token for ef4f5f2f-7b11-4a5b-9f0a-2f6f1c9f3e0d: AADSTS65001: the client has not "
        "consented to the app. An administrator of the client opens https://login.microsoftonline.com/"
        "ef4f5f2f-7b11-4a5b-9f0a-2f6f1c9f3e0d/adminconsent?client_id=00000000-0000-0000-0000-000000000000"
    )
    host, name = NO_CONSENT
    yield event(host, "failed", {"msg": consent}, requested=name)


def _variables(name: str) -> Json:
    return dict(yaml.safe_load((INVENTORY / name).read_text(encoding="utf-8")))


def marked(page: Page) -> None:
    """Put the numbers on the page. Raises an error of Playwright for a selector that finds nothing."""
    page.evaluate(WIDEN)
    for number, (selector, dummy) in enumerate(marks(), start=1):
        page.evaluate(DRAW, [selector, str(number)])


def clients() -> dict[str, str]:
    """The hosts that the picture shows, each with its organization."""
    paths = sorted((INVENTORY / "host_vars").glob("*.yml"))
    shown = {path.stem: str(_variables(f"host_vars/{path.name}")["itglue_organization"]) for path in paths}
    return shown | dict([NO_CONSENT])


def digest() -> bytes:
    """What the picture has to hold, so that it is known to have these marks and hosts."""
    return hashlib.sha256(MARKS.read_bytes() + json.dumps(clients()).encode()).hexdigest().encode()


def with_digest(png: bytes) -> bytes:
    """A PNG with the digest as a text chunk behind its header."""
    body = b"tEXt" + KEYWORD + b"\0" + digest()
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    header = 8 + 25
    return png[:header] + chunk + png[header:]


def main() -> None:
    """Write the picture."""
    sys.path.insert(0, str(development_tree()))
    from playwright.sync_api import sync_playwright

    from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.page import html

    found = browser.find()
    if not found:
        raise SystemExit("There is no Chromium: make browser installs one.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder, "report.html")
        path.write_text(html(report()), encoding="utf-8")
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = chromium.new_page(viewport=SIZE, color_scheme="light")
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready=true]")
        marked(page)
        end = page.locator("#tenants").bounding_box()
        assert end
        height = int(end["y"] + end["height"]) + 12
        PICTURE.write_bytes(
            with_digest(page.screenshot(full_page=True, clip={**SIZE, "x": 0, "y": 0, "height": height}))
        )
        chromium.close()
    print(PICTURE.relative_to(ROOT))


if __name__ == "__main__":
    main()
