"""An observed plan: the plan's own code, which also counts how its layers branch and can replace what a port outputs.

The emitted module is rewritten as syntax trees, so the normal build has none of this and every backend can compile it.
Values are those of the plan, bit for bit, while nothing is replaced.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stratoquant.graph.diagnostics import Place
from stratoquant.graph.kernel_text import Emitted
from stratoquant.graph.kernels import kernel_source, short_path
from stratoquant.graph.passes.p8_layout import Column, edge_field
from stratoquant.graph.passes.p9_emit import PRELUDE_NAMES
from stratoquant.graph.passes.p9_kernels import collect_kernels
from stratoquant.graph.passes.p10_build import build, module_name
from stratoquant.graph.plan import Plan
from stratoquant.graph.session import Session

_COUNTS, _SWITCHES = "branch_counts", "port_switches"
_KERNELS = '''
@kernel
def count_branch(condition, k, branch_counts):
    """The condition; counts how often it holds, and how often it does not."""
    if condition:
        branch_counts[k, 0] += 1
    else:
        branch_counts[k, 1] += 1
    return condition


@kernel
def switch_port(x, k, port_switches):
    """The value of a port, or what stands in its place. A missing value stays missing."""
    return port_switches[k, 1] if port_switches[k, 0] != 0.0 and x == x else x


@kernel
def switch_vector(values, k, port_switches):
    for n in range(len(values)):
        values[n] = switch_port(values[n], k, port_switches)
'''
_Condition = ast.If | ast.While | ast.IfExp
_JUMPS = ast.Return | ast.Break | ast.Continue


@dataclass(frozen=True)
class Branch:
    """A condition in a layer's file. condition: its text. arms: whether there is code for when it holds, and for when
    it does not."""

    layer: str
    place: Place
    condition: str
    arms: tuple[bool, bool]


@dataclass(frozen=True, eq=False)
class Observed:
    """plan: with the rewritten module. branches: in the order of ObservedSession.counts. switches: row of each port."""

    plan: Plan
    normal: Plan
    branches: tuple[Branch, ...]
    switches: Mapping[str, int]


def observe(plan: Plan) -> Observed:
    """The observed form of a plan. Machine code is made at the first step, or comes from the cache."""
    switches = {name: row for row, name in enumerate(plan.layout.columns)}
    text, branches = _rewrite(plan, switches)
    name = module_name(f"{plan.graph.name}_observed", text, plan.layout)
    observed = replace(plan, text=text, module=name, run=build(name, text))
    return Observed(observed, plan, branches, switches)


class ObservedSession(Session):
    """A session of an observed plan. counts: per branch, how often its condition held and how often not."""

    def __init__(self, observed: Observed, *arguments: Any, **options: Any) -> None:
        self.counts: npt.NDArray[np.int64] = np.zeros((max(len(observed.branches), 1), 2), np.int64)
        self._switches = np.zeros((max(len(observed.switches), 1), 2))
        self._observed = observed
        self._options = (arguments, options)
        super().__init__(observed.plan, *arguments, **options)

    def put_in_place(self, values: Mapping[str, float]) -> None:
        """From now on these values stand in place of what the ports output."""
        for port, value in values.items():
            self._switches[self._observed.switches[port]] = 1.0, value

    def prepare(self) -> None:
        try:
            super().prepare()
        except Exception:
            arguments, options = self._options
            Session(self._observed.normal, *arguments, **options).prepare()  # its errors name lines of the layers
            raise

    def _more_arguments(self) -> tuple[Any, ...]:
        return self.counts, self._switches


class _Found(NamedTuple):
    """A condition in the module, and the same one in its layer's file."""

    node: _Condition
    branch: Branch


def _rewrite(plan: Plan, switches: Mapping[str, int]) -> tuple[str, tuple[Branch, ...]]:
    """The text of the observed module, and its branches in the order of their counters."""
    module = ast.parse(plan.text)
    functions = {f.name: f for f in module.body if isinstance(f, ast.FunctionDef)}
    helpers = ast.parse(_KERNELS).body
    names = {f.name: _free_name(f.name, functions) for f in helpers if isinstance(f, ast.FunctionDef)}
    found = list(_conditions(plan, functions))
    for k, (node, _) in enumerate(found):
        node.test = _call(names["count_branch"], [node.test, ast.Constant(k)], _COUNTS)
    fields = {edge_field(*name.split(".")): column for name, column in plan.layout.columns.items()}
    for function in functions.values():
        if function.name.startswith(("stage_", "ahead_", "step_")):
            _Switching(fields, switches, names).rewrite(function)
    for argument in (_COUNTS, _SWITCHES):
        _pass_on(argument, functions)
    for helper in helpers:
        _Renaming(names).visit(helper)
    first = next(n for n, part in enumerate(module.body) if isinstance(part, ast.FunctionDef))
    module.body[first:first] = helpers
    return ast.unparse(ast.fix_missing_locations(module)) + "\n", tuple(branch for _, branch in found)


def _free_name(wanted: str, taken: Collection[str]) -> str:
    while wanted in taken:
        wanted += "_"
    return wanted


