"""L87: whether the last bar was a jump that the volatility around it cannot explain, and for how long that alarms.

Rule: r = ln(c / c[1]); v^2 = mean of |r| |r[1]| over the last window - 2 pairs before this bar (bipower variation);
    jump = r / v, 0 where v is 0. With n = window, k = sqrt(2 / pi) and q = sqrt(2 ln n): C = q / k - (ln pi + ln ln n)
    / (2 k q), S = 1 / (k q), a jump is one with |jump| > C - S ln(-ln level), the Gumbel quantile of the largest of n.
    alarm = 1 from a jump until `cool` bars in a row had none; severity = 1 - threshold / |jump| of the greatest jump of
    the alarm, 0 without one; calm = bars since the last jump, or since the layer began.
Note: `sigma` and `volume` play no part in the cited test.
"""

from math import fabs, isnan, log, nan, pi, sqrt
from typing import NamedTuple

from graph.language import Parameters, State, kernel, layer, param, sized
from graph.types import Bars, Flag, Price, Qty, Sigma, Unit, Vol
from layers.primitives.rolling import RollingMean, rolling_mean
from layers.primitives.scalars import log_return


class Params(Parameters):
    window: int = param(270, 20, 5000, "bars of the bipower variation")
    level: float = param(0.999, 0.9, 0.99999, "chance that a window without jumps raises no alarm")
    cool: int = param(60, 1, 10000, "bars without a jump that end an alarm")


class Memory(State):
    pairs: RollingMean = sized(lambda p: p.window)
    close: float = nan
    size: float = nan
    severity: float = 0.0
    calm: float = 0.0
    alarmed: int = 0


class Out(NamedTuple):
    jump: Sigma
    alarm: Flag
    severity: Unit
    calm: Bars


@kernel
def critical(n: int, level: float) -> float:
    """The size that the largest of n standardised returns exceeds with a chance of 1 - level."""
    k = sqrt(2.0 / pi)
    q = sqrt(2.0 * log(float(n)))
    centre = q / k - (log(pi) + log(log(float(n)))) / (2.0 * k * q)
    return centre - log(-log(level)) / (k * q)


@layer(
    87,
    "black_swan",
    domain="risk",
    source="Lee and Mykland 2008; OptionsIB (black_swan)",
    oracle="numpy transcription on windows",
    pine="yes",
    warmup=lambda p: p.window,
)
def step(s: Memory, p: Params, close: Price, sigma: Vol, volume: Qty) -> Out:
    change = log_return(close, s.close)
    s.close = close
    usual = s.pairs.value
    before = s.size
    s.size = fabs(change)
    rolling_mean(s.pairs, s.size * before, p.window - 2)
    if isnan(usual):
        return Out(nan, nan, nan, nan)
    jump = change / sqrt(usual) if usual > 0.0 else 0.0
    threshold = critical(p.window, p.level)
    s.calm += 1.0
    if fabs(jump) > threshold:
        s.calm = 0.0
        s.alarmed = 1
        s.severity = max(s.severity, 1.0 - threshold / fabs(jump))
    elif s.calm >= p.cool:
        s.alarmed = 0
        s.severity = 0.0
    return Out(jump, float(s.alarmed), s.severity, s.calm)
