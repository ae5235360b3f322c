"""Reads the statements of a kernel: syntax trees to typed nodes, with the types of its locals along every path."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

from stratoquant.graph.kernel.calls import Calls
from stratoquant.graph.kernel.expressions import place_of, unknown
from stratoquant.graph.kernel.faults import SYNTAX
from stratoquant.graph.kernel.nodes import (
    Block,
    Break,
    Call,
    Constant,
    Continue,
    Do,
    Expression,
    Field,
    For,
    If,
    Item,
    Part,
    Place,
    Return,
    Set,
    Store,
    Variable,
    While,
)
from stratoquant.graph.kernel.scope import Jump, Local, Scope, convert, is_endless, meet, runs_at_least_once
from stratoquant.graph.kernel.types import INT, NOTHING, UNKNOWN, Array, Number, Record, Tuple, Type, join


class _Loop:
    """The paths that leave a loop's body: to its next round, and out of it."""

    def __init__(self) -> None:
        self.rounds: list[Jump] = []
        self.exits: list[Jump] = []


class StatementReader:
    """Reads one function for given types of its arguments.

    expected: the type that every `return` converts to, where it is known. returns: the outputs as they are to be
    returned, where the function is a layer's step. result: the common type of those read; results_differ: not all of
    them have it, so the function is to be read again with it.
    """

    def __init__(
        self,
        tree: ast.FunctionDef,
        values: Calls,
        constants: Mapping[str, float],
        arguments: Sequence[Type],
        *,
        expected: Type | None = None,
        returns: str = "",
    ) -> None:
        self.result: Type = expected or NOTHING
        self.results_differ = False
        self._tree = tree
        self._constants = constants
        self._values = values
        self._faults = values.faults
        self._values.scope = {a.arg: Local(kind) for a, kind in zip(tree.args.args, arguments, strict=True)}
        self._reachable = True
        self._returns = 0 if expected is None else 1
        self._outputs = returns
        self._loops: list[_Loop] = []
        self._temporaries = 0
        self._readers: dict[type[ast.stmt], Callable[..., None]] = {
            ast.Assign: self._assign,
            ast.AnnAssign: self._assign_annotated,
            ast.AugAssign: self._assign_changed,
            ast.Expr: self._do,
            ast.If: self._if,
            ast.While: self._while,
            ast.For: self._for,
            ast.Break: self._break,
            ast.Continue: self._continue,
            ast.Return: self._return,
            ast.Pass: lambda node, block: None,
        }

    def read(self) -> Block:
        body = self._block(self._tree.body)
        if self._reachable:
            if self._outputs or self.result is not NOTHING:
                message, hint = "a path ends without returning a value", "end the function with a `return`"
                self._faults.refuse("K014", self._tree, message, hint)
            body.append(Return(None, place_of(self._tree)))
        return body

    def _block(self, nodes: list[ast.stmt]) -> Block:
        """What follows a jump is left out; only its syntax is looked at."""
        block: Block = []
        for position, node in enumerate(nodes):
            if not self._reachable:
                self._look_at(nodes[position:])
                break
            self._read(node, block)
        return block

    def _read(self, node: ast.stmt, block: Block) -> None:
        reader = self._readers.get(type(node))
        if reader is None:
            self._values.refuse_syntax("K002", node)
        else:
            reader(node, block)

    def _look_at(self, nodes: list[ast.stmt]) -> None:
        """Finds what is wrong in the syntax of statements that never run."""
        result, differ, returns, scope = self.result, self.results_differ, self._returns, self._values.scope
        before = self._faults.count()
        self._loops.append(_Loop())
        for node in nodes:
            self._reachable = True
            self._read(node, [])
        self._loops.pop()
        self._faults.forget(before, but=SYNTAX)
        self.result, self.results_differ, self._returns, self._values.scope = result, differ, returns, scope
        self._reachable = False

    def _assign(self, node: ast.Assign, block: Block) -> None:
        value = self._values.read(node.value)
        simple = len(node.targets) == 1 and not isinstance(node.targets[0], ast.Tuple)
        if not simple:
            value = self._temporary(value, block)
        for target in node.targets:
            self._give(target, value, node, block)

    def _assign_annotated(self, node: ast.AnnAssign, block: Block) -> None:
        if node.value is None:
            self._faults.refuse("K002", node, "a declaration without a value", "assign the first value here")
        else:
            self._give(node.target, self._values.read(node.value), node, block)

    def _give(self, target: ast.expr, value: Expression, node: ast.stmt, block: Block) -> None:
        """Adds the assignment of a value to a name, a field, an element or a tuple of them."""
        place = place_of(target)
        if isinstance(target, ast.Name):
            value = self._named(target.id, value, node)
            block.append(Set(target.id, value, place))
            self._values.scope[target.id] = Local(value.type)
        elif isinstance(target, ast.Tuple):
            self._take_apart(target, value, node, block)
        else:
            goal = self._goal(target, self._values.read(target))
            if goal is not None and self._is_number(target, goal, value, node):
                block.append(Store(goal, self._values.cast(value, goal.type), place))

    def _named(self, name: str, value: Expression, node: ast.stmt) -> Expression:
        """A value that is given to a local."""
        if value.type is NOTHING:
            hint = "let the kernel return a number"
            self._faults.refuse("K011", node, f"`{name}` would be {value.type}", hint)
            return unknown(node)
        if isinstance(value.type, Tuple) and value.type.names:
            self._faults.doubt("K011", node, f"`{name}` would be {value.type}", "write `return Out(...)`")
        return value

    def _take_apart(self, target: ast.Tuple, value: Expression, node: ast.stmt, block: Block) -> None:
        parts = value.type.parts if isinstance(value.type, Tuple) else ()
        if len(parts) != len(target.elts):
            if value.type is not UNKNOWN:
                message = f"{value.type} cannot be taken apart into {len(target.elts)}"
                self._faults.refuse("K012", node, message, "name as many as there are values")
            for part in target.elts:
                self._give(part, unknown(node), node, block)
            return
        for index, (part, kind) in enumerate(zip(target.elts, parts, strict=True)):
            self._give(part, Part(kind, value, index, place_of(target)), node, block)

    def _goal(self, target: ast.expr, goal: Expression) -> Field | Item | None:
        """What a target names, if numbers may be written there."""
        written = ast.unparse(target)
        held = goal.record if isinstance(goal, Field) else goal.array if isinstance(goal, Item) else None
        if held is not None and isinstance(held.type, Array | Record) and held.type.fixed:
            hint = "keep the value in the memory s"
            self._faults.doubt("K008", target, f"`{written}`: {held.type.fixed} cannot be written", hint)
        elif isinstance(goal.type, Array | Record):
            hint = f"set its elements: `{written}[k] = ...`" if isinstance(goal.type, Array) else "set its fields"
            message = f"`{written}` is {goal.type} and cannot be replaced"
            self._faults.refuse("K011", target, message, hint)
        return goal if isinstance(goal, Field | Item) and isinstance(goal.type, Number) else None

    def _is_number(self, target: ast.expr, goal: Expression, value: Expression, node: ast.stmt) -> bool:
        if isinstance(value.type, Number):
            return True
        if value.type is not UNKNOWN:
            hint = "let the kernel return a number" if value.type is NOTHING else "set it to a number"
            message = f"`{ast.unparse(target)}` is {goal.type}, but the value is {value.type}"
            self._faults.refuse("K011", node, message, hint)
        return False

    def _assign_changed(self, node: ast.AugAssign, block: Block) -> None:
        if isinstance(node.target, ast.Name):
            present = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
            changed = self._values.operation(node, present, node.op, node.value)
            self._give(node.target, changed, node, block)
            return
        goal = self._goal(node.target, self._pinned(self._values.read(node.target), block))
        if goal is None:
            self._values.number(node.value)
            return
        changed = self._values.operation(node, node.target, node.op, node.value, goal)
        if isinstance(changed.type, Number):
            block.append(Store(goal, self._values.cast(changed, goal.type), place_of(node)))

    def _pinned(self, goal: Expression, block: Block) -> Expression:
        """The same field or element with its indices in variables, so that they are evaluated once."""
        if isinstance(goal, Field):
            return Field(goal.type, self._pinned(goal.record, block), goal.name, goal.place)
        if isinstance(goal, Item):
            fixed = (Constant, Variable)
            indices = [i if isinstance(i, fixed) else self._temporary(i, block) for i in goal.indices]
            return Item(goal.type, self._pinned(goal.array, block), tuple(indices), goal.place, goal.outside)
        return goal

    def _temporary(self, value: Expression, block: Block) -> Variable:
        self._temporaries += 1
        name = f"%{self._temporaries}"
        block.append(Set(name, value, value.place))
        return Variable(value.type, name, value.place)

    def _do(self, node: ast.Expr, block: Block) -> None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return  # a docstring
        value = self._values.read(node.value)
        if isinstance(value, Call):
            block.append(Do(value, place_of(node)))

    def _if(self, node: ast.If, block: Block) -> None:
        condition, place = self._values.condition(node.test), place_of(node)
        before = self._values.scope
        ends: list[Jump] = []
        blocks: list[Block] = []
        for nodes in (node.body, node.orelse):
            self._enter(before)
            blocks.append(self._block(nodes))
            self._leave_to(ends, blocks[-1])
        block.append(If(condition, blocks[0], blocks[1], place))
        self._meet(ends, place)

    def _while(self, node: ast.While, block: Block) -> None:
        def read_round() -> tuple[Expression, Block]:
            return self._values.condition(node.test), self._block(node.body)

        self._refuse_else(node)
        condition, body, at_end = self._rounds(read_round, node, block)
        assert condition is not None
        block.append(While(condition, body, at_end, place_of(node)))

    def _for(self, node: ast.For, block: Block) -> None:
        over, place = node.iter, place_of(node)
        ranges = isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range"
        if not ranges or not isinstance(node.target, ast.Name):
            message, hint = "a `for` must run one name over range(...)", "loop over indices and subscript"
            self._faults.refuse("K004", node, message, hint)
        self._refuse_else(node)
        limits = self._values.limits(over)[:3] if isinstance(over, ast.Call) and ranges else []
        first, one = Constant(INT, 0, place), Constant(INT, 1, place)
        start, stop, step = (first, *(limits or [first]), one) if len(limits) < 2 else (*limits, one)[:3]
        targets = [n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)]

        def read_round() -> tuple[None, Block]:
            self._values.scope |= {name: Local(INT if ranges else UNKNOWN) for name in targets}
            return None, self._block(node.body)

        _, body, at_end = self._rounds(read_round, node, block)
        block.append(For("".join(targets[:1]), start, stop, step, body, at_end, place))

    def _refuse_else(self, node: ast.For | ast.While) -> None:
        if node.orelse:
            word = "for" if isinstance(node, ast.For) else "while"
            hint = "write it behind the loop, below an `if` where a `break` is to skip it"
            self._faults.refuse("K004", node, f"a `{word}` has no `else` in the kernel language", hint)

    def _break(self, node: ast.Break, block: Block) -> None:
        block.append(Break(place_of(node)))
        self._leave_to(self._loops[-1].exits, block, jumps=True)

    def _continue(self, node: ast.Continue, block: Block) -> None:
        block.append(Continue(place_of(node)))
        self._leave_to(self._loops[-1].rounds, block, jumps=True)

    def _return(self, node: ast.Return, block: Block) -> None:
        value = None if node.value is None else self._values.read(node.value)
        kind = NOTHING if value is None else value.type
        self._reachable = False
        if self._outputs and not self._returns_outputs(node, kind):
            return
        common = join(self.result, kind) if self._returns else kind
        if common is None:
            hint = "return numbers on every path"
            self._faults.refuse("K014", node, "returns another kind of value than before", hint)
            common = UNKNOWN
        self.results_differ |= (self._returns > 0 and common is not self.result) or common is not kind
        self.result = common
        self._returns += 1
        block.append(Return(None if value is None else self._values.cast(value, common), place_of(node)))

    def _returns_outputs(self, node: ast.Return, kind: Type) -> bool:
        """Whether a step returns what it has to."""
        if isinstance(kind, Tuple) and kind.names:
            if not isinstance(node.value, ast.Call):
                message = "the outputs are made where they are returned"
                self._faults.doubt("K014", node, message, "write `return Out(...)`")
        elif kind is not UNKNOWN:
            self._faults.refuse("K014", node, "a step returns its outputs", f"write `return {self._outputs}`")
            return False
        return True

    def _rounds(
        self, read_round: Callable[[], tuple[Expression | None, Block]], node: ast.For | ast.While, block: Block
    ) -> tuple[Expression | None, Block, Block]:
        """Reads a loop, again while a round ends with a wider type than it began with; returns its condition, its body
        and what is to run at its end."""
        before, place = self._values.scope, place_of(node)
        head = dict(before)
        faults, lacked = self._faults.count(), self._values.lacked
        while True:
            loop = _Loop()
            self._loops.append(loop)
            self._enter(head)
            self._values.lacked = set()
            condition, body = read_round()
            self._loops.pop()
            self._leave_to(loop.rounds, body)
            after = meet([head, *(jump.scope for jump in loop.rounds)])
            wider = {name: after[name] for name, local in head.items() if after[name] != local}
            wider |= {name: after[name] for name in self._values.lacked & after.keys() if name not in head}
            if not wider:
                break
            head |= wider
            self._faults.forget(faults)
        self._values.lacked |= lacked
        convert(Jump(before, block, jumps=False), head, place)
        for jump in loop.rounds:
            convert(jump, after, place)
        at_end: Block = []
        surely = runs_at_least_once(node, self._constants)
        rest = [jump.scope for jump in loop.rounds] if surely else [after]
        if rest and not is_endless(node):
            certain = {name for name, local in meet(rest).items() if local.certain}
            left = {name: Local(kind, name in certain) for name, (kind, _) in after.items()}
            self._meet([Jump(left, at_end, jumps=False), *loop.exits], place)
        else:
            self._meet(loop.exits, place)
        maybe = {name: Local(kind, certain=False) for name, (kind, _) in after.items()}
        self._values.scope = maybe | self._values.scope
        return condition, body, at_end

    def _enter(self, scope: Scope) -> None:
        self._values.scope = dict(scope)
        self._reachable = True

    def _leave_to(self, ends: list[Jump], block: Block, *, jumps: bool = False) -> None:
        """Ends the present path, if it is reachable."""
        if self._reachable:
            ends.append(Jump(self._values.scope, block, jumps))
        self._reachable = self._reachable and not jumps

    def _meet(self, ends: list[Jump], place: Place) -> None:
        """Goes on where several paths meet."""
        self._reachable = bool(ends)
        if ends:
            scope = meet([end.scope for end in ends])
            for end in ends:
                convert(end, scope, place)
            self._values.scope = scope
