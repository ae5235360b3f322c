"""Layers of a user's own that are broken or step outside the kernel language: what is told, and at which line."""

from __future__ import annotations

import pytest

from tests.graph.bad_wirings import FEED
from tests.graph.findings import Desk, desk

__all__ = ["desk"]

USER_LAYER = FEED + "  mine: {inputs: {x: feed.close}}\nlayers: [own]\n"


@pytest.mark.parametrize(
    ("source", "place", "message"),
    [
        ("def step(:\n", "own/blocks/mine.py:1:10", "Python syntax: invalid syntax"),
        ("import nonsense_of_mine\n", "own/blocks/mine.py:1:1", "No module named 'nonsense_of_mine'"),
        ("x = 1\n\ny = 1 / 0\n", "own/blocks/mine.py:3:5", "ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)\n", "own/blocks/mine.py:2:1", "SystemExit: 3"),
        ("step = 5\n", "w.yaml:5:3", "a layer's file declares it as `step` under @layer(...)"),
    ],
)
def test_broken_layer_of_the_user(source: str, place: str, message: str, desk: Desk) -> None:
    desk.write({"own/blocks/mine.py": source})
    found = desk.only_error(USER_LAYER)
    assert (found.code, str(found.place)) == ("W009", place)
    assert "the layer `mine` of node mine cannot be read: " in found.message
    assert message in found.message


KERNEL = """\
from math import nan
from typing import NamedTuple

from stratoquant.graph.language import Array, Parameters, State, array, kernel, layer, param
from stratoquant.graph.types import Price, Real

listed = [1.0]


class Params(Parameters):
    window: int = param(5, 1, 100, "bars")


class Memory(State):
    total: float = 0.0
    recent: Array = array(4)


class Out(NamedTuple):
    value: Real


@layer(None, "mine", domain="pattern", source="test")
"""


def kernel_file(body: str) -> str:
    """A layer `mine`; its step begins at line 24, the body below it, unless the body brings its own `def`."""
    if body.startswith("def "):
        return KERNEL + body + "\n"
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{KERNEL}def step(s: Memory, p: Params, x: Price) -> Out:\n{lines}"


@pytest.mark.parametrize(
    ("body", "code", "place", "message"),
    [
        (
            "def step(s: Memory, p: Params, x: Price = 1.0) -> Out:\n    return Out(x)",
            "K001",
            "24:1",
            "plain positional",
        ),
        ("with x:\n    pass\nreturn Out(x)", "K002", "25:5", "`with` is not in the kernel language"),
        ("import os\nreturn Out(x)", "K002", "25:5", "an import is not in the kernel language"),
        ("raise x\nreturn Out(x)", "K002", "25:5", "`raise` is not in the kernel language"),
        ("y: float\nreturn Out(x)", "K002", "25:5", "a declaration without a value"),
        ("y = [x]\nreturn Out(x)", "K003", "25:9", "a list is not in the kernel language"),
        ("y = x is x\nreturn Out(x)", "K003", "25:9", "`in` and `is` are not in the language"),
        ("y = 'a'\nreturn Out(x)", "K003", "25:9", "the constant 'a' is no number"),
        ("for v in s.recent:\n    x += v\nreturn Out(x)", "K004", "25:5", "a `for` must run one name over range(...)"),
        ("print(x)\nreturn Out(x)", "K005", "25:5", "`print` may not be called here"),
        ("return Out(x * listed)", "K006", "25:20", "`listed` is no argument, local, constant or kernel"),
        ("return Out(Out.value)", "K007", "25:16", "`Out.value`: only fields of an argument can be read"),
        ("return Out(s.recent[-1])", "K009", "25:16", "counts from the end"),
        ("p.window = 3\nreturn Out(x)", "K008", "25:5", "`p.window`: parameters cannot be written"),
    ],
)
def test_kernel_outside_the_language(body: str, code: str, place: str, message: str, desk: Desk) -> None:
    desk.write({"own/blocks/mine.py": kernel_file(body)})
    found = desk.only_error(USER_LAYER)
    assert (found.code, str(found.place)) == (code, f"own/blocks/mine.py:{place}")
    assert message in found.message
    assert found.message.startswith("kernel step: ")
    assert found.hint


def test_kernel_inside_the_language(desk: Desk) -> None:
    desk.write({"own/blocks/mine.py": kernel_file("y: float = x\ns.total += y\nreturn Out(s.total)")})
    assert desk.errors(USER_LAYER) == []


def test_kernel_that_calls_itself(desk: Desk) -> None:
    again = "\n@kernel\ndef again(x: float) -> float:\n    return again(x)\n"
    source = kernel_file("return Out(again(x))").replace("\n\nclass Params", f"{again}\n\nclass Params", 1)
    desk.write({"own/blocks/mine.py": source})
    found = desk.only_error(USER_LAYER)
    assert found.code == "K005"
    assert "kernel again: `again` calls this kernel" in found.message
    assert found.hint == "write a loop"
