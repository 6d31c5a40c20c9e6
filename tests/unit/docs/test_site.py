# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The site: its start page says for whom the collection is, and its search is checked when it is built."""

from __future__ import annotations

import json
import re

from tests.tools.docs import START, fit_for_the_theme, not_found
from tests.tools.guides import SEARCHED, guides

INDEX = """Msp.Psa_Sync
============

Description
-----------

What it is.

.. Communication
about
    changelog

Start here
----------

.. toctree::
    :maxdepth: 1

    docsite/quick_start_guide
"""


def test_the_start_page_says_first_for_whom_and_leads_on(tmp_path):
    (tmp_path / "index.rst").write_text(INDEX, encoding="utf-8")
    fit_for_the_theme(tmp_path)
    page = (tmp_path / "index.rst").read_text(encoding="utf-8")
    places = [page.index(part) for part in ("For whom, and what for\n", "Start here\n", "Description\n", "changelog\n")]
    assert places == sorted(places)
    assert ":caption: Start here" in page


def test_the_start_page_leads_each_reader_to_a_guide():
    text = START.read_text(encoding="utf-8")
    led = re.findall(r"^\* \*\*You [^*]+\*\*.*?docsite\.(\w+)`", text, re.MULTILINE)
    assert len(led) == 4
    assert set(led) <= set(guides())
    assert "managed service providers" in text


def test_a_word_that_the_search_does_not_lead_to_its_guide_is_found():
    names = sorted(set(SEARCHED.values()))
    data = {
        "docnames": [f"docsite/{name}" for name in names],
        "indexentries": {word: [[names.index(name), "index-0", False]] for word, name in SEARCHED.items()},
    }
    assert not_found(f"Search.setIndex({json.dumps(data)})") == []
    del data["indexentries"]["rollback"]
    assert not_found(f"Search.setIndex({json.dumps(data)})") == ["rollback"]
