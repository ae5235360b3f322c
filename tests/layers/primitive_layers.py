"""Primitives dressed as layers, so that they can be run alone over arrays."""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Opt, Real
from stratoquant.layers.primitives.averages import Smoothed, ewm, rma
from stratoquant.layers.primitives.extremum import Highest, Lowest, highest, lowest
from stratoquant.layers.primitives.median import MedianWindow, rolling_median
from stratoquant.layers.primitives.pivots import PivotHigh, PivotLow, find_pivot, pivot_high, pivot_low
from stratoquant.layers.primitives.ranges import AverageTrueRange, TrueRange, average_true_range, true_range
from stratoquant.layers.primitives.rank import PercentRank, percent_rank
from stratoquant.layers.primitives.regression import LineFit, PairFit, line_fit, pair_fit
from stratoquant.layers.primitives.rolling import (
    RollingMean,
    RollingMoments,
    RollingPair,
    RollingSum,
    rolling_mean,
    rolling_moments,
    rolling_pair,
    rolling_sum,
)
from stratoquant.layers.primitives.weighted import Weighted, weighted_mean
from stratoquant.layers.primitives.zscore import ZScore, zscore


class Window(Parameters):
    n: int = param(20, 1, 20000, "values of the window")


def capacity(p: Window) -> int:
    """The window, but at least 15, so that small windows share one compilation."""
    return max(p.n, 15)


class SumsMemory(State):
    total: RollingSum = sized(capacity)
    mean: RollingMean = sized(capacity)
    moments: RollingMoments = sized(capacity)
    line: LineFit = sized(capacity)
    weighted: Weighted = sized(capacity)


class SumsOut(NamedTuple):
    total: Real
    mean: Real
    moments_mean: Real
    variance: Real
    slope: Real
    level: Real
    r2: Real
    deviation: Real
    weighted: Real


@layer(None, "sums", domain="block", source="test")
def sums(s: SumsMemory, p: Window, x: Real) -> SumsOut:
    mean = rolling_moments(s.moments, x, p.n)
    slope = line_fit(s.line, x, p.n)
    return SumsOut(
        rolling_sum(s.total, x, p.n),
        rolling_mean(s.mean, x, p.n),
        mean,
        s.moments.variance,
        slope,
        s.line.level,
        s.line.r2,
        s.line.deviation,
        weighted_mean(s.weighted, x, p.n),
    )


class OrderMemory(State):
    high: Highest = sized(capacity)
    low: Lowest = sized(capacity)
    rank: PercentRank = sized(capacity)
    window: MedianWindow = sized(capacity)
    z: ZScore = sized(capacity)
    ema: Smoothed
    rma: Smoothed


class OrderOut(NamedTuple):
    high: Real
    high_age: Real
    low: Real
    low_age: Real
    rank: Real
    median: Real
    z: Real
    ema: Real
    rma: Real


@layer(None, "order", domain="block", source="test")
def order(s: OrderMemory, p: Window, x: Real) -> OrderOut:
    high = highest(s.high, x, p.n)
    low = lowest(s.low, x, p.n)
    rank = percent_rank(s.rank, x, p.n)
    return OrderOut(
        high,
        s.high.age,
        low,
        s.low.age,
        rank,
        rolling_median(s.window, x, p.n),
        zscore(s.z, x, p.n),
        ewm(s.ema, x, p.n),
        rma(s.rma, x, p.n),
    )


class Strength(Parameters):
    left: int = param(10, 1, 500, "values before a pivot")
    right: int = param(5, 1, 500, "values after a pivot")


class BarsMemory(State):
    range: TrueRange
    average: AverageTrueRange
    top: PivotHigh = sized(lambda p: max(p.left, p.right))
    bottom: PivotHigh = sized(lambda p: max(p.left, p.right))
    high: PivotHigh = sized(lambda p: p.right)
    low: PivotLow = sized(lambda p: p.right)


class BarsOut(NamedTuple):
    true_range: Real
    atr: Real
    top: Real
    bottom: Real
    pivot_high: Real
    pivot_low: Real
    last_high: Real
    high_ago: Real


@layer(None, "bars", domain="block", source="test")
def bars(s: BarsMemory, p: Strength, high: Real, low: Real, close: Real) -> BarsOut:
    pivot = pivot_high(s.high, high, p.right)
    return BarsOut(
        true_range(s.range, high, low, close),
        average_true_range(s.average, high, low, close, 14),
        find_pivot(s.top, high, p.left, p.right),
        -find_pivot(s.bottom, -low, p.left, p.right),
        pivot,
        pivot_low(s.low, low, p.right),
        s.high.value,
        s.high.ago,
    )


class PairsMemory(State):
    fit: PairFit = sized(capacity)
    sums: RollingPair = sized(capacity)


class PairsOut(NamedTuple):
    slope: Real
    intercept: Real
    r2: Real
    slope_error: Real
    covariance: Real
    variance_x: Real
    variance_y: Real
    sum_x: Real
    sum_y: Real


@layer(None, "pairs", domain="block", source="test")
def pairs(s: PairsMemory, p: Window, x: Opt[Real], y: Opt[Real]) -> PairsOut:
    slope = pair_fit(s.fit, x, y, p.n)
    sum_x = rolling_pair(s.sums, x, y, p.n)
    return PairsOut(
        slope,
        s.fit.intercept,
        s.fit.r2,
        s.fit.slope_error,
        s.fit.covariance,
        s.fit.variance_x,
        s.fit.variance_y,
        sum_x,
        s.sums.second,
    )
