"""Rewrites of a kernel, Python to Python, that take away what Pine lacks. Each keeps the kernel's meaning.

Pine has no early return, cannot assign to a parameter, and its interpreters differ on what of a condition is evaluated.
After `rewritten` a kernel has one exit at its end, assigns only to its own locals and to no counter of a loop, and no
call or subscript stands where Python might skip it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from copy import deepcopy

Statements = list[ast.stmt]
ONE_EXIT = "result"
LEFT = "returned"


class UntranslatableError(Exception):
    """A construct that has no form in Pine. node: where it stands."""

    def __init__(self, message: str, hint: str, node: ast.AST) -> None:
        super().__init__(message)
        self.message, self.hint, self.node = message, hint, node


def rewritten(function: ast.FunctionDef, is_total: Callable[[str], bool]) -> ast.FunctionDef:
    """All rewrites in order. is_total: whether a called function has no effect and no way to fail."""
    tree = deepcopy(function)
    names = Fresh(tree)
    tree.body = [s for s in tree.body if not _is_docstring(s)]
    for rewrite in (own_parameters, own_counters, one_exit):
        tree.body = rewrite(tree, names)
    tree.body = Lazy(names, is_total).block(tree.body)
    return ast.fix_missing_locations(tree)


class Fresh:
    """Hands out names that the function does not use."""

    def __init__(self, function: ast.FunctionDef) -> None:
        self._taken = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
        self._taken |= {a.arg for a in function.args.args}

    def name(self, wanted: str) -> str:
        name, count = wanted, 1
        while name in self._taken:
            count += 1
            name = f"{wanted}_{count}"
        self._taken.add(name)
        return name


def own_parameters(function: ast.FunctionDef, names: Fresh) -> Statements:
    """A parameter that is assigned to becomes a local with the parameter's value."""
    assigned = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    copies: Statements = []
    body = function.body
    for argument in function.args.args:
        if argument.arg in assigned:
            local = names.name(f"{argument.arg}_now")
            body = [_Renamed(argument.arg, local).visit(s) for s in body]
            copies.append(_assign(local, _read(argument.arg), function))
    return copies + body


class _Renamed(ast.NodeTransformer):
    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.copy_location(ast.Name(self._new, node.ctx), node) if node.id == self._old else node


