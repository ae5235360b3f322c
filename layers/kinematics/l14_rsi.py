"""L14: Wilder's relative strength index as a share.

Rule: gain and loss are the Wilder averages, over `window` bars, of the rises and falls of the close;
    rsi = gain / (gain + loss), and 0.5 when nothing moved; centred = 2 rsi - 1; slope = rsi - rsi[1].
"""

from math import isnan, nan
from typing import NamedTuple

from graph.language import Parameters, State, layer, param
from graph.types import Price, Real, Score, Unit
from layers.primitives.averages import Smoothed, rma


class Params(Parameters):
    window: int = param(14, 2, 500, "bars of Wilder's average")


class Memory(State):
    gain: Smoothed
    loss: Smoothed
    close: float = nan
    rsi: float = nan


class Out(NamedTuple):
    rsi: Unit
    centred: Score
    slope: Real


@layer(14, "rsi", domain="kinematics", source="Wilder 1978", oracle="TA-Lib RSI", pine="yes", warmup=lambda p: p.window)
def step(s: Memory, p: Params, close: Price) -> Out:
    change = close - s.close
    s.close = close
    gain = rma(s.gain, max(change, 0.0) if not isnan(change) else nan, p.window)
    loss = rma(s.loss, max(-change, 0.0) if not isnan(change) else nan, p.window)
    before = s.rsi
    moved = gain + loss
    rsi = gain / moved if moved > 0.0 else (0.5 if not isnan(moved) else nan)
    s.rsi = rsi
    return Out(rsi, 2.0 * rsi - 1.0, rsi - before)
