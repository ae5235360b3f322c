"""No script declares a name that Pine reserves: the check finds one in every place, and the translator renames them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.layers import catalogue
from stratoquant.mirror.engines import Engine
from stratoquant.mirror.pine import lint
from stratoquant.mirror.pine.declarations import declared_names
from stratoquant.mirror.pine.export import choose, computed_ports, export, probe_text
from stratoquant.mirror.pine.names import RESERVED, safe
from stratoquant.mirror.pine.syntax import Block, Call, Declare, Loop, Script, TypeDef, children, integer, text
from stratoquant.mirror.verify import verify
from stratoquant.runtime.data.market import market_from
from stratoquant.runtime.data.synthetic import synthesise
from tests.mirror.pine.engines import on_each_engine

SPECS = Path(__file__).parents[3] / "specs"
PLACES = {
    "variable": "{} = close",
    "variable with a type": "float {} = close",
    "variable that is kept": "var array<float> {} = array.new<float>(3)",
    "variable in a block": "if close > open\n    float {} = close",
    "function": "{}(float x) =>\n    x + 1",
    "function with a type": "float {}(float x) =>\n    x + 1",
    "exported function": "export {}(float x) => x + 1",
    "method": "method {}(float x) => x + 1",
    "parameter": "f(float a, series float {}) => a",
    "parameter with a default": "f(map<string, float> a, int {} = 2) => a",
    "parameter without a type": "f({}) => 1",
    "type": "type {}\n    float v",
    "field": "type T\n    float v\n    float {}",
    "field with a default": "type T\n    varip array<float> {}\n    float v = 1.0",
    "field of another type": "type T\n    other.Kind {}",
    "enum": "enum {}\n    a",
    "enum member": "enum E\n    a\n    {}",
    "enum member with a title": 'enum E\n    {} = "a = b"',
    "loop variable": "for {} = 0 to 2\n    s += 1",
    "loop variable of a value": "x = for {} = 0 to 2\n    1",
    "element of a loop": "for {} in values\n    s += 1",
    "index of a loop": "for [{}, value] in values\n    s += 1",
    "tuple": "[a, {}] = f()",
    "import": "import someone/Library/3 as {}",
}
USES = (
    'label.new(bar_index, close, text = "a", style = label.style_label_up)',
    "table.cell(t, 0, 0, str.tostring(x), text_halign = text.align_left)",
    "x := range == 1 ? close : open",
    "// range = 3",
    'string s = "range = 3"',
    "if x >= range",
)
RESERVED_LAYER = '''"""polygon: a layer whose every name is one that Pine reserves."""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.types import Price, Real


class Params(Parameters):
    range: int = param(3, 1, 10, "turns")


class struct(State):
    text: float = 0.0


class Memory(State):
    ellipse: struct


class Out(NamedTuple):
    is_: Real
    throw: Real


@kernel
def do(text: struct, in_: float, range_of: int) -> float:
    catch = 0.0
    for polygon in range(range_of):
        catch += in_ * polygon
    text.text += catch
    return catch


@layer(None, "polygon", domain="block", source="test", pine="yes")
def step(s: Memory, p: Params, in_: Price, text: Price) -> Out:
    struct_of = do(s.ellipse, in_, p.range)
    switch = struct_of + text
    return Out(switch, s.ellipse.text)
'''
RESERVED_WIRING = """stratoquant: 1
name: reserved
clock: 1m
symbols: [AAA]
layers: [own]
nodes:
  L0: {inputs: {raw: market, now: clock.time}}
  range: {layer: polygon, inputs: {in: L0.close, text: L0.open}}
  Text: {layer: polygon, inputs: {in: L0.high, text: L0.open}, params: {range: 2}}
  bar: {layer: bar_index, inputs: {close: L0.close}}
record: [range.is, Text.throw, bar.value]
"""
INDEX_LAYER = '''"""bar_index: whose parameter makes, with its node's name, the name of a built-in variable."""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, layer, param
from stratoquant.graph.types import Price, Real


class Params(Parameters):
    index: int = param(3, 1, 10, "turns")


