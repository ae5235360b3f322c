"""The names that a script declares, found in its text: one scan for every place in which Pine can introduce a name.

It reads the text, not the tree, so that it sees what is printed, and knows places that the generator does not use yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NAME = r"[A-Za-z_]\w*"
_KIND = rf"{_NAME}(?:\.{_NAME})*(?:<[\w., <>]*>)?(?:\[\])?"
_MODE = r"(?:(?:var|varip|const|simple|series|input)\s+)*"
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_HEAD = re.compile(rf"(?:export\s+)?(type|enum)\s+({_NAME})\s*$")
_FIELD = re.compile(rf"\s+(?:varip\s+)?{_KIND}\s+({_NAME})\s*(?:=.*)?$")
_MEMBER = re.compile(rf"\s+({_NAME})\s*(?:=.*)?$")
_IMPORT = re.compile(rf"import\s+\S+\s+as\s+({_NAME})")
_FUNCTION = re.compile(rf"(?:export\s+)?(method\s+)?(?:{_KIND}\s+)?({_NAME})\s*\((.*)\)\s*=>")
_PARAMETER = re.compile(rf"\s*{_MODE}(?:{_KIND}\s+)?({_NAME})\s*(?:=|$)")
_LOOP = re.compile(rf"\bfor\s+(?:({_NAME})\s*=|(?:({_NAME})|\[([^\]]*)\])\s+in\b)")
_TUPLE = re.compile(r"\s*\[([^\]]*)\]\s*=(?![=>])")
_VARIABLE = re.compile(rf"\s*{_MODE}(?:{_KIND}\s+)?({_NAME})\s*=(?![=>])")


@dataclass(frozen=True)
class Declared:
    """A name and where it is introduced. place: such as `field` or `loop variable`. line: from 1."""

    name: str
    place: str
    line: int


def declared_names(script: str) -> Iterator[Declared]:
    """Every declaration of a script that writes one statement per line."""
    body = ""  # `type` or `enum` while its lines follow
    for number, written in enumerate(script.splitlines(), start=1):
        line = _TEXT.sub('""', written).split("//")[0].rstrip()
        if not line:
            continue
        body = body if line[0].isspace() else ""
        pattern, place = (_FIELD, "field") if body == "type" else (_MEMBER, "enum member")
        if head := _HEAD.match(line):
            body = head[1]
            found = [(head[2], f"{body} name")]
        elif body:
            found = [(m[1], place) for m in [pattern.match(line)] if m]
        else:
            found = list(_in_statement(line))
        for name, kind in found:
            yield Declared(name, kind, number)


def _in_statement(line: str) -> Iterator[tuple[str, str]]:
    """Name and place of what one line outside of a type introduces."""
    if imported := _IMPORT.match(line):
        yield imported[1], "import alias"
    elif function := _FUNCTION.match(line):
        yield function[2], "method name" if function[1] else "function name"
        yield from ((m[1], "parameter") for part in _split(function[3]) if (m := _PARAMETER.match(part)))
    else:
        if group := _TUPLE.match(line):
            yield from ((name.strip(), "tuple") for name in group[1].split(","))
        elif not _LOOP.match(line.lstrip()) and (variable := _VARIABLE.match(line)):
            yield variable[1], "variable"
        for loop in _LOOP.finditer(line):
            names = [loop[1] or loop[2]] if loop[3] is None else loop[3].split(",")
            yield from ((name.strip(), "loop variable") for name in names)


def _split(parameters: str) -> list[str]:
    """Parts between commas, those inside of `map<string, float>` and of brackets left alone."""
    parts, depth = [""], 0
    for sign in parameters:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return parts
