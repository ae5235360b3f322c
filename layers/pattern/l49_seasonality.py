"""L49: what the hour of the week that comes next has brought before.

Rule: hours are counted from Monday 00:00 UTC; an hour's bucket is its number modulo `buckets`, so that 168 is the hour
    of the week and 24 that of the day. x = ln(close / close[1]) / sigma[1], within +-25, belongs to the hour in which
    its bar opens. A visit is one hour; its value is the mean of its x. With the first bar of another hour it is
    complete, and only then its bucket learns of it: n visits, their mean and their sd (n - 1). The bucket of the bar to
    come, which opens at time + step, tells: m = mean n / (n + shrink), expected = m sigma, the return of that bar, and
    t = m sqrt(n + shrink) / sd, 0 before 4 visits and where sd is 0: as if `shrink` visits of mean 0 had come before.
    The signal is the sign of m where |t| is above the parameter t; it is told from the bar before the hour until the
    bar before its end. quality = 1 - e^(-(|t| / the parameter) / 2).
Note: the bar to come and not the last one, for an hourly bar would else tell of an hour that is over. step = the
    shortest time between two bars so far. A return over a gap, or after a sigma of 0, is left out. Other numbers of
    buckets than divisors of 168 mix hours.
"""

from math import exp, fabs, floor, isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Array, Parameters, State, array, kernel, layer, param
from stratoquant.graph.types import Bars, LogReturn, Price, Side, Sigma, TimeMs, Unit, Vol
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.scalars import clip, log_return, ratio, sign

HOUR_MS = 3_600_000.0
MONDAY_MS = 345_600_000.0  # 1970-01-05
WEEK = 168.0
OUTLIER = 25.0
LEAST = 4.0
AN_HOUR = 1_000_000  # bars; the hour's end comes sooner


class Params(Parameters):
    buckets: int = param(168, 24, 168, "number of buckets: 168 for the hour of the week, 24 for that of the day")
    shrink: int = param(50, 1, 5000, "visits of mean 0 that stand against what was seen")
    t: float = param(2, 0.5, 6, "least size of the t statistic")


class Memory(State):
    visits: Array = array(lambda p: p.buckets)
    mean: Array = array(lambda p: p.buckets)
    squares: Array = array(lambda p: p.buckets)
    live: Live
    time: float = nan
    close: float = nan
    sigma: float = nan
    step: float = nan
    hour: float = nan
    total: float = 0.0
    count: float = 0.0
    coming: float = nan


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    expected: LogReturn
    t: Sigma


@kernel
def hour_of(time: float) -> float:
    """Whole hours since a Monday."""
    return float(floor((time - MONDAY_MS) / HOUR_MS))


@kernel
def learn(s: Memory, bucket: int) -> float:
    """Closes a visit; returns its value, 0 without a return."""
    value = 0.0
    if s.count > 0.0:
        value = s.total / s.count
        s.visits[bucket] += 1.0
        away = value - s.mean[bucket]
        s.mean[bucket] += away / s.visits[bucket]
        s.squares[bucket] += away * (value - s.mean[bucket])
    s.total = 0.0
    s.count = 0.0
    return value


@kernel
def take(s: Memory, time: float, close: float) -> float:
    """Adds the bar's return to its visit; returns the step."""
    apart = time - s.time
    if apart > 0.0 and (isnan(s.step) or apart < s.step):
        s.step = apart
    if apart == s.step and s.sigma > 0.0:
        s.total += clip(log_return(close, s.close) / s.sigma, -OUTLIER, OUTLIER)
        s.count += 1.0
    return s.step


@layer(
    49,
    "seasonality",
    domain="pattern",
    source="Heston, Korajczyk and Sadka 2010",
    pine="yes",
    warmup=lambda _: 1,
)
def step(s: Memory, p: Params, time: TimeMs, close: Price, sigma: Vol) -> Out:
    hour = hour_of(time)
    if hour != s.hour and not isnan(s.hour):
        learn(s, int(s.hour % WEEK) % p.buckets)
    s.hour = hour
    take(s, time, close)
    s.time = time
    s.close = close
    s.sigma = sigma
    expected = 0.0
    t = 0.0
    fired = 0.0
    quality = 0.0
    if not isnan(s.step):
        coming = hour_of(time + s.step)
        bucket = int(coming % WEEK) % p.buckets
        visits = s.visits[bucket]
        mean = s.mean[bucket] * visits / (visits + p.shrink)
        expected = mean * sigma
        if visits >= LEAST:
            t = ratio(mean * sqrt(visits + p.shrink), sqrt(s.squares[bucket] / (visits - 1.0)), 0.0)
        if coming != s.coming:
            s.coming = coming
            s.live.side = 0.0
            s.live.quality = 0.0
            s.live.age = nan
            fired = sign(mean) if fabs(t) > p.t else 0.0
            quality = 1.0 - exp(-0.5 * fabs(t) / p.t)
    signal = live_on(s.live, fired, quality, AN_HOUR)
    return Out(signal, s.live.quality, s.live.age, expected, t)
