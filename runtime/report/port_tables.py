"""The report on ports in a terminal, worst first. Computes no figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stratoquant.graph.clock import format_time
from stratoquant.runtime.port_figures import NEAR, SATURATED, PortFigures
from stratoquant.runtime.port_report import LEAST_REACHED, BranchFigures, Declared, PortReport
from stratoquant.runtime.report.fitting import plain_table, print_table

_MOST = 12
_BLANK = "-"


def print_ports(report: PortReport, declared: Declared, console: Console, *, everything: bool = False) -> None:
    """Print what is not as declared, worst first; with `everything` also every port, branch and effect."""
    console.print(_title(report))
    found, expected = report.findings(declared), report.declared(declared)
    for kind, (title, table) in _SECTIONS.items():
        if kind == "effect" and report.effects is None:
            continue
        if found[kind]:
            console.print()
            console.print(Text(title.format(target=", ".join(report.target) or "orders"), "bold"), soft_wrap=False)
            print_table(console, table(found[kind] if everything else found[kind][:_MOST]))
            if (more := len(found[kind]) - _MOST) > 0 and not everything:
                console.print(Text(f"and {more} more; --all lists them", "dim"))
    if everything:
        _print_everything(report, expected, console)
    console.print()
    console.print(_close(report, found, expected, everything))


def _print_everything(report: PortReport, expected: dict[str, list[tuple[str, str]]], console: Console) -> None:
    console.print()
    console.print(Text("every port", "bold"))
    print_table(console, _ports(report.ports))
    console.print()
    console.print(Text("every condition: how often it held, and how often not", "bold"))
    print_table(console, _branches(report.branches))
    if report.effects is not None:
        console.print()
        console.print(Text("every node: bars x symbols on which the target differs without it", "bold"))
        print_table(console, _effects(sorted(report.effects, key=lambda e: e.changed)))
    declared = [(kind, name, why) for kind, named in expected.items() for name, why in named]
    if declared:
        console.print()
        console.print(Text("as declared in layers/expected.py", "bold"))
        for kind, name, why in declared:
            console.print(Text.assemble((f"{kind}  ", "dim"), name, (f"\n    {why}", "dim")))


def _title(report: PortReport) -> Text:
    symbols = report.symbols[0] if len(report.symbols) == 1 else f"{len(report.symbols)} symbols"
    period = f"{format_time(report.start_ms)} to {format_time(report.end_ms)}"
    layers = len({p.layer for p in report.ports})
    size = f"{len(report.ports)} ports and {len(report.branches)} conditions of {layers} layers"
    text = f"  {report.bars:,} bars x {symbols}\n{period}\n{size}"
    return Text.assemble((report.name, "bold"), (text, "dim"))


def _saturated(ports: Sequence[PortFigures]) -> Table:
    table = plain_table("port", "near a bound", "at a bound", "missing")
    for p in ports:
        table.add_row(Text(p.port), Text(_share(p.near_bound), "red"), _share(p.at_bound), _share(p.missing_after))
    return table


def _silent(ports: Sequence[PortFigures]) -> Table:
    table = plain_table("port", "type", "warm-up")
    for p in ports:
        table.add_row(Text(p.port), p.edge, f"{p.warm_up:,}")
    return table


def _constant(ports: Sequence[PortFigures]) -> Table:
    table = plain_table("port", "always", "missing")
    for p in ports:
        table.add_row(Text(p.port), _number(p.lowest), _share(p.missing_after))
    return table


def _branches(branches: Sequence[BranchFigures]) -> Table:
    table = plain_table("condition", "true", "false")
    for b in branches:
        place = f"{b.branch.layer} {Path(b.branch.place.file).name}:{b.branch.place.line}"
        held = [Text(f"{n:,}", "" if n else "red") for n in (b.true, b.false)]
        table.add_row(Text.assemble((f"{place}\n", "dim"), f"  {b.branch.condition}"), *held)
    return table


def _effects(effects: Sequence[Any]) -> Table:
    table = plain_table("node", "layer", "changed", "share")
    for e in effects:
        table.add_row(Text(e.node), e.layer, f"{e.changed:,}", _share(e.changed / e.bars if e.bars else None))
    return table


def _ports(ports: Sequence[PortFigures]) -> Table:
    table = plain_table("port", "missing", "after warm-up", "at a bound", "near a bound", "lowest", "highest")
    for p in sorted(ports, key=lambda p: -(p.missing_after or 0.0)):
        shares = (p.missing, p.missing_after, p.at_bound, p.near_bound)
        table.add_row(Text(p.port), *map(_share, shares), _number(p.lowest), _number(p.highest))
    return table


_SECTIONS: dict[str, tuple[str, Callable[[Any], Table]]] = {
    "saturated": (f"saturated: over {SATURATED:.0%} of the values within {NEAR:.0%} of a bound", _saturated),
    "silent": ("never a value, after the warm-up", _silent),
    "constant": ("constant: the same value on every bar", _constant),
    "branch": (f"dead branches, of conditions reached at least {LEAST_REACHED} times", _branches),
    "effect": ("without effect: {target} is the same when the node is neutral", _effects),
}


def _close(report: PortReport, found: dict[str, list[Any]], expected: dict[str, Any], everything: bool) -> Text:
    names = {"branch": "dead branches", "effect": "without effect"}
    declared = ", ".join(f"{len(named)} {names.get(kind, kind)}" for kind, named in expected.items() if named)
    guards = sum(1 for b in report.branches if b.guard and b.reached and not (b.true and b.false))
    lines = ["Everything is as declared."] if not any(found.values()) else []
    if declared:
        lines.append(f"As declared: {declared}{'' if everything else '; --all gives the reasons'}.")
    if guards:
        lines.append(f"Guards that met no such number: {guards} (conditions on a missing, infinite or zero number).")
    if report.effects is None:
        lines.append("Not measured: the effect of each node; --effects runs once per node.")
    return Text("\n".join(lines), "dim")


def _share(value: float | None) -> str:
    return _BLANK if value is None else f"{value:.2%}"


def _number(value: float | None) -> str:
    return _BLANK if value is None else f"{value + 0.0:,.6g}"
