"""Round trips: an exact ledger, told trade by trade."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratoquant.runtime.results import FILL_SCHEMA, TRADE_SCHEMA
from stratoquant.runtime.trades import trades_from_fills, with_excursions, with_reasons
from tests.runtime.made_results import LABELS, MINUTE, ROLES

Fill = tuple[int, str, float, float, float]  # bar, symbol, signed quantity, price, fee


def fills_of(*fills: Fill, reasons: dict[int, str] | None = None) -> pl.DataFrame:
    """A frame of fills; `reasons` by the fill's place in the list, else `signal`."""
    position: dict[str, float] = {}
    rows = []
    for i, (bar, symbol, qty, price, fee) in enumerate(fills):
        position[symbol] = position.get(symbol, 0.0) + qty
        reason = (reasons or {}).get(i, "signal")
        time_ms = bar * MINUTE
        rows.append(
            (
                time_ms,
                symbol,
                int(np.sign(qty)),
                abs(qty),
                price,
                fee,
                0.1,
                False,
                reason,
                time_ms - MINUTE,
                position[symbol],
            )
        )
    return pl.DataFrame(rows, schema=FILL_SCHEMA, orient="row")


BARS = np.arange(100) * MINUTE


def only(frame: pl.DataFrame) -> dict[str, Any]:
    assert frame.height == 1
    return frame.row(0, named=True)


def test_one_long_trade_by_hand() -> None:
    fills = fills_of((1, "A", 2.0, 100.0, 0.2), (4, "A", -2.0, 110.0, 0.3), reasons={1: "take"})
    trade = only(trades_from_fills(fills, BARS))
    assert trade["side"] == 1
    assert (trade["entry_time"], trade["exit_time"], trade["bars"]) == (MINUTE, 4 * MINUTE, 3)
    assert (trade["entry_price"], trade["exit_price"], trade["qty"]) == (100.0, 110.0, 2.0)
    assert trade["gross_pnl"] == pytest.approx(20.0)
    assert trade["pnl"] == pytest.approx(19.5)
    assert trade["return"] == pytest.approx(19.5 / 200.0)
    assert (trade["entry_reason"], trade["exit_reason"], trade["open"]) == ("signal", "take", False)
    assert trade["decision_time"] == 0


def test_scaling_in_and_out_is_one_trade_at_mean_prices() -> None:
    fills = fills_of(
        (1, "A", -1.0, 100.0, 0.0), (2, "A", -3.0, 104.0, 0.0), (3, "A", 1.0, 90.0, 0.0), (5, "A", 3.0, 98.0, 0.0)
    )
    trade = only(trades_from_fills(fills, BARS))
    assert trade["side"] == -1
    assert trade["entry_price"] == pytest.approx(103.0)
    assert trade["exit_price"] == pytest.approx(96.0)
    assert trade["qty"] == 4.0
    assert trade["pnl"] == pytest.approx(28.0)


def test_a_flip_ends_one_trade_and_begins_the_next() -> None:
    fills = fills_of((1, "A", 1.0, 100.0, 0.1), (3, "A", -4.0, 120.0, 0.4), (6, "A", 3.0, 110.0, 0.3))
    first, second = trades_from_fills(fills, BARS).to_dicts()
    assert (first["side"], second["side"]) == (1, -1)
    assert first["exit_time"] == second["entry_time"] == 3 * MINUTE
    assert first["fees"] == pytest.approx(0.1 + 0.1)  # a quarter of the flip's fee belongs to what it closed
    assert second["fees"] == pytest.approx(0.3 + 0.3)
    assert first["pnl"] == pytest.approx(20.0 - 0.2)
    assert second["pnl"] == pytest.approx(30.0 - 0.6)
    assert first["slippage"] + second["slippage"] == pytest.approx(0.3)


def test_what_is_still_held_is_marked_and_has_no_exit() -> None:
    fills = fills_of((10, "A", 2.0, 100.0, 0.5), (20, "A", -1.0, 105.0, 0.25))
    trade = only(trades_from_fills(fills, BARS, {"A": 90.0}))
    assert trade["open"]
    assert (trade["exit_time"], trade["exit_price"], trade["exit_reason"]) == (None, None, None)
    assert trade["bars"] == 89
    assert trade["pnl"] == pytest.approx(5.0 - 10.0 - 0.75)


def test_without_a_mark_the_result_of_what_is_held_is_unknown() -> None:
    trade = only(trades_from_fills(fills_of((10, "A", 2.0, 100.0, 0.5)), BARS, {"B": 1.0}))
    assert trade["pnl"] is None
    assert trade["return"] is None


def test_bars_are_those_of_the_run_not_of_the_calendar() -> None:
    times = np.array([0, 1, 2, 1000, 1001]) * MINUTE  # a gap
    trade = only(trades_from_fills(fills_of((1, "A", 1.0, 10.0, 0.0), (1000, "A", -1.0, 10.0, 0.0)), times))
    assert trade["bars"] == 2


def test_rounding_left_over_counts_as_flat() -> None:
    fills = fills_of((1, "A", 0.1, 10.0, 0.0), (2, "A", 0.2, 10.0, 0.0), (3, "A", -0.3, 10.0, 0.0))
    assert fills["position"][-1] != 0.0
    assert not only(trades_from_fills(fills, BARS))["open"]


def test_no_fills_make_no_trades_in_the_same_columns() -> None:
    assert trades_from_fills(fills_of(), []).schema == pl.Schema(TRADE_SCHEMA)
    assert trades_from_fills(fills_of((1, "A", 1.0, 10.0, 0.0)), BARS).schema == pl.Schema(TRADE_SCHEMA)


