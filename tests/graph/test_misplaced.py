"""A layer of the user's own that the registry does not see: the finding names its file, and the fix works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.graph.bad_wirings import FEED
from tests.graph.findings import Desk, desk
from tests.graph.test_own_layers import kernel_file

__all__ = ["desk"]

LAYER = kernel_file("return Out(x)")
NUMBERED = LAYER.replace('@layer(None, "mine"', '@layer(200, "mine"')


def wiring(layer: str, folder: str = "") -> str:
    named = f"layers: [{folder}]\n" if folder else ""
    return FEED + f"  mine: {{layer: {layer}, inputs: {{x: feed.close}}}}\n" + named + "record: [mine.value]\n"


@pytest.mark.parametrize(
    ("key", "file", "hint"),
    [
        ("mine", "own/mine.py", "own/mine.py is not seen: move it to own/blocks/mine.py"),
        ("mine", "own/deep/mine.py", "own/deep/mine.py is not seen: move it to own/blocks/mine.py"),
        ("mine", "own/blocks/_mine.py", "own/blocks/_mine.py is not seen: move it to own/blocks/mine.py"),
        ("mine", "own/blocks/Mine.py", "own/blocks/Mine.py is not seen: move it to own/blocks/mine.py"),
    ],
)
def test_block_in_the_wrong_place(key: str, file: str, hint: str, desk: Desk) -> None:
    desk.write({file: LAYER})
    found = desk.only_error(wiring(key, "own"))
    assert (found.code, found.hint) == ("W010", hint)
    target = Path(found.hint.split(" move it to ")[1])
    target.parent.mkdir(exist_ok=True)
    Path(file).rename(target)
    assert desk.errors(wiring(key, "own")) == []


@pytest.mark.parametrize("file", ["own/l200.py", "own/200_mine.py", "own/L200_mine.py"])
def test_numbered_layer_with_another_name(file: str, desk: Desk) -> None:
    desk.write({file: NUMBERED})
    found = desk.only_error(wiring("L200", "own"))
    assert found.code == "W010"
    assert found.hint.startswith(f"rename {file} to `l200_NAME.py`")
    Path(file).rename("own/l200_mine.py")
    assert desk.errors(wiring("L200", "own")) == []


@pytest.mark.parametrize(
    ("key", "file", "content"),
    [
        ("mine", "own/blocks/mine.py", LAYER),
        ("mine", "blocks/mine.py", LAYER),
        ("L200", "own/deep/l200_mine.py", NUMBERED),
    ],
)
def test_folder_that_the_wiring_does_not_name(key: str, file: str, content: str, desk: Desk) -> None:
    desk.write({file: content})
    found = desk.only_error(wiring(key))
    assert found.hint.startswith(f"{file} is there; name its folder: ")
    folder = re.search(r"layers: \[(.*)\]", found.hint)
    assert folder is not None
    assert desk.errors(wiring(key, folder[1])) == []


def test_file_beside_the_wiring(desk: Desk) -> None:
    desk.write({"mine.py": LAYER})
    found = desk.only_error(wiring("mine"))
    assert found.hint == "move mine.py to blocks/mine.py, and name the folder: `layers: [.]`"
    Path("blocks").mkdir()
    Path("mine.py").rename("blocks/mine.py")
    assert desk.errors(wiring("mine", ".")) == []


def test_no_such_file(desk: Desk) -> None:
    desk.write({"own/blocks/other_thing.py": LAYER})
    assert "other_thing.py" not in desk.only_error(wiring("mine", "own")).hint
