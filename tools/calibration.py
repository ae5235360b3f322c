"""`stratoquant calibration`: what a run's forecasts were worth. Every figure was made when the run ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from stratoquant.runtime.calibration import Calibration

Run = Annotated[Path, typer.Argument(help="The folder of a backtest, such as runs/wiring_master.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def calibration(run: Run, as_json: AsJson = False) -> None:
    """Show a run's probabilities against what happened, expectancies against returns, and costs charged and paid.

    Example: stratoquant calibration runs/wiring_master
    """
    from stratoquant.mirror.pine.series import run_facts
    from stratoquant.runtime.report.calibration_tables import print_calibration

    found = calibration_of(run, run_facts(run))
    if as_json:
        print(json.dumps(found.model_dump(mode="json")))
    else:
        print_calibration(found, Console())


def calibration_of(run: Path, facts: dict[str, Any]) -> Calibration:
    """The figures in a run's facts. Raises StratoError where there are none."""
    from pydantic import ValidationError

    from stratoquant.runtime.calibration import Calibration
    from stratoquant.runtime.errors import StratoError

    try:
        found = Calibration.model_validate(facts["metrics"]["calibration"])
    except (KeyError, TypeError, ValidationError):
        message = f"{run}: the run holds no figures of its forecasts"
        raise StratoError(message, "another release made it: run the backtest again", "M020") from None
    if found.chances or found.expectancies or found.cost:
        return found
    if found.lacking:
        wanted = ", ".join(dict.fromkeys(port for ports in found.lacking.values() for port in ports if "." in port))
        close = any("the role close" in ports for ports in found.lacking.values())
        parts = [f"`record: [{wanted}]`"] * bool(wanted) + ["`roles: {close: L0.close}`"] * close
        hint = f"add {' and '.join(parts)} to the wiring and run the backtest again"
        raise StratoError(f"{run}: the run did not record what its forecasts are judged by", hint, "R001")
    if found.idle:
        message = f"{run}: {', '.join(found.idle)}: no forecast has a known outcome"
        raise StratoError(message, "run the backtest over more bars than the warm-up and the horizon take", "R002")
    message = f"{run}: no layer of the wiring forecasts a close, and the gate charged no closed round trip"
    raise StratoError(message, "run a wiring with a forecast, such as that of L66 in specs/wiring_master.yaml", "R002")
