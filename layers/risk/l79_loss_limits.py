"""L79: stops the day, or the week, that has lost enough.

Rule: day = max(0, 1 - equity / E), E the equity when the UTC day began: that of the last step before it, of the
    first step ever on the first day. week likewise, from Monday 00:00 UTC. halt from day >= daily until the next
    day begins, from week >= weekly until the next week does, even if the equity comes back meanwhile. resume = when
    the halt ends, 0 when there is none. The memory goes with the session, so a halt outlives a restart. Equity that
    is not positive, now or when the day began, is a loss of 1. `time` is the open of the bar that just closed; the
    first bar of a day is the first on which a halt is over.
"""

from math import floor, isfinite, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.types import Flag, Notional, TimeMs, Unit
from stratoquant.layers.primitives.scalars import clip

DAY_MS = 86_400_000.0
EPOCH_WEEKDAY = 3.0  # 1970-01-01 was a Thursday, three days after Monday


class Params(Parameters):
    daily: float = param(0.03, 0.001, 0.5, "loss that ends the day, share of equity")
    weekly: float = param(0.07, 0.001, 0.9, "loss that ends the week, share of equity")


class Memory(State):
    equity: float = nan  # at the step before
    day: float = -1.0
    week: float = -1.0
    day_equity: float = nan
    week_equity: float = nan
    resume: float = 0.0


class Out(NamedTuple):
    day: Unit
    week: Unit
    halt: Flag
    resume: TimeMs


@kernel
def loss(begin: float, now: float) -> float:
    """The share of `begin` that is gone, 0 to 1."""
    lost = 1.0
    if begin > 0.0 and isfinite(begin) and isfinite(now):
        lost = clip(1.0 - now / begin, 0.0, 1.0)
    return lost


@layer(
    79,
    "loss_limits",
    domain="risk",
    source="StratoQuant section 9; v6.0 map section 4.1",
    scope="portfolio",
    loop="closed",
    origins={
        "time": "clock.time",
        "equity": "account.equity",
    },
)
def step(s: Memory, p: Params, time: TimeMs, equity: Notional) -> Out:
    today = floor(time / DAY_MS)
    this_week = floor((today + EPOCH_WEEKDAY) / 7.0)
    before = equity if s.day < 0.0 else s.equity
    if today > s.day:
        s.day = today
        s.day_equity = before
    if this_week > s.week:
        s.week = this_week
        s.week_equity = before
    s.equity = equity
    day = loss(s.day_equity, equity)
    week = loss(s.week_equity, equity)
    if day >= p.daily:
        s.resume = max(s.resume, (s.day + 1.0) * DAY_MS)
    if week >= p.weekly:
        s.resume = max(s.resume, ((s.week + 1.0) * 7.0 - EPOCH_WEEKDAY) * DAY_MS)
    halt = time < s.resume
    return Out(day, week, 1.0 if halt else 0.0, s.resume if halt else 0.0)
