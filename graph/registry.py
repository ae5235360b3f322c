"""Which layers exist and where each is declared. A file is imported when its layer is asked for, not before."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stratoquant.graph.language import Layer

_NUMBERED = re.compile(r"l(\d+)_(\w+)")


@dataclass(frozen=True)
class _LayerFile:
    """module: the import name of a shipped layer; empty for one of a user's own."""

    path: Path
    module: str = ""


@dataclass(frozen=True)
class Clash:
    """A file of a user's folder that claims the key or the name of a layer that is there already."""

    file: Path
    taken: str
    by: str


class Registry:
    """Layers by key: L14 for layers/*/l14_rsi.py, the bare file name for a block.

    A layer's file declares it under the name `step`. Shipped layers belong to a package; a user's own add to them and
    never replace one.
    """

    def __init__(self, files: Mapping[str, _LayerFile] | None = None, clashes: tuple[Clash, ...] = ()) -> None:
        self._files = dict(files or {})
        self._loaded: dict[str, Layer] = {}
        self.clashes = clashes

    @classmethod
    def of_package(cls, package: str, folder: Path) -> Registry:
        """The layers below an importable package: numbered files in every folder, any file in `blocks`."""
        return cls().with_package(package, folder)

    def with_package(self, package: str, folder: Path) -> Registry:
        """This registry and the layers of one more package, which count as shipped."""
        files = {
            key: _LayerFile(path, ".".join((package, *path.relative_to(folder).with_suffix("").parts)))
            for key, path in _layer_files(folder)
        }
        return Registry(self._files | files, self.clashes)

    def with_folder(self, folder: Path) -> Registry:
        """This registry and the layers of a user's own folder. What claims a taken key or name is left out and is
        among the `clashes`."""
        files = dict(self._files)
        names = {_layer_name(key, file.path): key for key, file in files.items()}
        clashes = list(self.clashes)
        for key, path in _layer_files(folder):
            name = _layer_name(key, path)
            if key in files and files[key].path == path:
                continue
            taken = key if key in files else name
            if key in files or name in names:
                clashes.append(Clash(path, taken, str(files[key if key in files else names[name]].path)))
            else:
                files[key] = _LayerFile(path)
                names[name] = key
        return Registry(files, tuple(clashes))

    def keys(self) -> tuple[str, ...]:
        """Numbered layers by number, then blocks by name."""
        return tuple(sorted(self._files, key=lambda key: (int(key[1:]) if _is_number(key) else 10**6, key)))

    def __contains__(self, key: str) -> bool:
        return key in self._files

    def name(self, key: str) -> str:
        """The layer's name, from its file name alone."""
        return _layer_name(key, self._files[key].path)

    def file(self, key: str) -> Path:
        """Where the layer is declared."""
        return self._files[key].path

    def is_shipped(self, key: str) -> bool:
        """False for a layer of a user's own, whatever it declares."""
        return bool(self._files[key].module)

    def get(self, key: str) -> Layer:
        """Imports and returns a layer. Raises KeyError for an unknown key, TypeError if the file declares none."""
        if key not in self._loaded:
            file = self._files[key]
            layer = getattr(_module(file), "step", None)
            if not isinstance(layer, Layer):
                raise TypeError(f"{file.path}: a layer's file declares it as `step` under @layer(...)")
            if layer.key != key or layer.name != self.name(key):
                declared = layer.key if layer.key != key else layer.name
                raise TypeError(f"{file.path}: the file's name says {file.path.stem}, its declaration {declared}")
            self._loaded[key] = layer
        return self._loaded[key]


def _module(file: _LayerFile) -> object:
    if file.module:
        return importlib.import_module(file.module)
    name = f"stratoquant_user_{file.path.stem}"
    spec = importlib.util.spec_from_file_location(name, file.path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _layer_name(key: str, path: Path) -> str:
    match = _NUMBERED.fullmatch(path.stem)
    return match[2] if match else key


def _is_number(key: str) -> bool:
    return key[0] == "L" and key[1:].isdigit()


def _layer_files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*.py")):
        match = _NUMBERED.fullmatch(path.stem)
        if match:
            yield f"L{match[1]}", path
        elif path.parent.name == "blocks" and not path.stem.startswith("_"):
            yield path.stem, path
