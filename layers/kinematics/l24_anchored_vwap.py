"""L24: the average price at which volume has traded since the last anchor, and its bands.

Rule: x = (high + low + close) / 3. vwap and sd = mean and standard deviation of x since the anchor, both weighted by
    volume; vwap = x and sd = 0 while nothing was traded. upper, lower = vwap +- k sd; z = (close - vwap) / sd, 0 where
    sd is 0. Anchors stand every `anchor_hours` hours, counted from Monday 1970-01-05 00:00 UTC, so that 24 is the day
    and 168 the week. The first bar at or after one begins anew.
Note: until the first anchor that it meets it counts from the first bar. A spread below 1e-12 of the price is rounding,
    and counts as 0. lower is missing where it would not be above 0.
"""

from math import floor, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Price, Qty, Sigma, TimeMs
from stratoquant.layers.primitives.scalars import positive

HOUR_MS = 3_600_000.0
MONDAY_MS = 345_600_000.0  # 1970-01-05
ROUNDING = 1e-12


class Params(Parameters):
    anchor_hours: int = param(24, 1, 168, "hours from one anchor to the next")
    k: float = param(2, 0.5, 6, "half width of the bands, in sd")


class Memory(State):
    anchor: float = nan
    volume: float = 0.0
    mean: float = 0.0
    squares: float = 0.0


class Out(NamedTuple):
    vwap: Price
    upper: Price
    lower: Price
    z: Sigma


@layer(24, "anchored_vwap", domain="kinematics", source="standard", pine="yes")
def step(s: Memory, p: Params, time: TimeMs, high: Price, low: Price, close: Price, volume: Qty) -> Out:
    anchor = float(floor((time - MONDAY_MS) / (p.anchor_hours * HOUR_MS)))
    if anchor != s.anchor:
        s.anchor = anchor
        s.volume = 0.0
        s.mean = 0.0
        s.squares = 0.0
    x = (high + low + close) / 3.0
    vwap = x
    spread = 0.0
    if volume > 0.0:
        s.volume += volume
        away = x - s.mean
        s.mean += away * (volume / s.volume)
        s.squares += volume * away * (x - s.mean)
    if s.volume > 0.0:
        vwap = s.mean
        spread = sqrt(max(s.squares, 0.0) / s.volume)
    if spread <= ROUNDING * vwap:
        spread = 0.0
    z = (close - vwap) / spread if spread > 0.0 else 0.0
    return Out(vwap, vwap + p.k * spread, positive(vwap - p.k * spread), z)
