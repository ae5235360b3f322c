"""Forecasts against what happened, in a terminal. Shows what runtime.calibration found; computes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stratoquant.runtime.calibration import Calibration, ChanceFigures, CostFigures, ExpectancyFigures, Group
from stratoquant.runtime.report.fitting import plain_table, print_table

_SCALE = 20  # characters of a scale from 0 to 1


def print_calibration(found: Calibration, console: Console) -> None:
    """Print every forecast, the worst probability first, and the cost."""
    for figures in sorted(found.chances, key=lambda c: c.base_brier - c.brier):
        console.print(_chance_head(figures))
        print_table(console, _bins(figures.bins, console))
        console.print()
    for expectancy in found.expectancies:
        console.print(_expectancy_head(expectancy))
        print_table(console, _quintiles(expectancy.quintiles))
        console.print()
    if found.cost is not None:
        console.print(_cost(found.cost))
    for line in notes(found):
        console.print(Text(line, "dim"))


def event(side: str | None, horizon: int) -> str:
    """What a forecast is about, in words."""
    return f"{'a rise' if side is None else f'a move to {side}'} over {horizon:,} bars"


def notes(found: Calibration) -> list[str]:
    """What is not among the figures, and why."""
    lines = [f"Not judged: {port}; record {', '.join(ports)} in the wiring." for port, ports in found.lacking.items()]
    if found.idle:
        lines.append(f"Without a value whose outcome is known: {', '.join(found.idle)}.")
    if found.stateless:
        lines.append(f"Probability ports that declare no forecast of the close: {', '.join(found.stateless)}.")
    return lines


def _chance_head(figures: ChanceFigures) -> Text:
    better = figures.beats_base_rate
    verdict = "better than" if better else "no better than"
    return Text.assemble(
        (", ".join(figures.ports), "bold"),
        f": {event(figures.side, figures.horizon)}\nBrier score {figures.brier:.4f}, ",
        (f"{verdict} {figures.base_brier:.4f}", "green" if better else "red"),
        f" of the base rate {figures.base_rate:.2%}\n",
        (f"{figures.count:,} forecasts, {figures.independent:,} that do not overlap", "dim"),
    )


def _bins(groups: Sequence[Group], console: Console) -> Table:
    table = plain_table("forecast", "happened", "forecasts", "0" + " " * (_SCALE - 2) + "1")
    marks = ("●", "○") if console.encoding.lower().startswith("utf") else ("*", "o")
    for group in groups:
        scale = _scale(group, *marks)
        table.add_row(f"{group.forecast:.2%}", f"{group.realised:.2%}", f"{group.count:,}", scale)
    return table


def _scale(group: Group, happened: str, said: str) -> Text:
    """Where the forecast and what happened lie between 0 and 1."""
    cells = ["·"] * _SCALE if happened == "●" else ["."] * _SCALE
    places = [min(int(x * _SCALE), _SCALE - 1) for x in (group.forecast, group.realised)]
    cells[places[0]] = said
    cells[places[1]] = happened
    return Text("".join(cells))


def _expectancy_head(figures: ExpectancyFigures) -> Text:
    net = f", net of two fills at {figures.cost}" if figures.cost else ""
    return Text.assemble(
        (figures.port, "bold"),
        f": mean of {event(figures.side, figures.horizon)}{net}, bps\n",
        (f"{figures.count:,} forecasts, {figures.independent:,} that do not overlap; by quintile", "dim"),
    )


def _quintiles(groups: Sequence[Group]) -> Table:
    table = plain_table("quintile", "predicted", "realised", "forecasts")
    for number, group in enumerate(groups, 1):
        table.add_row(f"{number}", f"{group.forecast:+,.2f}", f"{group.realised:+,.2f}", f"{group.count:,}")
    return table


def _cost(figures: CostFigures) -> Text:
    trips = f"{figures.trades:,} round trip{'' if figures.trades == 1 else 's'}"
    return Text.assemble(
        ("cost", "bold"),
        f" of {trips}: charged by the gate {figures.charged:,.2f} bps, paid {figures.paid:,.2f} bps\n"
        f"median ratio {figures.ratio:.2f}, quartiles {figures.low:.2f} and {figures.high:.2f}",
    )
