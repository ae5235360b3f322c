"""`stratoquant ir`: which layers and nodes it finds, and what it says of those that it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from llvmlite import binding

from tests.tools.shell import GOOD, Shell, shell

__all__ = ["shell"]

OWN = """from typing import NamedTuple
from stratoquant.graph.language import Array, Parameters, State, array, layer, param
from stratoquant.graph.types import Price, Real

class Params(Parameters):
    window: int = param(5, 1, 100, "bars")

class Memory(State):
    held: Array = array(4)

class Out(NamedTuple):
    value: Real
    other: Real

@layer(None, "mine", domain="pattern", source="test")
def step(s: Memory, p: Params, x: Price) -> Out:
    s.held[p.window] = x
    return Out(s.held[0], x)
"""


@pytest.mark.parametrize("name", ["L14", "14", "rsi"])
def test_a_layer_by_key_number_or_name(name: str, shell: Shell) -> None:
    assert shell.run("ir", name) == 0, shell.err
    assert "\nl14_rsi(s: {" in shell.out and "return (rsi: " in shell.out and "call " in shell.out


def test_a_node_has_its_own_memory(shell: Shell) -> None:
    wiring = GOOD.replace("L14: {inputs: {close: 100}}", "{0}: {{layer: sma, inputs: {{close: 1}}, params: {1}}}")
    for window, size in ((20, 32), (100, 128)):
        Path("w.yaml").write_text(wiring.format("slow", f"{{window: {window}}}").replace("L14.rsi", "slow.value"))
        assert shell.run("ir", "w.yaml", "slow") == 0, shell.err
        assert f"sums: float[{size}]" in shell.out


def test_a_node_tells_what_the_wiring_uses(shell: Shell) -> None:
    Path("w.yaml").write_text(f"outputs: used\n{GOOD}")
    assert shell.run("ir", "w.yaml", "L14") == 0, shell.err
    assert "-> (rsi: float)\n" in shell.out
    assert shell.run("ir", "good.yaml", "L14") == 0
    assert "-> (rsi: float, centred: float, slope: float)\n" in shell.out


def test_a_layer_of_ones_own_is_shown_with_its_checks(shell: Shell) -> None:
    Path("own/blocks").mkdir(parents=True)
    Path("own/blocks/mine.py").write_text(OWN)
    Path("w.yaml").write_text(GOOD.replace("record: ", "  mine: {inputs: {x: 1}}\nlayers: [own]\nrecord: "))
    for command in (("ir", "mine", "--folder", "own"), ("ir", "w.yaml", "mine")):
        assert shell.run(*command) == 0, shell.err
        assert "# own/blocks/mine.py\nmine(outside$: int[], s: {held: float[4]}, " in shell.out
        assert "17 | store s.held[load p.window checked] = x" in shell.out


def test_as_llvm_reads_it(shell: Shell) -> None:
    assert shell.run("ir", "L14", "--llvm") == 0, shell.err
    module = binding.parse_assembly(shell.out)
    module.verify()
    names = [function.name.split(".")[0] for function in module.functions if not function.is_declaration]
    assert names[-1] == "l14_rsi" and "rma" in names


def test_it_goes_to_a_file(shell: Shell) -> None:
    assert shell.run("ir", "L14", "-o", "rsi.txt") == 0 and shell.out == ""
    assert "l14_rsi(" in Path("rsi.txt").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("rsy",), 2, "there is no layer rsy; did you mean `rsi`?"),
        (("L777",), 2, "there is no layer L777; "),
        (("good.yaml",), 2, "name one of its nodes as well, `stratoquant ir good.yaml NODE`"),
        (("good.yaml", "L41"), 2, "there is no node L41 in good.yaml; did you mean `L14`?"),
        (("good.yaml", "x"), 2, "`stratoquant graph good.yaml` lists them"),
        (("bad.yaml", "L14"), 1, "has no input `clse`"),
        (("none.yaml", "L14"), 3, "the file none.yaml does not exist"),
        (("L14", "--folder", "none"), 2, "none is no folder"),
    ],
)
def test_errors_are_for_people(arguments: tuple[str, ...], code: int, message: str, shell: Shell) -> None:
    assert shell.run("ir", *arguments) == code, shell.err
    assert message in shell.err.replace("\n", " ") and "Traceback" not in shell.err


def test_an_unsound_layer_is_explained(shell: Shell) -> None:
    Path("own/blocks").mkdir(parents=True)
    Path("own/blocks/mine.py").write_text(OWN.replace("s.held[0]", "missing"))
    assert shell.run("ir", "mine", "--folder", "own") == 1
    assert "own/blocks/mine.py:18:16: error K006" in shell.err


def test_a_file_without_a_layer_is_explained(shell: Shell) -> None:
    Path("own/blocks").mkdir(parents=True)
    Path("own/blocks/mine.py").write_text("step = 5\n")
    for command in (["ir", "mine"], ["layers", "mine"], ["layers"], ["docs", "-o", "site"]):
        assert shell.run(*command, "--folder", "own") == 1
        assert "own/blocks/mine.py:1:1: error W009: the layer `mine` cannot be read: " in shell.err
