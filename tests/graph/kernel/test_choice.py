"""Which backend makes machine code, and what is imported for it."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from stratoquant.graph.diagnostics import WiringError
from stratoquant.graph.kernel import code
from stratoquant.graph.kernel.entry import NativeEntry
from stratoquant.graph.passes.p10_build import backend, build, is_built
from tests.graph.kernel.comparing import module_text

MODULE = module_text("@entry\ndef run(a):\n    a[0] += 1.0\n    return 0\n")


def test_llvm_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRATOQUANT_BACKEND", raising=False)
    assert backend() == "llvm"
    monkeypatch.setenv("STRATOQUANT_BACKEND", "numba")
    assert backend() == "numba"
    monkeypatch.setenv("STRATOQUANT_BACKEND", "gcc")
    with pytest.raises(WiringError, match=r"STRATOQUANT_BACKEND: error B003: 'gcc'(.|\n)*set it to llvm or numba"):
        backend()


@pytest.mark.parametrize("name", ["llvm", "numba"])
def test_a_module_is_built_once_its_machine_code_is_there(
    name: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATOQUANT_CACHE", str(tmp_path))
    monkeypatch.setenv("STRATOQUANT_BACKEND", name)
    module = f"choice_{name}"
    made = build(module, MODULE)
    assert not is_built(module) and isinstance(made, NativeEntry) == (name == "llvm")
    made.enter(((np.dtype("f8"), 1),))
    assert is_built(module)
    assert not is_built("choice")


def test_threads_that_enter_at_once_share_one_copy(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that took another's place would free the code that a thread is running."""
    monkeypatch.setenv("STRATOQUANT_CACHE", str(tmp_path))
    monkeypatch.setenv("STRATOQUANT_BACKEND", "llvm")
    loaded: list[code.Loaded] = []

    def load(objects: list[bytes]) -> code.Loaded:
        waiting.wait(0.2)  # until others have asked as well
        loaded.append(Loaded(objects))
        return loaded[-1]

    waiting, Loaded = Event(), code.Loaded  # noqa: N806
    monkeypatch.setattr(code, "Loaded", load)
    made = build("choice_threads", MODULE)
    with ThreadPoolExecutor(4) as pool:
        entered = list(pool.map(made.enter, [((np.dtype("f8"), 1),)] * 4))
    assert len(loaded) == 1 and len(set(map(id, entered))) == 1


SESSION = """
import sys
import numpy as np
from tests.graph.plans import audited, plan_of
from stratoquant.graph.market import missing_events
text = "stratoquant: 1\\nname: n\\nclock: 1m\\nnodes: {feed: {inputs: {raw: market}}}\\nrecord: []\\n"
audited(plan_of(text, ("A",))).run(np.array([0]), missing_events(1, 1))
print([name for name in ("numba", "torch", "pandas", "ccxt") if name in sys.modules])
"""


def test_a_plan_runs_without_numba() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "STRATOQUANT_BACKEND"}
    done = subprocess.run([sys.executable, "-c", SESSION], capture_output=True, text=True, check=False, env=environment)
    assert done.stdout == "[]\n", done.stderr
