"""Each rewrite keeps the meaning of a kernel: made-up kernels run before and after, and on interpreters of Pine."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stratoquant.graph.kernels import kernel_source
from stratoquant.mirror.engines import Engine, run_script
from stratoquant.mirror.pine import lint
from stratoquant.mirror.pine.library import Library
from stratoquant.mirror.pine.printing import script_text
from stratoquant.mirror.pine.rewrites import Fresh, Lazy, one_exit, own_counters, own_parameters, rewritten
from stratoquant.mirror.pine.syntax import (
    NA,
    Binary,
    Call,
    Choice,
    Declare,
    Do,
    Field,
    Name,
    Script,
    Statement,
    number,
    text,
)
from stratoquant.mirror.pine.types import first_value
from tests.mirror.pine.engines import on_each_engine
from tests.mirror.pine.random_kernels import SIZE, module_text

BARS = 60
ABSURD = 1e9  # stands in for a missing value in bars, which have none
HUGE = 1e90  # 1e100 is infinity in a script; what a kernel makes of numbers near it says nothing
TINY = 1e-200  # a script's comparisons are exact from 1e-210
SEEDS = st.lists(st.integers(0, 2**32), min_size=12, max_size=12, unique=True)


def made(folder: Path, seeds: list[int]) -> tuple[ModuleType, list[str]]:
    """A module of made-up kernels, imported from a file so that their source can be read back."""
    source, names = module_text(seeds)
    name = f"made_kernels_{abs(hash(tuple(seeds)))}"
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    vars(module)["float"] = divisor
    return module, names


def divisor(value: float) -> np.float64:
    """What made-up kernels divide by: x / 0 is no error in a kernel, and -0 is 0, as Pine does not tell them apart."""
    return np.float64(value) + 0.0


def inputs() -> dict[str, np.ndarray]:
    """x with holes, y close to x now and then, and a small whole number above 0, as a kernel's counts of bars are."""
    generator = np.random.default_rng(3)
    x = np.round(generator.normal(0.0, 1.5, BARS), 2)
    y = np.where(
        generator.random(BARS) < 0.3, x + generator.choice([0.0, 1e-13, -1e-13], BARS), generator.normal(size=BARS)
    )
    x[generator.random(BARS) < 0.1] = np.nan
    return {"x": x, "y": y, "k": generator.integers(1, 7, BARS)}


def box() -> SimpleNamespace:
    return SimpleNamespace(a=np.float64(np.nan), b=np.float64(1.0), n=0, values=[np.float64(0.5)] * SIZE)


def run(function: Callable[..., Any]) -> list[tuple[float, float, float, int]]:
    """What a kernel returns bar by bar, and what it leaves behind; in floating point, where x / 0 is no error."""
    state, found, given_ = box(), [], inputs()
    with np.errstate(all="ignore"):
        for x, y, k in zip(given_["x"], given_["y"], given_["k"].tolist(), strict=True):
            result = function(state, np.float64(x), np.float64(y), k)
            found.append((float(result), float(state.a), float(state.b), int(state.n)))
    return found


def again(module: ModuleType, name: str, rewrite: Callable[[ast.FunctionDef], ast.FunctionDef]) -> Callable[..., Any]:
    """The kernel as it runs after a rewrite."""
    tree = ast.parse(ast.unparse(kernel_source(getattr(module, name)).tree)).body[0]
    assert isinstance(tree, ast.FunctionDef)
    tree.decorator_list = []
    changed = ast.fix_missing_locations(ast.Module([rewrite(tree)], []))
    scope = dict(vars(module))
    exec(compile(ast.parse(ast.unparse(changed)), name, "exec"), scope)
    return scope[name]


def body_only(
    rewrite: Callable[[ast.FunctionDef, Fresh], list[ast.stmt]],
) -> Callable[[ast.FunctionDef], ast.FunctionDef]:
    def apply(tree: ast.FunctionDef) -> ast.FunctionDef:
        tree.body = rewrite(tree, Fresh(tree))
        return tree

    return apply


def has_an_effect(name: str) -> bool:
    return name != "noted"


REWRITES = {
    "own_parameters": body_only(own_parameters),
    "own_counters": body_only(own_counters),
    "one_exit": body_only(one_exit),
    "lazy": body_only(lambda tree, names: Lazy(names, has_an_effect).block(tree.body)),
    "all": lambda tree: rewritten(tree, has_an_effect),
}


