"""Test node: the market event as ports."""

from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import MarketEvent, Price, Qty, TimeMs, Vec


class Out(NamedTuple):
    time: TimeMs
    high: Price
    low: Price
    close: Price
    volume: Qty
    bid_px: Vec[10, Price]


@layer(None, "feed", domain="data", source="test")
def step(raw: MarketEvent) -> Out:
    return Out(raw.time, raw.high, raw.low, raw.close, raw.volume, raw.bid_px)
