"""What of Python's syntax the kernel language does not have: each in words, and what to write instead.

The language is what compiles to machine code, translates to Pine and can only see the present: assignments, arithmetic,
comparisons, `if`, `for` over `range`, `while`, `return`, calls of kernels and of the functions in graph.kernel.words.
"""

from __future__ import annotations

import ast

_NO_ALLOCATION = "keep an Array or named fields in the State instead; a kernel allocates nothing"
_AT_MODULE_LEVEL = "write it as a function at module level and mark it with @kernel"
_AT_THE_TOP = "import at the top of the file, and only math functions, kernels and types"
_WRITTEN_OUT = "write the loop out; a kernel allocates nothing"
_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Import: ("an import", _AT_THE_TOP),
    ast.ImportFrom: ("an import", _AT_THE_TOP),
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
    ast.ListComp: ("a comprehension", _WRITTEN_OUT),
    ast.SetComp: ("a comprehension", _WRITTEN_OUT),
    ast.DictComp: ("a comprehension", _WRITTEN_OUT),
    ast.GeneratorExp: ("a generator", _WRITTEN_OUT),
    ast.JoinedStr: ("an f-string", "use numbers only"),
    ast.NamedExpr: ("`:=`", "assign on a line of its own"),
    ast.Starred: ("a star", "write the arguments out"),
    ast.Yield: ("`yield`", "return the outputs once a step"),
    ast.Slice: ("a slice", "loop over indices"),
    ast.MatMult: ("`@`", "write the sum of the products out"),
}


def refused(node: ast.AST, code: str) -> tuple[str, str]:
    """The message about a node that is not in the language, and what to do."""
    what, hint = _REFUSED.get(type(node), (f"`{type(node).__name__}`", f"see `stratoquant check --explain {code}`"))
    return f"{what} is not in the kernel language", hint
