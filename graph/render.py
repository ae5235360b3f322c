"""Findings as text, JSON, SARIF and workflow annotations. What they say is decided elsewhere; prints nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stratoquant.graph.codes import CODES
from stratoquant.graph.diagnostics import Diagnostic, Place, Severity

Paint = Callable[[str, str], str]
"""Gives a text the look of its role: error, warning, note, place, source, caret or fix."""

VERSION = 1
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def plain(_role: str, text: str) -> str:
    return text


def as_text(findings: Iterable[Diagnostic], paint: Paint = plain) -> str:
    """Each finding with the line of source that it is about, a caret under the column, and the fix."""
    return "\n".join(_paragraph(f, paint) for f in findings)


def summary(findings: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`."""
    counts = {s: sum(f.severity is s for f in findings) for s in Severity}
    words = [f"{n} {s.value}{'s' if n != 1 else ''}" for s, n in counts.items() if n]
    return ", ".join(words) or "no findings"


def _paragraph(finding: Diagnostic, paint: Paint) -> str:
    severity = finding.severity.value
    head = f"{paint('place', str(finding.place))}: {paint(severity, f'{severity} {finding.code}')}: {finding.message}"
    lines = [head, *_excerpt(finding.place, severity, paint)]
    if finding.hint:
        lines.append(f"  {paint('fix', 'fix:')} {finding.hint}")
    return "\n".join(lines)


def _excerpt(place: Place, severity: str, paint: Paint) -> list[str]:
    """The source line, cut to a readable length around the column, and the caret."""
    source = source_line(place)
    if source is None:
        return []
    start = max(0, place.column - 80)
    shown = source[start : start + 110].replace("\t", " ").rstrip()
    margin = f"{place.line:>5} | "
    caret = " " * (len(margin) - 2) + "| " + " " * (place.column - 1 - start)
    return [paint("source", margin + shown), paint("source", caret) + paint(severity, "^")]


def source_line(place: Place) -> str | None:
    """The line of the file at a place; None when there is no such line, or no such file."""
    lines = _lines(place.file) if place.line else ()
    text = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
    return text if text.strip() else None


def _lines(file: str) -> tuple[str, ...]:
    try:
        return tuple(Path(file).read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return ()


def as_json(findings: Sequence[Diagnostic], files: Iterable[str]) -> str:
    """One object: version, files, errors, warnings, findings. Later versions add keys and change none."""
    return json.dumps(
        {
            "version": VERSION,
            "files": list(files),
            "errors": sum(f.severity is Severity.ERROR for f in findings),
            "warnings": sum(f.severity is Severity.WARNING for f in findings),
            "findings": [
                {
                    "code": f.code,
                    "title": _title(f.code),
                    "severity": f.severity.value,
                    "file": f.place.file,
                    "line": f.place.line,
                    "column": f.place.column,
                    "message": f.message,
                    "fix": f.hint,
                }
                for f in findings
            ],
        },
        indent=2,
    )


def as_sarif(findings: Sequence[Diagnostic], version: str = "0") -> str:
    """SARIF 2.1.0, as code scanning services take it. version: of this program."""
    codes = sorted({f.code for f in findings})
    driver = {"name": "stratoquant", "version": version, "rules": [_rule(code) for code in codes]}
    results = [_result(f, codes.index(f.code)) for f in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: str) -> dict[str, Any]:
    page = CODES.get(code)
    if page is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": page.title},
        "fullDescription": {"text": page.why},
        "help": {"text": page.text()},
    }


def _result(finding: Diagnostic, rule: int) -> dict[str, Any]:
    text = finding.message + (f" (fix: {finding.hint})" if finding.hint else "")
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity.value,
        "message": {"text": text},
    }
    place = finding.place
    if place.line:
        region = {"startLine": place.line, "startColumn": place.column}
        location = {"artifactLocation": {"uri": _uri(place.file)}, "region": region}
        result["locations"] = [{"physicalLocation": location}]
    return result


def _uri(file: str) -> str:
    """A relative path as a URI reference, an absolute one as a file URI."""
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def as_annotations(findings: Iterable[Diagnostic]) -> str:
    """One workflow command a finding, which code hosts show beside the line."""
    return "\n".join(_annotation(f) for f in findings)


def _annotation(finding: Diagnostic) -> str:
    place = finding.place
    kind = "notice" if finding.severity is Severity.NOTE else finding.severity.value
    where = f"file={_property(place.file)},line={place.line},col={place.column}," if place.line else ""
    text = finding.message + (f"\nfix: {finding.hint}" if finding.hint else "")
    return f"::{kind} {where}title={_property(finding.code)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _title(code: str) -> str:
    page = CODES.get(code)
    return page.title if page else ""
