"""One trade is judged over one time: as long as a position is held, so long its opinion is scored."""

from __future__ import annotations

from pathlib import Path

import pytest

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.layers import catalogue

SPECS = Path(__file__).parents[2] / "specs"


@pytest.mark.parametrize("name", ["wiring_master.yaml", "bars_only.yaml", "book_seconds.yaml"])
def test_positions_are_held_about_as_long_as_outcomes_are_scored(name: str) -> None:
    nodes = checked_or_raise(SPECS / name, catalogue()).graph.nodes
    params = {key: nodes[key].params.model_dump() for key in ("L7", "L65", "L66", "L68")}
    scored = params["L7"]["horizon"]
    assert params["L65"]["horizon"] == params["L66"]["horizon"] == scored
    assert 0.75 * scored <= params["L68"]["min_hold"] <= scored <= params["L68"]["max_hold"] <= 1.25 * scored
