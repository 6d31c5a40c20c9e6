# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose is what a run has made so far."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.owned import NOTHING_OWNED, Owned, owned
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import (
    Action,
    BmsPart,
    ItGluePart,
    Operation,
    Push,
    UserSubject,
)
from tests.unit.engine.builders import linked, ready

ANN = UserSubject("ann.lee@client.example", "id-ann.lee")


@pytest.mark.parametrize(
    ("tried", "present", "expected"),
    [
        pytest.param(
            72, [linked(72, bms_id=901)], Owned({ANN.user_id: 72}, frozenset({72}), frozenset({901})), id="linked"
        ),
        pytest.param(72, [ready(72)], Owned({ANN.user_id: 72}, frozenset({72})), id="not-linked-yet"),
        pytest.param(72, [ready(73)], NOTHING_OWNED, id="gone-by-now"),
        pytest.param(None, [ready(73)], NOTHING_OWNED, id="not-made"),
    ],
)
def test_a_created_contact_belongs_to_whom_it_was_made_for(tried, present, expected):
    operation = Operation(ANN, ItGluePart(Action.CREATE, contact=ready(0)), BmsPart(Push.PENDING))
    assert owned([operation], {ANN: tried}, present, ("bms",)) == expected
