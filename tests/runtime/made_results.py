"""Small made backtests for the tests of metrics and reports: a plain cash ledger over given bars, not an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from stratoquant.runtime.results import EQUITY_SCHEMA, FILL_SCHEMA, BacktestResult
from stratoquant.runtime.trades import trades_from_fills, with_excursions, with_reasons

ROLES = {
    "open": "L0.open", "high": "L0.high", "low": "L0.low", "close": "L0.close", "regime": "L1.label", "edge": "L3.edge",
    "confidence": "L3.confidence", "winner": "L50.winner", "veto": "L4.veto", "target": "L4.target",
    "stop": "L4.stop_price", "take": "L4.take_price",
}  # fmt: skip
LABELS = {
    "regime": ["calm", "range", "up", "down", "high volatility", "chaotic"],
    "winner": ["breakout_confirmed", "double_bottom", "trend_pullback", "squeeze_release"],
    "veto": [
        "spread too wide",
        "no edge after costs",
        "drawdown limit",
        "correlated exposure",
        "cooldown",
        "stale data",
    ],
}
WIRING: dict[str, Any] = {
    "nodes": [
        {"key": "L0", "layer": 0, "name": "market_feed", "domain": "data", "clock": "1m", "scope": "symbol",
         "inputs": [{"port": "raw", "type": "market_event", "source": "market.raw"}],
         "outputs": [{"port": "close", "type": "price"}], "params": {"fill_max": 5}},
        {"key": "L4", "layer": 4, "name": "risk_manager", "domain": "risk", "clock": "1m", "scope": "symbol",
         "inputs": [{"port": "price", "type": "price", "source": "L0.close"}],
         "outputs": [{"port": "target", "type": "qty"}], "params": {"min_change": 0.05}},
    ],
    "edges": [{"from": "L0.close", "to": "L4.price", "kind": "direct"}],
}  # fmt: skip
VENUE = {"name": "simulated", "fees": {"maker_bps": 2.0, "taker_bps": 5.0}, "slippage_bps": 2.0}
FEE, SLIP = 5e-4, 2e-4
MINUTE = 60_000
Bars = Mapping[str, np.ndarray]


def random_bars(rng: np.random.Generator, count: int, start: int = 1_750_000_020_000) -> Bars:
    """Minute bars of a random walk."""
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 1e-3, count)))
    opened = np.concatenate(([100.0], close[:-1]))
    reach = np.abs(rng.normal(0.0, 5e-4, (2, count)))
    return {
        "time": start + np.arange(count, dtype=np.int64) * MINUTE,
        "open": opened,
        "high": np.maximum(opened, close) * (1.0 + reach[0]),
        "low": np.minimum(opened, close) * (1.0 - reach[1]),
        "close": close,
    }


def made_result(
    bars: Mapping[str, Bars], name: str = "made", initial: float = 10_000.0, seed: int = 0
) -> BacktestResult:
    """A run over bars that share their times: trend signals, filled at the next open, stops and targets included."""
    rng = np.random.default_rng(seed)
    time = next(iter(bars.values()))["time"]
    values = {symbol: _values(own, rng, initial / len(bars)) for symbol, own in bars.items()}
    fills = pl.concat([_fills(symbol, own, values[symbol]) for symbol, own in bars.items()]).sort(
        "time", maintain_order=True
    )
    frame = pl.concat([pl.DataFrame({"time": time, "symbol": [s] * len(time), **v}) for s, v in values.items()])
    frame = frame.sort("time", maintain_order=True)
    trades = trades_from_fills(fills, time, {s: float(own["close"][-1]) for s, own in bars.items()})
    decided = trades.select("symbol", pl.col("decision_time").alias("time")).unique()
    return BacktestResult(
        name=name,
        symbols=tuple(bars),
        clock_ms=MINUTE,
        start_ms=int(time[0]),
        end_ms=int(time[-1]) + MINUTE,
        initial_equity=initial,
        digest="3f9c01d2a7b84",
        fills=fills,
        trades=with_excursions(with_reasons(trades, frame, ROLES, LABELS), [frame], ROLES),
        equity=_equity(bars, fills, initial),
        values=frame.lazy(),
        wiring=WIRING,
        venue=VENUE,
        seconds=0.42,
        bars=len(time),
        warm_up=min(240, len(time) // 4),
        decisions=frame.join(decided, on=("symbol", "time"), how="semi"),
        signed=("L3.edge",),
    )


def _values(bars: Bars, rng: np.random.Generator, stake: float) -> dict[str, np.ndarray]:
    close, count = bars["close"], len(bars["close"])
    warm = min(240, count // 4)
    span = max(warm // 2, 2)
    past = np.concatenate((np.full(span, close[0]), close[:-span]))
    trend = np.log(close / past)
    noise = np.abs(np.diff(np.log(close), prepend=np.log(close[0])))
    calm = np.convolve(noise, np.ones(span) / span)[:count]
    strength = trend / np.maximum(calm * np.sqrt(span), 1e-9)
    target = np.zeros(count)
    for i in range(warm, count):
        held = target[i - 1]
        begins = abs(strength[i]) > 1.6 and rng.random() < 0.02
        target[i] = np.sign(strength[i]) * round(stake / close[i], 4) if begins and not held else held
        if held and (rng.random() < 0.004 or np.sign(strength[i]) == -np.sign(held)):
            target[i] = 0.0
    rank = calm.argsort().argsort() / count
    label = np.select([rank > 0.97, rank > 0.85, strength > 1.2, strength < -1.2, rank < 0.3], [5, 4, 2, 3, 0], 1)
    edge = np.clip(strength / 6.0, -1.0, 1.0)
    veto = rng.choice([0, 1, 2, 2, 2, 8, 10, 16, 32], size=count)
    distance = np.where(target > 0, 0.008, -0.008)
    idle = target == 0.0
    early = np.arange(count) < warm
    known = {"L1.label": label, "L3.edge": edge, "L3.confidence": np.abs(edge), "L50.winner": rng.integers(0, 4, count),
             "L4.veto": veto, "L4.target": target}  # fmt: skip
    return (
        {f"L0.{part}": np.asarray(bars[part], dtype=float) for part in ("open", "high", "low", "close")}
        | {port: np.where(early, np.nan, series.astype(float)) for port, series in known.items()}
        | {
            "L4.stop_price": np.where(idle, np.nan, close * (1.0 - distance)),
            "L4.take_price": np.where(idle, np.nan, close * (1.0 + 2.0 * distance)),
        }
    )


def _fills(symbol: str, bars: Bars, values: Mapping[str, np.ndarray]) -> pl.DataFrame:
    target = np.nan_to_num(values["L4.target"])
    changes = np.flatnonzero(np.diff(target))
    rows = []
    for i in changes + 1:
        if i + 1 >= len(target):
            continue
        qty = float(target[i] - target[i - 1])
        reference = float(bars["open"][i + 1])
        price = reference * (1.0 + SLIP * np.sign(qty))
        reason = ("signal", "stop", "take")[i % 3] if target[i] == 0.0 else "signal"
        rows.append(
            (int(bars["time"][i + 1]), symbol, int(np.sign(qty)), abs(qty), price, abs(qty) * price * FEE,
             abs(qty) * reference * SLIP, False, reason, int(bars["time"][i]), float(target[i]))
        )  # fmt: skip
    return pl.DataFrame(rows, schema=FILL_SCHEMA, orient="row")


def _equity(bars: Mapping[str, Bars], fills: pl.DataFrame, initial: float) -> pl.DataFrame:
    time = next(iter(bars.values()))["time"]
    cash = np.full(len(time), initial)
    gross, net = np.zeros(len(time)), np.zeros(len(time))
    for symbol, own in bars.items():
        for row in fills.filter(pl.col("symbol") == symbol).iter_rows(named=True):
            cash[time >= row["time"]] -= row["side"] * row["qty"] * row["price"] + row["fee"]
            i = int(np.searchsorted(time, row["time"]))
            later = fills.filter((pl.col("symbol") == symbol) & (pl.col("time") > row["time"]))["time"]
            j = int(np.searchsorted(time, later[0])) if len(later) else len(time)
            value = row["position"] * own["close"][i:j]
            gross[i:j] += np.abs(value)
            net[i:j] += value
    columns = {
        "time": time,
        "equity": cash + net,
        "cash": cash,
        "gross": gross,
        "net": net,
        "funding": np.zeros(len(time)),
        "present": np.ones(len(time), np.int64),
    }
    return pl.DataFrame(columns, schema=EQUITY_SCHEMA)
