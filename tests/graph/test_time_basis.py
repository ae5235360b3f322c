"""A volatility says what it is: per bar of which clock or per day, realised or forecast. What does not fit is a finding
whose fix works."""

from __future__ import annotations

import pytest

from tests.graph.bad_wirings import FEED
from tests.graph.findings import Desk, desk

__all__ = ["desk"]

REGIME = "{layer: L1, inputs: {high: feed.high, low: feed.low, close: feed.close}}"
HOURS = "  hours: {layer: L0, clock: 1h, inputs: {raw: market, now: clock.time}}\n"
SLOW = "  slow: {layer: L1, clock: 1h, inputs: {high: hours.high, low: hours.low, close: hours.close}}\n"
TAIL = "  tail: {layer: L85, inputs: {r1: 0.001, sigma: SIGMA}}\n"
OWN = """\
from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import KIND, Price


class Out(NamedTuple):
    sigma: KIND


@layer(None, "mine", domain="pattern", source="test")
def step(x: Price) -> Out:
    return Out(0.01)
"""


@pytest.mark.parametrize(
    ("kind", "name"),
    [("DayVol", "day_vol"), ("VolForecast", "vol_forecast"), ("DayVolForecast", "day_vol_forecast")],
)
def test_a_volatility_of_another_kind_does_not_compile(kind: str, name: str, desk: Desk) -> None:
    desk.write({"own/blocks/mine.py": OWN.replace("KIND", kind)})
    nodes = f"{FEED}  mine: {{inputs: {{x: feed.close}}}}\n  near: {REGIME}\n"
    found = desk.only_error(nodes + TAIL.replace("SIGMA", "mine.sigma") + "layers: [own]\n")
    assert found.code == "W020"
    assert found.message == f"tail.sigma takes a vol, but mine.sigma is a {name}"
    assert found.hint == "wire a vol, such as near.sigma"
    assert not desk.errors(nodes + TAIL.replace("SIGMA", "near.sigma") + "layers: [own]\n")


def test_a_volatility_per_bar_of_another_clock_does_not_compile(desk: Desk) -> None:
    nodes = f"{FEED}{HOURS}{SLOW}  near: {REGIME}\n"
    found = desk.only_error(nodes + TAIL.replace("SIGMA", "slow.sigma"))
    assert found.code == "W020"
    assert found.message == "tail.sigma takes a vol per bar of 1m, but slow.sigma is per bar of 1h"
    assert found.hint == "wire near.sigma"
    assert not desk.errors(nodes + TAIL.replace("SIGMA", "near.sigma"))


def test_without_a_volatility_of_the_clock_the_fix_says_which_node_is_missing(desk: Desk) -> None:
    nodes = FEED + HOURS + SLOW
    found = desk.only_error(nodes + TAIL.replace("SIGMA", "slow.sigma"))
    assert found.hint == "wire a vol of a node with `clock: 1m`"
    assert not desk.errors(nodes + f"  near: {REGIME}\n" + TAIL.replace("SIGMA", "near.sigma"))


def test_a_slow_reader_takes_no_fast_volatility(desk: Desk) -> None:
    tail = TAIL.replace("layer: L85", "layer: L85, clock: 1h").replace("SIGMA", "near.sigma")
    found = desk.only_error(f"{FEED}{HOURS}{SLOW}  near: {REGIME}\n{tail}")
    assert found.message == "tail.sigma takes a vol per bar of 1h, but near.sigma is per bar of 1m"
    assert found.hint == "wire slow.sigma"
