# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the report in a real browser, as a person uses it: from a file, without a network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from ansible_collections.msp.psa_sync.plugins.plugin_utils._report import collecting
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.page import html
from tests.tools import browser as browsers
from tests.tools.report_samples import SCRIPT, about, large, leaving, small

# Its fixtures are dear: one process makes them, for all tests.
pytestmark = pytest.mark.xdist_group("report_page")

PHONE = {"width": 390, "height": 844}
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def chromium():
    found = browsers.find()
    assert found, "No Chromium is there: make browser installs one."
    with sync_playwright() as playwright:
        # Containers and root have no sandbox of Chromium's; the page is our own.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = {"small": small(), "large": large(120, 3000), "calm": small()[-1:], "leaving": leaving()}
    for name, events in made.items():
        (folder / f"{name}.html").write_text(html(collecting.report(about(), events)), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.fixture
def visit(chromium, files):
    """Opens a page; at the end, the browser must have had nothing to complain of, and have asked nobody."""
    opened = []

    def visit(name: str = "small", **options) -> Page:
        context = chromium.new_context(**options)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.extend([request.url] * request.url.startswith("http")))
        page.goto(files[name].as_uri())
        expect(page.locator("html")).to_have_attribute("data-ready", "true", timeout=30_000)
        opened.append((context, complaints))
        return page

    yield visit
    for context, complaints in opened:
        context.close()
        assert complaints == []


def rows(page: Page, part: str) -> list[str]:
    return [each.strip() for each in page.locator(f"#{part} .opener").all_inner_texts()]


def test_it_says_first_whether_to_go_on(visit):
    page = visit()
    expect(page.get_by_role("heading", level=1)).to_have_text("Do not go on yet")
    expect(page.locator(".lead")).to_contain_text("The run would create 1 contact in IT Glue")
    expect(page.locator(".points")).to_contain_text("2 clients failed")
    page.get_by_role("link", name="2 conflicts need a decision").click()
    assert page.url.endswith("#conflicts")


def test_search_narrows_and_show_all_widens(visit):
    page = visit()
    people = page.locator("#people")
    people.get_by_role("searchbox").fill("CONTROLLER smith")
    expect(people.locator(".counter")).to_have_text("1 of 46 people")
    assert rows(page, "people") == ["jo.smith@happyfrog.example"]
    expect(page.get_by_role("status")).to_have_text("1 of 46 people")
    people.get_by_role("searchbox").fill("nobody has this")
    expect(people.locator(".counter")).to_have_text("0 of 46 people")
    people.get_by_role("button", name="Show all").click()
    expect(people.locator(".counter")).to_contain_text("46 people, 1 to 25 shown")


@pytest.mark.parametrize(
    ("label", "choice", "found"),
    [
        ("In IT Glue", "Conflict (2)", "2 of 46 people"),
        ("In BMS", "Not ready (1)", "1 of 46 people"),
        ("Reason", "Lacks location (1)", "1 of 46 people"),
        ("Reason", "The user matches contacts … by name. (2)", "2 of 46 people"),
        ("Client", "Over & Co. (40)", "40 of 46 people, 1 to 25 shown"),
    ],
)
def test_filters(visit, label, choice, found):
    page = visit()
    page.locator("#people").get_by_label(label, exact=True).select_option(label=choice)
    expect(page.locator("#people .counter")).to_have_text(found)


def test_clients_are_found_by_state_and_by_what_failed(visit):
    page = visit()
    page.locator("#tenants").get_by_label("State").select_option(label="Failed (2)")
    assert rows(page, "tenants") == ["Delta", "Gamma, Inc."]
    page.locator("#tenants").get_by_label("State").select_option(label="all")
    page.locator("#tenants").get_by_role("searchbox").fill("AADSTS7000215")
    expect(page.locator("#tenants .counter")).to_have_text("1 of 6 clients")


def test_a_person_opens_to_before_and_after(visit):
    page = visit()
    opener = page.get_by_role("button", name="jo.smith@happyfrog.example")
    expect(opener).to_have_attribute("aria-expanded", "false")
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")
    title = page.locator("#people .changes tr", has_text="Job title").locator("td")
    expect(title.nth(0).locator("del")).to_have_text("removed: Accountant")
    expect(title.nth(1).locator("ins")).to_have_text("added: Controller")
    expect(page.locator("#people .detail:visible")).to_contain_text("BMS contact 90211 is this person")
    opener.click()
    expect(page.locator("#people .changes")).to_have_count(0)


def test_a_client_opens_to_its_runs_and_leads_to_its_people(visit):
    page = visit()
    page.get_by_role("button", name="Happy Frog").click()
    detail = page.locator("#tenants .detail:visible")
    expect(detail).to_contain_text("account is disabled: 4, is a guest: 2")
    expect(detail).to_contain_text("2 contacts carry a Microsoft adapter too.")
    expect(detail.locator(".changes")).to_contain_text("svc-*")
    detail.get_by_role("button", name="Show the people of this client").click()
    expect(page.locator("#people .counter")).to_have_text("6 of 46 people")


def test_the_proposal_for_a_conflict_can_be_copied(visit):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="kim@happyfrog.example, lee@happyfrog.example").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert yaml.safe_load(copied) == {"match_overrides": {"kim@happyfrog.example": 71, "lee@happyfrog.example": "new"}}


def test_a_script_in_a_name_is_text(visit):
    page = visit()
    for part in ("people", "left", "tenants", "conflicts"):
        for opener in page.locator(f"#{part} .opener").all()[:8]:
            opener.click()
    expect(page.locator("#people")).to_contain_text(f"{SCRIPT}@happyfrog.example")
    expect(page.locator("#left")).to_contain_text(f"Old {SCRIPT}")
    assert page.evaluate("() => window.injected") is None
    assert page.locator("script").count() == 2


