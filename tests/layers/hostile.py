"""Inputs for any layer, made from the types of its ports: ordinary ones, and those that break careless code."""

from __future__ import annotations

import numpy as np

from stratoquant.graph.language import Layer
from stratoquant.graph.market import MARKET_EVENT, missing_events
from stratoquant.graph.types import PortType

SCENARIOS = (
    "ordinary",
    "flat",
    "one_tick",
    "tiny",
    "huge",
    "no_volume",
    "jumps",
    "gaps",
    "bare",
    "edges",
)
SYMBOLS = 3
_MINUTE = 60_000.0
_LADDERS = ("bid_px", "bid_qty", "ask_px", "ask_qty")
_EDGE_ENDS = 1e6  # stands for infinity where a type has no end
_LABELS = 5
_SCALES = {"tiny": 1e-9, "huge": 1e9}


def inputs_for(layer: Layer, scenario: str, bars: int, seed: int) -> dict[str, np.ndarray]:
    """One array a port, of the shapes that `run_layer` takes.

    ordinary: a random walk, all of it there and in the middle of its range; flat: nothing moves; one_tick: prices on
    two neighbouring ticks; tiny, huge: prices around 1e-9 and 1e9; no_volume: nothing is traded; jumps: a fifth up or
    down at every bar; gaps: nothing at all on a fifth of the bars; bare: no optional input; edges: each input at an
    end of its range.
    """
    generator = np.random.default_rng([seed, SCENARIOS.index(scenario)])
    markets = [_market(scenario, bars, generator) for _ in range(SYMBOLS)]
    inputs = {}
    for name, port in layer.inputs.items():
        if port.per_symbol:
            inputs[name] = np.stack([_port(name, port, m, scenario, generator) for m in markets], axis=1)
        else:
            inputs[name] = _port(name, port, markets[0], scenario, generator)
        if port.optional and port.edge.name != "market_event":
            share = {"bare": 1.0, "ordinary": 0.0}.get(scenario, 0.15)
            inputs[name][generator.random(bars) < share] = np.nan
    if scenario == "gaps":
        missing = generator.random(bars) < 0.2
        for name, values in inputs.items():
            values[missing] = missing_events(1, 1)[0, 0] if values.dtype == MARKET_EVENT else np.nan
            if layer.inputs[name].per_symbol:
                values[generator.random(values.shape) < 0.1] = np.nan
    return inputs


def _market(scenario: str, bars: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Consistent bars with their volume and a book."""
    if scenario == "flat":
        close = np.full(bars, 100.0)
        wick = np.zeros((2, bars))
    elif scenario == "one_tick":
        close = 100.0 + 0.01 * generator.integers(0, 2, bars)
        wick = np.zeros((2, bars))
    else:
        change = 1e-3 * generator.standard_t(4, bars)
        if scenario == "jumps":
            change = generator.choice([-0.2, 0.2], bars)
        close = 100.0 * np.exp(np.clip(np.cumsum(change), -20.0, 20.0))
        wick = 5e-4 * close * generator.exponential(size=(2, bars))
    close = close * _SCALES.get(scenario, 1.0)
    wick = wick * _SCALES.get(scenario, 1.0)
    open_ = np.r_[close[0], close[:-1]]
    volume = np.zeros(bars) if scenario == "no_volume" else generator.lognormal(2.0, 1.0, bars)
    low = np.minimum(open_, close)
    market = {
        "time": 1_600_000_020_000.0 + _MINUTE * np.arange(bars),
        "open": open_,
        "high": np.maximum(open_, close) + wick[0],
        "low": np.maximum(low - wick[1], 0.5 * low),
        "close": close,
        "volume": volume,
        "quote_volume": volume * close,
        "trades": np.floor(10.0 * volume),
        "buy_volume": volume * generator.random(bars),
        "funding_rate": np.where(np.arange(bars) % 480 == 0, 1e-4, np.nan),
    }
    distance = 1e-4 * close[:, None] * np.arange(1, 11)
    market["bid_px"], market["ask_px"] = close[:, None] - distance, close[:, None] + distance
    for side in ("bid", "ask"):
        market[f"{side}_qty"] = generator.lognormal(1.0, 1.0, (bars, 10))
        short = generator.random(bars) < 0.2
        market[f"{side}_px"][short, 6:] = market[f"{side}_qty"][short, 6:] = np.nan
    if scenario == "edges":
        crossed = generator.random(bars) < 0.2
        market["bid_px"][crossed], market["ask_px"][crossed] = market["ask_px"][crossed], market["bid_px"][crossed]
    empty = generator.random(bars) < (0.0 if scenario == "ordinary" else 0.1)
    for name in _LADDERS:
        market[name][empty] = np.nan
    return market


def _port(
    name: str, port: PortType, market: dict[str, np.ndarray], scenario: str, generator: np.random.Generator
) -> np.ndarray:
    bars = len(market["close"])
    if port.edge.name == "market_event":
        events = missing_events(bars, 1)[:, 0]
        for field in MARKET_EVENT.names:
            events[field] = market[field]
        if scenario == "edges":
            for field in ("high", "low", "volume", "time"):
                events[field][generator.random(bars) < 0.05] *= -1.0
        return events
    if name in market and np.ndim(market[name]) == (1 if port.size is None else 2):
        return market[name].copy()
    if name in ("now", "anchor_time"):
        return market["time"].copy()
    if port.size is None:
        return _scalar(name, port, market, scenario, generator)
    columns = [_scalar(name, port, market, scenario, generator) for _ in range(port.size)]
    vector = np.stack(columns, axis=1)
    vector[generator.random(vector.shape) < 0.15] = np.nan
    return vector


def _scalar(
    name: str, port: PortType, market: dict[str, np.ndarray], scenario: str, generator: np.random.Generator
) -> np.ndarray:
    bars = len(market["close"])
    edge = port.edge
    if scenario == "edges" and edge.name not in ("price", "time_ms"):
        low = edge.low if np.isfinite(edge.low) else -_EDGE_ENDS
        high = edge.high if np.isfinite(edge.high) else (_LABELS - 1 if edge.name == "label" else _EDGE_ENDS)
        return generator.choice([low, high, 0.0 if low <= 0.0 <= high else low], bars)
    still = scenario == "flat"
    normal = np.zeros(bars) if still else generator.normal(size=bars)
    share = np.full(bars, 0.5) if still else generator.random(bars)
    close = market["close"]
    kinds = {
        "price": 1e-3 * close * (0.5 + share) if "atr" in name else close * np.exp(2e-3 * normal),
        "logreturn": 1e-3 * normal,
        "vol": 1e-3 * np.abs(normal),
        "day_vol": 4e-2 * np.abs(normal),
        "vol_forecast": 1e-3 * np.abs(normal),
        "day_vol_forecast": 4e-2 * np.abs(normal),
        "qty": market["volume"] * share,
        "signed_qty": 10.0 * normal,
        "notional": 1e4 * (1.0 + share) if "equity" in name else 1e4 * normal,
        "bps": 5.0 * np.abs(normal),
        "score": 2.0 * share - 1.0,
        "unit": share,
        "prob": share,
        "real": normal,
        "sigma": 2.0 * normal,
        "count": np.floor(6.0 * share),
        "bars": np.floor(50.0 * share),
        "flag": np.floor(2.0 * share),
        "side": np.floor(3.0 * share) - 1.0,
        "label": np.floor(_LABELS * share),
        "time_ms": market["time"],
        "bitmask": np.floor(256.0 * share),
    }
    return kinds[edge.name].copy()
