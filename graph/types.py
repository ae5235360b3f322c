"""Edge types: what a number on a wire means, which range it keeps, and which wire may feed which port.

A port is annotated with one of the aliases below (`close: Price`). At run time each of them is a float, or, for
`Vec[n, T]` and `PerSymbol[T]`, a vector of floats; the annotation is for the compiler.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Annotated, Any, get_args

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EdgeType:
    """The meaning of a scalar on a wire.

    low, high: the range that a value keeps; `low_open` excludes `low` itself. whole: only integers occur.
    accepts: names of further types that may feed a port of this type, because each of their values is one of its own.
    """

    name: str
    meaning: str
    low: float = -inf
    high: float = inf
    low_open: bool = False
    whole: bool = False
    accepts: tuple[str, ...] = ()

    def admits(self, value: float) -> bool:
        """True when a finite value lies in the range (and is whole where it must be)."""
        above = value > self.low if self.low_open else value >= self.low
        finite = value - value == 0.0
        return finite and above and value <= self.high and (not self.whole or value == int(value))

    def range_text(self) -> str:
        """The range in words, for messages and docs."""
        if self.low == -inf and self.high == inf:
            text = "any finite number"
        elif self.high == inf:
            text = f"{'>' if self.low_open else '>='} {self.low:g}"
        else:
            text = f"{self.low:g} to {self.high:g}"
        return f"{text}, whole" if self.whole else text


_TYPES = (
    EdgeType("price", "price in quote currency", low=0.0, low_open=True),
    EdgeType("logreturn", "logarithmic return"),
    EdgeType("vol", "realised standard deviation of log returns, per bar of the clock that it comes from", low=0.0),
    EdgeType("day_vol", "realised standard deviation of log returns, per 24 hours", low=0.0),
    EdgeType("vol_forecast", "forecast standard deviation of log returns, per bar of the clock it comes from", low=0.0),
    EdgeType("day_vol_forecast", "forecast standard deviation of log returns, per 24 hours", low=0.0),
    EdgeType("qty", "quantity of the base asset", low=0.0),
    EdgeType("signed_qty", "quantity of the base asset with a direction", accepts=("qty",)),
    EdgeType("notional", "value in quote currency, signed"),
    EdgeType("bps", "hundredths of a percent"),
    EdgeType("score", "signed evidence", low=-1.0, high=1.0, accepts=("side",)),
    EdgeType("unit", "share", low=0.0, high=1.0, accepts=("prob", "flag")),
    EdgeType("prob", "probability", low=0.0, high=1.0, accepts=("unit",)),
    EdgeType("sigma", "z-score"),
    EdgeType("count", "whole number", low=0.0, whole=True),
    EdgeType("bars", "number of bars", low=0.0, accepts=("count",)),
    EdgeType("flag", "0 or 1", low=0.0, high=1.0, whole=True),
    EdgeType("side", "-1 short, 0 flat, +1 long", low=-1.0, high=1.0, whole=True),
    EdgeType("label", "class number", low=0.0, whole=True),
    EdgeType("time_ms", "UTC milliseconds", low=0.0, whole=True),
    EdgeType("bitmask", "set of reasons, one bit each", low=0.0, high=float(2**53 - 1), whole=True),
    EdgeType("market_event", "one bar of one symbol as the feed gives it"),
)
_REAL = EdgeType("real", "any finite number", accepts=tuple(t.name for t in _TYPES if t.name != "market_event"))
EDGE_TYPES: dict[str, EdgeType] = {t.name: t for t in (*_TYPES, _REAL)}
PER_BAR = ("vol", "vol_forecast")
"""Types whose numbers mean something else on each clock: they feed readers of the clock that they come from."""


@dataclass(frozen=True)
class PortType:
    """An edge type together with its shape on a port.

    size: None for a scalar, else the number of elements. per_symbol: a portfolio layer's port with one value a symbol.
    optional: may be missing inside a step.
    """

    edge: EdgeType
    size: int | None = None
    per_symbol: bool = False
    optional: bool = False

    def __str__(self) -> str:
        vector = f"vec<{self.size}> " if self.size is not None else ""
        return f"{'opt ' if self.optional else ''}{vector}{self.edge.name}"

    def accepts(self, source: PortType) -> bool:
        """True when an edge of type `source` may feed this port; scope and optionality are judged elsewhere."""
        same = source.edge.name == self.edge.name or source.edge.name in self.edge.accepts
        return same and source.size == self.size


def edge(name: str) -> PortType:
    return PortType(EDGE_TYPES[name])


@dataclass(frozen=True)
class _Optional:
    pass


@dataclass(frozen=True)
class _PerSymbol:
    pass


@dataclass(frozen=True)
class _Sized:
    size: int


class Opt:
    """`Opt[Qty]`: an input that may be missing (NaN) inside a step."""

    def __class_getitem__(cls, item: Any) -> Any:
        return Annotated[item, _Optional()]


class PerSymbol:
    """`PerSymbol[Score]`: on a portfolio layer, a vector with one element a symbol, NaN where a symbol has none."""

    def __class_getitem__(cls, item: Any) -> Any:
        return Annotated[Vector, *_metadata(item), _PerSymbol()]


class Vec:
    """`Vec[10, Price]`: a vector of fixed size; an element that is missing is NaN."""

    def __class_getitem__(cls, item: tuple[int, Any]) -> Any:
        size, element = item
        return Annotated[Vector, *_metadata(element), _Sized(size)]


def _metadata(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation)[1:]


def port_type(annotation: Any) -> PortType:
    """The port type that an annotation of a step or of an output tuple declares. Raises TypeError if it has none."""
    metadata = _metadata(annotation)
    edges = [m for m in metadata if isinstance(m, EdgeType)]
    if len(edges) != 1:
        raise TypeError(f"{annotation!r} is not a port type; use one of graph.types, such as Price or Vec[10, Price]")
    sizes = [m.size for m in metadata if isinstance(m, _Sized)]
    return PortType(
        edge=edges[0],
        size=sizes[0] if sizes else None,
        per_symbol=any(isinstance(m, _PerSymbol) for m in metadata),
        optional=any(isinstance(m, _Optional) for m in metadata),
    )


Price = Annotated[float, EDGE_TYPES["price"]]
LogReturn = Annotated[float, EDGE_TYPES["logreturn"]]
Vol = Annotated[float, EDGE_TYPES["vol"]]
DayVol = Annotated[float, EDGE_TYPES["day_vol"]]
VolForecast = Annotated[float, EDGE_TYPES["vol_forecast"]]
DayVolForecast = Annotated[float, EDGE_TYPES["day_vol_forecast"]]
Qty = Annotated[float, EDGE_TYPES["qty"]]
SignedQty = Annotated[float, EDGE_TYPES["signed_qty"]]
Notional = Annotated[float, EDGE_TYPES["notional"]]
Bps = Annotated[float, EDGE_TYPES["bps"]]
Score = Annotated[float, EDGE_TYPES["score"]]
Unit = Annotated[float, EDGE_TYPES["unit"]]
Prob = Annotated[float, EDGE_TYPES["prob"]]
Real = Annotated[float, EDGE_TYPES["real"]]
Sigma = Annotated[float, EDGE_TYPES["sigma"]]
Count = Annotated[float, EDGE_TYPES["count"]]
Bars = Annotated[float, EDGE_TYPES["bars"]]
Flag = Annotated[float, EDGE_TYPES["flag"]]
Side = Annotated[float, EDGE_TYPES["side"]]
Label = Annotated[float, EDGE_TYPES["label"]]
TimeMs = Annotated[float, EDGE_TYPES["time_ms"]]
Bitmask = Annotated[float, EDGE_TYPES["bitmask"]]
MarketEvent = Annotated[Any, EDGE_TYPES["market_event"]]
