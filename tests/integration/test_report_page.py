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
from tests.tools.report_samples import (
    SCRIPT,
    SEVERAL_HITS,
    about,
    card,
    conflict,
    contact,
    event,
    explained,
    large,
    offboarding,
    person,
    small,
    synced,
)
from tests.trust.tally import by_day

# Its fixtures are dear: one process makes them, for all tests.
pytestmark = pytest.mark.xdist_group("report_page")

LONG = "maximiliana.oberhubersteiner.the.third@muellerundsoehneconsulting.example"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
LOOKS = [
    pytest.param(size, scheme, id=f"{name}-{scheme}")
    for name, size in {"desk": DESK, "phone": PHONE}.items()
    for scheme in ("light", "dark")
]
SERIOUS = {"serious", "critical"}


def long():
    """A client whose people have long names and addresses."""
    clash = conflict(
        "alias",
        [LONG],
        people=[person(LONG, "Maximiliana", "Oberhubersteiner")],
        contact_ids=[7],
        contacts=[card(7, "Maximiliana", "Oberhubersteiner", LONG)],
        answers={LONG: [7, "new", "ignore"]},
    )
    people = [contact(LONG, "conflict", **SEVERAL_HITS), contact(f"a.{LONG}", "update", push="not_ready")]
    result = synced("Müller und Söhne Consulting International, Inc.", 9, people, conflicts=[clash])
    return event("long", "changed", result)


WITHHELD = explained("hit_withheld", "Contact 7 shares an address with the user, but belongs to somebody else.")


def passes():
    """A client whose people were found in each way, and who waits for a quota in run after run."""

    def clash(user, code, rule):
        return conflict(rule, [user], reason_code=code, contact_ids=[7], answers={user: [7, "new", "ignore"]})

    people = [
        contact("alias@lake.example", "update", contact_id=1),
        contact("username@lake.example", "update", contact_id=2, matched_by="username"),
        contact("name@lake.example", "update", contact_id=3, matched_by="name", **WITHHELD),
        contact("override@lake.example", "update", contact_id=4, matched_by="override"),
        contact("new@lake.example", "create"),
        contact("several@lake.example", "conflict", **SEVERAL_HITS),
        contact("known@lake.example", "conflict", **explained("known_contact", "Contact 7 has the names.")),
    ]
    conflicts = [
        clash("several@lake.example", "several_hits", "username"),
        clash("known@lake.example", "known_contact", "name"),
    ]
    return synced("Lake & Sons", 8, people, conflicts=conflicts, starved=True)


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
    made = {
        "small": small(),
        "large": large(120, 3000),
        "calm": small()[-1:],
        "offboarding": offboarding(),
        "long": [*small(), long()],
        "passes": [event("passes", "changed", passes(), preview=False)],
    }
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
    return [" ".join(each.split()) for each in page.locator(f"#{part} .opener").all_inner_texts()]


def test_it_says_first_how_many_clients_are_ready(visit):
    page = visit()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 clients ready, 4 blocked")
    expect(page.locator(".lead")).to_contain_text("The run would create 1 contact in IT Glue")
    expect(page.locator(".points")).to_contain_text("2 clients failed")
    expect(page.locator(".flow")).to_contain_text("by first and last name")
    page.get_by_role("link", name="2 conflicts need a decision").click()
    assert page.url.endswith("#conflicts")


@pytest.mark.parametrize(
    ("point", "part", "counter"),
    [
        ("2 clients failed", "tenants", "2 of 6 clients"),
        ("1 client is over a limit", "tenants", "1 of 6 clients"),
        ("1 person is not ready for BMS", "people", "1 of 46 people"),
        ("1 person to look at", "people", "1 of 46 people"),
        ("1 contact has an unmatched address", "departed", "1 of 2 contacts"),
    ],
)
def test_a_point_filters_the_table_that_it_leads_to(visit, point, part, counter):
    page = visit()
    page.get_by_role("link", name=point).click()
    expect(page.locator(f"#{part} .counter")).to_have_text(counter)
    assert page.url.endswith(f"#{part}")


