"""L95: the latch that nothing passes. It says whether the account may take risk, may only close, or must be flat.

Rule: `kill` trips it until a person sets `reset` with the kill let go. `stop` trips it for `cooldown` steps after
    the last one; a reset ends that too. Tripped: flatten = 1, everything held is closed. `halt`, the mean health of
    the symbols below LOW_HEALTH, the mean quality of those that have a bar below LOW_QUALITY, a mismatch in any symbol
    (`mismatch` of positions, `pine_mismatch` of decisions) and a gauge that is missing only stop growth, and only while
    they last: a flickering gauge must never sell a position. trade = 1 when nothing of this holds, close_only = 1 -
    trade; reasons has a bit for each. scale passes through, the last known one while it is missing (0 before the
    first). Closing is always allowed.

Note: the catalogue has no way to let a kill go; `reset` is added for that, to be wired to operator.reset. Without
    it a kill ends with the session's memory. It has no ports for what L99 finds either; where they are not wired,
    nothing is found. All inputs are optional so that the governor speaks at every step.
"""

from math import isnan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.types import Bitmask, Flag, Opt, PerSymbol, Unit
from stratoquant.layers.primitives.scalars import clip

LOW_HEALTH = 0.25
LOW_QUALITY = 0.5
REASONS = ("kill", "stop", "cooldown", "halt", "health", "quality", "missing", "mismatch")


class Params(Parameters):
    cooldown: int = param(60, 0, 10000, "steps that a stop holds after its last one")


class Memory(State):
    killed: float = 0.0
    cooling: int = 0
    scale: float = 0.0


class Out(NamedTuple):
    trade: Flag
    close_only: Flag
    flatten: Flag
    scale: Unit
    reasons: Bitmask


@kernel
def mean_known(values: PerSymbol[Unit]) -> float:
    """The mean of the values that are there; missing when none is."""
    total = 0.0
    count = 0
    for i in range(len(values)):
        if not isnan(values[i]):
            total += values[i]
            count += 1
    return total / count


@kernel
def bit(number: int, holds: bool) -> float:
    return 2.0**number if holds else 0.0


@layer(
    95,
    "safety_governor",
    domain="risk",
    source="Quantum Trader (Safety Governor); modules.md (setglobalkill)",
    scope="portfolio",
    loop="closed",
    role="governor",
    labels={"reasons": REASONS},
    says="may trade: {trade}; must be flat: {flatten}; size times {scale}; because: {reasons}",
    causes={r: (r,) for r in ("kill", "stop", "halt", "health", "quality")}
    | {"cooldown": ("stop",), "mismatch": ("mismatch", "pine_mismatch")},
    origins={
        "kill": "operator.kill",
        "reset": ("operator.reset", None),
        "stop": ("L94.stop", 0),
        "halt": "L79.halt",
        "scale": "L80.scale",
        "health": ("L6.health", 1),
        "quality": "L0.quality",
        "mismatch": ("L99.mismatch", None),
        "pine_mismatch": ("L99.pine_mismatch", None),
    },
)
def step(
    s: Memory,
    p: Params,
    kill: Opt[Flag],
    stop: Opt[Flag],
    halt: Opt[Flag],
    scale: Opt[Unit],
    health: Opt[PerSymbol[Unit]],
    quality: Opt[PerSymbol[Unit]],
    reset: Opt[Flag],
    mismatch: Opt[PerSymbol[Flag]],
    pine_mismatch: Opt[PerSymbol[Flag]],
) -> Out:
    if reset > 0.0:
        s.killed = 0.0
        s.cooling = 0
    elif s.cooling > 0:
        s.cooling -= 1
    if kill > 0.0:
        s.killed = 1.0
    if stop > 0.0:
        s.cooling = p.cooldown
    if not isnan(scale):
        s.scale = clip(scale, 0.0, 1.0)
    mean_quality = mean_known(quality)
    reasons = bit(0, s.killed > 0.0)
    reasons += bit(1, stop > 0.0)
    reasons += bit(2, s.cooling > 0 and not stop > 0.0)
    flatten = reasons > 0.0
    reasons += bit(3, halt > 0.0)
    mean_health = mean_known(health)
    reasons += bit(4, mean_health < LOW_HEALTH)
    reasons += bit(5, mean_quality < LOW_QUALITY)
    reasons += bit(6, isnan(kill + stop + halt + scale + mean_health + mean_quality))
    reasons += bit(7, mean_known(mismatch) > 0.0 or mean_known(pine_mismatch) > 0.0)
    trade = 0.0 if reasons > 0.0 else 1.0
    return Out(trade, 1.0 - trade, 1.0 if flatten else 0.0, s.scale, reasons)
