"""L35: a chart at each limit, and TA-Lib's candles where they compare."""

from __future__ import annotations

import numpy as np
import pytest

from tests.layers.pattern.candles import MANY, OHLC, Row, before, candles, chart, on_atr, parts, usual
from tests.layers.pattern.charts import SIDES, fired, grid_bars, lived, run, with_grid_atr

STAR: list[Row] = [(10, 10, 8, 8), (8, 8, 7.75, 7.75), (7.75, 9.25, 7.75, 9.25)]
MARCH: list[Row] = [(10, 11, 10, 11), (10.5, 11.5, 10.5, 11.5), (11, 12, 11, 12)]


def three(rows: list[Row], side: float, kind: float) -> bool:
    """Whether the last bar fires to the side, with the kind that belongs to it."""
    found = run("L35", {**chart(rows, side), "atr": 1.0}, {"body": 0.5, "star": 0.25})
    if found["signal"][-1] == 0.0:
        assert found["kind"][-1] == 0.0
        return False
    assert found["signal"][-1] == side
    assert found["kind"][-1] == kind + (side < 0.0)
    assert found["quality"][-1] == pytest.approx(on_atr(abs(rows[-1][3] - rows[-1][0]), 1.0))
    return True


@SIDES
@pytest.mark.parametrize(
    ("place", "bar", "fires"),
    [
        (2, (7.75, 9, 7.75, 9), False), (2, (9.25, 9.25, 7.75, 7.75), False), (2, (8.75, 9.25, 8.75, 9.25), True),
        (2, (8.875, 9.25, 8.75, 9.25), False), (1, (7.875, 8, 7.75, 8), True),
        (1, (8.125, 8.125, 7.875, 7.875), False), (1, (7.875, 8.125, 7.875, 8.125), False),
        (1, (8, 8, 7.625, 7.625), False), (0, (8.5, 8.5, 8, 8), True), (0, (8.375, 8.5, 8, 8), False),
        (0, (8, 10, 8, 10), False),
    ],
)  # fmt: skip
def test_l35_star_at_each_of_its_limits(side: float, place: int, bar: Row, fires: bool) -> None:
    assert three(STAR, side, 1.0)
    assert three([*STAR[:place], bar, *STAR[place + 1 :]], side, 1.0) == fires


@SIDES
@pytest.mark.parametrize(
    ("place", "bar", "fires"),
    [
        (0, (10, 11.5, 9.5, 11), True), (0, (10, 11.625, 9.5, 11), False), (0, (10.5, 11, 10.5, 11), True),
        (0, (10.5625, 11, 10.5, 11), False), (0, (11, 11, 10, 10), False), (1, (10.5, 11.875, 10.375, 11.5), True),
        (1, (10.5, 12, 10.375, 11.5), False), (1, (10, 11.5, 10, 11.5), True),
        (1, (9.875, 11.5, 9.875, 11.5), False), (1, (11, 11.5, 11, 11.5), True),
        (1, (11.125, 11.75, 11.125, 11.75), False), (1, (10.5, 11, 10.5, 11), False),
        (2, (11, 12.25, 11.25, 12), True), (2, (11, 12.5, 11, 12), False), (2, (10.5, 12, 10.5, 12), True),
        (2, (10.375, 12, 10.375, 12), False), (2, (11.5, 12, 11.5, 12), True),
        (2, (11.5, 12, 11.5, 11.9375), False), (2, (11.625, 12.25, 11.625, 12.25), False),
        (2, (10.75, 11.5, 10.75, 11.5), False),
    ],
)  # fmt: skip
def test_l35_soldiers_at_each_of_their_limits(side: float, place: int, bar: Row, fires: bool) -> None:
    assert three(MARCH, side, 3.0)
    assert three([*MARCH[:place], bar, *MARCH[place + 1 :]], side, 3.0) == fires


def test_l35_is_the_star_of_ta_lib_where_they_compare() -> None:
    """TA-Lib wants a gap to the star and bodies against their averages; ours against atr. Both with both are equal."""
    bars = with_grid_atr(grid_bars(MANY))
    found = run("L35", bars)
    body, atr = parts(bars)[0], bars["atr"]
    low_end, high_end = (f(bars["open"], bars["close"]) for f in (np.minimum, np.maximum))
    first, second = before(body, 2), before(body, 1)
    theirs_more = (first > usual(body, 10, 2)) & (second <= usual(body, 10, 1)) & (body > usual(body, 10))
    ours_more = (first >= 0.5 * atr) & (second <= 0.3 * atr) & (body >= 0.5 * atr)
    gaps = {1.0: before(high_end, 1) < before(low_end, 2), -1.0: before(low_end, 1) > before(high_end, 2)}
    for name, side, kind in (("CDLMORNINGSTAR", 1.0, 1.0), ("CDLEVENINGSTAR", -1.0, 2.0)):
        ours = (fired(found) == side) & (found["kind"] == kind) & theirs_more & gaps[side]
        theirs = (candles(name, bars, penetration=0.5) == side) & ours_more
        assert ours.sum() > 50
        assert np.array_equal(ours[20:], theirs[20:])


def throughout(held: np.ndarray, bars: int) -> np.ndarray:
    """Whether it held on each of the last so many bars."""
    return np.all([before(held.astype(float), k) == 1.0 for k in range(bars)], axis=0)


def test_l35_is_the_soldiers_and_crows_of_ta_lib_where_they_compare() -> None:
    """TA-Lib's have shorter wicks, bodies against averages, and crows a white bar before; ours bodies against atr."""
    bars = with_grid_atr(grid_bars(MANY))
    found = run("L35", bars)
    body, width, upper, lower = parts(bars)
    open_, high, _, close = (bars[n] for n in OHLC)
    opened, closed = before(open_, 1), before(close, 1)
    strong = np.all([before(body, k) >= 0.5 * bars["atr"] for k in range(3)], axis=0)
    tiny = 0.1 * usual(width, 10)
    grows = throughout(body > before(body, 1) - 0.6 * usual(width, 5, 1), 2) & (body > usual(body, 10))
    ours = (fired(found) > 0.0) & (found["kind"] == 3.0) & grows & throughout(upper < tiny, 3)
    ours &= throughout(open_ > opened, 2)
    theirs = (candles("CDL3WHITESOLDIERS", bars) > 0.0) & strong & throughout(upper <= 0.25 * width, 3)
    theirs &= throughout(open_ <= closed, 2)
    assert ours.sum() > 50
    assert np.array_equal(ours[20:], theirs[20:])
    ours = (fired(found) < 0.0) & (found["kind"] == 4.0) & throughout(lower < tiny, 3)
    ours &= throughout((open_ < opened) & (open_ > closed), 2)
    ours &= (before(close, 3) >= before(open_, 3)) & (before(high, 3) > before(close, 2))
    theirs = (candles("CDL3BLACKCROWS", bars) < 0.0) & strong & throughout(lower <= 0.25 * width, 3)
    assert ours.sum() > 10
    assert np.array_equal(ours[20:], theirs[20:])
    assert np.array_equal(found["signal"][2:], lived(fired(found), 5)[2:])
