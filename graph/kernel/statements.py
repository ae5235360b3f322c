"""Reads the statements of a kernel: syntax trees to typed nodes, with the types of its locals along every path."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from graph.kernel.expressions import BINARY, ExpressionReader, Kernels, place_of
from graph.kernel.nodes import (
    Block,
    Break,
    Call,
    Constant,
    Continue,
    Do,
    Expression,
    Field,
    For,
    Function,
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
from graph.kernel.scope import Jump, Scope, convert, meet
from graph.kernel.source import ModuleSource
from graph.kernel.types import INT, NOTHING, Number, Tuple, Type, join


class _Loop:
    """The paths that leave a loop's body: to its next round, and out of it."""

    def __init__(self) -> None:
        self.rounds: list[Jump] = []
        self.exits: list[Jump] = []


class StatementReader:
    """Reads one function for given types of its arguments.

    expected: the type that every `return` converts to, where it is known. result: the common type of those read;
    results_differ: not all of them have it, so the function is to be read again with it.
    """

    def __init__(
        self,
        tree: ast.FunctionDef,
        source: ModuleSource,
        kernels: Kernels,
        arguments: tuple[Type, ...],
        expected: Type | None = None,
        *,
        guarded: bool = False,
    ) -> None:
        self.result: Type = expected or NOTHING
        self.results_differ = False
        self._tree = tree
        self._values = ExpressionReader(tree.name, source, kernels, guarded=guarded)
        self._values.scope = {a.arg: kind for a, kind in zip(tree.args.args, arguments, strict=True)}
        self._reachable = True
        self._returns = 0 if expected is None else 1
        self._loops: list[_Loop] = []
        self._temporaries = 0
        self._readers: dict[type[ast.stmt], Callable[..., None]] = {
            ast.Assign: self._assign,
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

    @property
    def calls(self) -> Iterable[Function]:
        return self._values.calls

    def read(self) -> Block:
        body = self._block(self._tree.body)
        if self._reachable:
            if self.result is not NOTHING:
                self._values.refuse("it returns a value on some paths only", place_of(self._tree))
            body.append(Return(None, place_of(self._tree)))
        return body

    def _block(self, nodes: list[ast.stmt]) -> Block:
        """What follows a jump is left out."""
        block: Block = []
        for node in nodes:
            if not self._reachable:
                break
            reader = self._readers.get(type(node))
            if reader is None:
                self._values.refuse(f"`{ast.unparse(node)}` is not in the kernel language", place_of(node))
            reader(node, block)
        return block

    def _assign(self, node: ast.Assign, block: Block) -> None:
        value = self._values.read(node.value)
        simple = len(node.targets) == 1 and not isinstance(node.targets[0], ast.Tuple)
        if not simple:
            value = self._temporary(value, block)
        for target in node.targets:
            self._give(target, value, block)

    def _give(self, target: ast.expr, value: Expression, block: Block) -> None:
        """Adds the assignment of a value to a name, a field, an element or a tuple of them."""
        place = place_of(target)
        if isinstance(target, ast.Name):
            if value.type is NOTHING:
                self._values.refuse(f"`{target.id}` is given the result of a kernel that returns nothing", place)
            block.append(Set(target.id, value, place))
            self._values.scope[target.id] = value.type
        elif isinstance(target, ast.Tuple):
            if not isinstance(value.type, Tuple) or len(value.type.parts) != len(target.elts):
                self._values.refuse(f"{len(target.elts)} names for {value.type}", place)
            for index, (part, kind) in enumerate(zip(target.elts, value.type.parts, strict=True)):
                self._give(part, Part(kind, value, index, place), block)
        else:
            goal = self._values.read(target)
            if not isinstance(goal, Field | Item) or not isinstance(goal.type, Number):
                self._values.refuse(f"`{ast.unparse(target)}` is {goal.type}; only numbers are assigned", place)
            block.append(Store(goal, self._values.cast(value, goal.type), place))

    def _assign_changed(self, node: ast.AugAssign, block: Block) -> None:
        value_of, sign, place = self._values.read, BINARY[type(node.op)], place_of(node)
        if isinstance(node.target, ast.Name):
            present = value_of(ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target))
            self._give(node.target, self._values.binary(sign, present, value_of(node.value), place), block)
            return
        goal = self._pinned(value_of(node.target), block)
        if not isinstance(goal, Field | Item) or not isinstance(goal.type, Number):
            self._values.refuse(f"`{ast.unparse(node.target)}` is {goal.type}; only numbers are assigned", place)
        changed = self._values.binary(sign, goal, value_of(node.value), place)
        block.append(Store(goal, self._values.cast(changed, goal.type), place))

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
        if isinstance(node.value, ast.Constant):
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

        condition, body, at_end = self._rounds(read_round, block, place_of(node))
        assert condition is not None
        block.append(While(condition, body, at_end, place_of(node)))

    def _for(self, node: ast.For, block: Block) -> None:
        assert isinstance(node.target, ast.Name) and isinstance(node.iter, ast.Call)
        name, place = node.target.id, place_of(node)
        limits = [self._values.whole(limit) for limit in node.iter.args]
        first, one = Constant(INT, 0, place), Constant(INT, 1, place)
        start, stop, step = (first, *limits, one) if len(limits) == 1 else (*limits, one)[:3]

        def read_round() -> tuple[None, Block]:
            self._values.scope[name] = INT
            return None, self._block(node.body)

        _, body, at_end = self._rounds(read_round, block, place)
        block.append(For(name, start, stop, step, body, at_end, place))

    def _break(self, node: ast.Break, block: Block) -> None:
        block.append(Break(place_of(node)))
        self._leave_to(self._loops[-1].exits, block, jumps=True)

    def _continue(self, node: ast.Continue, block: Block) -> None:
        block.append(Continue(place_of(node)))
        self._leave_to(self._loops[-1].rounds, block, jumps=True)

    def _return(self, node: ast.Return, block: Block) -> None:
        value = None if node.value is None else self._values.read(node.value)
        kind = NOTHING if value is None else value.type
        common = join(self.result, kind) if self._returns else kind
        if common is None:
            self._values.refuse(f"it returns {kind} here and {self.result} before", place_of(node))
        self.results_differ |= (self._returns > 0 and common is not self.result) or common is not kind
        self.result = common
        self._returns += 1
        block.append(Return(None if value is None else self._values.cast(value, common), place_of(node)))
        self._reachable = False

    def _rounds(
        self, read_round: Callable[[], tuple[Expression | None, Block]], block: Block, place: Place
    ) -> tuple[Expression | None, Block, Block]:
        """Reads a loop, again while a round ends with a wider type than it began with; returns its condition, its body
        and what is to run at its end."""
        before = self._values.scope
        head = dict(before)
        while True:
            loop = _Loop()
            self._loops.append(loop)
            self._enter(head)
            condition, body = read_round()
            self._loops.pop()
            self._leave_to(loop.rounds, body)
            after = meet([head, *(jump.scope for jump in loop.rounds)])
            wider = {name: after[name] for name, kind in head.items() if after[name] is not kind}
            if not wider:
                break
            head |= wider
        convert(Jump(before, block, jumps=False), head, place)
        for jump in loop.rounds:
            convert(jump, after, place)
        at_end: Block = []
        endless = isinstance(condition, Constant) and bool(condition.value)
        self._meet([*([] if endless else [Jump(after, at_end, jumps=False)]), *loop.exits], place)
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
