"""L44: a chart for each comparison, and gaps followed one by one over recorded bars."""

from __future__ import annotations

import numpy as np
import pytest

from tests.layers.pattern.charts import MARKETS, SIDES, Values, recorded, run
from tests.layers.pattern.zones import Bar, assert_zones, chart, met_by_hand, zone

GAP = [(100.0, 99.0, 99.5), (102.0, 99.5, 101.75), (103.0, 101.0, 102.5)]  # from 100 to 101
AWAY = (103.5, 101.5, 102.5)


def gap(bars: list[Bar], side: float = 1.0, **params: float) -> Values:
    return run("L44", {**chart([*GAP, *bars], side), "atr": 1.0}, {"min_size": 1.0, "live": 5, **params})


@SIDES
def test_l44_fires_on_the_first_return_that_closes_on_its_side(side: float) -> None:
    found = gap([AWAY, (103.0, 100.75, 101.5), (103.0, 100.5, 101.5)], side)
    assert found["signal"][2:].tolist() == [0, 0, side, side]
    assert found["age"][4:].tolist() == [0, 1]
    assert zone(found, 4, side) == [101.0, 100.0]
    assert found["quality"][4] == pytest.approx(0.5 * (1.0 - np.exp(-0.5) + 0.75))
    assert np.isnan(found["top"][3]) and np.isnan(found["bottom"][3])


@SIDES
@pytest.mark.parametrize(
    ("bar", "fires"),
    [
        ((103.0, 100.9375, 101.0625), True),
        ((103.0, 101.0, 101.5), False),  # not within
        ((103.0, 100.5, 101.0), False),  # not on its side
        ((103.0, 100.0625, 101.5), True),
        ((103.0, 100.0, 101.5), False),  # filled
    ],
)
def test_l44_looks_at_the_edges_of_the_gap(bar: Bar, fires: bool, side: float) -> None:
    assert gap([AWAY, bar], side)["signal"][4] == (side if fires else 0.0)


@SIDES
def test_l44_wants_a_gap_of_the_least_size_in_average_ranges(side: float) -> None:
    back = (103.0, 100.5, 101.5)
    assert gap([back], side)["signal"][3] == side
    assert gap([back], side, min_size=1.0625)["signal"][3] == 0.0
    wide = run("L44", {**chart([*GAP, back], side), "atr": np.array([9, 9, 2, 9.0])}, {"min_size": 0.5})
    assert wide["quality"][3] == pytest.approx(0.5 * (1.0 - np.exp(-0.25) + 0.5))


@SIDES
def test_l44_lets_a_gap_wait_for_its_bars_and_no_longer(side: float) -> None:
    back = (103.0, 100.5, 101.5)
    assert gap([AWAY] * 4 + [back], side)["signal"][7] == side
    assert gap([AWAY] * 5 + [back], side)["signal"][8] == 0.0
    assert gap([(103.0, 100.75, 100.9), back], side)["signal"][3:].tolist() == [0, side]
    assert gap([(103.0, 100.0, 100.9), back], side)["signal"][3:].tolist() == [0, 0]


@SIDES
def test_l44_lives_until_its_gap_is_filled(side: float) -> None:
    back = (103.0, 100.5, 101.5)
    assert gap([back, *[AWAY] * 10], side)["signal"][3:].tolist() == [side] * 10 + [0]
    ended = gap([back, AWAY, (103.0, 100.0625, 101.5), (103.0, 100.0, 101.5), back], side)
    assert ended["signal"][3:].tolist() == [side, side, side, 0, 0]
    assert np.isnan(ended["top"][6]) and ended["quality"][6] == 0.0


@SIDES
def test_l44_keeps_the_older_gap_behind_a_newer_one(side: float) -> None:
    higher = [(106.0, 102.5, 105.5), (107.0, 105.0, 106.5)]  # leaves 103 to 105
    found = gap([*higher, (107.0, 104.0, 106.0), (106.5, 100.5, 105.5)], side)
    assert found["age"][5:].tolist() == [0, 0]
    assert zone(found, 5, side) == [105.0, 103.0]
    assert zone(found, 6, side) == [101.0, 100.0]


@MARKETS
@pytest.mark.parametrize(("least", "live"), [(0.3, 50), (0.1, 700)])
def test_l44_agrees_with_gaps_followed_one_by_one(market: str, least: float, live: int) -> None:
    bars = recorded(market)
    high, low, close, atr = (bars[n] for n in ("high", "low", "close", "atr"))
    found = run("L44", {n: bars[n] for n in ("high", "low", "close", "atr")}, {"min_size": least, "live": live})
    both, quality = [], np.zeros(len(close))
    for side, near, far in ((1.0, low, high), (-1.0, -high, -low)):
        size = np.r_[np.nan, np.nan, near[2:] - far[:-2]]
        gaps = [
            (t, near[t], far[t - 2], 1.0 - np.exp(-0.5 * size[t] / atr[t]))
            for t in np.flatnonzero(size >= least * atr).tolist()
        ]
        both.append(met_by_hand(gaps, near, side * close, near, live))
        for t, (_, edge, end, worth) in both[-1].items():
            quality[t] = 0.5 * (worth + (near[t] - end) / (edge - end))
    assert_zones(found, both, quality, [low, -high])
