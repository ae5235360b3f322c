"""Tables that fit a terminal. A number is never cut: columns that find no room follow below, beside the first again."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Column, Table

_GAP = 2  # blanks between two columns
_LEAST = 24  # characters to which the first column is folded before others go below


def plain_table(first: str, *others: str) -> Table:
    """A table of one column of names and several of numbers, without lines."""
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", pad_edge=False)
    table.add_column(first, overflow="fold")
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def print_table(console: Console, table: Table) -> None:
    """Print a table whose first column holds names; in parts, one below the other, where the terminal is narrow."""
    for number, part in enumerate(_fitted(console, table)):
        if number:
            console.print()
        console.print(part)


def _fitted(console: Console, table: Table) -> Iterator[Table]:
    """The table as it is where the first column, folded if need be, leaves room for all others; else its parts."""
    widths = [_width(console, column) for column in table.columns]
    numbers = [width + _GAP for width in widths[1:]]
    least = min(widths[0], _LEAST) if sum(numbers) + _LEAST > console.width else 0
    first = min(widths[0], console.width - (max(numbers, default=0) if least else sum(numbers)))
    first = max(first, least)
    part: list[int] = []
    used = first
    for k, width in enumerate(numbers, 1):
        if part and used + width > console.width:
            yield _part(table, part, first, widths)
            part, used = [], first
        part.append(k)
        used += width
    yield _part(table, part, first, widths)


def _part(table: Table, kept: list[int], first: int, widths: list[int]) -> Table:
    """The first column and those kept, each as wide as its widest cell."""
    part = Table(box=table.box, padding=table.padding, header_style=table.header_style, pad_edge=table.pad_edge)
    part.show_header = table.show_header
    columns = [table.columns[k] for k in (0, *kept)]
    for column, width in zip(columns, (first, *(widths[k] for k in kept)), strict=True):
        part.add_column(
            column.header, justify=column.justify, overflow="fold", style=column.style, width=width, no_wrap=False
        )
    for cells in zip(*(column.cells for column in columns), strict=True):
        part.add_row(*cells)
    return part


def _width(console: Console, column: Column) -> int:
    return max((_measured(console, cell) for cell in (column.header, *column.cells)), default=0)


def _measured(console: Console, cell: RenderableType) -> int:
    return Measurement.get(console, console.options.update(max_width=10_000), cell).maximum
