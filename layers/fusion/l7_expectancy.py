"""L7: how signals like this one have turned out, regime by regime and side by side.

Rule: a signal is a bar with direction not 0; it is scored exactly `horizon` bars later, by direction * ln(c / c at
    the signal): a win when that is above 0. Each regime and side keeps decayed counts (half-life `half_life` scored
    bars), with prior wins and losses of prior / 2 each: p_win = (wins + prior / 2) / (wins + losses + prior).
    payoff = mean win / mean loss, each pulled to the common mean size with the weight of the prior; 1 before
    anything is scored. expectancy = (p_win * mean win - (1 - p_win) * mean loss) in bps less 2 * cost. kelly =
    p_win - (1 - p_win) / payoff, in -1..1. samples = wins + losses. With direction 0 the figures are those of the
    better of both sides.
"""

from math import floor, log
from typing import NamedTuple

from graph.language import Array, Forecast, Parameters, State, array, kernel, layer, param, sized
from graph.types import Bps, Count, Label, Price, Prob, Real, Score, Side
from layers.primitives.ring import Ring, back, push
from layers.primitives.scalars import clip

REGIMES = 8
CELLS = 16  # regimes times two sides


class Params(Parameters):
    horizon: int = param(60, 5, 5000, "bars after which a signal is scored")
    prior: float = param(20, 1, 500, "signals that the prior counts for")
    half_life: float = param(5000, 100, 200000, "scored bars after which an outcome counts half")


class Memory(State):
    logs: Ring = sized(lambda p: p.horizon)
    cells: Ring = sized(lambda p: p.horizon)
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


@kernel
def cell_of(label: float, direction: float) -> int:
    """The cell of a regime and a side; regimes beyond the last share its cell."""
    regime = int(clip(label, 0.0, REGIMES - 1.0))
    return 2 * regime + (1 if direction < 0.0 else 0)


@kernel
def score_outcome(s: Memory, cell: int, outcome: float, decay: float) -> float:
    """Adds one outcome to its cell, after the cell's older ones have faded; returns how many it holds."""
    s.wins[cell] *= decay
    s.losses[cell] *= decay
    s.won[cell] *= decay
    s.lost[cell] *= decay
    if outcome > 0.0:
        s.wins[cell] += 1.0
        s.won[cell] += outcome
    else:
        s.losses[cell] += 1.0
        s.lost[cell] -= outcome
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
def step(s: Memory, p: Params, direction: Side, label: Label, close: Price, cost: Bps) -> Out:
    level = push(s.logs, log(close))
    if s.seen >= p.horizon:
        due = back(s.cells, p.horizon - 1)
        if due >= 0.0:
            move = level - back(s.logs, p.horizon)
            outcome = move if int(due) % 2 == 0 else -move
            score_outcome(s, int(due), outcome, 2.0 ** (-1.0 / p.half_life))
    else:
        s.seen += 1
    push(s.cells, float(cell_of(label, direction)) if direction != 0.0 else -1.0)
    cell = cell_of(label, direction)
    if direction == 0.0 and win_rate(s, cell + 1, p.prior) > win_rate(s, cell, p.prior):
        cell += 1
    count = s.wins[cell] + s.losses[cell]
    p_win = win_rate(s, cell, p.prior)
    common = (s.won[cell] + s.lost[cell]) / count if count > 0.0 else 0.0
    mean_win = pulled_mean(s.won[cell], s.wins[cell], common, p.prior)
    mean_loss = pulled_mean(s.lost[cell], s.losses[cell], common, p.prior)
    payoff = clip(mean_win / mean_loss, 0.01, 100.0) if mean_loss > 0.0 else 1.0
    expectancy = (p_win * mean_win - (1.0 - p_win) * mean_loss) * 1e4 - 2.0 * cost
    kelly = clip(p_win - (1.0 - p_win) / payoff, -1.0, 1.0)
    return Out(p_win, payoff, expectancy, kelly, floor(count + 0.5))
