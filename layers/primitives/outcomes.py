"""Judging forecasts by outcomes that overlap: how many of them are independent, and whether the forecasts were worth
anything.

An outcome that becomes known `horizon` bars after its forecast shares most of its price path with those of the bars
beside it. Its uniqueness is the mean of 1 / c over its life, c the number of outcomes that are open at each bar (Lopez
de Prado 2018, chapter 4): forecasts at every bar count 1 / horizon each, one that stands alone counts 1.
"""

from stratoquant.graph.language import State, kernel

EVEN = 0.5
PRIOR = 10.0
"""Independent outcomes that an even base rate counts for."""
LEAST = 10.0
"""Independent outcomes below which a record says nothing."""
SURE = 2.0
"""Standard errors by which forecasts must be better than their base rate."""


class Record(State):
    """Of forecasts of one kind of event against its base rate. Sums over outcomes, weighted and decayed."""

    weight: float = 0.0
    events: float = 0.0
    gain: float = 0.0  # of the Brier score, over that of the base rate
    spread: float = 0.0  # squares of those gains


@kernel
def judge(s: Record, forecast: float, event: float, weight: float, keep: float) -> float:
    """Adds the outcome of a forecast; returns by how much it beat the base rate of the outcomes before it.

    forecast: a probability. event: 1 where it happened, else 0. weight: its uniqueness. keep: the share of the older
    sums that is left.
    """
    base = (s.events + EVEN * PRIOR) / (s.weight + PRIOR)
    gain = (base - event) * (base - event) - (forecast - event) * (forecast - event)
    s.weight = keep * s.weight + weight
    s.events = keep * s.events + weight * event
    s.gain = keep * s.gain + weight * gain
    s.spread = keep * s.spread + weight * gain * gain
    return gain


@kernel
def beats_base_rate(s: Record) -> bool:
    """True when the forecasts were better than the base rate by more than chance gives: the mean gain of the Brier
    score lies SURE standard errors above 0, over at least LEAST independent outcomes. The weights of overlapping
    outcomes sum to the number of independent ones."""
    if s.weight < LEAST or s.gain <= 0.0:
        return False
    mean = s.gain / s.weight
    variance = max(s.spread / s.weight - mean * mean, 0.0)
    return mean * mean * s.weight > SURE * SURE * variance
