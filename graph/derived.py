"""What follows from code alone, kept on disk beside machine code under the code's content: found once, not at each
start. A file that is damaged, or that another piece of code left, counts as missing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from stratoquant.graph.cache import private_folder
from stratoquant.graph.content import content_of, is_as_imported
from stratoquant.graph.diagnostics import WiringError
from stratoquant.graph.kernel.objects import ObjectStore
from stratoquant.graph.kernels import reachable
from stratoquant.graph.language import Layer

Code = Sequence[Layer | Callable[..., Any]]


def derived(kind: str, code: Code, words: Iterable[str], find: Callable[[], str]) -> str:
    """What `find` gives for this code: as it was kept, else found and kept. words: what else the text follows from."""
    words = tuple(words)
    text = recall(kind, code, words)
    if text is None:
        text = find()
        remember(kind, code, text, words)
    return text


def recall(kind: str, code: Code, words: Iterable[str] = ()) -> str | None:
    """The kept text; None where there is none."""
    store, key = _store(), _key(kind, code, words)
    if store is None or key is None:
        return None
    held = (store.read(key) or b"").decode(errors="replace")
    return held.removeprefix(key) if held.startswith(key) else None


def remember(kind: str, code: Code, text: str, words: Iterable[str] = ()) -> None:
    """Keeps a text, if it can be kept: what cannot is found again at the next start."""
    store, key = _store(), _key(kind, code, words)
    functions = (one.step if isinstance(one, Layer) else one for one in code)
    if store is None or key is None:
        return
    if all(is_as_imported(source.function) for function in functions for source in reachable(function)):
        store.write(key, f"{key}{text}".encode(), quietly=True)


def _store() -> ObjectStore | None:
    with suppress(WiringError):  # who compiles is told why the folder cannot be used
        return ObjectStore(private_folder())
    return None


def _key(kind: str, code: Code, words: Iterable[str]) -> str | None:
    contents = [content_of(one) for one in code]
    known = [content for content in contents if content is not None]
    if len(known) < len(contents):
        return None
    return hashlib.sha256("\x00".join((kind, *known, "", *words)).encode()).hexdigest()
