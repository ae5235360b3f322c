"""Test node: the state of the market that the account loop reads, drawn anew from the number that comes with a bar."""

from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import Bps, Count, Flag, Label, LogReturn, Price, Score, Unit, Vol
from tests.account_loop.draws import draw, draw_or_missing


class Out(NamedTuple):
    label: Label
    sigma: Vol
    vol_rank: Unit
    efficiency: Unit
    buy: Bps
    sell: Bps
    fillable: Unit
    spread: Bps
    imbalance: Score
    score: Unit
    avoid: Flag
    r1: LogReturn
    atr: Price


@layer(None, "weather", domain="regime", source="test")
def step(code: Count, close: Price) -> Out:
    return Out(
        float(int(6.0 * draw(code, 20.0))),
        draw_or_missing(code, 21.0, 0.002, 0.02),
        draw_or_missing(code, 22.0, 0.0, 1.0),
        draw_or_missing(code, 23.0, 0.0, 1.0),
        draw_or_missing(code, 24.0, 0.0, 20.0),
        draw_or_missing(code, 25.0, 0.0, 20.0),
        draw_or_missing(code, 26.0, 0.5, 1.0),
        draw_or_missing(code, 27.0, 0.0, 10.0),
        draw_or_missing(code, 28.0, -1.0, 1.0),
        draw_or_missing(code, 29.0, 0.3, 1.0),
        1.0 if draw(code, 30.0) < 0.05 else 0.0,
        draw_or_missing(code, 31.0, -0.03, 0.03),
        close * draw_or_missing(code, 32.0, 0.001, 0.03),
    )
