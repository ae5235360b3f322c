"""Declarations of layers of a user's own that cannot work: each is a finding at its line, not a failure later on."""

from __future__ import annotations

import pytest

from stratoquant.graph.language import port_name
from stratoquant.graph.plan import compile_plan
from stratoquant.graph.session import Session
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from tests.graph.bad_wirings import FEED
from tests.graph.findings import Desk, desk
from tests.graph.test_own_layers import KERNEL

__all__ = ["desk"]

BODY = "    return Out(x)\n"
STEP = "def step(s: Memory, p: Params, x: Price) -> Out:\n"
SOUND = KERNEL + STEP + BODY
AT_STEP = f"{KERNEL.count(chr(10)) + 1}:1"


def wiring(inputs: str = "x: feed.close") -> str:
    return FEED + f"  mine: {{inputs: {{{inputs}}}}}\nlayers: [own]\nrecord: [mine.value]\n"


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("total: float = 0.0", "total: str = 'a'", "15:5", "the memory `total` is text"),
        ("total: float = 0.0", "total: bool = False", "15:5", "the memory `total` is a truth value"),
        ("total: float = 0.0", "total: list[float]", "15:5", "the memory `total` is"),
        ("total: float = 0.0", "total: float = 'a'", "15:5", "the first value of `total` is 'a', not a number"),
        ("total: float = 0.0", "total: int = 0.5", "15:5", "the first value of `total` is 0.5, not a whole number"),
        ("recent: Array = array(4)", "recent: Array = 4", "16:5", "the size of the array `recent` is 4"),
        (
            "recent: Array = array(4)",
            "recent: Array = array(lambda p: p.windw)",
            "14:1",
            "the memory of mine (mine) cannot be sized: AttributeError: 'Params' object has no attribute 'windw'",
        ),
        ("recent: Array = array(4)", "recent: Array = array()", "14:1", "the memory of mine (mine) cannot be sized"),
        ('int = param(5, 1, 100, "bars")', "int = 5", "11:5", "the parameter `window` has no bounds"),
        ('int = param(5, 1, 100, "bars")', "int", "11:5", "the parameter `window` has no bounds"),
        ("window: int =", "window: str =", "11:5", "the parameter `window` is text"),
        ("param(5, 1,", "param(0, 1,", "11:5", "the default 0 of `window` is not a whole number in 1 to 100"),
        ("param(5, 1,", "param(2.5, 1,", "11:5", "the default 2.5 of `window` is not a whole number"),
        ("s: Memory, p: Params, x: Price", "p: Params, s: Memory, x: Price", AT_STEP, "in the wrong order"),
        ("s: Memory, p: Params, x: Price", "x: Price, s: Memory, p: Params", AT_STEP, "in the wrong order"),
        ("x: Price)", "x: Price, y)", f"{AT_STEP[:-2]}:42", "the argument `y` of the step has no type"),
        ("x: Price)", "x: Price, x_: Price)", AT_STEP, "two arguments of the step stand for the input `x`"),
        ("value: Real", "value_: Real", "20:5", "the output `value_` ends in an underscore"),
        ('source="test"', 'source="test", warmup=lambda p: p.windw', AT_STEP, "has no attribute 'windw'"),
        ('source="test"', 'source="test", warmup=lambda p: -1', AT_STEP, "the warm-up of mine (mine) is -1"),
        ('source="test"', 'source="test", warmup=lambda p: None', AT_STEP, "the warm-up of mine (mine) is None"),
        ('source="test"', 'source="test", warmup=lambda p: float("nan")', AT_STEP, "is nan"),
    ],
)
def test_wrong_declaration(old: str, new: str, place: str, message: str, desk: Desk) -> None:
    assert old in SOUND
    desk.write({"own/blocks/mine.py": SOUND.replace(old, new)})
    found = desk.only_error(wiring())
    assert (found.code, str(found.place)) == ("K018", f"own/blocks/mine.py:{place}")
    assert message in found.message
    assert found.hint


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('source="test"', 'source="test", scope="portfoli"', "scope='portfoli', but scope is one of symbol, portfolio"),
        ('source="test"', 'source="test", loop="close"', "loop='close', but loop is one of open, closed"),
        ('source="test"', 'source="test", pine=True', "pine=True, but pine is one of yes, no, source"),
        (") -> Out:", "):", "the step does not say what it returns; write `-> Out` after its arguments"),
    ],
)
def test_wrong_word_in_a_declaration(old: str, new: str, message: str, desk: Desk) -> None:
    desk.write({"own/blocks/mine.py": SOUND.replace(old, new)})
    found = desk.only_error(wiring())
    assert found.code == "W009"
    assert message in found.message


@pytest.mark.parametrize("name", ["my-layer", "2nd", "lambda"])
def test_name_that_no_function_can_have(name: str, desk: Desk) -> None:
    desk.write({f"own/blocks/{name}.py": SOUND.replace('"mine"', f'"{name}"')})
    found = desk.only_error(wiring().replace("mine: {", f'mine: {{layer: "{name}", '))
    assert found.code == "K018"
    assert f"`{name}` cannot be the name of a layer" in found.message


@pytest.mark.parametrize("key", ["for", "lambda", "None"])
def test_node_named_as_a_word_of_the_language(key: str, desk: Desk) -> None:
    desk.write({"own/blocks/mine.py": SOUND})
    found = desk.only_error(
        wiring().replace("  mine: {", f"  {key}: {{layer: mine, ").replace("mine.value", f"{key}.value")
    )
    assert found.code == "W019"


def test_inputs_named_as_words_of_the_generated_code(desk: Desk) -> None:
    names = ("e", "node", "settings", "o", "float", "valid", "both_valid", "mine", "nan", "row", "now", "pass_")
    source = SOUND.replace("x: Price", ", ".join(f"{name}: Price" for name in names))
    desk.write({"own/blocks/mine.py": source.replace(BODY, f"    return Out({' + '.join(names)})\n")})
    checked = desk.check(wiring(", ".join(f"{port_name(name)}: feed.close" for name in names)))
    assert checked.sound, "\n".join(map(str, checked.findings))
    Session(compile_plan(checked, SIMULATED, ["AAA"]), VenueSettings(), cash=1e5).prepare()
