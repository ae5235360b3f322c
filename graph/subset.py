"""The subset of Python that a kernel may use, checked on its syntax tree; each refusal has a rule code and a place.

The subset is what compiles to machine code, translates to Pine and can only see the present: assignments, arithmetic,
comparisons, `if`, `for` over `range`, `while`, `return`, calls to kernels and to the functions below.
"""

from __future__ import annotations

import ast
import math

from graph.diagnostics import Findings, Place

MATH_FUNCTIONS = frozenset(
    [
        "acos",
        "asin",
        "atan",
        "atan2",
        "ceil",
        "copysign",
        "cos",
        "cosh",
        "erf",
        "erfc",
        "exp",
        "expm1",
        "fabs",
        "floor",
        "hypot",
        "isfinite",
        "isinf",
        "isnan",
        "ldexp",
        "lgamma",
        "log",
        "log10",
        "log1p",
        "log2",
        "pow",
        "sin",
        "sinh",
        "sqrt",
        "tan",
        "tanh",
        "trunc",
    ]
)
MATH_CONSTANTS = {"nan": math.nan, "inf": math.inf, "pi": math.pi, "tau": math.tau}
BUILTINS = frozenset({"abs", "float", "float_bits", "int", "len", "max", "min", "range"})

_STATEMENTS = (
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.If,
    ast.For,
    ast.While,
    ast.Break,
    ast.Continue,
    ast.Return,
    ast.Expr,
    ast.Pass,
)
_EXPRESSIONS = (
    ast.Constant,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.Tuple,
    ast.keyword,
    ast.Load,
    ast.Store,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
)
_REFUSED_OPERATORS = (ast.MatMult, ast.In, ast.NotIn, ast.Is, ast.IsNot)
_NO_ALLOCATION = "keep an Array or named fields in the State instead; a kernel allocates nothing"
_AT_MODULE_LEVEL = "write it as a function at module level and mark it with @kernel"
_WORDS = {
    ast.Import: ("an import", "import at the top of the file, and only math functions, kernels and types"),
    ast.ImportFrom: ("an import", "import at the top of the file, and only math functions, kernels and types"),
    ast.Try: ("`try`", "test for the bad case with `if`; a kernel cannot raise"),
    ast.Raise: ("`raise`", "return nan for a missing value; a kernel cannot raise"),
    ast.Assert: ("`assert`", "return nan for a missing value; a kernel cannot raise"),
    ast.With: ("`with`", "a kernel does no input or output"),
    ast.FunctionDef: ("a function inside a function", _AT_MODULE_LEVEL),
    ast.ClassDef: ("a class", "declare a State at module level"),
    ast.Match: ("`match`", "write it as `if` and `elif`"),
    ast.Delete: ("`del`", "set the value to nan instead"),
    ast.Global: ("`global`", "keep the value in the memory s"),
    ast.Nonlocal: ("`nonlocal`", "keep the value in the memory s"),
    ast.Lambda: ("a lambda", _AT_MODULE_LEVEL),
    ast.List: ("a list", _NO_ALLOCATION),
    ast.Set: ("a set", _NO_ALLOCATION),
    ast.Dict: ("a dictionary", _NO_ALLOCATION),
    ast.ListComp: ("a comprehension", "write the loop out; a kernel allocates nothing"),
    ast.SetComp: ("a comprehension", "write the loop out; a kernel allocates nothing"),
    ast.DictComp: ("a comprehension", "write the loop out; a kernel allocates nothing"),
    ast.GeneratorExp: ("a generator", "write the loop out; a kernel allocates nothing"),
    ast.JoinedStr: ("an f-string", "use numbers only"),
    ast.NamedExpr: ("`:=`", "assign on a line of its own"),
    ast.Starred: ("a star", "write the arguments out"),
    ast.Yield: ("`yield`", "return the outputs once a step"),
    ast.Slice: ("a slice", "loop over indices"),
}


class SubsetChecker(ast.NodeVisitor):
    """Walks one kernel. `known` names the globals that resolve to kernels, constants or the output tuple."""

    def __init__(self, function: ast.FunctionDef, file: str, known: set[str], findings: Findings) -> None:
        self._file = file
        self._known = known
        self._findings = findings
        self._function = function
        self._arguments = {a.arg for a in function.args.args}
        stores = (n for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        self._locals = {n.id for n in stores}
        self._readable = self._arguments | self._locals | known | set(MATH_CONSTANTS)

    def check(self) -> None:
        arguments = self._function.args
        if arguments.defaults or arguments.vararg or arguments.kwarg or arguments.kwonlyargs:
            self._refuse("K001", self._function, "a kernel takes plain positional arguments", "drop defaults, *, **")
        for statement in self._function.body:
            self.visit(statement)

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS):
            self._refuse_kind("K002", node)
        elif isinstance(node, ast.expr) and not isinstance(node, _EXPRESSIONS):
            self._refuse_kind("K003", node)
        elif isinstance(node, _REFUSED_OPERATORS):
            pass  # reported by the expression that holds it, which has a place
        else:
            super().visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is None:
            self._refuse("K002", node, "a declaration without a value", "assign the first value here")
            return
        self.visit(node.target)
        self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        docstring = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if not docstring:
            self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        over = node.iter
        bounded = isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range"
        if not bounded or node.orelse or not isinstance(node.target, ast.Name):
            self._refuse("K004", node, "a `for` must run one name over range(...)", "loop over indices and subscript")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        allowed = name in MATH_FUNCTIONS or name in BUILTINS or name in self._known
        if not isinstance(node.func, ast.Name) or not allowed or name in self._locals | self._arguments:
            self._refuse(
                "K005",
                node,
                f"`{name}` may not be called here",
                "call a kernel, a function of math, or " + ", ".join(sorted(BUILTINS)),
            )
        for argument in (*node.args, *(k.value for k in node.keywords)):
            self.visit(argument)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and node.id not in self._readable:
            self._refuse(
                "K006",
                node,
                f"`{node.id}` is no argument, local, constant or kernel",
                "pass it in, or make it a number in capitals at module level",
            )

    def visit_Attribute(self, node: ast.Attribute) -> None:
        root: ast.expr = node
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if not (isinstance(root, ast.Name) and root.id in self._arguments):
            self._refuse(
                "K007",
                node,
                f"`{ast.unparse(node)}`: only fields of an argument can be read",
                "read s.field or p.field",
            )
        if isinstance(node.value, ast.Subscript):
            self.visit(node.value.slice)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.slice, ast.UnaryOp) and isinstance(node.slice.op, ast.USub):
            self._refuse("K009", node, f"`{ast.unparse(node)}` counts from the end", "count from the front")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        if any(isinstance(op, _REFUSED_OPERATORS) for op in node.ops):
            self._refuse("K003", node, "`in` and `is` are not in the language", "compare numbers with == or <")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, int | float | bool):
            self._refuse("K003", node, f"the constant {node.value!r} is no number", "use numbers only")

    def _refuse_kind(self, code: str, node: ast.stmt | ast.expr) -> None:
        what, hint = _WORDS.get(type(node), (f"`{type(node).__name__}`", f"see `stratoquant check --explain {code}`"))
        self._refuse(code, node, f"{what} is not in the kernel language", hint)

    def _refuse(self, code: str, node: ast.stmt | ast.expr, message: str, hint: str) -> None:
        place = Place(self._file, node.lineno, node.col_offset + 1)
        self._findings.error(code, f"kernel {self._function.name}: {message}", place, hint)
