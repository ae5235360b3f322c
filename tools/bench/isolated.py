"""Starts the programs in engines/ through uv, which makes and keeps an environment for each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_FOLDER = Path(__file__).parent / "engines"
_LONGEST = 600  # s


@dataclass(frozen=True)
class Outcome:
    """What a program printed; or, in one line, why it did not run."""

    figures: Mapping[str, float]
    what: str = ""
    problem: str = ""


def write_columns(bars: Mapping[str, np.ndarray], folder: Path) -> None:
    """One .npy file a column, which every program can read whatever else it has."""
    for name, values in bars.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(values, dtype=np.float64))


def run(program: str, folder: Path) -> Outcome:
    """Runs engines/PROGRAM.py over the columns in a folder, and says on stderr that it does."""
    print(f"{program} ...", file=sys.stderr, flush=True)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        return Outcome({}, problem="uv is not installed")
    script = [str(_FOLDER / f"{program}.py"), str(folder)]
    command = [uv, "run", "--quiet", "--no-project", "--python", sys.executable, *script]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return Outcome({}, problem=f"not done after {_LONGEST} s")
    if done.returncode:
        said = (done.stderr.strip() or "no reason given").splitlines()
        return Outcome({}, problem=said[-1][:60])
    printed = json.loads(done.stdout.strip().splitlines()[-1])
    figures = {name: float(value) for name, value in printed.items() if isinstance(value, int | float)}
    return Outcome(figures, what=printed.get("what", ""))
