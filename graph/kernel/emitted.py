"""Reads what an emitted module has beside the kernel language: lengths of axes, parts of outputs, guarded calls."""

from __future__ import annotations

import ast

from stratoquant.graph.kernel.calls import Calls
from stratoquant.graph.kernel.expressions import place_of, unknown
from stratoquant.graph.kernel.guard import GUARDED
from stratoquant.graph.kernel.nodes import Constant, Expression, Length, Part, Prefix, Unary
from stratoquant.graph.kernel.types import FLOAT, INT, Array, Tuple


class EmittedExpressions(Calls):
    """Adds the forms of the emitter to the kernel language."""

    def _attribute(self, node: ast.Attribute) -> Expression:
        held = self.read(node.value)
        if isinstance(held.type, Tuple) and node.attr in held.type.names:
            index = held.type.names.index(node.attr)
            return Part(held.type.parts[index], held, index, place_of(node))
        return self._field(node, held)

    def _subscript(self, node: ast.Subscript) -> Expression:
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            held, axis = self.read(node.value.value), self.read(node.slice)
            assert isinstance(held.type, Array) and isinstance(axis, Constant)
            return Length(held, int(axis.value), place_of(node))
        if isinstance(node.slice, ast.Slice):
            return self._prefix(node, node.slice)
        return self._item(node, self.read(node.value))

    def _prefix(self, node: ast.Subscript, part: ast.Slice) -> Expression:
        """The first elements, `a[:n]`."""
        held = self.read(node.value)
        if part.lower or part.step or part.upper is None or not isinstance(held.type, Array) or held.type.rank != 1:
            return self.refuse_syntax("K003", node, part)
        count = self.cast(self.number(part.upper, whole="a count of elements"), INT)
        return Prefix(held.type, held, count, place_of(node))

    def _call(self, node: ast.Call) -> Expression:
        if isinstance(node.func, ast.Attribute):  # np.float64(x).view(np.int64), as float_bits is emitted
            if node.func.attr != "view" or not isinstance(node.func.value, ast.Call):
                self.faults.refuse("K005", node, f"`{ast.unparse(node.func)}` may not be called here", "")
                return unknown(node)
            return Unary(INT, "bits", self.cast(self.number(node.func.value.args[0]), FLOAT), place_of(node))
        if isinstance(node.func, ast.Name) and node.func.id == GUARDED:  # guarded(outside, kernel, arguments)
            outside, kernel, *rest = node.args
            assert isinstance(kernel, ast.Name)
            return self.call_kernel(node, kernel.id, [self.read(a) for a in rest], self.read(outside))
        return super()._call(node)
