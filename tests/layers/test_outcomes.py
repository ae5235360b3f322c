"""The record of forecasts against their base rate, by itself: what chance gives, and what skill does."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from stratoquant.layers.primitives.outcomes import Record, beats_base_rate, judge


def record_of(forecasts: np.ndarray, events: np.ndarray, weight: float = 1.0, keep: float = 1.0) -> Record:
    record = Record()
    for forecast, event in zip(forecasts, events, strict=True):
        judge(record, float(forecast), float(event), weight, keep)
    return record


def test_the_gain_is_that_of_the_brier_score_over_the_running_base_rate() -> None:
    random = np.random.default_rng(1)
    odds = random.random(500)
    events = (random.random(500) < odds).astype(float)
    before = np.r_[0.0, np.cumsum(events)[:-1]]
    base = (before + 5.0) / (np.arange(500) + 10.0)
    record = record_of(odds, events)
    gained = brier_score_loss(events, base) - brier_score_loss(events, odds)
    assert record.gain / record.weight == pytest.approx(gained, rel=1e-9)
    assert beats_base_rate(record)


def test_forecasts_without_skill_seldom_beat_the_base_rate() -> None:
    """At two standard errors one in forty would by chance, were they as good as the base rate; these are worse."""
    random = np.random.default_rng(2)
    lucky = 0
    for _ in range(200):
        events = (random.random(400) < 0.6).astype(float)
        lucky += beats_base_rate(record_of(random.uniform(0.4, 0.8, 400), events))
    assert lucky <= 8


def test_overlapping_outcomes_make_no_skill_out_of_one_piece_of_luck() -> None:
    """Sixty copies of each outcome, each a sixtieth of one, say no more than the outcomes themselves."""
    random = np.random.default_rng(3)
    forecasts, events = random.uniform(0.3, 0.7, 40), (random.random(40) < 0.5).astype(float)
    once = record_of(forecasts, events)
    copied = record_of(np.repeat(forecasts, 60), np.repeat(events, 60), 1.0 / 60.0)
    assert copied.weight == pytest.approx(once.weight)
    assert beats_base_rate(copied) == beats_base_rate(once)


def test_a_short_record_says_nothing() -> None:
    sure = np.ones(9)
    assert not beats_base_rate(record_of(sure, sure))
