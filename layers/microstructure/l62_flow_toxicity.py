"""L62: how one-sided trading is on the clock of volume, and the spread that highs and lows tell.

Rule: the volume that is traded fills buckets of size V = bucket_bars * mean volume of a bar, fixed when a bucket
    opens; a bar is spread evenly over its volume, so that it may end one bucket, fill several, and begin the next.
    vpin = sum |signed volume of a bucket| / sum V over the last `buckets` full ones; vpin_rank = pct_rank(vpin, rank).
    The mean volume is seeded with that of the first bucket_bars bars and then follows ewm(volume, buckets *
    bucket_bars), the time that vpin looks back on: were it as short as a bucket, a burst would slow its own clock.
    corwin_schultz = 2 tanh(alpha / 2) * 10^4, and 0 where it is negative, alpha = (sqrt(2 b) - sqrt(b)) / (3 - 2
    sqrt 2) - sqrt(g / (3 - 2 sqrt 2)), b = the sum of ln(h / l)^2 of two bars, g = that of their joint range. A bar
    that lies wholly above or below the close before is first moved back to it.
"""

from math import floor, log, nan, sqrt, tanh
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Bps, Price, Qty, SignedQty, Unit
from stratoquant.layers.primitives.averages import Smoothed, exponential
from stratoquant.layers.primitives.rank import PercentRank, percent_rank
from stratoquant.layers.primitives.rolling import RollingPair, rolling_pair
from stratoquant.layers.primitives.scalars import clip

TWO_BARS = 3.0 - 2.0 * sqrt(2.0)  # of Corwin and Schultz


class Params(Parameters):
    buckets: int = param(50, 5, 500, "buckets of volume that are averaged")
    bucket_bars: int = param(30, 1, 2000, "bars whose mean volume a bucket holds")
    rank: int = param(1440, 60, 20000, "bars that vpin is ranked among")


class Memory(State):
    usual: Smoothed
    one_sided: RollingPair = sized(lambda p: p.buckets)  # and the sizes of the buckets
    ranked: PercentRank = sized(lambda p: p.rank)
    size: float = nan  # of the open bucket
    filled: float = 0.0
    signed: float = 0.0
    vpin: float = nan
    high: float = nan
    low: float = nan
    close: float = nan


class Out(NamedTuple):
    vpin: Unit
    vpin_rank: Unit
    corwin_schultz: Bps


@kernel
def close_bucket(s: Memory, signed: float, size: float, buckets: int) -> float:
    """Takes a full bucket into the sums, and vpin from them."""
    one_sided = rolling_pair(s.one_sided, abs(signed), size, buckets)
    s.vpin = clip(one_sided / s.one_sided.second, 0.0, 1.0)
    return s.vpin


@kernel
def fill_buckets(s: Memory, volume: float, share: float, size: float, buckets: int) -> float:
    """Pours the volume of a bar, of which `share` is signed, into buckets; those that open are of `size`.

    Returns what the last one holds. A bar raises the mean volume itself, so it fills about half of `buckets` at most.
    """
    room = s.size - s.filled
    left = volume
    if left >= room:
        close_bucket(s, s.signed + share * room, s.size, buckets)
        left -= room
        rest = left % size
        full = int(min(floor((left - rest) / size + 0.5), float(buckets)))
        for _ in range(full):
            close_bucket(s, share * size, size, buckets)
        left = rest
        s.size = size
        s.filled = 0.0
        s.signed = 0.0
    s.filled += left
    s.signed += share * left
    return s.filled


@kernel
def two_bar_spread(high: float, low: float, high_before: float, low_before: float, close_before: float) -> float:
    """The spread of Corwin and Schultz as a share of the price, not below 0; missing without a bar before."""
    gap = max(low - close_before, 0.0) + min(high - close_before, 0.0)
    one = log(high_before / low_before)
    two = log((high - gap) / (low - gap))
    joint = log(max(high - gap, high_before) / min(low - gap, low_before))
    both = one * one + two * two
    alpha = (sqrt(2.0 * both) - sqrt(both)) / TWO_BARS - joint / sqrt(TWO_BARS)
    return clip(2.0 * tanh(0.5 * alpha), 0.0, 2.0)


@layer(
    62,
    "flow_toxicity",
    domain="microstructure",
    source="Easley, Lopez de Prado and O'Hara 2012; Corwin and Schultz 2012",
    pine="yes",
    warmup=lambda p: p.bucket_bars,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, volume: Qty, signed: SignedQty) -> Out:
    span = float(p.buckets * p.bucket_bars)
    usual = exponential(s.usual, volume, p.bucket_bars, 2.0 / (span + 1.0))
    size = p.bucket_bars * usual
    if s.size > 0.0 and volume > 0.0:
        fill_buckets(s, volume, clip(signed / volume, -1.0, 1.0), size, p.buckets)
    elif not s.size > 0.0:
        s.size = size  # the first bucket opens after the bars that seed the mean
    rank = percent_rank(s.ranked, s.vpin, p.rank)
    spread = two_bar_spread(high, low, s.high, s.low, s.close) * 1e4
    s.high = high
    s.low = low
    s.close = close
    return Out(s.vpin, rank, spread)
