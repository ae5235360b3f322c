"""`stratoquant ir`: the typed program of a layer, as machine code is made from it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stratoquant.tools.catalogue import find_layer
from stratoquant.tools.terminal import deliver

if TYPE_CHECKING:
    from stratoquant.graph.kernel.nodes import Function, Place
    from stratoquant.graph.layer_program import LayerProgram

Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file instead of the screen.")]


def ir(
    layer: Annotated[str, typer.Argument(help="A layer, such as L14 or rsi; or a wiring, and a node of it.")],
    node: Annotated[str | None, typer.Argument(help="The node of the wiring.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Also the layers of your own in this folder.")] = None,
    llvm: Annotated[bool, typer.Option("--llvm", help="As LLVM IR, before LLVM optimises it.")] = False,
    output: Output = None,
) -> None:
    """Show the kernels of a layer as they are compiled: with every type, conversion, load and store.

    A node of a wiring has its own sizes of memory, and the outputs that the wiring uses; a layer by itself has its
    default parameters and tells all outputs.

    \b
    Example: stratoquant ir L14
             stratoquant ir specs/sma_cross.yaml fast
    """
    program = _of_layer(layer, folder) if node is None else _of_node(Path(layer), node)
    deliver(as_llvm(program) if llvm else as_text(program), output)


def _of_layer(key: str, folder: Path | None) -> LayerProgram:
    from stratoquant.graph.diagnostics import Findings
    from stratoquant.graph.layer_check import check_layer
    from stratoquant.graph.layer_program import layer_program
    from stratoquant.graph.passes.p8_layout import room_for
    from stratoquant.layers import catalogue

    if Path(key).suffix in (".yaml", ".yml"):
        raise typer.BadParameter(f"{key} is a wiring; name one of its nodes as well, `stratoquant ir {key} NODE`")
    registry = catalogue()
    if folder is not None:
        if not folder.is_dir():
            raise typer.BadParameter(f"{folder} is no folder")
        registry = registry.with_folder(folder)
    found = find_layer(key, registry)
    findings = Findings()
    check_layer(found, findings)
    findings.raise_errors()
    params = found.params() if found.params else None
    return layer_program(found, params, room_for(1), guarded=not registry.is_shipped(found.key))


def _of_node(wiring: Path, key: str) -> LayerProgram:
    from stratoquant.graph.compiler import checked_or_raise
    from stratoquant.graph.diagnostics import suggestion
    from stratoquant.graph.layer_program import layer_program
    from stratoquant.graph.model import told_ports
    from stratoquant.graph.passes.p8_layout import room_for
    from stratoquant.layers import catalogue

    graph = checked_or_raise(wiring, catalogue()).graph
    assert graph is not None
    if key not in graph.nodes:
        hint = suggestion(key, graph.nodes) or f"`stratoquant graph {wiring}` lists them"
        raise typer.BadParameter(f"there is no node {key} in {wiring}; {hint}")
    node = graph.nodes[key]
    told = told_ports(graph, node.layer)
    return layer_program(node.layer, node.params, room_for(len(graph.symbols)), told, guarded=not node.shipped)


def as_text(program: LayerProgram) -> str:
    """The kernels, callees first, each with the lines of its file."""
    from stratoquant.graph.kernel.printing import print_function
    from stratoquant.graph.kernel.touches import touches

    versions = Counter(function.name for function in program.functions)

    def name_of(function: Function) -> str:
        return function.name if versions[function.name] == 1 else function.symbol

    def line_of(place: Place) -> str:
        return str(program.line_of(place) or "")

    parts = []
    for function in program.functions:
        found = touches(function)
        effects = (("reads", found.reads), ("writes", found.writes))
        told = [f"  {word} {', '.join(paths)}" for word, paths in effects if paths]
        printed = print_function(function, line_of, name_of, told)
        parts.append(f"# {program.file_of(function) or 'built in'}\n{printed}\n")
    return "\n".join(parts)


def as_llvm(program: LayerProgram) -> str:
    """The kernels as LLVM reads them, callees first."""
    from stratoquant.graph.kernel.llvm.arithmetic import declarations
    from stratoquant.graph.kernel.llvm.function import write_function

    texts = [write_function(function) for function in program.functions]
    return "\n".join([*(text.defined("") for text in texts), *declarations({n for t in texts for n in t.externals})])
