"""L7: how signals like this one have turned out, regime by regime and side by side.

Rule: a signal is a bar with direction not 0; it is scored exactly `horizon` bars later, by direction * ln(c / c at the
    signal): a win when that is above 0, whether or not it would have reached a barrier. It counts by its uniqueness u,
    the mean over its life of 1 / (signals that are not scored yet). Each regime and side keeps decayed sums of u
    (half-life `half_life` scored bars), with prior wins and losses of prior / 2 each: p_win = (wins + prior / 2) /
    (wins + losses + prior). gain and loss are the mean win and the mean loss in bps, each pulled to the common mean
    size with the weight of the prior; payoff = gain / loss, 1 before anything is scored. With the cost of a round trip
    C = 2 cost, fees included: expectancy = p_win gain - (1 - p_win) loss - C. kelly = p_win - (1 - p_win) (stop + C) /
    (gain - C), in -1..1, the stake that the stop takes away; -1 where the gain does not pay the cost. samples = wins +
    losses. With direction 0 the figures are those of the better of both sides. ok = 1 when p_win, as it was said with
    each signal, has beaten the base rate of a rise (layers.primitives.outcomes).

Differs from the source: the catalogue counts overlapping outcomes as independent and leaves the stop out; the ports
    gain, loss and ok are added.
"""

from math import floor, log
from typing import NamedTuple

from stratoquant.graph.language import Array, Forecast, Parameters, State, array, kernel, layer, param, sized
from stratoquant.graph.types import Bps, Count, Flag, Label, Price, Prob, Real, Score, Side
from stratoquant.layers.primitives.outcomes import Record, beats_base_rate, judge
from stratoquant.layers.primitives.ring import Ring, back, push
from stratoquant.layers.primitives.scalars import clip

REGIMES = 8
CELLS = 16  # regimes times two sides


class Params(Parameters):
    horizon: int = param(60, 5, 5000, "bars after which a signal is scored")
    prior: float = param(20, 1, 500, "independent signals that the prior counts for")
    half_life: float = param(5000, 100, 200000, "scored bars after which an outcome counts half")


class Memory(State):
    logs: Ring = sized(lambda p: p.horizon)
    cells: Ring = sized(lambda p: p.horizon)
    told: Ring = sized(lambda p: p.horizon)  # the chance of a rise that each signal meant
    shares: Ring = sized(lambda p: p.horizon)  # s.share as it was at each signal
    record: Record
    share: float = 0.0  # sum of 1 / (open signals) so far
    open: int = 0
    wins: Array = array(CELLS)
    losses: Array = array(CELLS)
    won: Array = array(CELLS)
    lost: Array = array(CELLS)
    seen: int = 0


class Out(NamedTuple):
    p_win: Prob
    payoff: Real
    expectancy: Bps
    kelly: Score
    samples: Count
    gain: Bps
    loss: Bps
    ok: Flag


@kernel
def cell_of(label: float, direction: float) -> int:
    """The cell of a regime and a side; regimes beyond the last share its cell."""
    regime = int(clip(label, 0.0, REGIMES - 1.0))
    return 2 * regime + (1 if direction < 0.0 else 0)


@kernel
def score_outcome(s: Memory, cell: int, outcome: float, unique: float, decay: float) -> float:
    """Adds one outcome to its cell, after the cell's older ones have faded; returns how many it holds."""
    s.wins[cell] *= decay
    s.losses[cell] *= decay
    s.won[cell] *= decay
    s.lost[cell] *= decay
    if outcome > 0.0:
        s.wins[cell] += unique
        s.won[cell] += unique * outcome
    else:
        s.losses[cell] += unique
        s.lost[cell] -= unique * outcome
    return s.wins[cell] + s.losses[cell]


@kernel
def win_rate(s: Memory, cell: int, prior: float) -> float:
    return (s.wins[cell] + 0.5 * prior) / (s.wins[cell] + s.losses[cell] + prior)


@kernel
def pulled_mean(total: float, count: float, common: float, prior: float) -> float:
    """The mean of `count` sizes, pulled to the common one by half the prior."""
    return (total + 0.5 * prior * common) / (count + 0.5 * prior)


@layer(
    7,
    "expectancy",
    domain="fusion",
    source="Kelly 1956; Thorp 2006",
    pine="yes",
    warmup=lambda p: p.horizon,
    forecasts={
        "p_win": Forecast(horizon="horizon", side="direction"),
        "expectancy": Forecast(horizon="horizon", side="direction", cost="cost"),
    },
)
def step(s: Memory, p: Params, direction: Side, label: Label, close: Price, cost: Bps, stop: Bps) -> Out:
    level = push(s.logs, log(close))
    if s.open > 0:
        s.share += 1.0 / s.open
    if s.seen >= p.horizon:
        due = back(s.cells, p.horizon - 1)
        if due >= 0.0:
            decay = 2.0 ** (-1.0 / p.half_life)
            unique = (s.share - back(s.shares, p.horizon - 1)) / p.horizon
            move = level - back(s.logs, p.horizon)
            outcome = move if int(due) % 2 == 0 else -move
            score_outcome(s, int(due), outcome, unique, decay)
            judge(s.record, back(s.told, p.horizon - 1), 1.0 if move > 0.0 else 0.0, unique, decay)
            s.open -= 1
    else:
        s.seen += 1
    cell = cell_of(label, direction)
    push(s.cells, float(cell) if direction != 0.0 else -1.0)
    push(s.shares, s.share)
    if direction != 0.0:
        s.open += 1
    elif win_rate(s, cell + 1, p.prior) > win_rate(s, cell, p.prior):
        cell += 1
    count = s.wins[cell] + s.losses[cell]
    p_win = win_rate(s, cell, p.prior)
    push(s.told, p_win if direction > 0.0 else 1.0 - p_win)
    common = (s.won[cell] + s.lost[cell]) / count if count > 0.0 else 0.0
    mean_win = pulled_mean(s.won[cell], s.wins[cell], common, p.prior)
    mean_loss = pulled_mean(s.lost[cell], s.losses[cell], common, p.prior)
    payoff = clip(mean_win / mean_loss, 0.01, 100.0) if mean_loss > 0.0 else 1.0
    gain = mean_win * 1e4
    loss = mean_loss * 1e4
    costs = 2.0 * cost
    expectancy = p_win * gain - (1.0 - p_win) * loss - costs
    kelly = -1.0
    if gain > costs:
        kelly = clip(p_win - (1.0 - p_win) * (stop + costs) / (gain - costs), -1.0, 1.0)
    ok = 1.0 if beats_base_rate(s.record) else 0.0
    return Out(p_win, payoff, expectancy, kelly, floor(count + 0.5), gain, loss, ok)
