"""Reads YAML into plain data and remembers where each value stood, so that any later finding can name its place.

Scalars follow YAML 1.2: `no` and `on` are words, `1:30` is a word, only true and false are truth values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from graph.diagnostics import Findings, Place
from graph.kernels import short_path

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Source:
    """The content of one file. places: where the value (and the key) at each path of keys and indices stood."""

    file: str
    data: Any
    places: dict[Path_, Place]
    keys: dict[Path_, Place]

    def place(self, *path: str | int) -> Place:
        """The place of a value, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return Place(self.file)

    def key_place(self, *path: str | int) -> Place:
        """The place of a key."""
        return self.keys.get(path) or self.place(*path)


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    pass


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)


def read_yaml(path: Path, findings: Findings) -> Source | None:
    """Parses one file; None when it cannot be read, with the reason among the findings."""
    file = short_path(str(path.absolute()))
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        findings.error("W001", f"the file {file} does not exist", Place(file), "check the path and its spelling")
        return None
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is no UTF-8 text"
        findings.error("W001", f"{file} cannot be read: {reason}", Place(file), "give a readable YAML text file")
        return None
    return parse_yaml(text, file, findings)


def parse_yaml(text: str, file: str, findings: Findings) -> Source | None:
    """Parses text as if it stood in `file`."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as problem:
        findings.error(*_syntax_error(problem, file))
        return None
    except yaml.YAMLError as problem:
        findings.error("W002", f"not valid YAML: {problem}", Place(file), "remove the character that is no text")
        return None
    if root is None:
        findings.error("W002", "the file is empty", Place(file), "start from `stratoquant new wiring`")
        return None
    reader = _Reader(loader, file, findings)
    data = reader.read(root, ())
    return None if reader.failed else Source(file, data, reader.places, reader.keys)


class _Reader:
    """Walks the node tree once."""

    def __init__(self, loader: Any, file: str, findings: Findings) -> None:
        self._loader = loader
        self._file = file
        self._findings = findings
        self._open: list[int] = []
        self.failed = False
        self.places: dict[Path_, Place] = {}
        self.keys: dict[Path_, Place] = {}

    def read(self, node: Any, path: Path_) -> Any:
        self.places[path] = self._place(node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            self._error("W004", node, "an anchor contains itself through an alias", "write the value out instead")
            return None
        self._open.append(id(node))
        if isinstance(node, yaml.SequenceNode):
            value: Any = [self.read(item, (*path, i)) for i, item in enumerate(node.value)]
        else:
            value = self._mapping(node, path)
        self._open.pop()
        return value

    def _mapping(self, node: Any, path: Path_) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                self._error("W002", key_node, "a key must be a word", "write `key: value`")
            elif key == "<<":
                self._error("W004", key_node, "merge keys (<<) are not supported",
                            "put shared nodes in a file and include it")  # fmt: skip
            elif key in result:
                first = self.keys[(*path, key)]
                self._error("W003", key_node, f"the key `{key}` stands twice; first at line {first.line}",
                            "keep one of the two")  # fmt: skip
            else:
                self.keys[(*path, key)] = self._place(key_node)
                result[key] = self.read(value_node, (*path, key))
        return result

    def _scalar(self, node: Any) -> Any:
        try:
            return self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            self._error("W002", node, f"`{node.value}` cannot be read as a value", "put it in quotes")
            return None

    def _place(self, node: Any) -> Place:
        return Place(self._file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _error(self, code: str, node: Any, message: str, hint: str) -> None:
        self.failed = True
        self._findings.error(code, message, self._place(node), hint)


def _syntax_error(problem: yaml.MarkedYAMLError, file: str) -> tuple[str, str, Place, str]:
    mark = problem.problem_mark or problem.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    said = str(problem.problem or problem.context)
    if isinstance(problem, yaml.composer.ComposerError):
        return "W004", f"an alias has no anchor, or an anchor stands twice: {said}", place, "define &name before *name"
    if "tab" in said or "\\t" in said:
        return "W002", "a tab stands where YAML wants spaces", place, "indent with spaces only"
    if "mapping values are not allowed" in said or "block" in said or "expected" in said:
        return "W002", f"wrong indentation or a missing colon: {said}", place, "align the keys of one level; `key: value`"
    return "W002", f"not valid YAML: {said}", place, "check this line and the one above it"
