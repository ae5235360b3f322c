"""L50: the live patterns vote; the older the signal, and the worse its record, the less it counts.

Rule: vote = signal * quality * e^(-age / decay) * record, record = max(2 hit_rate - 1, 0), and 1 where no hit rate
    is known. side = sign of the sum; confidence = 1 - e^(-|sum|); agreement = the share of all votes, by size, on
    that side, 0 without a vote. winner = 1 + the slot of the largest vote on the winning side, 0 when there is
    none. mask has bit k for a live pattern in slot k, active counts them. Slots: L26 to L49 in order; a missing
    element is a pattern that is not wired.
Note: ages may be missing altogether (no pattern is alive); a live pattern without an age counts as new.
"""

from math import exp, fabs, isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, layer, param
from stratoquant.graph.types import Bars, Bitmask, Count, Label, Opt, Prob, Side, Unit, Vec
from stratoquant.layers.primitives.scalars import clip, sign

PATTERNS = (
    "breakout_confirmed", "pullback_in_trend", "volatility_compression", "volatility_expansion", "liquidity_trap",
    "mean_reversion_setup", "inside_outside", "engulfing", "pin_bar", "three_bar", "double_extreme", "head_shoulders",
    "triangle_wedge", "flag_pennant", "parallel_channel", "fibonacci_confluence", "harmonic", "support_resistance",
    "fair_value_gap", "order_block", "market_structure", "volume_climax", "opening_range", "seasonality",
)  # fmt: skip


class Params(Parameters):
    decay: float = param(10, 1, 200, "bars after which a signal counts 1/e")


class Out(NamedTuple):
    side: Side
    confidence: Unit
    winner: Label
    agreement: Unit
    active: Count
    mask: Bitmask


@layer(
    50,
    "pattern_vote",
    domain="pattern",
    source="StratoQuant section 7",
    pine="yes",
    labels={"winner": ("no pattern", *PATTERNS), "mask": PATTERNS},
    says="{winner} leads, {side}: confidence {confidence}, agreement {agreement}; {active} alive: {mask}",
)
def step(
    p: Params,
    signals: Vec[24, Side],
    qualities: Vec[24, Unit],
    ages: Opt[Vec[24, Bars]],
    hit_rates: Opt[Vec[24, Prob]],
) -> Out:
    total = 0.0
    size = 0.0
    longest = 0.0
    shortest = 0.0
    long_slot = nan
    short_slot = nan
    active = 0.0
    mask = 0.0
    bit = 1.0
    for k in range(len(signals)):
        alive = signals[k] != 0.0 and not isnan(signals[k] + qualities[k])
        if alive:
            active += 1.0
            mask += bit
            age = 0.0 if isnan(ages[k]) else ages[k]
            record = 1.0 if isnan(hit_rates[k]) else max(2.0 * hit_rates[k] - 1.0, 0.0)
            vote = signals[k] * qualities[k] * exp(-age / p.decay) * record
            total += vote
            size += fabs(vote)
            if vote > longest:
                longest = vote
                long_slot = k + 1.0
            if vote < shortest:
                shortest = vote
                short_slot = k + 1.0
        bit *= 2.0
    side = sign(total)
    winner = 0.0
    if side > 0.0:
        winner = long_slot
    elif side < 0.0:
        winner = short_slot
    agreement = 0.5 * (1.0 + fabs(total) / size) if size > 0.0 and side != 0.0 else 0.0
    return Out(side, 1.0 - exp(-fabs(total)), winner, clip(agreement, 0.0, 1.0), active, mask)
