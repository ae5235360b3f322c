"""The venue's rules in numbers, and whether they and the sizes of a wiring fit the market; asked before a run.

`auto` steps are powers of ten: a tick is between 1e-6 and 1e-5 of the price, a lot is worth between 1e-6 and 1e-5 of
the cash. The price is the close of the symbol's first bar in the run, so nothing later is needed to know them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import inf, isfinite

import polars as pl

from stratoquant.graph.clock import Clock, format_opening, usual_origin
from stratoquant.graph.diagnostics import Place
from stratoquant.graph.model import Binding, Constant, Graph, PortRef
from stratoquant.runtime.data.findings import Finding
from stratoquant.runtime.data.market import Market, Series

STEP_SHARE = 1e-5
"""The largest share of the price that an automatic tick is, and of the cash that an automatic lot is worth."""
FEW_TICKS = 100.0
COARSE = 0.1
"""A lot worth more than this share of a position makes its size a matter of chance."""
UNSIZED = 0.1
"""The share of the cash that a position is taken to be where the wiring does not say."""
LONG_WAIT = 100.0
"""A position that is more than the turnover of so many bars cannot be what is meant."""
Rules = Mapping[str, float | None]
"""tick, lot, min_notional and max_qty; None is `auto`, 0 is no rule."""


@dataclass(frozen=True)
class Quote:
    """What one symbol costs and trades. price: close of its first bar. turnover: mean value traded per bar."""

    price: float
    turnover: float


def quotes_of(market: Market) -> dict[str, Quote]:
    """The quote of each symbol, from the first bars of the run; a price that is none is left to the check of bars."""
    return {series.symbol: _quote(series, market) for series in market.series}


def _quote(series: Series, market: Market) -> Quote:
    frame = next((f for f in series.frames(market.start, market.end) if f.height), None)
    if frame is None:
        return Quote(0.0, 0.0)
    price = frame["close"][0]
    turnover = frame.select((pl.col("close") * pl.col("volume")).mean()).item()
    return Quote(*(x if x is not None and 0.0 < x < inf else 0.0 for x in (price, turnover)))


def power_of_ten(x: float) -> float:
    """The largest power of ten that is not above x; 0 where there is none."""
    return float(f"1e{Decimal(repr(x)).adjusted()}") if x > 0.0 and isfinite(x) else 0.0


def rules_in_numbers(rules: Rules, quote: Quote, cash: float) -> dict[str, float]:
    """The rules of a symbol as its account holds them."""
    automatic = {
        "tick": power_of_ten(quote.price * STEP_SHARE),
        "lot": power_of_ten(cash * STEP_SHARE / quote.price) if quote.price else 0.0,
    }
    return {name: automatic[name] if value is None else value for name, value in rules.items()}


def check_fit(
    graph: Graph, quotes: Mapping[str, Quote], rules: Mapping[str, Mapping[str, float]], cash: float, leverage: float
) -> list[Finding]:
    """What in rules and sizes does not fit the market. leverage: the most that the venue allows; 0 for no limit.

    An error is a rule under which nothing can be traded; a graph that sends no orders has none.
    """
    if not graph.orders:
        return []
    size = position_size(graph, cash)
    usual, most = (UNSIZED * cash, cash * leverage or inf) if size is None else (size, size)
    found = list(_amounts(graph, cash, leverage))
    for symbol, quote in quotes.items():
        if quote.price:
            found += _steps(symbol, quote, rules.get(symbol, {}), usual, most)
            found += _turnover(symbol, quote, usual)
    return found


def check_clocks(graph: Graph, market: Market) -> list[Finding]:
    """Clocks of the wiring whose bars do not open with a bar of this market: a slow one would never close."""
    base = format_opening(Clock(market.clock_ms, market.origin))
    found = []
    for ms, origin in graph.origins.items():
        silent = ms == market.clock_ms and origin == usual_origin(ms)  # the base clock need not say when bars open
        if not silent and (origin - market.origin) % market.clock_ms:
            detail = f"the wiring's clock {format_opening(Clock(ms, origin))} opens apart from the bars of {base}"
            hint = f"Write `clock: {base}` as the base clock of the wiring; slower clocks follow it."
            found.append(Finding("D046", ", ".join(market.symbols), detail, hint=hint))
    return found


def position_size(graph: Graph, cash: float) -> float | None:
    """The largest position that the gate's own inputs allow at the start, quote currency; None where layers decide."""
    sized = _sized(graph, cash)
    return None if sized is None else sized[0]