@pytest.mark.parametrize("name", REWRITES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seeds=SEEDS)
def test_a_rewrite_changes_no_result(name: str, seeds: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    module, kernels = made(tmp_path_factory.mktemp("kernels"), seeds)
    for kernel in kernels:
        before = run(getattr(module, kernel))
        np.testing.assert_array_equal(run(again(module, kernel, REWRITES[name])), before, err_msg=kernel)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(seeds=SEEDS)
def test_after_all_rewrites_there_is_nothing_left_that_pine_lacks(
    seeds: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    module, kernels = made(tmp_path_factory.mktemp("kernels"), seeds)
    for kernel in kernels:
        tree = rewritten(kernel_source(getattr(module, kernel)).tree, has_an_effect)
        parameters = {a.arg for a in tree.args.args}
        nodes = list(ast.walk(tree))
        assert [n for n in nodes if isinstance(n, ast.Return)] == [tree.body[-1]]
        assert not any(isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id in parameters for n in nodes)
        assert all(len(n.ops) == 1 for n in nodes if isinstance(n, ast.Compare))
        skipped = [p for n in nodes if isinstance(n, ast.BoolOp) for p in n.values[1:]]
        skipped += [p for n in nodes if isinstance(n, ast.IfExp) for p in (n.body, n.orelse)]
        inside = [n for p in skipped for n in ast.walk(p)]
        assert not any(isinstance(n, ast.Subscript) for n in inside)
        assert not any(is_noted(n) for n in inside)
        statements = [n for n in nodes if isinstance(n, ast.Assign | ast.Expr | ast.Return | ast.If)]
        for statement in statements:
            whole = statement.test if isinstance(statement, ast.If) else statement.value
            beside = [n for n in ast.walk(whole) if is_noted(n)]
            assert len(beside) <= 1 and all(n is whole for n in beside)
        assert all(isinstance(n.test, ast.Constant) for n in nodes if isinstance(n, ast.While))


def is_noted(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "noted"


def script_of(module: ModuleType, kernels: list[str]) -> str:
    """A script that runs every kernel on a box of its own: x is the open (missing where it is absurd), y the high."""
    library = Library()
    placed = [library.need(getattr(module, kernel)) for kernel in kernels]
    record = library.type_name(module.Box)
    absurd = Binary("bool", ">", Name("float", "open"), number(ABSURD / 2))
    main: list[Statement] = [
        Declare("float", "x", Choice("float", absurd, NA, Name("float", "open"))),
        Declare("float", "y", Name("float", "high")),
        Declare("int", "k", Call("int", "math.round", (Name("float", "volume"),))),
    ]
    for kernel, callee in zip(kernels, placed, strict=True):
        kept = Name(record, f"box_{kernel}")
        main.append(Declare(record, kept.id, first_value(module.Box, library.type_names, None), kept=True))
        arguments = (kept, Name("float", "x"), Name("float", "y"), Name("int", "k"))
        main.append(Declare("float", f"result_{kernel}", Call("float", callee.name, arguments)))
        shown = {"result": Name("float", f"result_{kernel}")}
        shown |= {name: Field(kind, kept, name) for name, kind in (("a", "float"), ("b", "float"), ("n", "int"))}
        main += [Do(Call("void", "plot", (value, text(f"{kernel}.{name}")))) for name, value in shown.items()]
    script = Script(Call("void", "indicator", (text("made up"),)))
    script.constants = [Declare("float", "EXACT", number(1e200)), Declare("float", "INFINITY", number(1e100))]
    script.types, script.functions = list(library.types.values()), list(library.functions.values())
    script.main = main
    lint.check(script)
    return script_text(script)


def bars() -> dict[str, np.ndarray]:
    given_ = inputs()
    x = np.where(np.isnan(given_["x"]), ABSURD, given_["x"])
    time = 1_700_000_000_000 // 60_000 * 60_000 + 60_000 * np.arange(BARS)
    return {"time": time, "open": x, "high": given_["y"], "low": x, "close": x, "volume": given_["k"].astype(float)}


@on_each_engine
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(seeds=st.lists(st.integers(0, 2**32), min_size=60, max_size=60, unique=True))
def test_a_kernel_means_in_pine_what_it_means_in_python(
    engine: Engine, seeds: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    module, kernels = made(tmp_path_factory.mktemp("kernels"), seeds)
    found = run_script(engine, script_of(module, kernels), bars(), 60_000)
    for kernel in kernels:
        ours = np.array(run(getattr(module, kernel)), dtype=np.float64)
        strange = ((np.abs(ours) > HUGE) | ((np.abs(ours) < TINY) & (ours != 0.0))).any(axis=1)
        until = int(strange.argmax()) if strange.any() else len(ours)
        for column, name in enumerate(("result", "a", "b", "n")):
            said = found[f"{kernel}.{name}"][:until]
            source = kernel_source(getattr(module, kernel)).text
            np.testing.assert_allclose(
                said, ours[:until, column], rtol=1e-9, atol=1e-12, err_msg=f"{name} of\n{source}"
            )


def test_a_remainder_below_zero_is_pythons(tmp_path: Path) -> None:
    """Pine's % keeps the sign of what is divided; seen once where that was a local."""
    module, kernels = made(tmp_path, [2473429758])
    assert "f_modulo(i1, 4)" in script_of(module, kernels)
