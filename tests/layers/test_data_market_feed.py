"""L0 against a transcription of its rule over recorded bars with their real gaps, and bars that must be refused."""

from __future__ import annotations

import numpy as np
import pytest

from stratoquant.graph.market import MARKET_EVENT, missing_events
from stratoquant.layers.data.l0_market_feed import step as market_feed
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer, run_with_state

MINUTE = 60_000
PRICES = ("open", "high", "low", "close")
BAR = (*PRICES, "volume", "quote_volume", "trades", "buy_volume")


def events_of(bar: dict[str, np.ndarray], last: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The recorded bars, or the last of them, on a complete grid of minutes, and the grid."""
    bar = {name: values[-last:] if last else values for name, values in bar.items()}
    time = bar["time"].astype(float)
    grid = np.arange(time[0], time[-1] + 1, MINUTE)
    events = missing_events(len(grid), 1)[:, 0]
    place = ((time - time[0]) / MINUTE).astype(int)
    for name in ("time", *PRICES, "volume"):
        events[name][place] = bar[name]
    return events, grid


def even_bars(count: int) -> np.ndarray:
    """A quiet feed with a book and trades."""
    events = missing_events(count, 1)[:, 0]
    close = 100.0 * np.exp(np.random.default_rng(1).normal(0, 1e-4, count).cumsum())
    events["time"] = 1_600_000_020_000 + MINUTE * np.arange(count)
    events["close"] = close
    events["open"] = np.r_[close[0], close[:-1]]
    events["high"] = np.maximum(events["open"], close) + 0.01
    events["low"] = np.minimum(events["open"], close) - 0.01
    events["volume"] = 10.0
    events["quote_volume"] = 10.0 * close
    events["trades"] = 7
    events["buy_volume"] = 4.0
    events["funding_rate"][::10] = 1e-4
    steps = 0.01 * np.arange(1, 11)
    events["bid_px"], events["ask_px"] = close[:, None] - steps, close[:, None] + steps
    events["bid_qty"], events["ask_qty"] = 1.0, 2.0
    return events


def transcribed(events: np.ndarray, now: np.ndarray, mads: float, window: int, fill_max: int, stale_ms: float) -> dict:
    """The rule, bar by bar over whole windows; the recorded bars are sound, so nothing is refused."""
    out = {name: np.full(len(events), np.nan) for name in ("time", *BAR, "gap", "stale", "quality")}
    seen = np.flatnonzero(~np.isnan(events["time"]))
    returns = np.r_[np.nan, np.diff(np.log(events["close"][seen]))]
    for t in range(len(events)):
        k = np.searchsorted(seen, t, side="right") - 1
        last, here = seen[k], seen[k] == t
        if here:
            before = seen[k - 1] if k else t - 1
            gap = t - before - 1
            for name in ("time", *PRICES, "volume"):
                out[name][t] = events[name][t]
            bar = events[t]
            out["quote_volume"][t] = (bar["high"] + bar["low"] + bar["close"]) / 3 * bar["volume"]
        else:
            gap = t - last
            if gap <= fill_max:
                out["time"][t] = now[t]
                for name in PRICES:
                    out[name][t] = events["close"][last]
                out["volume"][t] = out["quote_volume"][t] = 0.0
        out["gap"][t] = gap
        out["stale"][t] = (now[t] - now[last]) > stale_ms
        quality = max(0.0, 1 - 0.5 * min(1.0, gap / (fill_max + 1)) - 0.5 * out["stale"][t])
        if here and k >= window:
            recent = returns[k - window + 1 : k + 1]
            mad = np.median(np.abs(recent - np.median(recent)))
            if mad > 0 and abs(returns[k]) > mads * 1.4826 * mad:
                quality /= 2
        out["quality"][t] = quality
    return out


@pytest.mark.parametrize("symbol", ["bitfinex_ltcusd_1m", "binance_xrpeth_1m"])
@pytest.mark.parametrize(("fill_max", "window"), [(5, 240), (1, 31)])
def test_recorded_bars_with_their_gaps(symbol: str, fill_max: int, window: int) -> None:
    events, grid = events_of(real_bars(symbol), 20_000)
    params = {"fill_max": fill_max, "spike_window": window, "spike_mads": 6}
    ours = run_layer(market_feed, {"raw": events, "now": grid}, params)
    theirs = transcribed(events, grid, 6.0, window, fill_max, 90_000)
    assert theirs["gap"].max() > fill_max
    assert ((theirs["quality"] == 0.5) & (theirs["gap"] == 0)).sum() > 2, "spikes without a gap"
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-12, err_msg=name)
    assert np.isnan(ours["bid_px"]).all() and (ours["has_book"] == 0).all()
    assert np.isnan(ours["buy_volume"]).all() and np.isnan(ours["trades"]).all()


def test_without_a_clock_missing_bars_are_counted_in_steps() -> None:
    """The same once two bars in a row have shown how long a bar is."""
    events, grid = events_of(real_bars("bitfinex_ltcusd_1m"), 5_000)
    with_clock = run_layer(market_feed, {"raw": events, "now": grid})
    without = run_layer(market_feed, {"raw": events})
    assert (with_clock["gap"] > 0).sum() > 50
    for name, values in with_clock.items():
        np.testing.assert_array_equal(without[name][10:], values[10:], err_msg=name)


def test_a_grid_with_holes_shows_the_gap() -> None:
    events = even_bars(20)[[0, 1, 2, 6, 7, 19]]
    ours = run_layer(market_feed, {"raw": events, "now": events["time"].copy()})
    assert ours["gap"].tolist() == [0, 0, 0, 3, 0, 11]
    assert ours["quality"].tolist() == [1, 1, 1, 0.75, 1, 0.5]


def test_a_sound_feed_passes_untouched() -> None:
    events = even_bars(400)
    ours = run_layer(market_feed, {"raw": events, "now": events["time"].copy()})
    for name in ("time", *BAR, "bid_px", "bid_qty", "ask_px", "ask_qty", "funding_rate"):
        np.testing.assert_array_equal(ours[name], events[name], err_msg=name)
    assert (ours["quality"] == 1).all() and (ours["has_book"] == 1).all()
    assert (ours["gap"] == 0).all() and (ours["stale"] == 0).all()


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("open", np.nan, "price"),
        ("close", 0.0, "price"),
        ("low", -1.0, "price"),
        ("high", np.inf, "price"),
        ("high", 1.0, "range"),
        ("low", 101.0, "range"),
        ("volume", -1e-9, "volume"),
        ("volume", np.inf, "volume"),
        ("time", 1_600_000_020_000.0, "time"),
        ("time", 1.7e12, "time"),
        ("time", -1.0, "time"),
        ("time", np.inf, "time"),
        ("time", 1_600_000_620_000.5, "time"),
    ],
)
def test_a_bar_is_refused_counted_and_stood_in_for(field: str, value: float, reason: str) -> None:
    events = even_bars(30)
    clock = events["time"].copy()
    events[field][10] = value
    ours, memory = run_with_state(market_feed, {"raw": events, "now": clock})
    counts = {name: memory[f"refused_{name}"] for name in ("price", "range", "volume", "time", "book")}
    assert counts == {name: int(name == reason) for name in counts}
    assert all(ours[name][10] == events["close"][9] for name in PRICES)
    assert [ours[name][10] for name in ("volume", "quote_volume", "trades", "buy_volume")] == [0, 0, 0, 0]
    assert ours["time"][10] == clock[10] and ours["gap"][10] == 1 and ours["quality"][10] < 1
    assert ours["close"][11] == events["close"][11], "the door opens again"


def test_a_late_bar_cannot_rewrite_what_was_told() -> None:
    events = even_bars(10)
    clock = events["time"].copy()
    events[5] = missing_events(1, 1)[0, 0]
    events["time"][6] = clock[5]
    ours, memory = run_with_state(market_feed, {"raw": events, "now": clock})
    assert memory["refused_time"] == 1
    assert (np.diff(ours["time"]) > 0).all()


def test_a_long_gap_is_silent_stale_and_over_at_once() -> None:
    events = even_bars(40)
    clock = events["time"].copy()
    events[10:30] = missing_events(20, 1)[:, 0]
    ours = run_layer(market_feed, {"raw": events, "now": clock}, {"fill_max": 3})
    assert ours["gap"][9:31].tolist() == [0, *range(1, 21), 20]
    assert np.isnan(ours["close"][13:30]).all() and not np.isnan(ours["close"][:13]).any()
    assert ours["stale"][9:31].tolist() == [0, 0, *[1] * 19, 0]
    assert (ours["quality"][13:30] == 0).all()
    assert ours["quality"][9] == 1 and ours["quality"][31] == 1
    nothing = run_layer(market_feed, {"raw": events, "now": clock}, {"fill_max": 0})
    assert np.isnan(nothing["close"][10:30]).all() and (nothing["gap"] == ours["gap"]).all()


def test_nothing_is_told_before_the_first_bar() -> None:
    events = even_bars(10)
    clock = events["time"].copy()
    events[:4] = missing_events(4, 1)[:, 0]
    for inputs in ({"raw": events, "now": clock}, {"raw": events}):
        ours = run_layer(market_feed, inputs)
        assert np.isnan(ours["close"][:4]).all() and np.isnan(ours["gap"][:4]).all()
        assert (ours["stale"][:4] == 1).all() and (ours["quality"][:4] == 0).all()
        assert ours["gap"][4] == 0 and ours["quality"][4] == 1


def test_the_flash_crash_is_marked_and_its_price_left_alone() -> None:
    bar = real_bars("bitfinex_xrpusd_1m")
    crash = int(bar["time"][1 + np.argmin(np.diff(np.log(bar["close"])))])
    around = (bar["time"] > crash - 600 * MINUTE) & (bar["time"] < crash + 60 * MINUTE)
    events, grid = events_of({c: v[around] for c, v in bar.items()})
    ours = run_layer(market_feed, {"raw": events, "now": grid})
    at = int(np.flatnonzero(grid == crash)[0])
    assert abs(np.log(ours["close"][at] / ours["close"][at - 1])) > 0.3
    assert ours["close"][at] == events["close"][at] and ours["quality"][at] == 0.5
    assert (ours["quality"][ours["gap"] == 0] == 1).mean() > 0.97


def test_without_movement_nothing_is_a_spike() -> None:
    events = even_bars(400)
    for name in PRICES:
        events[name] = 5.0
    events["high"][300] = events["close"][300] = 5.01
    ours = run_layer(market_feed, {"raw": events, "now": events["time"].copy()})
    assert ours["quality"][300] == 1


def test_books() -> None:
    events = even_bars(8)
    events["ask_px"][2] -= 0.5  # crossed
    events["bid_px"][3, 4] = -1.0  # impossible
    events["ask_qty"][4, 2] = np.nan  # a price without a quantity
    events["ask_px"][5] = events["ask_qty"][5] = np.nan  # one side
    for name in ("bid_px", "bid_qty", "ask_px", "ask_qty"):
        events[name][6] = np.nan  # gone
        events[name][7, 5:] = np.nan  # short
    ours, memory = run_with_state(market_feed, {"raw": events, "now": events["time"].copy()})
    assert ours["has_book"].tolist() == [1, 1, 1, 0, 0, 0, 0, 1]
    assert ours["quality"].tolist() == [1, 1, 0.75, 0.75, 0.75, 0.75, 0.75, 1]
    assert memory["refused_book"] == 2
    assert np.isnan(ours["bid_px"][[3, 4, 6]]).all() and np.isnan(ours["ask_qty"][[3, 4, 5, 6]]).all()
    np.testing.assert_array_equal(ours["bid_px"][[2, 5, 7]], events["bid_px"][[2, 5, 7]])


def test_a_book_whose_best_prices_meet_is_crossed() -> None:
    events = even_bars(3)
    events["bid_px"][1, 0] = events["ask_px"][1, 0]
    ours = run_layer(market_feed, {"raw": events, "now": events["time"].copy()})
    assert ours["quality"].tolist() == [1, 0.75, 1]


def test_the_best_level_alone_makes_a_book() -> None:
    events = even_bars(3)
    for name in ("bid_px", "bid_qty", "ask_px", "ask_qty"):
        events[name][1, 1:] = np.nan
    events["bid_px"][2, 0] = events["bid_qty"][2, 0] = np.nan  # the best bid is missing, the others are not
    ours = run_layer(market_feed, {"raw": events, "now": events["time"].copy()})
    assert ours["has_book"].tolist() == [1, 1, 0]


def test_side_values_that_cannot_be_are_missing() -> None:
    events = even_bars(6)
    events["trades"][1:4] = [-1.0, 2.5, np.inf]
    events["buy_volume"][1:4] = [-0.1, 10.5, np.nan]
    events["quote_volume"][2] = np.nan
    events["funding_rate"][3] = np.inf
    events["volume"][5] = np.nan
    ours = run_layer(market_feed, {"raw": events, "now": events["time"].copy()})
    assert np.isnan(ours["trades"][1:4]).all() and np.isnan(ours["buy_volume"][[1, 2, 3, 5]]).all()
    middle = (events["high"][2] + events["low"][2] + events["close"][2]) / 3
    assert ours["quote_volume"][2] == pytest.approx(10.0 * middle, rel=1e-15)
    assert np.isnan(ours["funding_rate"][3]) and np.isnan(ours["volume"][5]) and ours["close"][5] > 0


def test_the_event_has_the_fields_that_the_feed_reads() -> None:
    assert set(market_feed.outputs) - {"has_book", "gap", "stale", "quality"} == set(MARKET_EVENT.names)