def test_an_incomplete_ledger_is_refused() -> None:
    fills = fills_of((1, "A", 1.0, 10.0, 0.0), (2, "A", 1.0, 10.0, 0.0), (3, "A", -2.0, 10.0, 0.0))
    with pytest.raises(ValueError, match="no complete ledger"):
        trades_from_fills(fills[[0, 2]], BARS)


ledgers = st.lists(
    st.tuples(
        st.sampled_from("ABC"),
        st.sampled_from([0.0, 0.0, 0.25, -0.25, 1.0, -1.0, 3.7, -12.5])
        | st.floats(-1e3, 1e3).map(lambda x: round(x, 4)),
        st.floats(1e-3, 1e5),
        st.floats(-0.5, 5.0),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(ledgers, st.floats(1e-3, 1e5))
def test_results_add_up_to_a_plain_cash_ledger(orders: list[tuple[str, float, float, float]], mark: float) -> None:
    """Each order moves its symbol to a target; cash is counted with nothing but the fills."""
    held = dict.fromkeys("ABC", 0.0)
    cash, flow, fees, rows = 0.0, 0.0, 0.0, []
    for bar, (symbol, target, price, fee) in enumerate(orders):
        qty = target - held[symbol]
        if qty == 0.0:
            continue
        held[symbol] = target
        cash -= qty * price + fee
        flow += abs(qty) * price
        fees += fee
        side = 1 if qty > 0.0 else -1
        rows.append((bar * MINUTE, symbol, side, abs(qty), price, fee, 0.0, False, "signal", 0, target))
    fills = pl.DataFrame(rows, schema=FILL_SCHEMA, orient="row")
    trades = trades_from_fills(fills, np.arange(len(orders)) * MINUTE, dict.fromkeys("ABC", mark))
    change = cash + mark * sum(held.values())
    assert trades["pnl"].sum() == pytest.approx(change, rel=1e-9, abs=1e-9 * (1.0 + flow))
    assert trades["fees"].sum() == pytest.approx(fees, rel=1e-9, abs=1e-9 * (1.0 + abs(fees)))
    assert trades["open"].sum() == sum(position != 0.0 for position in held.values())
    assert (trades["qty"] > 0.0).all()


def test_a_hundred_thousand_fills_make_their_trades() -> None:
    count = 100_000
    target = np.random.default_rng(1).choice([-2.0, -1.0, 1.0, 2.0], count).cumsum() % 5.0 - 2.0
    step = np.diff(target, prepend=0.0)
    ledger = pl.DataFrame(
        {"time": np.arange(count) * MINUTE, "side": np.sign(step), "qty": np.abs(step), "position": target}
    )
    fills = ledger.with_columns(
        symbol=pl.lit("A"), price=10.0, fee=0.0, slippage=0.0, maker=False, reason=pl.lit("signal"), decision_time=0
    )
    fills = fills.select(pl.col(name).cast(kind) for name, kind in FILL_SCHEMA.items())
    trades = trades_from_fills(fills, np.arange(count) * MINUTE)
    before = np.r_[0.0, target[:-1]]
    opened = (target != 0.0) & (np.sign(target) != np.sign(before))
    assert trades.height == np.count_nonzero(opened)


def values_at(bar: int, **recorded: float) -> pl.DataFrame:
    ports = {ROLES[role]: [value] for role, value in recorded.items()}
    return pl.DataFrame({"time": [bar * MINUTE], "symbol": ["A"], **ports})


def one_trade() -> pl.DataFrame:
    return trades_from_fills(fills_of((1, "A", 2.0, 100.0, 0.0), (3, "A", -2.0, 90.0, 0.0)), BARS)


def test_the_entry_is_told_in_the_words_of_its_decision() -> None:
    values = values_at(0, winner=0.0, edge=0.412, regime=2.0, stop=95.0)
    trade = only(with_reasons(one_trade(), values, ROLES, LABELS))
    assert trade["entry_reason"] == "breakout_confirmed, edge +0.41, up regime"
    assert trade["regime"] == 2
    assert trade["risk"] == pytest.approx(10.0)


def test_missing_values_are_left_unsaid() -> None:
    values = values_at(0, winner=float("nan"), confidence=0.5, regime=float("nan"))
    trade = only(with_reasons(one_trade(), values, ROLES, LABELS))
    assert trade["entry_reason"] == "confidence 0.50"
    assert (trade["regime"], trade["risk"]) == (None, None)


def test_numbers_without_a_name_stay_numbers() -> None:
    trade = only(with_reasons(one_trade(), values_at(0, winner=7.0, regime=9.0), ROLES))
    assert trade["entry_reason"] == "winner 7, regime 9"


@pytest.mark.parametrize("values", [values_at(0), values_at(5, edge=0.3)])
def test_with_nothing_recorded_the_fill_speaks(values: pl.DataFrame) -> None:
    assert only(with_reasons(one_trade(), values, ROLES, LABELS))["entry_reason"] == "signal"


@pytest.mark.parametrize(("side", "mae", "mfe"), [(1.0, -0.2, 0.3), (-1.0, -0.3, 0.2)])
def test_excursions_are_those_between_entry_and_exit(side: float, mae: float, mfe: float) -> None:
    fills = fills_of((1, "A", side, 100.0, 0.0), (3, "A", -side, 100.0, 0.0))
    path = pl.DataFrame(
        {
            "time": np.arange(5) * MINUTE,
            "symbol": ["A"] * 5,
            "L0.high": [999.0, 105.0, 130.0, None, 999.0],
            "L0.low": [1.0, 99.0, 80.0, float("nan"), 1.0],
        }
    )
    trade = only(with_excursions(trades_from_fills(fills, BARS), [path], ROLES))
    assert (trade["mae"], trade["mfe"]) == (pytest.approx(mae), pytest.approx(mfe))