def test_what_to_do_next_can_be_copied(visit):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    step = page.locator(".steps li", has_text="raise the limit for one run")
    step.get_by_role("button", name="Copy").click()
    expect(step.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied.endswith("--limit over -e sync_max_creates=100%")


def test_search_narrows_and_show_all_widens(visit):
    page = visit()
    people = page.locator("#people")
    people.get_by_role("searchbox").fill("CONTROLLER smith")
    expect(people.locator(".counter")).to_have_text("1 of 46 people")
    assert rows(page, "people") == ["Jo Smith jo.smith@happyfrog.example"]
    expect(page.get_by_role("status")).to_have_text("1 of 46 people")
    people.get_by_role("searchbox").fill("nobody has this")
    expect(people.locator(".counter")).to_have_text("0 of 46 people")
    people.get_by_role("button", name="Show all").click()
    expect(people.locator(".counter")).to_contain_text("46 people, 1 to 25 shown")


@pytest.mark.parametrize(
    ("label", "choice", "found"),
    [
        ("In IT Glue", "Needs a decision (2)", "2 of 46 people"),
        ("Show", "Not ready for BMS (1)", "1 of 46 people"),
        ("In BMS", "Not ready (1)", "1 of 46 people"),
        ("Reason", "Lacks location (1)", "1 of 46 people"),
        ("Reason", "Several hits (2)", "2 of 46 people"),
        ("Client", "Over & Co. (40)", "40 of 46 people, 1 to 25 shown"),
    ],
)
def test_filters(visit, label, choice, found):
    page = visit()
    page.locator("#people").get_by_label(label, exact=True).select_option(label=choice)
    expect(page.locator("#people .counter")).to_have_text(found)


def test_clients_are_found_by_verdict_and_by_what_failed(visit):
    page = visit()
    page.locator("#tenants").get_by_label("Verdict").select_option(label="Blocked: failed (2)")
    assert rows(page, "tenants") == ["Delta", "Gamma, Inc."]
    page.locator("#tenants").get_by_label("Verdict").select_option(label="all")
    page.locator("#tenants").get_by_role("searchbox").fill("AADSTS65001")
    expect(page.locator("#tenants .counter")).to_have_text("1 of 6 clients")


def test_a_failure_is_in_the_clients_row_with_links_to_known_services_alone(visit):
    page = visit()
    row = page.locator("#tenants tbody tr", has_text="Gamma, Inc.").first
    expect(row).to_contain_text("AADSTS65001: the client has not consented.")
    (link,) = row.get_by_role("link").all()
    assert link.get_attribute("href").startswith("https://login.microsoftonline.com/")
    assert link.get_attribute("rel") == "noopener noreferrer"
    expect(row).to_contain_text("https://evil.example/x")


def test_a_person_opens_to_before_and_after(visit):
    page = visit()
    opener = page.get_by_role("button", name="Jo Smith jo.smith@happyfrog.example")
    expect(opener).to_have_attribute("aria-expanded", "false")
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")
    title = page.locator("#people .changes tr", has_text="Job title").locator("td")
    expect(title.nth(0).locator("del")).to_have_text("removed: Accountant")
    expect(title.nth(1).locator("ins")).to_have_text("added: Controller")
    expect(page.locator("#people .detail:visible")).to_contain_text("BMS contact 90211 is this person")
    opener.click()
    expect(page.locator("#people .changes")).to_have_count(0)


PASSES = {
    "alias": ["e-mail address: contact 1, match", "username: not needed", "first and last name: not needed"],
    "username": ["e-mail address: no match", "username: contact 2, match", "first and last name: not needed"],
    "name": [
        "e-mail address: no match",
        "username: no match",
        "first and last name: contact 3, match",
        "withheld: a contact that shares an address, see Why",
    ],
    "override": [],
    "new": ["e-mail address: no match", "username: no match", "first and last name: no match"],
    "several": ["e-mail address: no match", "username: hits 7, conflict", "first and last name: not needed"],
    "known": [
        "e-mail address: no match",
        "username: no match",
        "first and last name: no match",
        "new contact: would stand beside 7, conflict",
    ],
}


def test_a_person_shows_the_passes_that_were_tried_and_what_they_hit(visit):
    page = visit("passes")
    for user, expected in PASSES.items():
        opener = page.get_by_role("button", name=f"{user.title()} {user}@lake.example", exact=True)
        opener.click()
        assert page.locator("#people .passes li").all_inner_texts() == expected
        if user == "override":
            expect(page.locator("#people .detail:visible")).to_contain_text("none: match_overrides names contact 4")
        opener.click()
    page.get_by_role("link", name="1 client is starved by a quota").click()
    assert page.url.endswith("#tenants")
    expect(page.locator("#tenants td.why")).to_contain_text("Starved: a quota has deferred contacts")


def test_a_client_opens_to_its_runs_and_leads_to_its_people(visit):
    page = visit()
    page.get_by_role("button", name="Happy Frog").click()
    detail = page.locator("#tenants .detail:visible")
    expect(detail).to_contain_text("account is disabled: 4, is a guest: 2")
    expect(detail).to_contain_text("2 contacts carry a Microsoft adapter too.")
    expect(detail.locator(".changes")).not_to_be_visible()
    detail.get_by_text("2 settings are stored for the first time").click()
    expect(detail.locator(".changes")).to_contain_text("svc-*")
    detail.get_by_role("button", name="Show the people of this client").click()
    expect(page.locator("#people .counter")).to_have_text("6 of 46 people")


CONFLICT = "Kim Lee kim@happyfrog.example Kim Lee lee@happyfrog.example"


def test_a_conflict_shows_each_candidate_with_what_they_share(visit):
    page = visit()
    page.get_by_role("button", name=CONFLICT).click()
    cards = page.locator("#conflicts .card")
    assert [each.splitlines()[0] for each in cards.locator(".kind").all_inner_texts()] == [
        "Microsoft 365 user",
        "Microsoft 365 user",
        "IT Glue contact 71",
        "IT Glue contact 74",
    ]
    expect(cards.nth(2)).to_contain_text("not linked to BMS")
    expect(cards.nth(3)).to_contain_text("linked to BMS")
    shared = [" ".join(each.split()) for each in cards.nth(2).locator("mark").all_inner_texts()]
    assert shared == ["● shared: Kim Lee", "● shared: k.lee@happyfrog.example"]
    expect(cards.nth(2).get_by_role("link")).to_have_attribute("href", "https://example.itglue.com/2/contacts/71")


def test_answers_are_chosen_and_copied_as_lines_for_the_inventory(visit):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name=CONFLICT).click()
    conflict = page.locator("#conflicts .detail:visible")
    expect(conflict).to_contain_text("host_vars/happy_frog.yml")
    assert yaml.safe_load(conflict.locator("code").inner_text()) == {
        "sync_match_overrides": {"kim@happyfrog.example": 71}
    }
    conflict.get_by_label("Kim Lee, lee@happyfrog.example").select_option(label="new: somebody else, create a contact")
    conflict.get_by_role("button", name="Copy").click()
    expect(conflict.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert yaml.safe_load(copied) == {
        "sync_match_overrides": {"kim@happyfrog.example": 71, "lee@happyfrog.example": "new"}
    }


def test_a_conflict_in_bms_without_a_suggestion_waits_for_a_choice(visit):
    page = visit()
    page.locator("#conflicts .opener").nth(1).click()
    conflict = page.locator("#conflicts .detail:visible")
    expect(conflict).to_contain_text("Nothing is suggested")
    expect(conflict.locator("pre")).not_to_be_visible()
    conflict.get_by_label("Sam Able, sam@happyfrog.example").select_option(label="9: Ann Able")
    assert yaml.safe_load(conflict.locator("code").inner_text()) == {
        "sync_bms_match_overrides": {"sam@happyfrog.example": 9}
    }


@pytest.mark.parametrize("width", [1280, 1920])
def test_no_address_is_broken_within_a_word(visit, width):
    """A long address may break behind a dot or its sign, and nowhere else."""
    page = visit("long", viewport={"width": width, "height": 900})
    for opener in page.locator(".opener").all():
        opener.click()
    broken = page.evaluate(
        """() => {
          const found = [];
          for (const place of document.querySelectorAll(".address, .who, .card .lines, td.why p")) {
            const words = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
            while (words.nextNode()) {
              const range = document.createRange();
              for (const part of words.currentNode.data.matchAll(/[^\\s]+/g)) {
                range.setStart(words.currentNode, part.index);
                range.setEnd(words.currentNode, part.index + part[0].length);
                const lines = new Set([...range.getClientRects()].map((each) => Math.round(each.top)));
                if (lines.size > 1 && !part[0].includes("-")) found.push(part[0]);
              }
            }
          }
          return found;
        }"""
    )
    assert broken == []
    assert LONG in page.locator("#people").inner_text().replace("\n", "")
    assert page.evaluate("() => document.documentElement.scrollWidth") == width


def test_on_a_phone_no_option_is_broken_and_nothing_empty_is_listed(visit):
    page = visit("small", viewport=PHONE)
    options = page.locator(".command .word").filter(has_text=re.compile("^-"))
    heights = options.evaluate_all("words => words.map((each) => each.getBoundingClientRect().height)")
    assert len(heights) > 4
    assert max(heights) < 1.5 * min(heights)
    calm = page.locator("#tenants td.why:empty")
    expect(calm).to_have_count(1)
    expect(calm).to_be_hidden()


def test_each_state_has_a_sign_beside_its_colour(visit):
    page = visit()
    chips = page.locator("#tenants .chip, #people .chip")
    assert chips.count() > 20
    assert [each for each in chips.all() if not each.locator(".icon").count()] == []


def test_a_script_in_a_name_is_text(visit):
    page = visit()
    for part in ("people", "departed", "tenants", "conflicts"):
        for opener in page.locator(f"#{part} .opener").all()[:8]:
            opener.click()
    expect(page.locator("#people")).to_contain_text(f"{SCRIPT}@happyfrog.example")
    expect(page.locator("#departed")).to_contain_text(f"Old {SCRIPT}")
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
    opener = page.get_by_role("button", name="Jo Smith jo.smith@happyfrog.example")
    for dummy in range(15):
        page.keyboard.press("Tab")
        if opener.evaluate("(element) => element === document.activeElement"):
            break
    expect(opener).to_be_focused()
    page.keyboard.press("Space")
    expect(opener).to_have_attribute("aria-expanded", "true")


def test_columns_sort_and_say_so(visit):
    page = visit()
    head = page.locator("#tenants thead th", has_text="Selected")
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
    expect(page.get_by_role("heading", level=1)).to_have_text("1 client ready")
    expect(page.locator("#conflicts")).to_contain_text("No conflicts.")
    expect(page.locator("#people")).to_contain_text("Nobody changes, is blocked or needs a decision.")


def test_departed_people_are_listed_with_what_is_done(visit):
    page = visit("offboarding")
    gone = page.locator("#departed")
    expect(gone.locator(".counter")).to_have_text("6 contacts")
    gone.get_by_label("What", exact=True).select_option(label="Deactivated (1)")
    assert rows(page, "departed") == ["Max max@lake.example"]
    page.get_by_role("button", name="Max max@lake.example").click()
    detail = gone.locator(".detail:visible")
    expect(detail).to_contain_text("The person's account is disabled.")
    expect(detail.locator(".changes tr", has_text="Active in BMS").locator("ins")).to_have_text("added: no")
    gone.get_by_label("What", exact=True).select_option(label="Failed (1)")
    page.get_by_role("button", name="Held held@lake.example").click()
    expect(gone.locator(".detail:visible")).to_contain_text("IT Glue refused the fields.")


def test_a_returned_person_is_found_among_the_people(visit):
    page = visit("offboarding")
    page.get_by_role("link", name="1 person has returned").click()
    assert page.url.endswith("#people")
    assert rows(page, "people") == ["Rita rita@lake.example"]


def test_what_is_reverted_and_what_stays_is_listed(visit):
    page = visit("offboarding")
    page.locator(".jump").get_by_role("link", name="Reverted").click()
    undone = page.locator("#reverted")
    expect(undone.locator(".counter")).to_have_text("6 writes")
    assert rows(page, "reverted")[:2] == ["Max Muster", "not known"]
    page.get_by_role("button", name="Jo Smith").nth(1).click()
    title = undone.locator(".changes tr", has_text="Job title").locator("td")
    expect(title.nth(0).locator("del")).to_have_text("removed: Controller")
    expect(title.nth(1).locator("ins")).to_have_text("added: Accountant")
    undone.get_by_label("What", exact=True).select_option(label="Not reverted (2)")
    expect(undone).to_contain_text("It has been changed since, so it stays as it is.")
    undone.get_by_role("searchbox").fill("lost")
    expect(undone.locator(".counter")).to_have_text("1 of 6 writes")


def test_where_nothing_is_reverted_there_is_no_such_part(visit):
    page = visit("calm")
    expect(page.locator("#reverted")).to_have_count(0)
    expect(page.locator(".jump").get_by_role("link", name="Reverted")).to_have_count(0)


@pytest.mark.parametrize("scheme", by_day(("light", "dark"), 2, 1))
def test_departed_and_reverted_are_there_for_a_screen_reader_too(visit, scheme):
    page = visit("offboarding", viewport=PHONE, color_scheme=scheme)
    for part in ("departed", "reverted"):
        for opener in page.locator(f"#{part} .opener").all():
            opener.click()
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in SERIOUS] == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == PHONE["width"]
    assert page.evaluate("() => window.injected") is None


@pytest.mark.parametrize(("size", "scheme"), by_day(LOOKS, 3, 0))
def test_nothing_serious_for_a_screen_reader_in_any_look(visit, scheme, size):
    page = visit(viewport=size, color_scheme=scheme)
    for part, index in (("tenants", 4), ("tenants", 2), ("conflicts", 0), ("people", 2), ("departed", 0)):
        page.locator(f"#{part} .opener").nth(index).click()
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in SERIOUS] == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == size["width"]


def test_it_follows_the_look_of_the_system(visit):
    def background(scheme: str) -> int:
        colour = visit(color_scheme=scheme).evaluate("() => getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    assert background("dark") < 150 < 600 < background("light")


def test_without_scripts_it_still_shows_the_essence(visit, chromium, files):
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(files["small"].as_uri())
    expect(page.locator(".points").first).to_contain_text("2 clients failed")
    page.context.close()
