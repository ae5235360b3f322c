"""The page of the documentation that lists, port by port, the worst difference between the plan and Pine."""

from __future__ import annotations

import re
from pathlib import Path

from stratoquant.layers import catalogue
from stratoquant.mirror.verify import Parity

PAGE = Path(__file__).parents[3] / "docs" / "pine_parity.md"
_HEAD = """# Plan against Pine, port by port

Every layer that a chart computes, alone, with parameters drawn at random, on more than 5,000 recorded one-minute bars
of each of three symbols. The figure is the worst relative difference of a port over all of them; sides, flags, labels
and counts are equal on every bar. The tests make this page.

"""
_ROW = re.compile(r"^\| (L\d+|\w+)\.(\w+) \|")


def ports_on(page: Path) -> set[str]:
    """The ports that the page lists; none when there is no page."""
    if not page.exists():
        return set()
    rows = (_ROW.match(line) for line in page.read_text(encoding="utf-8").splitlines())
    return {f"{m[1]}.{m[2]}" for m in rows if m}


def page_of(parity: Parity, engine: str, page: Path) -> str:
    """The page with this engine's column made anew."""
    columns = _columns(page)
    found = {_port(name): worst for name, worst in parity.worst().items()}
    columns[engine] = {port: max(worst, columns.get(engine, {}).get(port, 0.0)) for port, worst in found.items()}
    engines = sorted(columns)
    lines = [f"| port | {' | '.join(engines)} |", f"|---|{'---|' * len(engines)}"]
    for port in found:
        figures = [columns[e].get(port) for e in engines]
        lines.append(f"| {port} | {' | '.join('' if f is None else f'{f:.1e}' if f else '0' for f in figures)} |")
    return _HEAD + "\n".join(lines) + "\n"


def _port(name: str) -> str:
    node, port = name.split(".")
    known = catalogue()
    keys = {f"alone_{known.get(key).identifier}": key for key in known.keys()}  # noqa: SIM118 - not a dictionary
    return f"{keys[node]}.{port}"


def _columns(page: Path) -> dict[str, dict[str, float]]:
    """What the page says already, by engine."""
    if not page.exists():
        return {}
    lines = [
        line.strip("| ").split(" | ") for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")
    ]
    head, *rows = lines
    return {
        e: {row[0]: float(row[k]) for row in rows if len(row) > k and row[k].strip()} for k, e in enumerate(head) if k
    }
