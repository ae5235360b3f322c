"""L0: the one door for market data; what passes it is a consistent bar, a marked stand-in for one, or missing.

Rule: a bar is refused, and counted by reason in the memory, when a price is not finite and positive, the range does
    not hold open and close, the volume is negative or infinite, or the time is not after the last one told or after
    `now`. gap = bars missing since the last one that passed: 1, 2, ... while they are missing, then their number on
    the bar that ends the gap, else 0. The first fill_max of them are told as flat bars of zero volume; from then on
    prices are missing and only gap, stale, quality and has_book are told. stale = more than stale_ms from the last
    bar to this step. A spike is |r| > spike_mads * 1.4826 * MAD(r, spike_window), this r included, and none while
    that MAD is unknown or 0. A bad book is crossed, or empty after one was seen. quality = max(0, 1 - 0.5 min(1,
    gap / (fill_max + 1)) - 0.5 stale - 0.25 bad book), halved by a spike.
Note: `now`, the open of the step's bar, is our addition; without it the time of a missing bar is counted in steps.
    The length of a bar is the shortest step seen so far. Where the source has no quote volume it is hlc3 * volume.
    A number of trades that is no count, a buy volume outside 0..volume and a book with an impossible level are told
    as missing.
"""

from math import inf, isnan, log, nan
from typing import NamedTuple

from stratoquant.graph.language import Array, Parameters, State, array, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Count, Flag, MarketEvent, Notional, Opt, Price, Qty, Real, TimeMs, Unit, Vec
from stratoquant.layers.data.admission import (
    is_count,
    possible_prices,
    possible_range,
    possible_side,
    possible_time,
    possible_volume,
)
from stratoquant.layers.primitives.scalars import finite, nearest_whole
from stratoquant.layers.primitives.spike import SpikeWindow, beyond_mad

NORMAL_MAD = 1.4826  # sd of a normal variable in units of its MAD


class Params(Parameters):
    spike_mads: float = param(12, 4, 50, "size of a spike in scaled MADs of the returns")
    spike_window: int = param(240, 30, 5000, "bars of that MAD")
    fill_max: int = param(5, 0, 240, "bars of a gap that are filled")
    stale_ms: int = param(90000, 1000, 3600000, "milliseconds without a bar after which data are stale")


class Memory(State):
    returns: SpikeWindow = sized(lambda p: p.spike_window)
    no_levels: Array = array(10, fill=nan)
    now: float = nan
    bar_ms: float = inf
    time: float = nan
    close: float = nan
    log_close: float = nan
    has_trades: int = 0
    has_buys: int = 0
    has_book: int = 0
    told: float = nan
    missed: int = 0
    refused_price: int = 0
    refused_range: int = 0
    refused_volume: int = 0
    refused_time: int = 0
    refused_book: int = 0


class Out(NamedTuple):
    time: TimeMs
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Qty
    quote_volume: Notional
    trades: Count
    buy_volume: Qty
    bid_px: Vec[10, Price]
    bid_qty: Vec[10, Qty]
    ask_px: Vec[10, Price]
    ask_qty: Vec[10, Qty]
    has_book: Flag
    funding_rate: Real
    gap: Bars
    stale: Flag
    quality: Unit


@kernel
def admit(s: Memory, raw: MarketEvent, now: float) -> bool:
    """True for a bar that passes; a bar that does not is counted by its reason."""
    passes = False
    if not isnan(raw.time):
        if not possible_prices(raw):
            s.refused_price += 1
        elif not possible_range(raw):
            s.refused_range += 1
        elif not possible_volume(raw.volume):
            s.refused_volume += 1
        elif not possible_time(raw.time, s.told, now):
            s.refused_time += 1
        else:
            passes = True
    return passes


@kernel
def admit_book(s: Memory, raw: MarketEvent) -> bool:
    """True for a book that has levels and passes; one that does not pass is counted."""
    bids = raw.bid_px[0] + raw.bid_qty[0]
    asks = raw.ask_px[0] + raw.ask_qty[0]
    passes = False
    if not isnan(bids) or not isnan(asks):  # most sources have no book: look no further
        passes = possible_side(raw.bid_px, raw.bid_qty) and possible_side(raw.ask_px, raw.ask_qty)
        if not passes:
            s.refused_book += 1
    return passes


@layer(
    0,
    "market_feed",
    domain="data",
    source="StratoQuant architecture section 3; v6.0 map section 7.1",
    oracle="a direct transcription of the rule over recorded bars",
    pine="source",
    origins={"now": ("clock.time", None)},
)
def step(s: Memory, p: Params, raw: MarketEvent, now: Opt[TimeMs]) -> Out:
    if now > s.now:
        s.bar_ms = min(s.bar_ms, now - s.now)
    s.now = now
    passed = admit(s, raw, now)
    spike = False
    ended = 0.0
    missing = 0.0
    lag = 0.0
    if passed:
        log_close = log(raw.close)
        if not isnan(s.time):
            s.bar_ms = min(s.bar_ms, raw.time - s.time)
            ended = max(nearest_whole((raw.time - s.time) / s.bar_ms) - 1.0, 0.0)
            spike = beyond_mad(s.returns, log_close - s.log_close, p.spike_window, NORMAL_MAD * p.spike_mads)
        s.time = raw.time
        s.log_close = log_close
        s.close = raw.close
        s.has_trades = 1 if is_count(raw.trades) else 0
        s.has_buys = 1 if 0.0 <= raw.buy_volume <= raw.volume else 0
        s.missed = 0
        if not isnan(now):
            lag = now - s.time
    else:
        s.missed += 1
        lag = s.missed * s.bar_ms if isnan(now) else now - s.time
        missing = nearest_whole(lag / s.bar_ms)
    gap = ended if passed else missing
    filled = not passed and 1.0 <= missing <= p.fill_max
    if passed or filled:
        s.told = s.time + (lag if filled else 0.0)

    book = admit_book(s, raw)
    has_book = book and not isnan(raw.bid_px[0] + raw.ask_px[0])
    bad_book = raw.bid_px[0] >= raw.ask_px[0] if has_book else s.has_book == 1
    s.has_book = 1 if has_book else s.has_book
    stale = 0.0 if lag <= p.stale_ms else 1.0
    held = 1.0 if isnan(gap) else min(gap / (p.fill_max + 1.0), 1.0)
    quality = max(1.0 - 0.5 * held - 0.5 * stale - (0.25 if bad_book else 0.0), 0.0) * (0.5 if spike else 1.0)

    quote_volume = finite(raw.quote_volume)
    if isnan(quote_volume):
        quote_volume = finite((raw.high + raw.low + raw.close) / 3.0 * raw.volume)
    flat = s.close if filled else nan
    nought = 0.0 if filled else nan
    return Out(
        s.told if passed or filled else nan,
        raw.open if passed else flat,
        raw.high if passed else flat,
        raw.low if passed else flat,
        raw.close if passed else flat,
        raw.volume if passed else nought,
        quote_volume if passed else nought,
        (raw.trades if passed else nought) if s.has_trades == 1 else nan,
        (raw.buy_volume if passed else nought) if s.has_buys == 1 else nan,
        raw.bid_px if book else s.no_levels,
        raw.bid_qty if book else s.no_levels,
        raw.ask_px if book else s.no_levels,
        raw.ask_qty if book else s.no_levels,
        1.0 if has_book else 0.0,
        finite(raw.funding_rate),
        gap,
        stale,
        quality,
    )
