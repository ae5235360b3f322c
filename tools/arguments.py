"""Values of the command line that several commands take: read and checked. Raises typer.BadParameter."""

from __future__ import annotations

from collections import Counter

import typer

from stratoquant.graph.names import symbol_problem

LONGEST_MARKET = 20_000_000
"""Bars of the built-in market that a command makes; it lies in memory as a whole."""


def one_symbol(text: str, option: str = "--symbol") -> str:
    """A single symbol."""
    symbol = text.strip()
    if problem := symbol_problem(symbol):
        raise typer.BadParameter(f"{text!r} is not a symbol: {problem}; write it such as BTCUSDT", param_hint=option)
    return symbol


def listed_symbols(text: str, option: str = "--symbols") -> list[str]:
    """Comma-separated symbols, each once."""
    symbols = [one_symbol(part, option) for part in text.split(",")]
    if twice := [symbol for symbol, count in Counter(symbols).items() if count > 1]:
        raise typer.BadParameter(f"{', '.join(twice)} is named twice; name each symbol once", param_hint=option)
    return symbols


def listed_ports(text: str, option: str = "--ports") -> list[str]:
    """Comma-separated NODE.port."""
    ports = [part.strip() for part in text.split(",")]
    if not all(ports):
        raise typer.BadParameter("a name is empty; write NODE.port,NODE.port", param_hint=option)
    return ports


def require_time(bars: int, clock_ms: int) -> None:
    """Raises where the built-in market would reach beyond the times that a bar can have."""
    from stratoquant.runtime.data.check import is_placeable
    from stratoquant.runtime.data.synthetic import START_MS

    if not is_placeable(START_MS + bars * clock_ms):
        raise typer.BadParameter(f"{bars:,} bars of this clock reach beyond the year 5138", param_hint="--bars")
