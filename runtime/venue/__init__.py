"""The simulated venue: what becomes of the orders of a backtest.

It is made of kernels, as layers are, and is compiled into the loop over bars. At each step every symbol's bar first
meets what was decided at earlier steps, then the account is valued at the closes, then the step decides. An order of
bar t can therefore meet bar t+1 at the earliest, and no fill depends on anything after its bar.

**Orders.** One order of a symbol works at a time: a new one takes the place of the one before it when it arrives.
Market orders fill at the next open. A stop order fills at its trigger, or at the open if that lies beyond. A limit
order that the open can fill at once pays the taker's fee and no more than its limit; otherwise it rests, and fills
when the market trades at its price (`limit_through` = 0) or that many ticks through it. A post-only order that would
take on arrival is refused; a reduce-only order never fills more than the position that it reduces. What a bar cannot
fill stays open until its `ttl` is over or it is replaced. `latency_bars` delays orders, cancels and levels alike, and
what they replace can still fill in the meantime: `account.buying` and `account.selling` count it, and the plan's border
(graph.border) sends nothing beside it that the gate's bound has no room for. Cancelling needs no `valid`: it takes no
risk.

**Rules.** Limits are rounded to the tick on the passive side, triggers to the far side, quantities down to whole lots;
protective levels are taken as they are. The rounding is that of L96 (`graph.steps`): a multiple of a step stays as it
is, and so does what L96 has rounded. What misses a multiple by a millionth of a step, or by 2^-50 of itself, has missed
it by rounding and counts as it; positions and what is left of an order are kept so. An order below a lot or
`min_notional`, above `max_qty` or beyond `max_leverage` is refused, and counted in `rejects` until the next one is
accepted. What only closes a position is held back by none of these but the lot, and the whole position not even by
that; above `max_qty` it is cut to it. A rule of 0 is none.

**Touches.** A price reaches a limit, a trigger, a protective level or a liquidation price when it lies beyond it, or
short of it by no more than 1e-12 of itself (`graph.steps.EXACT`): that much is rounding, and far less than a tick.
The same holds at the open and inside the bar.

**Protection.** `stop_price` and `take_price` close the whole position. Levels sent with an order that opens or turns
the position come into force with its first fill; all others move those of the position, and a missing level leaves the
one that stands. When the position is closed, its levels go. The stop sells at the market at its price, or at the open
if the price has jumped over it; the target is a resting limit.

**The path of a bar.** Only open, high, low and close are known, so the order of events inside is a rule: at the open,
first the order, then the rest of an unfinished exit, then a target that the open has passed. Inside, first what lies
against the position (of stop, liquidation and order the one nearest to the open first), then what lies with it: where
a bar touches stop and target, the stop is taken. A position opened inside the bar is stopped if the bar's range
reaches its stop at all, and takes profit only where that is certain: beyond a stop order's trigger, or at the close.

**Costs.** With a recorded book, an aggressive fill walks it: the loss against the book's middle is laid on the price
at which the market stands. Without one it pays `half_spread` and `impact` x volatility x sqrt(quantity / volume), both
decayed means over `volatility_window` bars before the fill. `slippage_ticks` comes on top. Passive fills cost only the
fee. Fills of a symbol in one bar share `participation` of its volume, and aggressive ones the depth of the book; the
rest waits, also the rest of a stop or of a liquidation. Funding is paid at the open, on the position held then.

**Margin.** Positions are cross-margined: when equity along the bar's worst path falls to `maintenance` x gross
exposure, the symbol's position is closed at the price where that happens (or at the open if that lies beyond), and its
orders are called off. Other symbols are taken at their last closes; symbols meet a bar in the order of the run.

**Accounting.** Linear: quantities in the base asset, money in the quote currency. Cash moves by every fill's notional,
fee and funding; equity is cash and all positions at the last closes, summed afresh at each step. Realised results are
before fees and funding, against the average entry price.

**Not modelled:** the queue before a resting order, beyond `limit_through`; several orders of one symbol at once; the
effect of one's own trading on later prices; hidden liquidity, auctions, halts, partial liquidation and its own fee;
interest, borrowing and dividends; inverse or quanto contracts; margin by tiers, or isolated; correlated worst paths of
several symbols within a bar; a book that changes inside the bar; outages of the venue.

All settings at zero (`FRICTIONLESS`) give the textbook: fills at the next open, at the trigger or at the limit, a touch
is enough, no costs, no bounds.
"""

from stratoquant.runtime.venue.settings import FRICTIONLESS, VenueSettings
from stratoquant.runtime.venue.simulator import SIMULATED, close_out, passes_quietly

__all__ = ["FRICTIONLESS", "SIMULATED", "VenueSettings", "close_out", "passes_quietly"]
