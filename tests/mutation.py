"""Breaks kernels one place at a time and counts how many of the breaks the tests of layers notice. Off by default.

    python -m tests.mutation                       a sample of 200 over all of layers/
    python -m tests.mutation --files layers/kinematics/*.py --sample 0        every mutant of these files
    python -m tests.mutation --list                what would be tried

Each mutant changes one number, comparison, sign or operator of a kernel in a copy of the tree, and is put before the
test files that name its layer, the property tests of the layer last. A mutant that no test fails on survives; the
survivors are printed with their place, since each is a missing test or a change that means nothing.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 300  # a mutant that loops for ever is caught by the clock
PARTS = ("graph", "layers", "runtime", "specs", "tests", "config", "tools", "mirror")
_OTHER_COMPARISON = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_OTHER_OPERATOR = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
_LOGIC = {ast.And: ast.Or, ast.Or: ast.And}


@dataclass(frozen=True)
class Mutant:
    """One change: in which file and line, what it says, and the whole text of the file with it."""

    file: Path
    line: int
    change: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.change}"


def mutants_of(file: Path) -> list[Mutant]:
    """Every mutant of the kernels of a file; declarations and docstrings stay as they are."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found = []
    for function in ast.parse(text).body:
        if isinstance(function, ast.FunctionDef) and _is_kernel(function):
            nodes = [node for statement in function.body for node in _meant(statement)]
            found += [_placed(file, text, node, new) for node in nodes for new in _changes(node)]
    return found


