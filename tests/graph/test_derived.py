"""What is kept of checks and of emitted kernels: found again for the same code alone, and never for damaged files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from stratoquant.graph import layer_check
from stratoquant.graph.compiler import check
from stratoquant.graph.content import content_of, is_as_imported
from stratoquant.graph.derived import derived, recall, remember
from stratoquant.graph.diagnostics import Diagnostic
from stratoquant.graph.kernel_check import check_kernels
from stratoquant.graph.kernel_text import Part, layer_parts
from stratoquant.graph.language import Layer
from stratoquant.graph.passes import p9_kernels
from stratoquant.graph.passes.p9_emit import PRELUDE_NAMES, emit
from stratoquant.graph.passes.p9_kernels import collect_kernels
from stratoquant.graph.registry import Registry
from stratoquant.layers import catalogue
from stratoquant.runtime.venue import SIMULATED

ROOT = Path(__file__).parents[2]
WIRING = """stratoquant: 1
clock: 1m
nodes:
  mine: {inputs: {x: 100}}
record: [mine.value]
layers: [own]
"""
LAYER = """from typing import NamedTuple

from stratoquant.graph.language import kernel, layer
from stratoquant.graph.types import Price, Real
from {helpers} import FACTOR, scaled


class Out(NamedTuple):
    value: Real


@layer(None, "mine", domain="pattern", source="test")
def step(x: Price) -> Out:
    return Out(scaled(x) + FACTOR)
"""
HELPERS = """from stratoquant.graph.language import kernel

FACTOR = 2.0


@kernel
def scaled(x: float) -> float:
    return x * FACTOR