def own_counters(function: ast.FunctionDef, names: Fresh) -> Statements:
    """A loop whose counter is also assigned to elsewhere counts with a name of its own, and assigns it on each turn."""
    loops = [n for n in ast.walk(function) if isinstance(n, ast.For) and isinstance(n.target, ast.Name)]
    counters = {id(loop.target) for loop in loops}
    stored = [n for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    assigned = {n.id for n in stored if id(n) not in counters}
    for loop in loops:
        assert isinstance(loop.target, ast.Name)
        name = loop.target.id
        if name in assigned:
            loop.target = ast.copy_location(ast.Name(names.name(f"{name}_turn"), ast.Store()), loop.target)
            loop.body = [_assign(name, _read(loop.target.id), loop), *loop.body]
    return function.body


def one_exit(function: ast.FunctionDef, names: Fresh) -> Statements:
    """Every `return` but one at the end becomes an assignment and a way around what follows it."""
    body = function.body
    returns = [n for n in ast.walk(function) if isinstance(n, ast.Return)]
    if not returns or (len(returns) == 1 and body[-1] is returns[0]):
        return body
    exits = _Exits(names.name(ONE_EXIT), names.name(LEFT))
    rest = exits.block(body, in_loop=False)
    head = [_assign(exits.left, ast.Constant(False), function)] if exits.uses_left else []
    tail = ast.copy_location(ast.Return(_read(exits.result)), function)
    return [*head, *rest, tail]


class _Exits:
    """result: the local that holds the value. left: the local that tells that it was returned, where one is needed."""

    def __init__(self, result: str, left: str) -> None:
        self.result, self.left, self.uses_left = result, left, False

    def block(self, body: Statements, *, in_loop: bool) -> Statements:
        done: Statements = []
        for place, statement in enumerate(body):
            rest = body[place + 1 :]
            if isinstance(statement, ast.Return):
                return done + self._leave(statement, in_loop)
            if not _returns(statement):
                done.append(statement)
            elif isinstance(statement, ast.If):
                return done + self._branch(statement, rest, in_loop)
            else:
                return done + self._loop(statement, rest, in_loop)
        return done

    def _leave(self, statement: ast.Return, in_loop: bool) -> Statements:
        assert statement.value is not None
        lines: Statements = [_assign(self.result, statement.value, statement)]
        if in_loop:
            self.uses_left = True
            lines += [_assign(self.left, ast.Constant(True), statement), ast.copy_location(ast.Break(), statement)]
        return lines

    def _branch(self, statement: ast.If, rest: Statements, in_loop: bool) -> Statements:
        """What follows an `if` moves into the branch that does not return, as in a loop `break` skips it anyway."""
        if in_loop:
            body, orelse = (self.block(b, in_loop=True) for b in (statement.body, statement.orelse))
            return [_if(statement, body, orelse), *self.block(rest, in_loop=True)]
        if _always_returns(statement.body):
            return [
                _if(
                    statement,
                    self.block(statement.body, in_loop=False),
                    self.block(statement.orelse + rest, in_loop=False),
                )
            ]
        if _always_returns(statement.orelse):
            return [
                _if(
                    statement,
                    self.block(statement.body + rest, in_loop=False),
                    self.block(statement.orelse, in_loop=False),
                )
            ]
        later = deepcopy(rest)  # both branches go on: what follows is written into each
        return [
            _if(
                statement,
                self.block(statement.body + rest, in_loop=False),
                self.block(statement.orelse + later, in_loop=False),
            )
        ]

    def _loop(self, statement: ast.stmt, rest: Statements, in_loop: bool) -> Statements:
        assert isinstance(statement, ast.For | ast.While)
        self.uses_left = True
        statement.body = self.block(statement.body, in_loop=True)
        if in_loop:
            leave = ast.copy_location(ast.If(_read(self.left), [ast.Break()], []), statement)
            return [statement, leave, *self.block(rest, in_loop=True)]
        if not rest:
            return [statement]
        go_on = ast.UnaryOp(ast.Not(), _read(self.left))
        return [statement, ast.copy_location(ast.If(go_on, self.block(rest, in_loop=False), []), statement)]


def _returns(statement: ast.stmt) -> bool:
    return any(isinstance(n, ast.Return) for n in ast.walk(statement))


def _always_returns(body: Statements) -> bool:
    last = body[-1] if body else None
    if isinstance(last, ast.If):
        return _always_returns(last.body) and _always_returns(last.orelse)
    return isinstance(last, ast.Return)


def _if(statement: ast.If, body: Statements, orelse: Statements) -> ast.If:
    return ast.copy_location(ast.If(statement.test, body or [ast.Pass()], orelse), statement)


class Lazy:
    """Turns conditional expressions, `and`, `or`, chained comparisons and `while` into statements where a skipped part
    holds a call with an effect or a subscript, and gives every such call a line of its own: Pine's interpreters do not
    agree on whether such a part is evaluated, nor in which order the parts of an expression are."""

    def __init__(self, names: Fresh, is_total: Callable[[str], bool]) -> None:
        self._names = names
        self._is_total = is_total

    def block(self, body: Statements) -> Statements:
        done: Statements = []
        for statement in body:
            done += self._statement(statement)
        return done

    def _statement(self, statement: ast.stmt) -> Statements:
        before: Statements = []
        if isinstance(statement, ast.If):
            statement.test = self.value(statement.test, before)
            statement.body, statement.orelse = self.block(statement.body), self.block(statement.orelse)
        elif isinstance(statement, ast.While):
            return [self._while(statement)]
        elif isinstance(statement, ast.For):
            assert isinstance(statement.iter, ast.Call)
            statement.iter.args = self._values(statement.iter.args, before)
            statement.body = self.block(statement.body)
        elif isinstance(statement, ast.AugAssign):
            read = ast.BinOp(as_read(statement.target), statement.op, statement.value)
            made = ast.Assign([statement.target], ast.copy_location(read, statement))
            return self._statement(ast.fix_missing_locations(ast.copy_location(made, statement)))
        elif isinstance(statement, ast.Assign):
            self._assignment(statement, before)
        elif isinstance(statement, ast.Return | ast.Expr) and statement.value:
            statement.value = self._whole(statement.value, before)
        return [*before, statement]

    def _assignment(self, statement: ast.Assign, before: Statements) -> None:
        """Python has the value first, then the place of the target."""
        target = statement.targets[0]
        if isinstance(target, ast.Subscript):
            statement.value = self.value(statement.value, before)
            place: Statements = []
            target.slice = self.value(target.slice, place)
            if place:
                statement.value = self._kept(statement.value, before)
            before += place
        else:
            statement.value = self._whole(statement.value, before)

    def _whole(self, value: ast.expr, before: Statements) -> ast.expr:
        """The value of a statement: a call with an effect may stand there, since nothing stands beside it."""
        if isinstance(value, ast.Call):
            value.args = self._values(value.args, before)
            return value
        return self.value(value, before)

    def _while(self, loop: ast.While) -> ast.While:
        """`while test` becomes an endless loop that tests on its own line, so that the test may take several."""
        before: Statements = []
        test = self.value(loop.test, before)
        leave = ast.If(ast.UnaryOp(ast.Not(), test), [ast.Break()], [])
        loop.body = [*before, ast.copy_location(leave, loop), *self.block(loop.body)]
        loop.test = ast.Constant(True)
        return loop

    def _values(self, values: list[ast.expr], before: Statements) -> list[ast.expr]:
        """Values of one expression, in order. What was read before a later part became statements is kept first."""
        done: list[ast.expr] = []
        for value in values:
            needed: Statements = []
            new = self.value(value, needed)
            if needed:
                done = [self._kept(v, before) for v in done]
            before += needed
            done.append(new)
        return done

    def _kept(self, value: ast.expr, before: Statements) -> ast.expr:
        return value if isinstance(value, ast.Constant | ast.Name) else self._local("kept", value, before)

    def _local(self, wanted: str, value: ast.expr, before: Statements) -> ast.expr:
        name = self._names.name(wanted)
        before.append(_assign(name, value, value))
        return _read(name)

    def value(self, node: ast.expr, before: Statements) -> ast.expr:
        """The expression with every such part taken out into `before`."""
        if isinstance(node, ast.IfExp):
            return self._choice(node, before)
        if isinstance(node, ast.BoolOp):
            return self._junction(node, before)
        if isinstance(node, ast.Compare):
            return self._comparison(node, before)
        if isinstance(node, ast.Call):
            node.args = self._values(node.args, before)
            if self._has_effect(node):
                return self._local("called", node, before)
        elif isinstance(node, ast.BinOp):
            node.left, node.right = self._values([node.left, node.right], before)
        elif isinstance(node, ast.UnaryOp):
            node.operand = self.value(node.operand, before)
        elif isinstance(node, ast.Subscript):
            node.slice = self.value(node.slice, before)
        return node

    def _choice(self, node: ast.IfExp, before: Statements) -> ast.expr:
        node.test = self.value(node.test, before)
        if not any(map(self._must_be_skipped, (node.body, node.orelse))):
            node.body, node.orelse = self._harmless(node.body), self._harmless(node.orelse)
            return node
        name = self._names.name("chosen")
        branches: list[Statements] = []
        for part in (node.body, node.orelse):
            lines: Statements = []
            value = self.value(part, lines)
            branches.append([*lines, _assign(name, value, node)])
        before.append(ast.copy_location(ast.If(node.test, branches[0], branches[1]), node))
        return _read(name)

    def _junction(self, node: ast.BoolOp, before: Statements) -> ast.expr:
        first, *later = node.values
        if not any(map(self._must_be_skipped, later)):
            node.values = [self.value(first, before), *map(self._harmless, later)]
            return node
        name = self._names.name("holds")
        before.append(_assign(name, self.value(first, before), node))
        target = before
        for part in later:
            inner: Statements = []
            value = self.value(part, inner)
            inner.append(_assign(name, value, part))
            test = _read(name) if isinstance(node.op, ast.And) else ast.UnaryOp(ast.Not(), _read(name))
            target.append(ast.copy_location(ast.If(test, inner, []), part))
            target = inner
        return _read(name)

    def _comparison(self, node: ast.Compare, before: Statements) -> ast.expr:
        if len(node.ops) == 1:
            node.left, node.comparators[0] = self._values([node.left, node.comparators[0]], before)
            return node
        left, second = self._values([node.left, node.comparators[0]], before)
        if self._must_be_skipped(second):
            left, second = self._kept(left, before), self._local("term", second, before)
        rest = ast.Compare(deepcopy(second), node.ops[1:], node.comparators[1:])
        both = ast.BoolOp(ast.And(), [ast.Compare(left, node.ops[:1], [second]), rest])
        return self.value(ast.fix_missing_locations(ast.copy_location(both, node)), before)

    def _harmless(self, node: ast.expr) -> ast.expr:
        """A part that may be evaluated in vain needs no statement of its own, only its chains taken apart."""
        none_needed: Statements = []
        written = self.value(node, none_needed)
        assert not none_needed, ast.unparse(node)
        return written

    def _must_be_skipped(self, node: ast.expr) -> bool:
        """True for what may fail or have an effect when it is evaluated although Python would not."""
        for part in ast.walk(node):
            if isinstance(part, ast.Subscript):
                return True
            if isinstance(part, ast.Call) and self._has_effect(part):
                return True
        return False

    def _has_effect(self, node: ast.Call) -> bool:
        return isinstance(node.func, ast.Name) and not self._is_total(node.func.id)


def as_read(target: ast.expr) -> ast.expr:
    """A target of an assignment as a value."""
    read = deepcopy(target)
    for node in ast.walk(read):
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            node.ctx = ast.Load()
    return read


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _read(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _assign(name: str, value: ast.expr, place: ast.AST) -> ast.Assign:
    made = ast.Assign([ast.Name(name, ast.Store())], value)
    return ast.fix_missing_locations(ast.copy_location(made, place))
