"""What a layer declares besides its kernels: argument order, memory, parameters, warm-up. Wrong ones become findings.

Without these checks each of them would fail where records are laid out or code is generated, far from its cause.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from functools import partial
from keyword import iskeyword
from math import isfinite
from typing import Any, get_args, get_origin, get_type_hints

from stratoquant.graph.diagnostics import Findings, Place
from stratoquant.graph.kernels import kernel_source, place_of, short_path
from stratoquant.graph.language import Layer, Parameters, Sizing, State, field_name, port_name
from stratoquant.graph.layout import state_dtype


def check_declaration(layer: Layer, findings: Findings) -> bool:
    """Adds what is wrong with a layer's declaration; returns whether it is sound."""
    before = len(findings.errors)
    if not layer.name.isidentifier() or iskeyword(layer.name):
        hint = "use letters, digits and single underscores; the file's name is the same"
        findings.error("K018", f"`{layer.name}` cannot be the name of a layer", place_of(layer), hint)
    _check_arguments(layer, findings)
    _check_names(layer, findings)
    for declared in (layer.state, layer.model):
        if declared is not None:
            _check_memory(declared, findings, partial(place_of, layer), set())
    if layer.params is not None:
        _check_parameters(layer.params, findings, partial(place_of, layer))
    return len(findings.errors) == before


def check_sizes(layer: Layer, params: Parameters | None, key: str, findings: Findings) -> None:
    """Adds what is wrong with a layer's warm-up and with the sizes of its memory, for the parameters of a node."""
    try:
        steps = layer.warmup(params)
        if not isinstance(steps, int | float) or not isfinite(steps) or steps < 0:
            hint = "return a whole number >= 0"
            findings.error("K018", f"the warm-up of {key} ({layer.name}) is {steps!r}", place_of(layer), hint)
    except Exception as problem:
        message = f"the warm-up of {key} ({layer.name}) cannot be computed: {_reason(problem)}"
        findings.error("K018", message, place_of(layer), "correct `warmup=` in the declaration")
    if layer.state is None:
        return
    try:
        state_dtype(layer.state, params, 1)
    except Exception as problem:
        message = f"the memory of {key} ({layer.name}) cannot be sized: {_reason(problem)}"
        hint = "correct array(...) and sized(...) in the State"
        findings.error("K018", message, _class_place(layer.state) or place_of(layer), hint)


def _check_arguments(layer: Layer, findings: Findings) -> None:
    """Memory, parameters and model come first, in this order, and every argument has a type."""
    source = kernel_source(layer.step)
    hints = get_type_hints(layer.step, include_extras=True)
    records = [r for r in (layer.state, layer.params, layer.model) if r is not None]
    for argument in source.tree.args.args:
        if argument.arg not in hints:
            place = Place(short_path(source.file), argument.lineno, argument.col_offset + 1)
            hint = f"write `{argument.arg}: Real`, or another type of graph.types"
            findings.error("K018", f"the argument `{argument.arg}` of the step has no type", place, hint)
    kinds = [hints.get(a.arg) for a in source.tree.args.args]
    if kinds[: len(records)] != records:
        message = f"the arguments of `{layer.name}` are in the wrong order"
        words = {layer.state: "memory", layer.params: "parameters", layer.model: "model"}
        hint = f"begin with {', '.join(words[r] for r in records)}; the inputs follow"
        findings.error("K018", message, place_of(layer), hint)


def _check_names(layer: Layer, findings: Findings) -> None:
    """A name of a port may end in an underscore where it is a word of Python, and only there."""
    inputs = [port_name(a.arg) for a in kernel_source(layer.step).tree.args.args]
    for name in sorted({name for name in inputs if inputs.count(name) > 1}):
        message = f"two arguments of the step stand for the input `{name}`"
        findings.error("K018", message, place_of(layer), f"rename `{name}_`")
    for name in getattr(layer.output, "_fields", ()):
        if field_name(port_name(name)) != name:
            place = _field_place(layer.output, name) or place_of(layer)
            findings.error("K018", f"the output `{name}` ends in an underscore", place, f"write `{port_name(name)}`")