"""


class Own:
    """A wiring with a layer of the user's own, which calls a kernel of another file, and an empty cache."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.checked: list[str] = []
        self._monkeypatch = monkeypatch
        self._helpers = f"helpers_{folder.name}"
        monkeypatch.setattr(layer_check, "check_kernels", self._check_kernels)
        self.write()

    def write(self, layer: str = LAYER, helpers: str = HELPERS) -> None:
        """The next check imports both, as a new process would."""
        path = self.folder / "own" / "blocks" / "mine.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(layer.format(helpers=self._helpers))
        (self.folder / f"{self._helpers}.py").write_text(helpers)
        self._monkeypatch.delitem(sys.modules, self._helpers, raising=False)

    def check(self) -> tuple[Diagnostic, ...]:
        self.checked = []
        path = self.folder / "w.yaml"
        path.write_text(WIRING)
        return check(path, catalogue()).findings

    def _check_kernels(self, layer: Layer, findings: object) -> None:
        self.checked.append(layer.key)
        check_kernels(layer, findings)  # type: ignore[arg-type]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Own:
    monkeypatch.setenv("STRATOQUANT_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # it tells two texts of one second by their length alone
    monkeypatch.chdir(tmp_path)
    return Own(tmp_path, monkeypatch)


def kept(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.o"))


def test_a_sound_layer_is_checked_once(own: Own) -> None:
    assert own.check() == () and own.checked == ["mine"]
    assert own.check() == () and own.checked == []


def test_an_unsound_layer_is_checked_each_time(own: Own) -> None:
    own.write(LAYER.replace("scaled(x) + FACTOR", "x[0]"))
    first = own.check()
    assert [f.code for f in first] == ["K011"] and own.checked == ["mine"]
    assert own.check() == first and own.checked == ["mine"]


def test_a_changed_layer_is_checked_again(own: Own) -> None:
    own.check()
    own.write(LAYER.replace("scaled(x) + FACTOR", "scaled(x) + missing"))
    assert [f.code for f in own.check()] == ["K006"]
    own.write(LAYER.replace("scaled(x) + FACTOR", "scaled(x) - FACTOR"))
    assert own.check() == () and own.checked == ["mine"]


def test_a_changed_primitive_is_checked_again_with_the_layers_that_call_it(own: Own) -> None:
    own.check()
    own.write(helpers=HELPERS.replace("return x * FACTOR", "return x * FACTOR + print(x)"))
    assert [f.code for f in own.check()] == ["K005"] and own.checked == ["mine"]
    own.write()
    assert own.check() == () and own.checked == []


def test_a_changed_constant_is_another_content(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the text that sets it stays the same."""
    helpers = HELPERS.replace("FACTOR = 2.0", 'import os\n\nFACTOR = float(os.environ["FACTOR"])')
    contents = set()
    for value in ("2.0", "3.0", "2.0"):
        monkeypatch.setenv("FACTOR", value)
        own.write(helpers=helpers)
        contents.add(content_of(Registry().with_folder(own.folder / "own").get("mine")))
    assert len(contents) == 2 and None not in contents


def _flip(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    "damage",
    [_flip, lambda c: c[:-1], lambda c: c[: len(c) // 2], lambda c: b"", lambda c: b"\xff" * len(c)],
    ids=["flipped", "cut", "half", "empty", "other"],
)
def test_a_damaged_file_counts_as_missing(damage: Callable[[bytes], bytes], own: Own) -> None:
    own.check()
    whole = {path: path.read_bytes() for path in kept(own.folder)}
    for path, content in whole.items():
        path.write_bytes(damage(content))
    assert own.check() == () and own.checked == ["mine"]
    assert own.check() == () and own.checked == []


def test_a_file_of_other_code_counts_as_missing(own: Own) -> None:
    """Whole by itself, but under the name of another layer."""
    own.check()
    sound = {path.name: path.read_bytes() for path in kept(own.folder)}
    own.write(LAYER.replace("scaled(x) + FACTOR", "x[0]"))
    first = own.check()
    layer = Registry().with_folder(own.folder / "own").get("mine")
    remember("sound", [layer], "")
    (new,) = [path for path in kept(own.folder) if path.name not in sound]
    assert own.check() == ()  # what this test is about: a verdict under the right name counts
    for content in sound.values():
        new.write_bytes(content)
        assert own.check() == first


def test_another_version_of_the_checks_checks_again(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    own.check()
    monkeypatch.setattr("stratoquant.graph.content.compiler_content", lambda: "another")
    assert own.check() == () and own.checked == ["mine"]


def test_what_cannot_be_kept_is_checked_without_a_word(
    own: Own, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    (own.folder / "cache").mkdir()
    monkeypatch.setattr("stratoquant.graph.kernel.objects.tempfile.NamedTemporaryFile", _no_space)
    assert own.check() == () and own.check() == () and own.checked == ["mine"]
    monkeypatch.setenv("STRATOQUANT_CACHE", str(own.folder / "w.yaml"))
    monkeypatch.setattr("stratoquant.graph.derived.private_folder", _no_folder)
    assert own.check() == () and own.checked == ["mine"]
    assert not recwarn.list


def _no_space(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def _no_folder() -> Path:
    from stratoquant.graph.diagnostics import WiringError

    raise WiringError([])


def test_a_file_changed_after_its_import_leaves_nothing(own: Own) -> None:
    """The check would read a text that is not what runs."""
    layer = Registry().with_folder(own.folder / "own").get("mine")
    path = own.folder / "own" / "blocks" / "mine.py"
    path.write_text(path.read_text().replace("+ FACTOR", "- FACTOR"))
    assert not is_as_imported(layer.step)
    remember("sound", [layer], "")
    assert recall("sound", [layer]) is None


def test_what_is_no_part_of_a_module_has_no_content(own: Own) -> None:
    layer = catalogue().get("L14")

    def local(x: float) -> float:
        return x

    assert content_of(layer) is not None
    assert content_of(replace(layer, pine="no")) is None
    assert content_of(local) is None


SPEECHLESS = """
class Speechless:
    def __repr__(self):
        raise RuntimeError


FACTOR = 2.0
other = Speechless()
"""
HIDDEN = """
import os


class Hidden(float):
    def __repr__(self):
        return "a number"


FACTOR = Hidden(os.environ["FACTOR"])
"""


def test_a_value_that_cannot_be_told_is_no_error(own: Own) -> None:
    own.write(helpers=HELPERS.replace("FACTOR = 2.0", SPEECHLESS))
    for _ in range(2):
        assert own.check() == () and own.checked == ["mine"]


def test_a_number_counts_by_its_value(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = set()
    for value in ("2.0", "3.0", "2.0"):
        monkeypatch.setenv("FACTOR", value)
        own.write(helpers=HELPERS.replace("FACTOR = 2.0", HIDDEN))
        contents.add(content_of(Registry().with_folder(own.folder / "own").get("mine")))
    assert len(contents) == 2 and None not in contents


ALL = """
import sys
from stratoquant.graph.content import content_of
from stratoquant.layers import catalogue
from stratoquant.runtime.venue import SIMULATED as v
code = [*map(catalogue().get, catalogue().keys()), v.passes_quietly, v.meet_market, v.settle, v.outlasting, v.place]
print(*map(content_of, code))
"""


def test_every_layer_and_the_venue_have_a_content_that_any_process_finds() -> None:
    said = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", ALL]
        said.append(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split())
    assert said[0] == said[1]
    assert "None" not in said[0] and len(set(said[0])) == len(catalogue().keys()) + 5


def test_the_emitted_module_is_the_same_from_the_cache(own: Own) -> None:
    def text() -> str:
        result = check(own.folder / "w.yaml", catalogue())
        assert result.graph is not None and result.schedule is not None
        return emit(result.graph, result.schedule, SIMULATED)

    own.check()
    first, files = text(), kept(own.folder)
    assert text() == first and kept(own.folder) == files
    own.write(helpers=HELPERS.replace("x * FACTOR", "x / FACTOR"))
    assert "return x / 2.0" in text()
    for path in kept(own.folder):
        path.write_bytes(_flip(path.read_bytes()))
    assert "return x / 2.0" in text()


def test_of_an_edited_wiring_only_what_is_new_is_written_again(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    def text(nodes: str) -> str:
        path = own.folder / "w.yaml"
        path.write_text(WIRING.replace("nodes:\n", f"nodes:\n{nodes}"))
        result = check(path, catalogue())
        assert result.graph is not None and result.schedule is not None
        emitted = emit(result.graph, result.schedule, SIMULATED)
        assert collect_kernels(result.graph, SIMULATED, PRELUDE_NAMES).text() in emitted
        return emitted

    written: list[str] = []

    def noted(layer: Layer, ports: Sequence[str]) -> list[Part]:
        written.append(layer.key)
        return layer_parts(layer, ports)

    monkeypatch.setattr(p9_kernels, "layer_parts", noted)
    own.check()
    text("  L14: {inputs: {close: 100}}\n")
    assert written == ["L14", "mine"]
    text("  L14: {inputs: {close: 100}}\n  again: {layer: L14, inputs: {close: 50}}\n  L13: {inputs: {close: 100}}\n")
    assert written == ["L14", "mine", "L13"]


def test_the_kernels_of_a_wiring_are_named_alike_whether_they_were_kept_or_not(own: Own) -> None:
    """Many kernels of the master share a name."""
    found = check(ROOT / "specs" / "wiring_master.yaml", catalogue())
    assert found.graph is not None
    plain = collect_kernels(found.graph, SIMULATED, PRELUDE_NAMES)
    for _ in range(2):
        kept_kernels = p9_kernels.kernels_of(found.graph, SIMULATED, PRELUDE_NAMES)
        assert kept_kernels.text == plain.text()
        assert kept_kernels.steps == {n.key: plain.name_of(n.layer.step) for n in found.graph.nodes.values()}


def test_what_else_a_text_follows_from_tells_it_apart(own: Own) -> None:
    layer = catalogue().get("L14")
    assert [derived("test", [layer], [word], lambda word=word: word) for word in ("a", "b", "a")] == ["a", "b", "a"]
    assert recall("test", [layer], ["b"]) == "b" and recall("other", [layer], ["b"]) is None
