"""Reads YAML into plain data and remembers where each value stood, so that any later finding can name its place.

Scalars follow YAML 1.2: `no` and `on` are words, `1:30` is a word, only true and false are truth values.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from stratoquant.graph.diagnostics import Findings, Place
from stratoquant.graph.kernels import short_path

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Source:
    """The content of one file. places: where the value (and the key) at each path of keys and indices stood.

    plain: by path, the text of a value without quotes that YAML does not read as text, such as TRUE or 1e5.
    """

    file: str
    data: Any
    places: dict[Path_, Place]
    keys: dict[Path_, Place]
    plain: dict[Path_, str] = field(default_factory=dict)

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


_PLAIN = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
)
_KINDS = {"null": "an empty value", "bool": "a truth value", "int": "a number", "float": "a number"}
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in _PLAIN:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)


def plain_kind(text: str) -> str:
    """What YAML reads in a word without quotes, in words."""
    return next((_KINDS[tag] for tag, pattern, _ in _PLAIN if re.fullmatch(pattern, text)), "text")


def read_yaml(path: Path, findings: Findings) -> Source | None:
    """Parses one file; None when it cannot be read, with the reason among the findings."""
    file = short_path(str(path.absolute()))
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        findings.error("W001", f"the file {file} does not exist", Place(file), _nearby(path))
    except IsADirectoryError:
        findings.error("W001", f"{file} is a folder, not a wiring", Place(file), "name a YAML file in it")
    except UnicodeDecodeError as problem:
        findings.error("W001", f"{file} is no UTF-8 text: {_byte(problem)}", Place(file), "give a YAML text file")
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        findings.error("W001", f"{file} cannot be read: {reason}", Place(file), "give a file that you may read")
    else:
        return parse_yaml(text, file, findings)
    return None


def similar_file(path: Path) -> Path | None:
    """A YAML file in the same folder whose name is nearly that of a path which leads to nothing."""
    there = {p.stem: p for p in sorted(path.parent.glob("*.y*ml"))}
    near = get_close_matches(path.stem, there, 1, 0.7)
    return there[near[0]] if near else None


def _nearby(path: Path) -> str:
    near = similar_file(path)
    if near is not None:
        return f"did you mean `{near}`?"
    return "check its spelling" if path.parent.is_dir() else f"the folder {path.parent} does not exist either"


def _byte(problem: UnicodeDecodeError) -> str:
    return f"byte {problem.start + 1} is 0x{problem.object[problem.start]:02x}"


def parse_yaml(text: str, file: str, findings: Findings) -> Source | None:
    """Parses text as if it stood in `file`."""
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            findings.error("W002", "the file is empty", Place(file), "start from `stratoquant new wiring`")
            return None
        reader = _Reader(loader, file, findings)
        data = reader.read(root, ())
    except yaml.MarkedYAMLError as problem:
        findings.error(*_syntax_error(problem, text, file))
    except yaml.reader.ReaderError:
        findings.error("W002", *_not_text(text, file))
    except RecursionError:
        findings.error("W002", "lists or keys are nested too deeply", Place(file), "write it flatter")
    else:
        return None if reader.failed else Source(file, data, reader.places, reader.keys, reader.plain)
    return None


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
        self.plain: dict[Path_, str] = {}

    def read(self, node: Any, path: Path_) -> Any:
        self.places[path] = self._place(node)
        if isinstance(node, yaml.ScalarNode):
            scalar = self._scalar(node)
            if not isinstance(scalar, str):
                self.plain[path] = node.value
            return scalar
        if id(node) in self._open:
            self._error("W004", node, "an anchor contains itself through an alias", "write the value out")
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
                self._error(
                    "W004", key_node, "merge keys (<<) are not supported", "put shared nodes in a file and include it"
                )
            elif key in result:
                first = self.keys[(*path, key)]
                self._error(
                    "W003", key_node, f"the key `{key}` stands twice; first at line {first.line}", "keep one of the two"
                )
            else:
                self.keys[(*path, key)] = self._place(key_node)
                result[key] = self.read(value_node, (*path, key))
        return result

    def _scalar(self, node: Any) -> Any:
        if node.tag.endswith(":int") and re.fullmatch(r"[-+]?0[0-9]+", node.value):
            self._error("W002", node, f"`{node.value}`: a number has no leading zero", "drop the zero, or quote a name")
            return None
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


def _syntax_error(problem: yaml.MarkedYAMLError, text: str, file: str) -> tuple[str, str, Place, str]:
    """Code, message, place and fix of what the parser refused, in words about the file instead of the parser."""
    mark = problem.problem_mark or problem.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    place = Place(file, line + 1, column + 1)
    said = f"{problem.context or ''} {problem.problem or ''}".strip()
    lines = text.splitlines()
    here = lines[line] if line < len(lines) else ""
    if "single document" in said:
        return "W002", "a second document begins here (`---`)", place, "one file holds one wiring; remove the `---`"
    if "undefined alias" in said:
        name = here[column:].split()[0]
        return "W004", f"the alias `{name}` has no anchor above it", place, f"define `&{name[1:]}` before this line"
    if "duplicate anchor" in said:
        name = here[column:].split()[0]
        return "W004", f"the anchor `{name}` stands twice", place, "give one of the two another name"
    if "\t" in here[: len(here) - len(here.lstrip())]:
        return "W002", "a tab stands where YAML wants spaces", place, "indent with spaces only"
    if "cannot start any token" in said:
        character = here[column : column + 1]
        return "W002", f"a value cannot begin with `{character}`", place, "put the value in quotes"
    if "block" in said and here[column : column + 1] in ("]", "}"):
        return "W002", f"`{here[column]}` closes nothing", place, "remove it, or open what it closes"
    if "flow" in said and "expected ':'" not in said:
        opened = _bracket_before(text, mark)
        return "W002", f"a bracket opened at line {opened} is not closed here", place, "close it with `]` or `}`"
    return _structure_error(problem, said, place)


def _bracket_before(text: str, mark: yaml.Mark | None) -> int:
    """The line of the innermost bracket that is open at a place; the parser tells only where it looked for more."""
    opened = [1]
    with suppress(yaml.YAMLError):
        for token in yaml.scan(text):
            if mark is not None and token.start_mark.index >= mark.index:
                break
            if isinstance(token, yaml.FlowSequenceStartToken | yaml.FlowMappingStartToken):
                opened.append(token.start_mark.line + 1)
            elif isinstance(token, yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken):
                opened.pop()
    return opened[-1]


def _structure_error(problem: yaml.MarkedYAMLError, said: str, place: Place) -> tuple[str, str, Place, str]:
    opened = problem.context_mark.line + 1 if problem.context_mark else place.line
    if "expected ':'" in said and problem.context_mark is not None:
        place = Place(place.file, opened, problem.context_mark.column + 1)
        return "W002", "this key has no colon behind it", place, "write `key: value`, or `key:` and the rest below it"
    if "end of stream" in said:
        return "W002", f"a quote opened at line {opened} is not closed", place, "close it on the same line"
    if "mapping values are not allowed" in said:
        return "W002", "a colon stands where no key can be", place, "one `key: value` a line; align keys of one level"
    if "block" in said:
        message = f"this line fits no level that is open (the block began at line {opened}): wrong indentation"
        return "W002", message, place, "align it with the lines that it belongs to"
    return "W002", f"not valid YAML: {said}", place, "check this line and the one above it"


def _not_text(text: str, file: str) -> tuple[str, Place, str]:
    bad = next((i for i, c in enumerate(text) if yaml.reader.Reader.NON_PRINTABLE.match(c)), 0)
    place = Place(file, text.count("\n", 0, bad) + 1, bad - text.rfind("\n", 0, bad))
    return f"the character U+{ord(text[bad]):04X} is no text", place, "remove it; a wiring is a text file"
