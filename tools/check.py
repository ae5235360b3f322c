"""`stratoquant check` and `wiring_check`: checks wirings and prints what was found. The checks are the compiler's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stratoquant.graph import render
from stratoquant.graph.diagnostics import Diagnostic, Findings, Severity
from stratoquant.tools import exit_codes
from stratoquant.tools.progress import progress
from stratoquant.tools.terminal import deliver, painter

if TYPE_CHECKING:
    from stratoquant.graph.compiler import Checked


class Format(str, Enum):  # noqa: UP042 - the command line shows the plain value
    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


Wirings = Annotated[
    list[Path] | None,
    typer.Argument(help="Wiring files. A file that another of them includes is checked as a part of that one."),
]
FormatOption = Annotated[
    Format, typer.Option("--format", "-f", help="text for people, json, sarif (code scanning), github (annotations).")
]
Json = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings fail as well.")]
Prove = Annotated[bool, typer.Option("--prove", help="Also run the dynamic proof that no value knows the future.")]
Explain = Annotated[
    str | None, typer.Option("--explain", metavar="CODE", help="Print the page of a code, such as W020, and stop.")
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file instead of the screen.")]


def check(
    wirings: Wirings = None,
    format_: FormatOption = Format.TEXT,
    as_json: Json = False,
    strict: Strict = False,
    prove: Prove = False,
    explain: Explain = None,
    output: Output = None,
) -> None:
    """Check wirings: names, types, causality, risk. Nothing is compiled or run.

    \b
    Example: stratoquant check specs/wiring_master.yaml
             stratoquant check specs/*.yaml --strict --format sarif -o findings.sarif
             stratoquant check --explain W020
    """
    if explain is not None:
        deliver(explained(explain), output)
        return
    if not wirings:
        raise typer.BadParameter("name at least one wiring, such as specs/wiring_master.yaml")
    files = without_parts(wirings)
    results = list(zip(files, checked_files(files, prove=prove), strict=True))
    findings = list(dict.fromkeys(f for _, (_, found) in results for f in found))
    chosen = Format.JSON if as_json else format_
    if chosen is Format.TEXT:
        lines = [_verdict(file, checked, found, output) for file, (checked, found) in results]
        deliver("\n".join(lines), output)
    else:
        deliver(rendered(chosen, findings, files), output)
    raise typer.Exit(int(exit_codes.of_findings(findings, strict=strict)))


def checked_files(paths: Sequence[Path], *, prove: bool = False) -> list[tuple[Checked, tuple[Diagnostic, ...]]]:
    """What the compiler, and the proof if asked for, say of each wiring."""
    checks = {path: _checked(path) for path in paths}
    proofs = _proofs({path: checked for path, checked in checks.items() if checked.sound}) if prove else {}
    return [(checks[path], (*checks[path].findings, *proofs.get(path, ()))) for path in paths]


def _checked(path: Path) -> Checked:
    from stratoquant.graph.compiler import check as check_wiring
    from stratoquant.layers import catalogue

    return check_wiring(path, catalogue())


def _proofs(checks: Mapping[Path, Checked]) -> dict[Path, tuple[Diagnostic, ...]]:
    """The findings of each proof. Several run side by side, the largest first: each compiles its wiring and is at one
    processor's work."""
    workers = min(len(checks), os.cpu_count() or 1)
    if workers < 2:
        return {path: _proof(path, checked) for path, checked in checks.items()}
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    largest_first = sorted(checks, key=lambda path: _nodes(checks[path]), reverse=True)
    with ProcessPoolExecutor(workers, get_context("spawn"), _end_with_the_command) as pool:
        return dict(zip(largest_first, pool.map(_proof_of_file, largest_first), strict=True))


def _end_with_the_command() -> None:
    """Ends a worker without a word on Ctrl-C, and when the command is killed: a pool's workers would wait for ever."""
    import signal
    from multiprocessing import parent_process
    from threading import Thread

    import stratoquant.runtime.proof  # noqa: F401 - polars, which it loads, takes the signal for itself

    def follow() -> None:
        command = parent_process()
        assert command is not None
        command.join()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    Thread(target=follow, daemon=True).start()


def _proof_of_file(path: Path) -> tuple[Diagnostic, ...]:
    return _proof(path, _checked(path))


def _proof(path: Path, checked: Checked) -> tuple[Diagnostic, ...]:
    """The findings of one proof, with its steps on the standard error stream: a large wiring takes minutes."""
    from stratoquant.runtime.proof import prove

    with progress(str(path)) as shown:
        found = tuple(prove(checked, announce=shown.step))
        shown.end(f"{len(found)} ports read the future" if found else "proven causal")
    return found


def without_parts(paths: Sequence[Path]) -> list[Path]:
    """The wirings that are meant as such: parts that another of the files includes, and without a clock, fall away."""
    from stratoquant.graph.yaml_source import read_yaml

    if len(paths) < 2:
        return list(paths)
    included: set[Path] = set()
    parts: set[Path] = set()
    for path in paths:
        source = read_yaml(path, Findings())
        if source is None or not isinstance(source.data, dict):
            continue
        names = source.data.get("include")
        included |= {(path.parent / str(n)).resolve() for n in names} if isinstance(names, list) else set()
        parts |= {path.resolve()} if "clock" not in source.data else set()
    return [p for p in paths if p.resolve() not in included & parts]


def rendered(chosen: Format, findings: Sequence[Diagnostic], files: Iterable[Path]) -> str:
    """Findings in a format for programs."""
    if chosen is Format.JSON:
        return render.as_json(findings, [str(f) for f in files])
    if chosen is Format.SARIF:
        from importlib.metadata import version

        return render.as_sarif(findings, version("stratoquant"))
    return render.as_annotations(findings)


def explained(code: str) -> str:
    """The page of a finding code, of whichever part of the system. Raises typer.BadParameter for an unknown one."""
    from stratoquant.config.codes import CODES as SETTING_CODES
    from stratoquant.graph.codes import CODES
    from stratoquant.graph.passes.p1_load import suggestion
    from stratoquant.mirror.codes import CODES as MIRROR_CODES
    from stratoquant.runtime.codes import CODES as RUN_CODES
    from stratoquant.runtime.data.codes import CODES as DATA_CODES
    from stratoquant.runtime.files import FILE_CODES

    wanted = code.strip().upper()
    if wanted in CODES:
        return CODES[wanted].text()
    others = {**DATA_CODES, **FILE_CODES, **MIRROR_CODES, **RUN_CODES, **SETTING_CODES}
    if wanted in others:
        page = others[wanted]
        return f"{page.code}  {page.title}\n\n{page.cause}\n\nFix: {page.fix}"
    known = [*CODES, *others]
    hint = suggestion(wanted, known) or f"codes begin with {', '.join(sorted({c[0] for c in known}))}"
    raise typer.BadParameter(f"there is no code {wanted}; {hint}")


def _verdict(file: Path, checked: Checked, found: Sequence[Diagnostic], output: Path | None) -> str:
    """The findings of one wiring and, in one line, what came of the check."""
    paint = render.plain if output else painter(sys.stdout)
    text = render.as_text(found, paint)
    if any(f.severity is Severity.ERROR for f in found) or checked.graph is None:
        return f"{text}\n{file}: {paint('error', render.summary(found))}"
    counted = f", {render.summary(found)}" if found else ""
    sound = f"{file}: {paint('ok', 'sound')}, {_size(checked)}{counted}"
    return f"{text}\n{sound}" if text else sound


def _nodes(checked: Checked) -> int:
    return len(checked.graph.nodes) if checked.graph else 0


def _size(checked: Checked) -> str:
    assert checked.graph is not None
    count = _nodes(checked)
    nodes = f"{count} node{'' if count == 1 else 's'}"
    if checked.warmup is None or not checked.graph.orders or not checked.warmup.orders:
        return nodes
    latest, earliest = checked.warmup.orders, checked.warmup.earliest
    bars = f"{latest:,}" if earliest == latest else f"{earliest:,} to {latest:,}"
    return f"{nodes}, orders can be relied on after {bars} bars"
