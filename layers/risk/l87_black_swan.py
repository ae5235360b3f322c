"""L87: whether the last bar was a jump that the volatility around it cannot explain, and for how long that alarms.

Rule: r = ln(c / c[1]) / sqrt(1 + gap), x = r / f with f the factor of the part of the day in which the bar opens.
    v^2 = 1.4194 mean of med(|x|, |x[1]|, |x[2]|)^2 over the window - 3 such triples before this bar (MedRV);
    jump = x / v, 0 where v is 0. With n = window and q = sqrt(2 ln n), a jump is one with |jump| >
    q - (ln pi + ln ln n) / (2 q) - ln(-ln level) / q, the Gumbel quantile of the largest of n. alarm = 1 from a jump
    until `cool` bars in a row had none; severity = 1 - threshold / |jump| of the greatest jump of the alarm, 0 without
    one; calm = bars since the last jump, or since the layer began.
    The day has `parts`. A visit is one part of one day; its value is the mean of f^2 1.4194 med^2 / v^2 over its bars,
    each at most 25. u = the mean of a part's visits, the last `days` of them counting most; with w visits f^2 =
    (w u / mean u + 4) / (w + 4), the mean over the parts visited: as if four visits had shown no pattern.
Note: bars that fill a gap (no volume, no move, gap above 0) are no observations: jump is then 0. gap is also above 0 on
    the bar that ends the gap; without it no bar is taken for a filled one.
    Differs from the source: Lee and Mykland take bipower variation, which one zero return lowers and a jump next to a
    large return raises; the median of three withstands both. The pattern of the day is the mean of median squares by
    part, where Boudt, Croux and Laurent weigh standardised returns of all days at once.
"""

from math import fabs, floor, isnan, log, nan, pi, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Array, Parameters, State, array, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Flag, Opt, Price, Qty, Sigma, TimeMs, Unit
from stratoquant.layers.primitives.rolling import RollingMean, rolling_mean
from stratoquant.layers.primitives.scalars import log_return, or_else

DAY_MS = 86_400_000.0
PARTS = 96
MED = pi / (6.0 - 4.0 * sqrt(3.0) + pi)  # 1 / the mean square of the median of three |normal| values
NO_PATTERN = 4.0  # visits
LARGEST = 25.0


class Params(Parameters):
    window: int = param(270, 20, 5000, "bars of the median realised variance")
    level: float = param(0.999, 0.9, 0.99999, "chance that a window without jumps raises no alarm")
    cool: int = param(60, 1, 10000, "bars without a jump that end an alarm")
    parts: int = param(24, 1, PARTS, "parts of the day that have a volatility of their own; 1 for none")
    days: int = param(20, 1, 250, "days over which that pattern is averaged")


class Memory(State):
    squares: RollingMean = sized(lambda p: p.window)
    level: Array = array(PARTS)
    visits: Array = array(PARTS)
    usual: float = 1.0  # mean level of the parts visited
    visit: float = nan  # parts of days since 1970
    squared: float = 1.0  # factor of the part of this visit, squared
    total: float = 0.0
    count: int = 0
    close: float = nan
    last: float = nan
    second: float = nan
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
    """The size that the largest of n standard normal values exceeds with a chance of 1 - level."""
    q = sqrt(2.0 * log(float(n)))
    return q - (log(pi) + log(log(float(n)))) / (2.0 * q) - log(-log(level)) / q


@kernel
def middle(a: float, b: float, c: float) -> float:
    """The median of three values; missing when one of them is."""
    return nan if isnan(a + b + c) else max(min(a, b), min(max(a, b), c))


@kernel
def end_visit(s: Memory, parts: int, days: int) -> float:
    """Takes the visit that is over into the level of its part; returns the mean level."""
    if s.count > 0:
        k = int(s.visit % parts)
        s.visits[k] += 1.0
        s.level[k] += (s.total / s.count - s.level[k]) / min(s.visits[k], float(days))
        total = 0.0
        seen = 0
        for j in range(parts):
            if s.visits[j] > 0.0:
                total += s.level[j]
                seen += 1
        s.usual = total / seen
    s.total = 0.0
    s.count = 0
    return s.usual


@kernel
def day_factor(s: Memory, k: int) -> float:
    """The squared factor of a part of the day."""
    shown = s.visits[k] * s.level[k] / s.usual if s.usual > 0.0 else s.visits[k]
    return (shown + NO_PATTERN) / (s.visits[k] + NO_PATTERN)


@layer(
    87,
    "black_swan",
    domain="risk",
    source=(
        "Lee and Mykland 2008; Andersen, Dobrev and Schaumburg 2012 (MedRV); Boudt, Croux and Laurent 2011 "
        "(periodicity); OptionsIB (black_swan)"
    ),
    oracle="numpy transcription on windows",
    pine="yes",
    warmup=lambda p: p.window,
)
def step(s: Memory, p: Params, time: TimeMs, close: Price, volume: Qty, gap: Opt[Bars]) -> Out:
    missing = or_else(gap, 0.0)
    change = log_return(close, s.close)
    filled = missing > 0.0 and volume == 0.0 and change == 0.0
    usual = s.squares.value
    jump = 0.0
    if not filled:
        visit = float(floor(time / (DAY_MS / p.parts)))
        if visit != s.visit:
            end_visit(s, p.parts, p.days)
            s.visit = visit
            s.squared = day_factor(s, int(visit % p.parts))
        x = change / sqrt(s.squared * (1.0 + missing))
        size = fabs(x)
        median = middle(size, s.last, s.second)
        jump = x / sqrt(usual) if usual > 0.0 else (nan if isnan(usual) else 0.0)
        if usual > 0.0:
            s.total += min(s.squared * MED * median * median / usual, LARGEST)
            s.count += 1
        rolling_mean(s.squares, MED * median * median, p.window - 3)
        s.close = close
        s.second = s.last
        s.last = size
    if isnan(usual):
        return Out(nan, nan, nan, nan)
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