def test_the_keyboard_is_enough(visit):
    page = visit()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the report")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.locator("#people").get_by_role("searchbox").focus()
    page.keyboard.type("jo.smith")
    expect(page.locator("#people .counter")).to_have_text("1 of 46 people")
    opener = page.get_by_role("button", name="jo.smith@happyfrog.example")
    for dummy in range(15):
        page.keyboard.press("Tab")
        if opener.evaluate("(element) => element === document.activeElement"):
            break
    expect(opener).to_be_focused()
    page.keyboard.press("Space")
    expect(opener).to_have_attribute("aria-expanded", "true")


def test_columns_sort_and_say_so(visit):
    page = visit()
    head = page.locator("#tenants thead th", has_text="Users")
    expect(head).to_have_attribute("aria-sort", "none")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert rows(page, "tenants")[0] == "Happy Frog"
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert rows(page, "tenants")[-1] == "Happy Frog"


def test_pages_turn(visit):
    page = visit("large")
    people = page.locator("#people")
    expect(people.locator(".counter")).to_have_text("3,000 people, 1 to 25 shown")
    people.get_by_role("button", name="Last").click()
    expect(people.locator(".counter")).to_have_text("3,000 people, 2,976 to 3,000 shown")
    expect(people.get_by_role("button", name="Next")).to_be_disabled()
    people.get_by_role("button", name="Back").click()
    expect(people.get_by_role("button", name="Back")).to_be_focused()
    people.get_by_label("Rows").select_option("100")
    assert len(rows(page, "people")) == 100
    assert page.locator("tr").count() < 500


def test_where_there_is_nothing_it_says_so(visit):
    page = visit("calm")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing stands in the way")
    expect(page.locator("#conflicts")).to_contain_text("No conflicts.")
    expect(page.locator("#people")).to_contain_text("Nobody changes, is blocked or needs a person.")


def test_leavers_are_listed_with_what_is_done_about_them(visit):
    page = visit("leaving")
    left = page.locator("#left")
    expect(left.locator(".counter")).to_have_text("6 contacts")
    left.get_by_label("What", exact=True).select_option(label="Made inactive (1)")
    assert rows(page, "left") == ["max@lake.example"]
    page.get_by_role("button", name="max@lake.example").click()
    detail = left.locator(".detail:visible")
    expect(detail).to_contain_text("The user is disabled.")
    expect(detail.locator(".changes tr", has_text="Active in BMS").locator("ins")).to_have_text("added: no")
    left.get_by_label("What", exact=True).select_option(label="Failed (1)")
    page.get_by_role("button", name="held@lake.example").click()
    expect(left.locator(".detail:visible")).to_contain_text("IT Glue refuses it.")


def test_who_is_back_is_found_among_the_people(visit):
    page = visit("leaving")
    page.get_by_role("link", name="1 person is back, and made active again").click()
    assert page.url.endswith("#people")
    page.locator("#people").get_by_label("Reason").select_option(label="Back: active again (1)")
    assert rows(page, "people") == ["rita@lake.example"]


def test_what_is_taken_back_and_what_stays_is_listed(visit):
    page = visit("leaving")
    page.locator(".jump").get_by_role("link", name="Taken back").click()
    undone = page.locator("#reverted")
    expect(undone.locator(".counter")).to_have_text("6 writes")
    assert rows(page, "reverted")[:2] == ["Max Muster", "not known"]
    undone.get_by_label("What", exact=True).select_option(label="Put back in IT Glue (1)")
    undone.locator(".opener").click()
    title = undone.locator(".changes tr", has_text="Job title").locator("td")
    expect(title.nth(0).locator("del")).to_have_text("removed: Controller")
    expect(title.nth(1).locator("ins")).to_have_text("added: Accountant")
    undone.get_by_label("What", exact=True).select_option(label="Stays as it is (2)")
    expect(undone).to_contain_text("They have been changed since.")
    undone.get_by_role("searchbox").fill("lost")
    expect(undone.locator(".counter")).to_have_text("1 of 6 writes")


def test_where_nothing_is_taken_back_there_is_no_such_part(visit):
    page = visit("calm")
    expect(page.locator("#reverted")).to_have_count(0)
    expect(page.locator(".jump").get_by_role("link", name="Taken back")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_leavers_and_what_is_taken_back_are_there_for_a_screen_reader_too(visit, scheme):
    page = visit("leaving", viewport=PHONE, color_scheme=scheme)
    for part in ("left", "reverted"):
        for opener in page.locator(f"#{part} .opener").all():
            opener.click()
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in SERIOUS] == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == PHONE["width"]
    assert page.evaluate("() => window.injected") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{"width": 1280, "height": 900}, PHONE], ids=["desk", "phone"])
def test_nothing_serious_for_a_screen_reader_in_any_look(visit, scheme, size):
    page = visit(viewport=size, color_scheme=scheme)
    for part, index in (("tenants", 4), ("tenants", 2), ("conflicts", 0), ("people", 2), ("left", 0)):
        page.locator(f"#{part} .opener").nth(index).click()
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in SERIOUS] == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == size["width"]


def test_it_follows_the_look_of_the_system(visit):
    def background(scheme: str) -> int:
        colour = visit(color_scheme=scheme).evaluate("() => getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    assert background("dark") < 150 < 600 < background("light")


def test_without_scripts_it_still_tells_the_essence(visit, chromium, files):
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(files["small"].as_uri())
    expect(page.locator(".points").first).to_contain_text("2 clients failed")
    page.context.close()
