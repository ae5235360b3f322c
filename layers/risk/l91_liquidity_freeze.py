"""L91: whether the market has stopped taking orders at its usual price.

Rule: medians over the last `window` bars, this one included. Three gauges, each 0 at the median and 1 at its
    threshold: thin = (1 - volume / median) / (1 - cut), wide = (spread / median - 1) / (widen - 1), the same for
    the cost. freeze = 1 when the volume is below cut of its median, the spread or the cost above `widen` times
    theirs, when the data is stale, or when nothing of an order could be filled (fillable = 0). severity = the worst
    of the gauges and of 1 - fillable, within 0..1, and 1 in a freeze; age = bars that the freeze has lasted, 1 on
    its first, 0 without one. A missing spread, and a median of 0, say nothing.
"""

from math import isnan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Bps, Flag, Opt, Qty, Unit
from stratoquant.layers.primitives.median import MedianWindow, rolling_median
from stratoquant.layers.primitives.scalars import clip, or_else


class Params(Parameters):
    window: int = param(480, 30, 10000, "bars of the medians")
    cut: float = param(0.1, 0.01, 0.9, "share of the median volume below which the market is frozen")
    widen: float = param(4, 1.5, 50, "multiple of the median spread or cost above which it is")


class Memory(State):
    volume: MedianWindow = sized(lambda p: p.window)
    spread: MedianWindow = sized(lambda p: p.window)
    cost: MedianWindow = sized(lambda p: p.window)
    age: float = 0.0


class Out(NamedTuple):
    freeze: Flag
    severity: Unit
    age: Bars


@kernel
def gauge(x: float, median: float, threshold: float) -> float:
    """0 at the median, 1 and more at `threshold` times it; 0 where nothing can be said."""
    result = 0.0
    if median > 0.0 and not isnan(x):
        result = (x / median - 1.0) / (threshold - 1.0)
    return result


@layer(
    91,
    "liquidity_freeze",
    domain="risk",
    source="OptionsIB (freeze_detector)",
    pine="yes",
    warmup=lambda p: p.window - 1,
)
def step(s: Memory, p: Params, volume: Qty, spread: Opt[Bps], cost: Opt[Bps], stale: Flag, fillable: Opt[Unit]) -> Out:
    thin = gauge(volume, rolling_median(s.volume, volume, p.window), p.cut)
    wide = gauge(spread, rolling_median(s.spread, spread, p.window), p.widen)
    dear = gauge(cost, rolling_median(s.cost, cost, p.window), p.widen)
    worst = max(max(thin, wide), dear)
    share = or_else(fillable, 1.0)
    frozen = worst > 1.0 or stale > 0.0 or share <= 0.0
    s.age = s.age + 1.0 if frozen else 0.0
    severity = 1.0 if frozen else clip(max(worst, 1.0 - share), 0.0, 1.0)
    return Out(1.0 if frozen else 0.0, severity, s.age)
