"""L25: on which side volume has traded, told in three ways.

Rule: x = (high + low + close) / 3. mfi = sum of x volume on bars whose x rose / the same on bars whose x rose or fell,
    0.5 where none did; a change below 1e-12 of x is rounding. cmf = sum of volume ((close - low) - (high - close)) /
    (high - low) / sum of volume, a bar without range counting as 0, and 0 where nothing was traded. obv moves by
    volume in the direction of the close; obv_slope = (obv - obv[window]) / sqrt(sum of its squared steps), 0 where
    it has not moved. All over `window` bars.
Note: the z-score of the catalogue is taken against chance, that is with each step as likely up as down: mean 0 and
    that sum as variance. It keeps the sign of the change and lies within +-sqrt(window).
"""

from math import isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Qty, Score, Sigma, Unit
from stratoquant.layers.primitives.rolling import RollingPair, rolling_pair
from stratoquant.layers.primitives.scalars import clip, sign

ROUNDING = 1e-12


class Params(Parameters):
    window: int = param(20, 2, 1000, "bars of the sums")


class Memory(State):
    flows: RollingPair = sized(lambda p: p.window)  # with a rising price, with a falling one
    accumulated: RollingPair = sized(lambda p: p.window)  # and all the volume
    steps: RollingPair = sized(lambda p: p.window)  # and their squares
    x: float = nan
    close: float = nan


class Out(NamedTuple):
    mfi: Unit
    cmf: Score
    obv_slope: Sigma


@layer(
    25,
    "money_flow",
    domain="kinematics",
    source="Quong and Soudack 1989; Chaikin; Granville 1963",
    oracle="TA-Lib MFI, ADOSC parts, OBV",
    pine="yes",
    warmup=lambda p: p.window,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, volume: Qty) -> Out:
    x = (high + low + close) / 3.0
    place = ((close - low) - (high - close)) / (high - low) if high > low else 0.0
    accumulated = rolling_pair(s.accumulated, clip(place, -1.0, 1.0) * volume, volume, p.window)
    traded = s.accumulated.second
    turn = x - s.x
    still = ROUNDING * x
    obv_step = nan if isnan(s.close) else sign(close - s.close) * volume
    s.x = x
    s.close = close
    up = nan if isnan(turn) else (x * volume if turn > still else 0.0)
    down = nan if isnan(turn) else (x * volume if turn < -still else 0.0)
    rising = rolling_pair(s.flows, up, down, p.window)
    falling = s.flows.second
    steps = rolling_pair(s.steps, obv_step, obv_step * obv_step, p.window)
    squares = s.steps.second
    mfi = rising / (rising + falling) if rising + falling > 0.0 else 0.5
    cmf = clip(accumulated / traded, -1.0, 1.0) if traded > 0.0 else 0.0
    return Out(mfi, cmf, steps / sqrt(squares) if squares > 0.0 else 0.0)
