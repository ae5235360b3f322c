"""`stratoquant`: the commands put together. Each is defined in a module of its own; none is here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from stratoquant.tools import catalogue, data, draw, exit_codes, fit, mirror, mirror_json, new
from stratoquant.tools.backtest import backtest
from stratoquant.tools.calibration import calibration
from stratoquant.tools.check import check
from stratoquant.tools.docs.command import docs
from stratoquant.tools.entry import run
from stratoquant.tools.explain import explain
from stratoquant.tools.ir import ir
from stratoquant.tools.ports import ports

app = typer.Typer(
    name="stratoquant",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=exit_codes.HELP,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"stratoquant {version('stratoquant')}")
        raise typer.Exit


@app.callback()
def stratoquant(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Declarative, layered trading signals: wired in YAML, proven sound, run as one compiled graph.

    \b
    Example: stratoquant check specs/sma_cross.yaml
             stratoquant backtest specs/sma_cross.yaml
    """


app.command()(check)
app.command()(draw.graph)
app.command()(catalogue.layers)
app.command()(backtest)
app.command()(explain)
app.command()(ports)
app.command()(ir)
app.command()(calibration)
app.command()(docs)
app.add_typer(data.app, name="data")
app.add_typer(fit.app, name="fit")
app.add_typer(new.app, name="new")
mirror_json.register(mirror.app)
app.add_typer(mirror.app, name="mirror")
app.command()(catalogue.schema)


def main(arguments: Sequence[str] | None = None) -> None:
    sys.exit(run(app, "stratoquant", arguments))


if __name__ == "__main__":
    main()
