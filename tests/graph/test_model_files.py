"""Model files: what a wiring may name, and what a user is told when it is not that."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from stratoquant.graph.identity import wiring_digest
from stratoquant.graph.model_file import model_text, read_model
from stratoquant.layers import catalogue
from tests.graph.findings import HEAD, Desk, desk
from tests.layers.models import SHIPPED

__all__ = ["desk"]
CONTENT = SHIPPED["L64"].read_bytes()
HASH = hashlib.sha256(CONTENT).hexdigest()


def wiring(model: str) -> str:
    """The model stands in line 4, from column 40 on."""
    return HEAD + "nodes:\n  L64: {inputs: {close: 5, sigma: 1}" + (f", model: {model}" if model else "") + "}\n"


def changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(CONTENT) | fields).encode()


def test_a_model_is_read_with_its_numbers(desk: Desk) -> None:
    desk.write({"sub/m.json": CONTENT})
    checked = desk.check(wiring(f"{{file: sub/m.json, sha256: {HASH.upper()}}}"))
    assert checked.sound and checked.graph is not None
    model = checked.graph.nodes["L64"].model
    assert model is not None and model.sha256 == HASH
    assert model.values["mean"] == tuple(json.loads(CONTENT)["values"]["mean"])


def test_an_included_file_names_models_from_its_own_folder(desk: Desk) -> None:
    node = wiring(f"{{file: m.json, sha256: {HASH}}}").replace("clock: 1m\n", "")
    desk.write({"sub/m.json": CONTENT, "sub/regime.yaml": node})
    assert desk.check(HEAD + "include: [sub/regime.yaml]\n").sound


def test_another_model_is_another_wiring(desk: Desk) -> None:
    other = changed(made={})
    desk.write({"a.json": CONTENT, "b.json": other})
    digests = []
    for name, content in (("a.json", CONTENT), ("b.json", other)):
        text = wiring(f"{{file: {name}, sha256: {hashlib.sha256(content).hexdigest()}}}")
        graph = desk.check(text).graph
        assert graph is not None
        digests.append(wiring_digest(graph))
    assert digests[0] != digests[1]


@pytest.mark.parametrize(
    ("model", "code", "place", "message", "hint"),
    [
        ("", "W050", "4:3", "L64 (hmm_regime) was fitted to data and lacks its `model`", "stratoquant fit"),
        ("{file: gone.json, sha256: ab}", "W051", "4:53", "`gone.json` cannot be read: no such file", "paths start at"),
        (f"{{file: m.json, sha256: {'a' * 64}}}", "W052", "4:69", f"its SHA-256 is {HASH}", "write that hash"),
    ],
)
def test_findings(desk: Desk, model: str, code: str, place: str, message: str, hint: str) -> None:
    desk.write({"m.json": CONTENT})
    found = desk.only_error(wiring(model))
    assert (found.code, str(found.place)) == (code, f"w.yaml:{place}"), found
    assert message in found.message and hint in found.hint, found


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "it is not JSON"),
        (b"[1]", "it is no model file of format 1"),
        (changed(stratoquant_model=2), "it is no model file of format 1"),
        (changed(layer="L70"), "it is a model of L70, not of L64"),
        (changed(values={}), "its values must be centre, scale, start, transition, mean, variance"),
        (changed(values=json.loads(CONTENT)["values"] | {"mean": [1.0]}), "its `mean` must be 8 finite numbers"),
        (changed(values=json.loads(CONTENT)["values"] | {"scale": [1.0, "2"]}), "its `scale` must be 2 finite"),
        (changed(values=json.loads(CONTENT)["values"] | {"scale": [1.0, True]}), "its `scale` must be 2 finite"),
        (CONTENT.replace(b'"start": [\n', b'"start": [\nNaN,', 1), "its `start` must be 4 finite numbers"),
        (CONTENT[: len(CONTENT) // 2], "it is not JSON"),
    ],
)
def test_files_that_cannot_be_used(desk: Desk, content: bytes, reason: str) -> None:
    desk.write({"m.json": content})
    found = desk.only_error(wiring(f"{{file: m.json, sha256: {hashlib.sha256(content).hexdigest()}}}"))
    assert found.code == "W051" and reason in found.message, found


def test_a_layer_that_was_not_fitted_takes_none(desk: Desk) -> None:
    desk.write({"m.json": CONTENT})
    text = HEAD + f"nodes:\n  L14: {{inputs: {{close: 5}}, model: {{file: m.json, sha256: {HASH}}}}}\n"
    assert desk.only_error(text).code == "W050"


def test_what_is_written_is_read_back() -> None:
    layer = catalogue().get("L64")
    model = read_model(CONTENT, layer)
    again = read_model(model_text(layer, model.values, model.made).encode(), layer)
    assert again.values == model.values and again.made == model.made and again.sha256 == model.sha256
    with pytest.raises(ValueError, match="`scale` must be 2 finite numbers"):
        model_text(layer, model.values | {"scale": (1.0, float("nan"))}, {})
