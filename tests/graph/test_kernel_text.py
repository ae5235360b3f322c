"""Kernels as text of a generated module: each is there, under a name that nothing else has."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from stratoquant.graph.alone import prepare
from stratoquant.graph.kernel_text import KernelText
from stratoquant.graph.language import Layer
from tests.graph.bad_wirings import FEED
from tests.graph.findings import Desk, desk

__all__ = ["desk"]

STEP = """\
@layer(None, "mine", domain="pattern", source="test")
def step(x: Price) -> Out:
"""
HEAD = '''\
"""A layer."""

from math import floor, sqrt
from typing import NamedTuple

import first.rules
import second.rules
import third.rules
from stratoquant.graph.language import kernel, layer
from stratoquant.graph.types import Price, Real

one = first.rules.rule
two = second.rules.rule
three = third.rules.rule


class Out(NamedTuple):
    value: Real


'''


@pytest.fixture(autouse=True)
def own_packages(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three packages with a module and a kernel of the same names."""
    monkeypatch.syspath_prepend(tmp_path)
    for number, package in enumerate(("first", "second", "third"), 1):
        kernel = f"@kernel\ndef rule(x: float) -> float:\n    return x + {number}.0 * 10.0**{number}\n"
        desk.write(
            {
                f"{package}/__init__.py": "",
                f"{package}/rules.py": f"from stratoquant.graph.language import kernel\n\n{kernel}",
            }
        )
        monkeypatch.delitem(sys.modules, package, raising=False)
        monkeypatch.delitem(sys.modules, f"{package}.rules", raising=False)


def layer_of(desk: Desk, text: str) -> Layer:
    desk.write({"own/blocks/mine.py": text})
    checked = desk.check(FEED + "  mine: {inputs: {x: feed.close}}\nlayers: [own]\nrecord: [mine.value]\n")
    assert checked.sound, "\n".join(map(str, checked.findings))
    assert checked.graph is not None
    return checked.graph.nodes["mine"].layer


def values(layer: Layer) -> list[float]:
    runner = prepare(layer, {"x": np.array([1.0, 4.0])})
    runner.run()
    return [float(v) for v in runner.outputs["value"]]


def test_three_kernels_of_one_name(desk: Desk) -> None:
    layer = layer_of(desk, HEAD + STEP + "    return Out(one(x) + two(x) + three(x))\n")
    assert values(layer) == [3210.0 + 3.0, 3210.0 + 12.0]


def test_each_name_stands_once(desk: Desk) -> None:
    text = KernelText(frozenset({"rule", "rule_rules"}))
    text.add_layer(layer_of(desk, HEAD + STEP + "    return Out(one(x) + two(x) + three(x))\n"))
    names = re.findall(r"^(?:def )?(\w+)(?: = |\()", text.text(), re.MULTILINE)
    assert sorted(names) == sorted(set(names))
    assert not {"rule", "rule_rules"} & set(names)


@pytest.mark.parametrize("name", ["mine_out", "valid", "np", "copysign", "stage_0", "step_mine", "namedtuple", "CLOCK"])
def test_kernel_named_as_something_of_the_module(name: str, desk: Desk) -> None:
    kernel = f"@kernel\ndef {name}(x: float) -> float:\n    return x + 0.5\n\n\n"
    layer = layer_of(desk, HEAD + kernel + STEP + f"    return Out({name}(x) + sqrt(x))\n")
    assert values(layer) == [2.5, 6.5]


def test_local_that_is_named_as_a_number_of_the_file(desk: Desk) -> None:
    layer = layer_of(desk, HEAD + "level = 3.0\n\n\n" + STEP + "    level = x + 1.0\n    return Out(level)\n")
    assert values(layer) == [2.0, 5.0]


def test_argument_that_is_named_as_a_number_of_the_file(desk: Desk) -> None:
    layer = layer_of(desk, HEAD + "x = 3.0\n\n\n" + STEP + "    return Out(x)\n")
    assert values(layer) == [1.0, 4.0]