def _check_memory(state: type[State], findings: Findings, fallback: Callable[[], Place], seen: set[type]) -> None:
    """Fields of known kinds, with first values of their kind."""
    for name, hint in get_type_hints(state, include_extras=True).items():
        place = _place_of_field(state, name, fallback)
        declared = getattr(state, name, None)
        if isinstance(hint, type) and issubclass(hint, State):
            if hint in seen | {state}:
                findings.error("K018", f"{state.__name__} contains itself", place(), "remove the field")
            elif declared is not None and not isinstance(declared, Sizing):
                message = f"the memory `{name}` has the first value {declared!r}"
                findings.error("K018", message, place(), "leave the value out, or write `sized(...)`")
            else:
                _check_memory(hint, findings, place, seen | {state})
        elif hint is float or hint is int:
            if declared is not None and (isinstance(declared, bool) or not isinstance(declared, int | hint)):
                message = f"the first value of `{name}` is {declared!r}, not {_written(hint)}"
                findings.error("K018", message, place(), f"write `{name}: {hint.__name__} = 0`")
        elif not (get_origin(hint) is not None and get_args(hint)[1:]):
            message = f"the memory `{name}` is {_written(hint)}"
            findings.error("K018", message, place(), "a field of a State is float, int, Array or another State")
        elif declared is not None and not isinstance(declared, Sizing):
            message = f"the size of the array `{name}` is {declared!r}"
            findings.error("K018", message, place(), f"write `{name}: Array = array(SIZE)`")


def _check_parameters(params: type[Parameters], findings: Findings, fallback: Callable[[], Place]) -> None:
    """Each parameter is a number with bounds, and its default lies in them."""
    for name, declared in params.model_fields.items():
        place = _place_of_field(params, name, fallback)
        bounds = {end: [getattr(m, end) for m in declared.metadata if hasattr(m, end)] for end in ("ge", "le")}
        if declared.annotation not in (int, float):
            message = f"the parameter `{name}` is {_written(declared.annotation)}"
            findings.error("K018", message, place(), "a parameter is int or float")
        elif not bounds["ge"] or not bounds["le"]:
            hint = f'write `{name}: {declared.annotation.__name__} = param(DEFAULT, LOW, HIGH, "what it means")`'
            findings.error("K018", f"the parameter `{name}` has no bounds", place(), hint)
        elif not _lies_between(declared.default, bounds["ge"][0], bounds["le"][0], whole=declared.annotation is int):
            low, high = bounds["ge"][0], bounds["le"][0]
            message = f"the default {declared.default!r} of `{name}` is not {_written(declared.annotation)} in "
            findings.error("K018", f"{message}{low} to {high}", place(), "choose a default inside the bounds")


def _lies_between(value: Any, low: float, high: float, *, whole: bool) -> bool:
    numbers = int if whole else int | float
    return isinstance(value, numbers) and not isinstance(value, bool) and low <= value <= high


def _written(hint: Any) -> str:
    words = {float: "a number", int: "a whole number", str: "text", bool: "a truth value"}
    return words.get(hint, f"`{getattr(hint, '__name__', hint)}`")


def _reason(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"


def _class_place(declared: type) -> Place | None:
    found = _class_source(declared)
    return None if found is None else Place(found[0], found[1].lineno, 1)


def _place_of_field(declared: type, name: str, fallback: Callable[[], Place]) -> Callable[[], Place]:
    """The place of a field, looked for only where there is something to say of it: sources are slow to read."""
    return lambda: _field_place(declared, name) or fallback()


def _field_place(declared: type, name: str) -> Place | None:
    """Where a class declares a field; for an inherited one, where its base does."""
    base = next((b for b in declared.__mro__ if name in vars(b).get("__annotations__", {})), declared)
    found = _class_source(base)
    for statement in found[1].body if found else ():
        if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == name:
            assert found is not None
            return Place(found[0], statement.lineno, statement.col_offset + 1)
    return None


def _class_source(declared: type) -> tuple[str, ast.ClassDef] | None:
    try:
        lines, first = inspect.getsourcelines(declared)
        tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
        file = inspect.getsourcefile(declared)
    except (OSError, TypeError, SyntaxError):
        return None
    if not isinstance(tree, ast.ClassDef) or file is None:
        return None
    ast.increment_lineno(tree, first - 1)
    return short_path(file), tree