def _call(function: str, values: list[ast.expr], *arguments: str) -> ast.Call:
    return ast.Call(ast.Name(function, ast.Load()), [*values, *(ast.Name(a, ast.Load()) for a in arguments)], [])


def _conditions(plan: Plan, functions: Mapping[str, ast.FunctionDef]) -> Iterator[_Found]:
    """Every condition of the kernels in the files of the plan's layers; primitives are not a layer's own."""
    nodes = plan.graph.nodes.values()
    layers = {kernel_source(node.layer.step).file: node.layer.key for node in nodes}
    for kernel in collect_kernels(plan.graph, plan.venue, PRELUDE_NAMES).kernels:
        layer = layers.get(kernel.source.file)
        if layer is None:
            continue
        emitted, original = (_in_order(tree) for tree in (functions[kernel.tree.name], kernel.tree))
        for node, written in zip(emitted, original, strict=True):
            yield _Found(node, _branch(layer, kernel, written))


def _in_order(tree: ast.AST) -> list[_Condition]:
    return [node for node in ast.walk(tree) if isinstance(node, _Condition)]


def _branch(layer: str, kernel: Emitted, node: _Condition) -> Branch:
    source = kernel.source
    shift = source.tree.lineno - source.new_tree().lineno
    place = Place(short_path(source.file), node.test.lineno + shift, node.test.col_offset + 1)
    text = ast.get_source_segment(source.text, node.test) or ast.unparse(node.test)
    if isinstance(node, ast.IfExp):
        arms = (True, True)
    elif isinstance(node, ast.While):
        arms = (True, False)  # it ends at some time, or the run would not
    else:
        arms = (True, bool(node.orelse) or isinstance(node.body[-1], _JUMPS))
    return Branch(layer, place, " ".join(text.split()), arms)


class _Switching(ast.NodeTransformer):
    """Lets a switch decide on each output where a stage keeps it. fields: the columns by their field."""

    def __init__(self, fields: Mapping[str, Column], switches: Mapping[str, int], names: Mapping[str, str]) -> None:
        self._fields, self._switches, self._names = fields, switches, names

    def rewrite(self, function: ast.FunctionDef) -> None:
        self.generic_visit(function)

    def visit_Assign(self, node: ast.Assign) -> Any:
        """Outputs come from a step, as a tuple of locals or of fields, or out of what a portfolio step returned."""
        if not _is_output(node.value):
            return node
        (target,) = node.targets
        kept = target.elts if isinstance(target, ast.Tuple) else [target]
        return [node, *(self._switched(one) for one in kept if self._field(one) in self._fields)]

    def visit_Expr(self, node: ast.Expr) -> Any:
        """`copy_vector(field, output)`, in a step or in a portfolio stage."""
        call = node.value
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "copy_vector"):
            return node
        target, source = call.args
        if self._field(target) not in self._fields or not _is_output(source):
            return node
        row = ast.Constant(self._row(target))
        return [node, ast.Expr(_call(self._names["switch_vector"], [target, row], _SWITCHES))]

    def _field(self, target: ast.expr) -> str:
        return target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""

    def _row(self, target: ast.expr) -> int:
        return self._switches[self._fields[self._field(target)].name]

    def _switched(self, target: ast.expr) -> ast.Assign:
        read = ast.parse(ast.unparse(target), mode="eval").body
        value = _call(self._names["switch_port"], [read, ast.Constant(self._row(target))], _SWITCHES)
        return ast.Assign([target], value, lineno=0)


def _is_output(value: ast.expr) -> bool:
    """Whether an expression is what a step returned: its call, or a field of its outputs `o`, or an element of one."""
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id.startswith("step_")
    if isinstance(value, ast.Subscript):
        return _is_output(value.value)
    return isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and value.value.id == "o"


def _pass_on(argument: str, functions: Mapping[str, ast.FunctionDef]) -> None:
    """Gives every function that needs an argument, itself or for what it calls, a last parameter of that name."""
    needing = {name for name, f in functions.items() if any(_names_it(part, argument) for part in ast.walk(f))}
    while True:
        more = {name for name, f in functions.items() if name not in needing and _called(f) & needing}
        if not more:
            break
        needing |= more
    for name in needing | {"run"}:
        functions[name].args.args.append(ast.arg(argument))
        for call in [part for part in ast.walk(functions[name]) if isinstance(part, ast.Call)]:
            if _callee(call) in needing:
                call.args.append(ast.Name(argument, ast.Load()))


def _names_it(part: ast.AST, name: str) -> bool:
    return isinstance(part, ast.Name) and part.id == name


def _called(function: ast.FunctionDef) -> set[str]:
    return {_callee(part) for part in ast.walk(function) if isinstance(part, ast.Call)}


def _callee(call: ast.Call) -> str:
    """The kernel that a call runs: through `guarded`, its second argument."""
    if not isinstance(call.func, ast.Name):
        return ""
    if call.func.id == "guarded":
        called = call.args[1]
        return called.id if isinstance(called, ast.Name) else ""
    return call.func.id


class _Renaming(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.name = self._names[node.name]
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._names.get(node.id, node.id), node.ctx)