class Out(NamedTuple):
    value: Real


@layer(None, "bar_index", domain="block", source="test", pine="yes")
def step(p: Params, close: Price) -> Out:
    return Out(close * p.index)
'''


@pytest.mark.parametrize("place", PLACES)
def test_a_reserved_name_is_found_in_every_place(place: str) -> None:
    for word in sorted(RESERVED):
        assert lint.reserved_names(PLACES[place].format(word)), word
    assert not lint.reserved_names(PLACES[place].format("range_"))


@pytest.mark.parametrize("line", USES)
def test_a_use_of_a_reserved_name_is_no_declaration(line: str) -> None:
    assert not lint.reserved_names(line)


def test_the_words_of_the_manual_are_reserved() -> None:
    later = "catch class do ellipse in is polygon range return struct text throw try"
    keywords = "and as break by continue else enum export false for if import method not or switch to true type var"
    assert set(f"{later} {keywords} varip while".split()) <= RESERVED
    assert all(safe(word) == f"{word}_" for word in RESERVED) and safe("rsi") == "rsi"


def test_a_script_with_a_reserved_name_is_refused_with_a_code() -> None:
    script = Script(Call("void", "indicator", (text("t"),)))
    script.types = [TypeDef("T", (("range", "float"),))]
    with pytest.raises(lint.PineDefectError, match="line 6: range is reserved and cannot be a field") as caught:
        lint.check(script)
    assert caught.value.code == "M007"
    script.types, script.main = [TypeDef("struct", (("v", "float"),))], []
    with pytest.raises(lint.PineDefectError, match="struct is reserved and cannot be a type name"):
        lint.check(script)
    script.types, script.main = [], [Declare("int", "n", integer(1)), Declare("int", "n", integer(2))]
    with pytest.raises(lint.PineDefectError, match="n is declared twice") as caught:
        lint.check(script)
    assert caught.value.code == "M008"


def names_of(script: Script) -> Iterator[str]:
    """Every name that the tree of a script declares."""

    def inside(block: Block) -> Iterator[str]:
        for statement in block:
            if isinstance(statement, Declare | Loop):
                yield statement.name
            for inner in children(statement):
                yield from inside(inner)

    for definition in script.types:
        yield definition.name
        yield from (name for name, _ in definition.fields)
    for function in script.functions:
        yield function.name
        yield from (name for name, _ in function.parameters)
        yield from inside(function.body)
    yield from inside((*script.constants, *script.main))


def test_the_scan_finds_every_declaration_of_a_real_script(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Script] = []
    monkeypatch.setattr("stratoquant.mirror.pine.export.lint.check", seen.append)
    checked = checked_or_raise(SPECS / "bars_only.yaml", catalogue())
    made = export(checked, choose(checked))
    declared = [d.name for d in declared_names(made.text) if d.name != "returned_value"]
    assert sorted(declared) == sorted(names_of(seen[-1])) and len(declared) > 3_000
    assert not lint.reserved_names(made.text)
    assert made.text.count(" range_\n") == 11


@on_each_engine
def test_a_layer_of_reserved_names_is_renamed_and_computes_the_same(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own/blocks").mkdir(parents=True)
    Path("own/blocks/polygon.py").write_text(RESERVED_LAYER, encoding="utf-8")
    Path("own/blocks/bar_index.py").write_text(INDEX_LAYER, encoding="utf-8")
    Path("wiring.yaml").write_text(RESERVED_WIRING, encoding="utf-8")
    checked = checked_or_raise(Path("wiring.yaml"), catalogue())
    ports = [p for p in computed_ports(checked) if not p.startswith("L0.")]
    script = probe_text(checked, ports)
    assert not lint.reserved_names(script)
    assert {"struct_", "ellipse_", "range_", "catch_", "polygon_", "text_", "in_", "is_", "throw_", "bar_index_"} <= {
        d.name for d in declared_names(script)
    }
    market = market_from(synthesise(("AAA",), 200, 1), ("AAA",), 60_000)
    assert not verify(checked, script, market, ports, engine).differing