def _sized(graph: Graph, cash: float) -> tuple[float, Place] | None:
    """That size, and where the wiring says it."""
    bound = [graph.gate.inputs[port] for port in ("notional", "allowed")] if graph.gate else []
    known = [(amount, b.place) for b in bound if (amount := _amount(graph, b, cash)) is not None]
    return min(known, default=None)


def _amount(graph: Graph, binding: Binding, cash: float) -> float | None:
    if isinstance(binding, Constant):
        return abs(binding.value)
    if isinstance(binding, PortRef) and graph.nodes[binding.node].layer.key == "equity_share":
        return float(graph.nodes[binding.node].params.share) * cash
    return None


def _steps(symbol: str, quote: Quote, rules: Mapping[str, float], usual: float, most: float) -> Iterator[Finding]:
    """Tick, lot and least order of one symbol against its price, a usual position and the largest."""
    tick, lot, least = (rules.get(name, 0.0) for name in ("tick", "lot", "min_notional"))
    if tick * FEW_TICKS > quote.price:
        none = tick > quote.price
        detail = f"the tick is {tick:g}, the price {quote.price:g}" + (": no limit can be below a tick" if none else "")
        yield _finding("D034", symbol, detail, "tick", error=none)
    worth = lot * quote.price
    if worth > COARSE * usual:
        none = worth > most
        size = f"{most:.6g} at most: nothing can be opened at this price" if none else f"about {usual:.6g}"
        yield _finding("D035", symbol, f"a lot of {lot:g} is worth {worth:.6g}, a position {size}", "lot", error=none)
    if least > most:
        detail = f"min_notional is {least:g}, a position {most:.6g} at most: nothing can be opened"
        yield _finding("D036", symbol, detail, "min_notional", error=True)


def _finding(code: str, symbol: str, detail: str, rule: str, *, error: bool) -> Finding:
    fits = "the symbol's own, or auto" if rule != "min_notional" else "an amount in the quote currency"
    hint = f"Give the venue's rule in a file for --config: rules: {{{symbol}: {{{rule}: ...}}}}, {fits}."
    return Finding(code, symbol, detail, severity="error" if error else "warning", hint=hint)


def _turnover(symbol: str, quote: Quote, size: float) -> Iterator[Finding]:
    if quote.turnover and size > LONG_WAIT * quote.turnover:
        detail = f"a position of {size:.6g} is what {symbol} trades in {size / quote.turnover:,.0f} bars"
        yield Finding("D037", symbol, detail, severity="warning")


def _amounts(graph: Graph, cash: float, leverage: float) -> Iterator[Finding]:
    """Amounts of the wiring that the account could not carry."""
    most = cash * max(leverage, 1.0)
    sized = _sized(graph, cash)
    if sized is not None and sized[0] > most:
        detail = f"a position may be {sized[0]:.6g}, the account starts with {cash:.6g}"
        yield Finding("D038", str(sized[1]), detail, severity="warning")
    for node in graph.nodes.values():
        for name, field in (node.layer.params.model_fields if node.layer.params else {}).items():
            value = getattr(node.params, name)
            if name.endswith("_notional") and (field.description or "").endswith(", quote currency") and value > most:
                place = f"{node.place.file}:{node.place.line}"
                detail = f"{node.key}.{name} is {value:g}, the account starts with {cash:.6g}"
                yield Finding("D038", place, detail, severity="warning")
