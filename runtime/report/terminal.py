"""A run in a terminal: the figures that matter, one screen; plain text where the output is no terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import zip_longest

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stratoquant.graph.clock import format_time
from stratoquant.runtime.attribution import Driver
from stratoquant.runtime.metrics import Metrics, SymbolFigures, VetoCount
from stratoquant.runtime.report.fitting import plain_table, print_table
from stratoquant.runtime.report.series import bucket_starts
from stratoquant.runtime.results import BacktestResult
from stratoquant.runtime.trade_figures import TradeFigures

_BLOCKS = "▁▂▃▄▅▆▇█"
_SPARK_WIDTH = 60
_MOST_VETOES = 5
_MOST_GROUPS = 8
_BLANK = "-"
_LEAST_VALUE, _GAP = 10, 2  # characters of a value in the block of figures, and between two columns
_LIMITS = {
    "bound": "the gate's bound",
    "position": "position",
    "gross": "gross",
    "order": "value of one order",
    "collar": "price collar",
    "rate": "orders per minute",
    "day_loss": "loss of the day",
    "called_off": "the gate's bound, called off",
}
"""What graph.border.HELD_BACK stands for."""


def print_summary(
    result: BacktestResult,
    metrics: Metrics,
    console: Console,
    report: str | os.PathLike[str] | None = None,
) -> None:
    """Print the figures, the symbols, the most frequent vetoes and where the report lies."""
    console.print(_title(result))
    if result.ruined:
        console.print(_ruin(result), soft_wrap=True)
    if console.encoding.lower().startswith("utf"):
        console.print(_spark_line(result, metrics, console.width), no_wrap=True)
    console.print()
    if not result.fills.height:
        console.print(_nothing_traded(result, metrics), soft_wrap=True)
        _print_size_cuts(console, result)
        _print_report(console, report)
        return
    console.print(_figures(metrics, console.width))
    if len(result.symbols) > 1:
        console.print()
        print_table(console, _symbols(metrics))
    for title, groups in (("leading pattern", metrics.per_pattern), ("regime at entry", metrics.per_regime)):
        if groups:
            console.print()
            print_table(console, _groups(title, groups))
    if metrics.drivers:
        console.print()
        print_table(console, _drivers(metrics.drivers))
    if metrics.vetoes:
        console.print()
        print_table(console, _vetoes(metrics.vetoes, len(result.symbols)))
    _print_size_cuts(console, result)
    if result.held_back:
        console.print()
        print_table(console, _held_back(result))
    if result.unmet:
        console.print()
        console.print(_unmet(result), soft_wrap=True)
    _print_report(console, report)


def _print_report(console: Console, report: str | os.PathLike[str] | None) -> None:
    if report is not None:
        console.print()
        # a path is for copying: never broken over lines, never read as markup
        console.print(Text.assemble(("report  ", "dim"), os.fspath(report)), soft_wrap=True)


def _nothing_traded(result: BacktestResult, metrics: Metrics) -> Text:
    """Why there is nothing to count, as far as the run can tell."""
    if not result.wiring.get("orders"):
        return Text("The wiring has no `orders`: it computes and records, and trades nothing.")
    why = "nothing was proposed, or the venue filled nothing; `stratoquant explain SYMBOL TIME` shows any bar"
    if result.bars <= result.warm_up:
        why = f"orders can be relied on after {result.warm_up:,} bars, and the run has {result.bars:,}"
    elif (chances := metrics.calibration.chances) and not any(chance.beats_base_rate for chance in chances):
        best = min(chances, key=lambda chance: chance.brier - chance.base_brier)
        score = f"{best.ports[0]} has a Brier score of {best.brier:.4f} against {best.base_brier:.4f}"
        why = f"no probability of the wiring beat its base rate ({score}), so no trade was worth its cost"
    elif metrics.vetoes:
        most = metrics.vetoes[0]
        why = f"the most frequent veto of the risk gate was `{most.name}`, on {_percent(most.share)} of the bars"
    if result.unmet:
        why = f"orders met a market without volume on {sum(result.unmet.values()):,} bars"
    if result.held_back:
        reason = max(result.held_back, key=result.held_back.__getitem__)
        why += f"; the border held back {sum(result.held_back.values()):,} orders, most by {_LIMITS[reason]}"
    return Text(f"No order was filled: {why}.")


def sparkline(values: Sequence[float] | np.ndarray, width: int) -> str:
    """The last value of each of `width` stretches as a block between the lowest and the highest."""
    series = np.asarray(values, dtype=np.float64)
    if not len(series):
        return ""
    lasts = np.append(bucket_starts(len(series), width)[1:], len(series)) - 1
    shown = series[lasts]
    low, high = float(shown.min()), float(shown.max())
    if high <= low:
        return _BLOCKS[0] * len(shown)
    steps = ((shown - low) / (high - low) * (len(_BLOCKS) - 1)).round().astype(int)
    return "".join(_BLOCKS[step] for step in steps)


def _title(result: BacktestResult) -> Text:
    speed = f", {result.bars / result.seconds:,.0f} a second" if result.seconds > 0.0 else ""
    return Text.assemble((result.name, "bold"), (f"  {result.bars:,} bars{speed}\ndigest {result.digest}", "dim"))


def _spark_line(result: BacktestResult, metrics: Metrics, width: int) -> Text:
    start, end = _money(metrics.initial_equity), _money(metrics.final_equity)
    room = max(width - len(start) - len(end) - 2, 8)
    line = sparkline(result.equity["equity"].to_numpy(), min(_SPARK_WIDTH, room))
    return Text.assemble((f"{start} ", "dim"), (line, _tone(metrics.total_return)), (f" {end}", ""))


def _figures(m: Metrics, width: int) -> Table:
    """Pairs of name and value, as many per line as fit, at most three."""
    cells = [
        ("return", _percent(m.total_return, sign=True), _tone(m.total_return)),
        ("trades", f"{m.trades:,}" + (f" + {m.open_trades} open" if m.open_trades else ""), ""),
        ("fees", _money(m.fees), ""),
        ("a year", _percent(m.annual_return, sign=True), _tone(m.annual_return)),
        ("hit rate", _percent(m.hit_rate), ""),
        ("slippage", _money(m.slippage), ""),
        ("Sharpe", _number(m.sharpe), _tone(m.sharpe)),
        ("profit factor", _number(m.profit_factor), ""),
        ("funding", _money(m.funding), ""),
        ("Sortino", _number(m.sortino), ""),
        ("expectancy", _money(m.expectancy, sign=True), _tone(m.expectancy)),
        ("exposure", _percent(m.exposure), ""),
        ("max drawdown", _percent(m.max_drawdown), _tone(m.max_drawdown)),
        ("bars held", _number(m.average_bars, 1), ""),
        ("leverage", _number(m.leverage), ""),
    ]
    return next(table for pairs in (3, 2, 1) if (table := _pairs(cells, pairs, width if pairs > 1 else None)))


def _pairs(cells: Sequence[tuple[str, str, str]], pairs: int, width: int | None) -> Table | None:
    """Names, values and styles, given by rows of three, in columns of pairs; None where they are wider than `width`."""
    by_kind = [cells[i] for kind in range(3) for i in range(kind, len(cells), 3)]
    rows = -(-len(cells) // pairs)
    columns = [by_kind[k : k + rows] for k in range(0, len(by_kind), rows)]
    table = Table.grid(padding=(0, 2))
    taken = -_GAP
    for column in columns:
        name, value = (max(len(cell[k]) for cell in column) for k in (0, 1))
        taken += name + _GAP + max(value, _LEAST_VALUE) + _GAP
        table.add_column(style="dim", no_wrap=True)
        table.add_column(justify="right", min_width=_LEAST_VALUE, no_wrap=True)
    if width is not None and taken > width:
        return None
    for row in zip_longest(*columns, fillvalue=("", "", "")):
        table.add_row(*(part for name, value, style in row for part in (name, Text(value, style))))
    return table


def _symbols(metrics: Metrics) -> Table:
    table = plain_table("symbol", "trades", "result", "return", "Sharpe", "drawdown", "hit rate", "profit factor")
    for symbol, figures in metrics.per_symbol.items():
        table.add_row(Text(symbol), *_symbol_row(figures))
    return table


def _symbol_row(figures: SymbolFigures) -> list[Text]:
    return [
        Text(f"{figures.trades:,}"),
        Text(_money(figures.pnl, sign=True), _tone(figures.pnl)),
        Text(_percent(figures.total_return, sign=True), _tone(figures.total_return)),
        Text(_number(figures.sharpe)),
        Text(_percent(figures.max_drawdown)),
        Text(_percent(figures.hit_rate)),
        Text(_number(figures.profit_factor)),
    ]


def _groups(title: str, groups: Mapping[str, TradeFigures]) -> Table:
    table = plain_table(title, "trades", "result", "expectancy", "hit rate", "profit factor")
    shown = _shown_groups(groups)
    for name, figures in shown.items():
        table.add_row(
            Text(name),
            f"{figures.trades:,}",
            Text(_money(figures.pnl, sign=True), _tone(figures.pnl)),
            Text(_money(figures.expectancy, sign=True), _tone(figures.expectancy)),
            _percent(figures.hit_rate),
            _number(figures.profit_factor),
        )
    return _with_rest(table, len(groups) - len(shown))


def _shown_groups(groups: Mapping[str, TradeFigures]) -> dict[str, TradeFigures]:
    """The first groups, and wherever they stand those with the best and the worst result and trade."""
    kept = set(list(groups)[:_MOST_GROUPS])
    for of, choose in (("pnl", max), ("pnl", min), ("best", max), ("worst", min)):
        known = {name: value for name, figures in groups.items() if (value := getattr(figures, of)) is not None}
        if known:
            kept.add(choose(known, key=known.__getitem__))
    return {name: figures for name, figures in groups.items() if name in kept}


def _drivers(drivers: Sequence[Driver]) -> Table:
    """What a trade made on average when it went with a signal, and when it went against it."""
    table = plain_table("signal", "with it", "each", "against it", "each")
    for driver in drivers[:_MOST_GROUPS]:
        table.add_row(
            Text(driver.port),
            f"{driver.with_it:,}",
            Text(_money(driver.expectancy_with, sign=True), _tone(driver.expectancy_with)),
            f"{driver.against_it:,}",
            Text(_money(driver.expectancy_against, sign=True), _tone(driver.expectancy_against)),
        )
    return _with_rest(table, len(drivers) - _MOST_GROUPS)


def _vetoes(vetoes: Sequence[VetoCount], symbols: int) -> Table:
    table = plain_table("most frequent vetoes", "bars" if symbols == 1 else "bars x symbols", "share")
    for veto in vetoes[:_MOST_VETOES]:
        table.add_row(Text(veto.name), f"{veto.bars:,}", _percent(veto.share))
    return _with_rest(table, len(vetoes) - _MOST_VETOES)


def _with_rest(table: Table, more: int) -> Table:
    """The table, and how many rows it lacks."""
    if more > 0:
        table.add_row(Text(f"and {more} more, in the report", "dim"))
    return table


def _ruin(result: BacktestResult) -> Text:
    last = result.equity.row(-1, named=True)
    when = format_time(last["time"])
    text = f"The account is used up: equity is {_money(last['equity'])} at the close of {when}. The run ended there."
    return Text(text, "bold red")


def _print_size_cuts(console: Console, result: BacktestResult) -> None:
    """How often and how far each rule made positions smaller than they were asked for."""
    if not result.size_cuts:
        return
    table = plain_table("size cut by", "of the bars", "left, mean", "least", "bars in a row")
    for cut in result.size_cuts:
        row = (_percent(cut.cut / cut.bars), _percent(cut.mean), _percent(cut.least), f"{cut.longest:,}")
        table.add_row(Text(cut.rule), *row)
    console.print()
    print_table(console, table)


def _held_back(result: BacktestResult) -> Table:
    """What the border of the plan did to orders; see graph.border."""
    table = plain_table("orders held back by", "orders", "limit")
    limits = dict(result.limits) | {"rate": result.limits.get("orders_per_minute")}
    for reason, count in result.held_back.items():
        table.add_row(Text(_LIMITS[reason]), f"{count:,}", f"{limits.get(reason) or _BLANK}")
    return table


def _unmet(result: BacktestResult) -> Text:
    """Where orders could not fill, as nothing was traded."""
    each = ", ".join(f"{symbol} on {bars:,} bars" for symbol, bars in result.unmet.items())
    return Text(f"Orders or exits met a market without volume, so that nothing could fill: {each}.")


def _tone(value: float | None) -> str:
    return "" if not value else "green" if value > 0.0 else "red"


def _percent(value: float | None, sign: bool = False) -> str:
    return _BLANK if value is None else f"{value:{'+' if sign else ''}.2%}"


def _number(value: float | None, digits: int = 2) -> str:
    return _BLANK if value is None else f"{value:,.{digits}f}"


def _money(value: float | None, sign: bool = False) -> str:
    return _BLANK if value is None else f"{value:{'+' if sign else ''},.2f}"
