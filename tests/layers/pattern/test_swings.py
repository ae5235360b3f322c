"""The swings that the tests of L36 to L38, L41 and L42 are written on."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.layers.pattern.swings import recorded_reach, swings_by_hand


@pytest.mark.parametrize("strength", [2, 8])
def test_swings_are_highs_and_lows_by_turns(strength: int) -> None:
    changes = swings_by_hand(recorded_reach("bitfinex_ethusd_1m"), strength)
    assert len(changes) > 2_000
    assert all(one[2] == -other[2] for _, swings in changes for one, other in pairwise(swings))