def _meant(node: ast.AST) -> Iterator[ast.AST]:
    """A node and those below it, but for what stands in isnan() or isfinite(): any sum says whether something is
    missing."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isnan", "isfinite")):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _meant(child)


def _is_kernel(function: ast.FunctionDef) -> bool:
    names = [d.func if isinstance(d, ast.Call) else d for d in function.decorator_list]
    return any(isinstance(n, ast.Name) and n.id in ("kernel", "layer") for n in names)


def _changes(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """What may stand in the node's place."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        whole = isinstance(node.value, int) or node.value == 0.0  # many are compared with 0.0 that are whole
        yield ast.Constant(node.value + 1 if whole else node.value * 1.5 + 0.01)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _OTHER_COMPARISON:
        yield ast.Compare(node.left, [_OTHER_COMPARISON[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in _OTHER_OPERATOR:
        yield ast.BinOp(node.left, _OTHER_OPERATOR[type(node.op)](), node.right)
    elif isinstance(node, ast.AugAssign) and type(node.op) in _OTHER_OPERATOR:
        yield ast.AugAssign(node.target, _OTHER_OPERATOR[type(node.op)](), node.value)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(_LOGIC[type(node.op)](), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield node.operand


def _placed(file: Path, text: str, old: ast.AST, new: ast.expr | ast.stmt) -> Mutant:
    lines = text.splitlines(keepends=True)
    first, last = old.lineno - 1, old.end_lineno - 1  # type: ignore[attr-defined]
    before = lines[first].encode()[: old.col_offset].decode()  # type: ignore[attr-defined]
    after = lines[last].encode()[old.end_col_offset :].decode()  # type: ignore[attr-defined]
    written = ast.unparse(ast.fix_missing_locations(new))
    written = written if isinstance(new, ast.stmt) else f"({written})"
    changed = [*lines[:first], before + written + after, *lines[last + 1 :]]
    return Mutant(file, first + 1, f"{ast.unparse(old)}  ->  {written}", "".join(changed))


def tests_for(file: Path) -> list[list[str]]:
    """The runs of pytest that must catch a mutant of the file, the most telling first."""
    users = _users(file)
    keys = sorted({key for user in users for key in _numbers(user)})
    words = {f'"L{key}"' for key in keys} | {user.stem for user in users} | {f"test_l{key}_" for key in keys}
    tests = sorted((ROOT / "tests" / "layers").rglob("test_*.py"))
    naming = [t for t in tests if any(word in _text(t) for word in words) and t.name != "test_all_layers.py"]
    runs = [[str(t.relative_to(ROOT)), "-k", _either(keys, t)] for t in naming]
    if "primitives" in file.parts and _reaches_primitive_tests(users):
        runs.insert(0, ["tests/layers/test_primitives.py"])
    every = " or ".join(f"L{key}]" for key in keys)
    return [*runs, *([["tests/layers/test_all_layers.py", "-k", every]] if keys else [])]


def _reaches_primitive_tests(users: list[Path]) -> bool:
    """True when the tests of primitives import one of the users; they take too long to be run for nothing."""
    told = "".join(_text(Path("tests/layers") / name) for name in ("test_primitives.py", "primitive_layers.py"))
    return any(f"primitives.{user.stem} import" in told or f"primitives import {user.stem}" in told for user in users)


def _numbers(file: Path) -> list[str]:
    """The numbers of the layers that a file declares."""
    return re.findall(r"@layer\(\s*(\d+)", _text(file))


def _either(keys: list[str], test: Path) -> str:
    """Tests named after the layer or after none, and those run over its key, where the file names tests after layers;
    else all of the file."""
    named = [f"l{key}_" for key in keys if f"def test_l{key}_" in _text(test)]
    if not named:
        return ""
    over_keys = [f"L{key}{end}" for key in keys for end in "]-"]
    return " or ".join([*named, *over_keys, *re.findall(r"def (test_(?!l\d)\w+)", _text(test))])


def _users(file: Path) -> list[Path]:
    """The file itself, and for a primitive every layer that imports it, directly or through another primitive."""
    found, waiting = [file], [file]
    while waiting:
        module = ".".join(waiting.pop().with_suffix("").parts)
        for other in sorted((ROOT / "layers").rglob("*.py")):
            short = other.relative_to(ROOT)
            if short not in found and f"from {module} import" in _text(short):
                found.append(short)
                waiting += [short] if "primitives" in short.parts else []
    return found


def _text(file: Path) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


class Bench:
    """A copy of the tree in which one mutant at a time lives."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="mutation."))
        self._tree = self._folder / "tree"
        self._tree.mkdir()
        for part in PARTS:
            shutil.copytree(ROOT / part, self._tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", self._tree)
        data = ROOT.parent / "shared"
        if data.exists():
            (self._folder / "shared").symlink_to(data)

    def caught(self, mutant: Mutant) -> bool:
        """True when a test fails, or does not end, with the mutant in place."""
        target = self._tree / mutant.file
        sound = target.read_text(encoding="utf-8")
        target.write_text(mutant.text, encoding="utf-8")
        try:
            return any(self._fails(run) for run in tests_for(mutant.file))
        finally:
            target.write_text(sound, encoding="utf-8")

    def _fails(self, run: list[str]) -> bool:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header", *run]
        environment = os.environ | {
            "PYTHONPATH": str(self._tree),
            "PYTHONDONTWRITEBYTECODE": "1",
            "STRATOQUANT_CACHE": str(self._folder / "plans"),
        }
        try:
            done = subprocess.run(command, cwd=self._tree, env=environment, capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return True
        return done.returncode not in (0, 5)  # 5: no test was chosen

    def remove(self) -> None:
        shutil.rmtree(self._folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", nargs="*", type=Path, help="files of layers/; default all")
    parser.add_argument("--sample", type=int, default=200, help="how many mutants, 0 for every one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="print the mutants and stop")
    chosen = parser.parse_args()
    files = chosen.files or [p.relative_to(ROOT) for p in sorted((ROOT / "layers").rglob("*.py"))]
    mutants = [m for file in files for m in mutants_of(file)]
    if chosen.sample:
        mutants = random.Random(chosen.seed).sample(mutants, min(chosen.sample, len(mutants)))
    if chosen.list:
        print("\n".join(map(str, mutants)))
        return
    survivors = try_all(mutants, chosen.workers)
    caught = len(mutants) - len(survivors)
    print(f"{caught} of {len(mutants)} mutants caught, {caught / max(len(mutants), 1):.1%}")


def try_all(mutants: list[Mutant], workers: int) -> list[Mutant]:
    """Puts each mutant to the tests and prints the survivors as they are found."""
    benches = [Bench() for _ in range(workers)]
    survivors: list[Mutant] = []

    def work(place: int) -> None:
        for mutant in mutants[place::workers]:
            if not benches[place].caught(mutant):
                survivors.append(mutant)
                print(f"survived: {mutant}", flush=True)

    try:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(workers)))
    finally:
        for bench in benches:
            bench.remove()
    return survivors


if __name__ == "__main__":
    main()
