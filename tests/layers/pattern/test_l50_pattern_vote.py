"""L50: votes made by hand, and random ones weighed by numpy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.layers.pattern.charts import Values, run


def vote(signals: list[float], qualities: list[float], ages: list[float], **more: object) -> Values:
    def slots(values: list[float]) -> np.ndarray:
        return np.array([values + [np.nan] * (24 - len(values))])

    inputs = {"signals": slots(signals), "qualities": slots(qualities), "ages": slots(ages)}
    return run("L50", {**inputs, **more})


def test_l50_weighs_votes_by_quality_and_age() -> None:
    found = vote([1, -1, 0, -1], [0.9, 0.8, 0.0, 0.4], [0, 10, np.nan, 0])
    votes = np.array([0.9, -0.8 * np.exp(-1.0), -0.4])
    assert found["side"][0] == 1.0
    assert found["winner"][0] == 1.0
    assert found["confidence"][0] == pytest.approx(1.0 - np.exp(-votes.sum()))
    assert found["agreement"][0] == pytest.approx(0.9 / np.abs(votes).sum())
    assert found["active"][0] == 3.0
    assert found["mask"][0] == 1 + 2 + 8


def test_l50_listens_to_a_record_and_is_odd() -> None:
    rates = np.full((1, 24), 0.75)
    rates[0, 0] = 0.4
    found = vote([1, -1], [1.0, 0.5], [0, 0], hit_rates=rates)
    assert found["side"][0] == -1.0
    assert found["winner"][0] == 2.0
    there, back = vote([1, -1, 1], [0.3, 0.9, 0.2], [1, 2, 3]), vote([-1, 1, -1], [0.3, 0.9, 0.2], [1, 2, 3])
    assert there["side"][0] == -back["side"][0]
    assert there["confidence"][0] == back["confidence"][0]


def test_l50_says_nothing_when_no_pattern_lives() -> None:
    found = vote([0, 0], [0, 0], [np.nan, np.nan])
    assert [found[n][0] for n in ("side", "confidence", "winner", "agreement", "active", "mask")] == [0] * 6


def test_l50_has_no_winner_in_a_draw_and_the_first_of_equals() -> None:
    draw = vote([1, -1], [0.5, 0.5], [0, 0])
    assert [draw[n][0] for n in ("side", "confidence", "winner", "agreement", "active", "mask")] == [0, 0, 0, 0, 2, 3]
    assert vote([-1, -1], [0.5, 0.5], [0, 0])["winner"][0] == 1.0
    assert vote([1, 1], [0.5, 0.5], [0, 0])["winner"][0] == 1.0


def test_l50_agrees_with_numpy_on_random_votes() -> None:
    random = np.random.default_rng(11)
    signals = random.integers(-1, 2, (2000, 24)).astype(float)
    qualities, ages, rates = random.random((2000, 24)), random.integers(0, 40, (2000, 24)), random.random((2000, 24))
    ages = np.where(random.random((2000, 24)) < 0.1, np.nan, ages)
    rates = np.where(random.random((2000, 24)) < 0.1, np.nan, rates)
    signals[random.random((2000, 24)) < 0.5] = np.nan
    found = run("L50", {"signals": signals, "qualities": qualities, "ages": ages, "hit_rates": rates}, {"decay": 15})
    record = np.where(np.isnan(rates), 1.0, np.maximum(2.0 * rates - 1.0, 0.0))
    votes = np.nan_to_num(signals) * qualities * np.exp(-np.nan_to_num(ages) / 15.0) * record
    total = votes.sum(axis=1)
    assert np.array_equal(found["side"], np.sign(total))
    assert np.allclose(found["confidence"], 1.0 - np.exp(-np.abs(total)), rtol=1e-9)
    on_side = np.maximum(votes * np.sign(total)[:, None], 0.0)
    assert np.array_equal(found["winner"], np.where(on_side.sum(axis=1) > 0, on_side.argmax(axis=1) + 1.0, 0.0))
    size = np.abs(votes).sum(axis=1)
    assert np.allclose(found["agreement"], on_side.sum(axis=1) / np.where(size > 0, size, 1.0), rtol=1e-9)
    alive = np.nan_to_num(signals) != 0.0
    assert np.array_equal(found["active"], alive.sum(axis=1))
    assert np.array_equal(found["mask"], (alive * 2.0 ** np.arange(24)).sum(axis=1))
