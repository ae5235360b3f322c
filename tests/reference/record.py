"""The records beside this file: how a run's outcome compares with its record, and how a record is renewed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from tests.reference.runs import Outcome, Statistics

FOLDER = Path(__file__).parent
TOLERANCE = 1e-9
Record = dict[str, Any]  # statistics, digests


def read(name: str) -> Record:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def write(name: str, record: Record) -> None:
    """One line per port, so that a difference shows what changed."""
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(found)}" for key, found in record["statistics"].items())
    digests = json.dumps(dict(sorted(record["digests"].items())), indent=1).replace("\n", "\n ")
    text = f'{{\n "digests": {digests},\n "statistics": {{\n{lines}\n }}\n}}\n'
    (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


def differences(record: Record, outcome: Outcome, kind: str) -> list[str]:
    """A line for each statistic that differs; if none does, one for a digest of this kind of processor that does."""
    found = statistics_differences(record["statistics"], outcome.statistics)
    known = record["digests"].get(kind)
    if not found and known not in (None, outcome.digest):
        found = [f"digest: {known} on record for {kind}, {outcome.digest} now; the statistics agree to {TOLERANCE}"]
    return found


def statistics_differences(recorded: Statistics, now: Statistics) -> list[str]:
    found = []
    for key in dict.fromkeys((*recorded, *now)):
        before, after = recorded.get(key), now.get(key)
        if before is None or after is None:
            found.append(f"{key}: only {'in the run' if before is None else 'on record'}")
            continue
        for name in dict.fromkeys((*before, *after)):
            old, new = before.get(name), after.get(name)
            if old is None or new is None or not _agree(old, new, before["size"] if name == "mean" else abs(old)):
                found.append(f"{key} {name}: {old} on record, {new} now")
    return found


def _agree(old: float, new: float, size: float) -> bool:
    if isinstance(old, int) and isinstance(new, int):
        return old == new
    return math.isclose(old, new, rel_tol=0.0, abs_tol=TOLERANCE * size)


def renewed(record: Record | None, outcome: Outcome, kind: str) -> Record:
    """The record of the outcome. Digests of other kinds of processor stay while nothing shows that they changed."""
    same = record is not None and not differences(record, outcome, kind)
    digests = dict(record["digests"]) if same and record is not None else {}
    statistics = record["statistics"] if same and record is not None else outcome.statistics
    return {"digests": digests | {kind: outcome.digest}, "statistics": statistics}
