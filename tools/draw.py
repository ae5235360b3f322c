"""`stratoquant graph`: a wiring as a listing, a chart or data. The drawing is made by graph.drawing."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from stratoquant.tools.terminal import deliver


class Picture(str, Enum):  # noqa: UP042 - the command line shows the plain value
    TEXT = "text"
    MERMAID = "mermaid"
    DOT = "dot"
    JSON = "json"


Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file instead of the screen.")]


def graph(
    wiring: Annotated[Path, typer.Argument(help="The wiring to show.")],
    format_: Annotated[
        Picture, typer.Option("--format", "-f", help="text, mermaid, dot (Graphviz) or json.")
    ] = Picture.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    output: Output = None,
) -> None:
    """Show a wiring: its nodes by domain, what each reads, and where clocks are converted.

    \b
    Example: stratoquant graph specs/sma_cross.yaml
             stratoquant graph specs/sma_cross.yaml --format dot | dot -Tsvg > graph.svg
    """
    from stratoquant.graph import drawing
    from stratoquant.graph.compiler import checked_or_raise
    from stratoquant.layers import catalogue

    drawn = drawing.draw(checked_or_raise(wiring, catalogue()))
    chosen = Picture.JSON if as_json else format_
    if chosen is Picture.JSON:
        text = json.dumps(drawn, indent=2)
    else:
        make = {Picture.TEXT: drawing.as_listing, Picture.MERMAID: drawing.as_mermaid, Picture.DOT: drawing.as_dot}
        text = make[chosen](drawn)
    deliver(text, output)
