"""Test node: the opinions that the account loop reads, drawn anew from the number that comes with a bar."""

from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import Bars, Bps, Count, Flag, Prob, Score, Side, Unit
from tests.account_loop.draws import draw, draw_or_missing


class Out(NamedTuple):
    direction: Side
    edge: Score
    confidence: Unit
    p_win: Prob
    expectancy: Bps
    kelly: Score
    take: Flag
    hold: Bars
    target: Bps
    stop: Bps
    bias: Score
    multiplier: Unit
    gain: Bps
    loss: Bps


@layer(None, "whim", domain="fusion", source="test")
def step(code: Count) -> Out:
    u = draw(code, 0.0)
    side = -1.0
    if u < 0.1:
        side = 0.0
    elif u < 0.6:
        side = 1.0
    return Out(
        side,
        draw_or_missing(code, 1.0, -1.0, 1.0),
        draw_or_missing(code, 2.0, 0.0, 1.0),
        draw_or_missing(code, 3.0, 0.5, 1.0),
        draw_or_missing(code, 4.0, -10.0, 100.0),
        draw_or_missing(code, 5.0, -0.2, 1.0),
        1.0 if draw(code, 6.0) < 0.9 else 0.0,
        draw_or_missing(code, 7.0, 1.0, 30.0),
        draw_or_missing(code, 8.0, 50.0, 900.0),
        draw_or_missing(code, 9.0, 5.0, 400.0),
        draw_or_missing(code, 10.0, -1.0, 1.0),
        draw_or_missing(code, 11.0, 0.0, 1.0),
        draw_or_missing(code, 12.0, 0.0, 900.0),
        draw_or_missing(code, 13.0, 0.0, 400.0),
    )
