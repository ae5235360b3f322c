"""What a simulated venue can be told. All zero (the window apart) is a venue without friction: the textbook's fills."""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from stratoquant.graph.language import Parameters, param
from stratoquant.runtime.venue.records import MOST_LATENCY


class VenueSettings(Parameters):
    """Costs, market depth, timing and margin."""

    maker_fee: float = param(2.0, -10.0, 1000.0, "fee of a passive fill, bps of its notional; negative is a rebate")
    taker_fee: float = param(5.0, 0.0, 1000.0, "fee of an aggressive fill, bps of its notional")
    half_spread: float = param(0.5, 0.0, 1000.0, "bps lost by an aggressive fill, where no book was recorded")
    slippage_ticks: float = param(0.0, 0.0, 10000.0, "ticks that an aggressive fill loses on top")
    impact: float = param(0.7, 0.0, 10.0, "of the square-root law: impact x volatility x sqrt(quantity / volume)")
    volatility_window: int = param(240, 1, 100000, "bars of the decayed volatility and volume in the square-root law")
    participation: float = param(0.1, 0.0, 1.0, "largest share of a bar's volume that fills; 0 sets no limit")
    latency_bars: int = param(0, 0, MOST_LATENCY, "steps that an order, a cancel or a level arrives late")
    limit_through: int = param(1, 0, 10, "ticks by which the market must trade through a limit; 0: a touch fills")
    own_price: int = param(1, 0, 1, "1: a resting limit that the open jumps over fills at its price; 0: at the open")
    funding: int = param(1, 0, 1, "1: pay and receive the recorded funding")
    maintenance: float = param(0.005, 0.0, 0.5, "margin below which positions are liquidated, share of gross; 0: never")
    max_leverage: float = param(5.0, 0.0, 1000.0, "orders beyond this gross exposure over equity are refused; 0: none")

    @model_validator(mode="after")
    def _rebate_within_fee(self) -> Self:
        """No venue pays a maker more than it takes from the taker: trading with oneself would earn money."""
        if self.maker_fee + self.taker_fee < 0.0:
            message = "the rebate of {rebate} bps exceeds the taker fee of {fee} bps"
            raise PydanticCustomError("rebate_above_fee", message, {"rebate": -self.maker_fee, "fee": self.taker_fee})
        return self


FRICTIONLESS = VenueSettings(
    maker_fee=0.0,
    taker_fee=0.0,
    half_spread=0.0,
    slippage_ticks=0.0,
    impact=0.0,
    participation=0.0,
    latency_bars=0,
    limit_through=0,
    own_price=0,
    funding=0,
    maintenance=0.0,
    max_leverage=0.0,
)
