"""`stratoquant new`: first versions of a wiring and of a layer, which check clean and run. Overwrites nothing."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Start a wiring or a layer of your own.")

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

WIRING = Template("""\
# $name: what it looks at, and why that should pay.
# Check it with `stratoquant check $file`, see it with `stratoquant graph $file`.
stratoquant: 1
name: $name
clock: 1m
symbols: [BTCUSDT]
nodes:
  L0: {inputs: {raw: market, now: clock.time}}
  bars_15m: {layer: L0, clock: 15m, inputs: {raw: market, now: clock.time}}  # steps when a 15-minute bar closes
  L14: {inputs: {close: L0.close}, params: {window: 21}}
  slow_rsi: {layer: L14, clock: 15m, inputs: {close: bars_15m.close}}
record: [L14.rsi, slow_rsi.rsi]
roles: {price: L0.close}
# To trade, feed a proposal to L4 (risk_manager); specs/sma_cross.yaml is the smallest example.
""")

LAYER = Template('''\
"""$title: the mean of the last inputs, each weighing less than the one after it.

Rule: mean = mean[1] + (x - mean[1]) / window; the first input is the first mean.
"""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Real


class Params(Parameters):
    window: int = param(10, 1, 1000, "steps over which an input loses most of its weight")


class Memory(State):
    mean: float = nan


class Out(NamedTuple):
    mean: Real


@layer($number, "$name", domain="$domain", source="own", warmup=lambda p: p.window)
def step(s: Memory, p: Params, x: Real) -> Out:
    if isnan(s.mean):
        s.mean = x
    s.mean += (x - s.mean) / p.window
    return Out(s.mean)
''')

TEST = Template('''\
"""$title: its rule by hand, and that it keeps to the kernel language."""

from pathlib import Path

import pytest

from stratoquant.graph.diagnostics import Findings
from stratoquant.graph.kernel_check import check_kernels
from stratoquant.graph.registry import Registry

LAYER = Registry({}).with_folder(Path(__file__).parent).get("$key")


def test_rule() -> None:
    memory, params = LAYER.state(), LAYER.params(window=2)
    means = [LAYER.step(memory, params, x).mean for x in (4.0, 8.0, 2.0)]
    assert means == pytest.approx([4.0, 6.0, 4.0])


def test_language() -> None:
    findings = Findings()
    check_kernels(LAYER, findings)
    assert findings.sorted() == []
''')


@app.command()
def wiring(
    file: Annotated[Path, typer.Argument(help="The file to write, such as my_strategy.yaml.")],
    name: Annotated[str | None, typer.Option(help="Its short name; default: the file's.")] = None,
) -> None:
    """Write a small wiring that checks clean, to start from.

    \b
    Example: stratoquant new wiring my_strategy.yaml
    """
    if file.suffix not in (".yaml", ".yml"):
        raise typer.BadParameter(f"a wiring is a .yaml file, not {file.name}")
    _write_new({file: WIRING.substitute(name=_plain_name(name or file.stem), file=file)})


@app.command()
def layer(
    name: Annotated[str, typer.Argument(help="Its name, in small letters with underscores: steady_mean.")],
    folder: Annotated[Path, typer.Option(help="The folder of your layers, for `layers:` in a wiring.")] = Path(
        "my_layers"
    ),
    number: Annotated[int | None, typer.Option(min=0, help="A number of its own; without it, a block.")] = None,
    domain: Annotated[str, typer.Option(help="What it belongs to, such as kinematics or pattern.")] = "block",
) -> None:
    """Write a layer of your own and a test of it, both of which run.

    \b
    Example: stratoquant new layer steady_mean --folder my_layers
             pytest my_layers
    """
    from stratoquant.graph.language import DOMAINS

    if domain not in DOMAINS:
        raise typer.BadParameter(f"there is no domain {domain}; they are {', '.join(DOMAINS)}")
    plain = _plain_name(name)
    key = plain if number is None else f"L{number}"
    file = folder / "blocks" / f"{plain}.py" if number is None else folder / f"l{number}_{plain}.py"
    words = {
        "key": key,
        "name": plain,
        "domain": domain,
        "number": str(number),
        "title": f"{key} ({plain})" if number is not None else plain,
    }
    test = folder / f"test_{file.stem}.py"
    _write_new({file: LAYER.substitute(words), test: TEST.substitute(words)}, folders=True)
    print(f"use it in a wiring with `layers: [{folder.name}]` and `layer: {key}`; test it with `pytest {folder}`")


def _plain_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise typer.BadParameter(f"{name!r} is no name here; small letters, digits and single underscores: steady_mean")
    return name


def _write_new(files: dict[Path, str], *, folders: bool = False) -> None:
    """Writes all of the files, or none when one of them exists."""
    from stratoquant.runtime.files import write_text

    if taken := [str(f) for f in files if f.exists()]:
        raise typer.BadParameter(f"{', '.join(taken)} exists; choose another name, or remove it first")
    for file, text in files.items():
        if folders:
            file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, text)
        print(f"wrote {file}")
