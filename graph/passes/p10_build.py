"""Pass 10: the generated module to machine code, kept on disk under a name that changes whenever any of its code does.

The name hashes the module's text (which holds every kernel), the dtypes and the numba version. numba's own cache does
not notice a changed callee; here a changed callee is another file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from stratoquant.graph.cache import check_file, private_folder
from stratoquant.graph.diagnostics import Diagnostic, Place, WiringError
from stratoquant.graph.kernel.call import Entry
from stratoquant.graph.kernel.objects import ObjectStore, mark_used
from stratoquant.graph.passes.p8_layout import Layout

BACKENDS = ("llvm", "numba")
_MACHINE_CODE = Path(__file__).parent.parent / "machine_code.py"


def module_name(name: str, text: str, layout: Layout) -> str:
    """The name of the module: the wiring's name and a hash of all that decides its machine code."""
    records = (layout.state, layout.portfolio, layout.params, layout.constants, layout.edges, layout.shared)
    plain = "".join(ch if ch.isalnum() else "_" for ch in name)
    return f"{plain}_{fingerprint(text, *(str(r.descr) for r in (*records, layout.scratch)))}"


def fingerprint(*parts: str) -> str:
    """A hash of what a module is made of, and of what makes machine code of it."""
    compiler = (version("numba"), version("numpy"), _MACHINE_CODE.read_text(encoding="utf-8"))
    return hashlib.sha256("\x00".join((*parts, *compiler)).encode()).hexdigest()[:16]


def backend() -> str:
    """What makes machine code: $STRATOQUANT_BACKEND. All give the same bits. Raises WiringError for an unknown name."""
    chosen = os.environ.get("STRATOQUANT_BACKEND") or BACKENDS[0]
    if chosen not in BACKENDS:
        message = f"{chosen!r} does not make machine code"
        hint = f"set it to {' or '.join(BACKENDS)}, or leave it out"
        raise WiringError([Diagnostic("B003", message, Place("STRATOQUANT_BACKEND", 0, 0), hint)])
    return chosen


def is_built(name: str) -> bool:
    """True when machine code for this module lies in the cache."""
    if backend() == "numba":
        return any((private_folder() / "__pycache__").glob(f"{name}.run-*.nbc"))
    from stratoquant.graph.kernel.entry import built_name

    return ObjectStore(private_folder()).has_list(built_name(name))


def write_module(name: str, text: str) -> Path:
    """Writes the module into the folder of compiled plans, unless it is there."""
    folder = private_folder()
    path = folder / f"{name}.py"
    if path.exists():  # its name says its content
        check_file(path)
        mark_used(path)
        return path
    part = None
    try:
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".part", delete=False, encoding="utf-8") as part:
            part.write(text)
        Path(part.name).replace(path)
    except BaseException as problem:
        if part is not None:
            Path(part.name).unlink(missing_ok=True)
        if isinstance(problem, OSError):
            problem.filename = str(path)
        raise
    return path


def build(name: str, text: str) -> Entry:
    """The compiled `run` of the module; machine code is made at its first call, or comes from the cache."""
    path = write_module(name, text)
    if backend() == "numba":
        return _numba_entry(name, path)
    from stratoquant.graph.kernel.entry import NativeEntry

    return NativeEntry(path)


def _numba_entry(name: str, path: Path) -> Entry:
    from stratoquant.graph.machine_code import NumbaEntry

    return NumbaEntry(_import(name, path).run)


def _import(name: str, path: Path) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
