# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from tests.sandbox.core import Sandbox, Service, WorldError, fill


class Shop(Service):
    name = "bms"
    section = "bms"
    SECTION = {"company": "Sandbox", "mfa_secret": None, "things": []}
    DEFAULTS = {"shop_open": True}

    @classmethod
    def complete(cls, section):
        for number, thing in enumerate(section["things"]):
            fill(thing, {"id": number + 1, "colour": None}, f"bms.things[{number}]")

    def load(self):
        self.by_id = {thing["id"]: thing for thing in self.records["things"]}

    def routes(self):
        return []


def sandbox(world=None, **options):
    return Sandbox(world, services=[Shop], **options)


def test_everything_omitted_is_filled_in():
    state = sandbox({"bms": {"things": [{"id": 7}]}, "behaviour": {"latency_ms": {"bms": 5}}}).state()

    assert state["bms"] == {"company": "Sandbox", "mfa_secret": None, "things": [{"id": 7, "colour": None}]}
    assert state["behaviour"]["shop_open"] is True
    assert state["behaviour"]["bms_quota"] == 1500
    assert state["behaviour"]["latency_ms"] == {"graph": 0, "itglue": 0, "bms": 5}


def test_the_state_is_a_world_again():
    first = sandbox({"bms": {"things": [{"colour": "red"}]}}).state()

    assert sandbox(first).state() == first


@pytest.mark.parametrize(
    ("world", "named"),
    [
        ([], "JSON object"),
        ({"bmx": {}}, "unknown key bmx"),
        ({"bms": {"thing": []}}, "unknown key bms.thing"),
        ({"bms": {"things": [{"color": "red"}]}}, "unknown key bms.things[0].color"),
        ({"bms": {"things": {}}}, "bms.things"),
        ({"bms": {"company": 5}}, "bms.company"),
        ({"bms": []}, "bms must be an object"),
        ({"behaviour": {"bms_qota": 1}}, "unknown key behaviour.bms_qota"),
        ({"behaviour": {"bms_quota": "many"}}, "behaviour.bms_quota"),
        ({"behaviour": {"native_push": 1}}, "behaviour.native_push"),
        ({"behaviour": {"graph_page_limit": 0}}, "behaviour.graph_page_limit"),
        ({"behaviour": {"latency_ms": {"azure": 1}}}, "unknown key behaviour.latency_ms.azure"),
        ({"behaviour": {"latency_ms": {"bms": "slow"}}}, "behaviour.latency_ms.bms"),
    ],
)
def test_a_world_that_makes_no_sense_is_refused_by_the_name_of_its_key(world, named):
    with pytest.raises(WorldError) as error:
        sandbox(world)

    assert named in str(error.value)


def test_reset_brings_the_loaded_world_back_to_the_same_services():
    world = {"bms": {"things": [{"id": 1}]}}
    played = sandbox(world)
    shop = played.services["bms"]
    shop.records["things"].append({"id": 2, "colour": None})
    played.set_behaviour({"shop_open": False, "latency_ms": {"bms": 3}})

    assert len(played.state()["bms"]["things"]) == 2
    played.reset()

    assert played.services["bms"] is shop
    assert list(shop.by_id) == [1]
    assert played.state() == sandbox(world).state()


def test_switches_turn_one_by_one_and_only_known_ones():
    played = sandbox({"behaviour": {"latency_ms": {"graph": 9}}})
    played.set_behaviour({"latency_ms": {"bms": 3}})

    assert played.behaviour["latency_ms"] == {"graph": 9, "itglue": 0, "bms": 3}
    with pytest.raises(WorldError, match="behaviour.shop_opne"):
        played.set_behaviour({"shop_opne": True})


def test_a_world_that_is_refused_leaves_the_present_one():
    played = sandbox({"bms": {"company": "Kept"}})

    with pytest.raises(WorldError):
        played.load({"bms": {"kompany": "New"}})

    assert played.state()["bms"]["company"] == "Kept"
    played.reset()
    assert played.state()["bms"]["company"] == "Kept"


def test_the_clock_can_be_moved():
    played = sandbox(clock=lambda: 1000.0)
    played.advance(60)

    assert played.clock() == 1060.0
    assert played.now().isoformat() == "1970-01-01T00:17:40+00:00"
