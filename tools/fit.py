"""`stratoquant fit`: makes the model files of fitted layers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from stratoquant.tools.arguments import listed_symbols
from stratoquant.tools.backtest import Data, End, Set, Start, Symbols, open_bars, parse_settings, progress
from stratoquant.tools.terminal import deliver, noticing_ctrl_c, working

if TYPE_CHECKING:
    from stratoquant.graph.plan import Plan
    from stratoquant.runtime.data.market import Market
    from stratoquant.runtime.fit_regime import RegimeFit

app = typer.Typer(name="fit", no_args_is_help=True, help="Make the models of fitted layers.", rich_markup_mode=None)


@app.callback()
def fit() -> None:
    """Make the models of fitted layers."""


@app.command()
def regime(
    wiring: Annotated[Path, typer.Argument(help="A wiring that has the layer's inputs.")] = Path(
        "stratoquant:regime_model.yaml"
    ),
    data: Data = None,
    symbols: Symbols = None,
    start: Start = None,
    end: End = None,
    close: Annotated[str, typer.Option(help="The port that L64 reads as close.")] = "L0.close",
    sigma: Annotated[str, typer.Option(help="The port that L64 reads as sigma.")] = "L1.sigma",
    seed: Annotated[int, typer.Option(help="Seed of the fit.", min=0)] = 1,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the model.")] = Path("regime.json"),
    set_: Set = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object about the fit.")] = False,
) -> None:
    """Fit the four states of L64 (hmm_regime) with hmmlearn, over all symbols together.

    \b
    The states are numbered from the calmest to the wildest. The same data and seed give the same file.
    Example: stratoquant fit regime --data bars/ --symbols BTCUSDT --end 2021-05-10 -o specs/models/regime.json
    """
    from stratoquant.graph.compiler import checked_or_raise
    from stratoquant.graph.plan import compile_plan
    from stratoquant.layers import catalogue
    from stratoquant.runtime.venue import SIMULATED

    console = Console(stderr=True, quiet=as_json)
    checked = checked_or_raise(wiring, catalogue(), parse_settings(set_ or []))
    assert checked.graph is not None
    names = list(checked.graph.symbols) if symbols is None else listed_symbols(symbols)
    market = open_bars(data, names, checked.graph.clock_ms, (start, end))
    plan = compile_plan(checked, SIMULATED, market.symbols, lambda text: console.print(f"[dim]{text} ...[/dim]"))
    _require(plan, close, sigma)
    found = _fit(plan, market, (close, sigma), seed, console)
    text = _text(found, plan, market, (close, sigma), seed, "the built-in market" if data is None else data.name)
    deliver(text, output)
    digest = hashlib.sha256(text.encode()).hexdigest()
    if as_json:
        print(json.dumps({"file": str(output), "sha256": digest} | _made(found)))
    else:
        _tell(found, output, digest)


def _require(plan: Plan, *ports: str) -> None:
    from difflib import get_close_matches

    from stratoquant.runtime.errors import StratoError

    for port in ports:
        if port not in plan.layout.columns:
            near = get_close_matches(port, plan.layout.columns, 1)
            hint = f"did you mean {near[0]}?" if near else f"{plan.graph.file} has {', '.join(plan.layout.columns)}"
            raise StratoError(f"the wiring {plan.graph.name} has no port {port}", hint)


def _fit(plan: Plan, market: Market, ports: tuple[str, str], seed: int, console: Console) -> RegimeFit:
    from stratoquant.runtime.fit_regime import fit_regime

    with noticing_ctrl_c() as check:
        with progress(market.bars, console) as advance:

            def bars_done(done: int) -> None:
                check()
                advance(done)

            with working("fitting"):
                found = fit_regime(plan, market, *ports, seed, on_bars=bars_done)
        check()
    return found


def _text(found: RegimeFit, plan: Plan, market: Market, ports: tuple[str, str], seed: int, data: str) -> str:
    """The model file: the numbers, and all that is needed to find them again."""
    from importlib.metadata import version

    from stratoquant.graph.clock import format_time
    from stratoquant.graph.identity import wiring_digest
    from stratoquant.graph.model_file import model_text
    from stratoquant.layers import catalogue

    how = {
        "by": f"hmmlearn {version('hmmlearn')}, numpy {version('numpy')}",
        "data": data,
        "symbols": list(market.symbols),
        "from": format_time(market.start),
        "until": format_time(market.start + market.bars * market.clock_ms),
        "wiring": wiring_digest(plan.graph),
        "ports": list(ports),
        "seed": seed,
    }
    return model_text(catalogue().get("L64"), found.values, how | _made(found))


def _made(found: RegimeFit) -> dict[str, object]:
    return {
        "data_sha256": found.data_sha256,
        "bars": found.bars,
        "bars_in_state": [round(share, 4) for share in found.bars_in_state],
        "log_likelihood_per_bar": round(found.log_likelihood, 6),
        "iterations": found.iterations,
        "converged": found.converged,
    }


def _tell(found: RegimeFit, output: Path, digest: str) -> None:
    console = Console(soft_wrap=True)
    shares = ", ".join(f"{share:.0%}" for share in found.bars_in_state)
    ended = "converged" if found.converged else "stopped before it converged"
    console.print(f"[bold]{output}[/bold]: {found.bars:,} bars, {ended} after {found.iterations} iterations")
    console.print(f"log likelihood {found.log_likelihood:.4f} a bar; bars in the states, calmest first: {shares}")
    console.print("In the wiring, under L64:")
    print(f"    model: {{file: {output.name}, sha256: '{digest}'}}")
