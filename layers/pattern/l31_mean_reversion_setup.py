"""L31: price stretched too far for a market that comes back.

Rule: rsi = Wilder's RSI over rsi_len bars. Long when rsi < extreme, percent_b < 0, z below minus the parameter z, and
    the regime is not down; short in the mirror and not up; both only while reverting, and never in a chaotic regime.
    quality = 1 - e^(1 - |z| / the parameter z). Fires on the first bar on which all hold; the signal lives for LIFE
    bars.
Note: the regimes are those of L1: 2 up, 3 down, 5 chaotic.
"""

from math import exp, fabs
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Bars, Flag, Label, Price, Real, Side, Sigma, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.strength import RelativeStrength, relative_strength

LIFE = 10
UP = 2.0
DOWN = 3.0
CHAOTIC = 5.0


class Params(Parameters):
    rsi_len: int = param(2, 2, 20, "bars of the short RSI")
    extreme: float = param(0.05, 0.01, 0.3, "RSI share that counts as extreme")
    z: float = param(2, 0.5, 6, "distance from the mean, sd")


class Memory(State):
    live: Live
    strength: RelativeStrength
    held: float = 0.0  # side whose conditions held on the bar before


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars


@layer(
    31,
    "mean_reversion_setup",
    domain="pattern",
    source="Connors and Alvarez 2009",
    pine="yes",
    warmup=lambda p: p.rsi_len,
)
def step(s: Memory, p: Params, close: Price, percent_b: Real, z: Sigma, reverting: Flag, regime: Label) -> Out:
    relative_strength(s.strength, close, p.rsi_len)
    gain = s.strength.gain.value
    loss = s.strength.loss.value
    moved = gain + loss
    low = moved > 0.0 and gain < p.extreme * moved
    high = moved > 0.0 and loss < p.extreme * moved
    side = 0.0
    if reverting > 0.0 and regime != CHAOTIC:
        if low and percent_b < 0.0 and z < -p.z and regime != DOWN:
            side = 1.0
        elif high and percent_b > 1.0 and z > p.z and regime != UP:
            side = -1.0
    fired = side if side != s.held else 0.0
    s.held = side
    quality = 1.0 - exp(1.0 - fabs(z) / p.z) if fired != 0.0 else 0.0
    signal = live_on(s.live, fired, quality, LIFE)
    return Out(signal, s.live.quality, s.live.age)
