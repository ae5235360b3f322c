"""Runs a command and turns what went wrong into a message and an exit code: users see no traceback."""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

import typer
from typer.exceptions import TyperException

from stratoquant.graph.cache import CacheWarning
from stratoquant.graph.diagnostics import WiringError
from stratoquant.graph.render import as_text, summary
from stratoquant.runtime.errors import StratoError
from stratoquant.tools import exit_codes
from stratoquant.tools.exit_codes import ExitCode
from stratoquant.tools.terminal import painter


def run(app: typer.Typer, name: str, arguments: Sequence[str] | None = None) -> int:
    """The exit code of a command line; `arguments` defaults to those of the process."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    _print_any_character()
    if unreadable := next((word for word in words if not _is_text(word)), None):
        print(f"usage: {os.fsencode(unreadable)!r} is no UTF-8 text\n  fix: rename the file", file=sys.stderr)
        return ExitCode.USAGE
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code = app(args=words, prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, as in `... | head`
        _drop_output()
        return ExitCode.OK
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except Exception as problem:
        return _explain(problem, name)
    if code == ExitCode.INTERRUPTED:
        print("\ninterrupted; nothing half-written was left", file=sys.stderr)
    return code if isinstance(code, int) else ExitCode.OK


def _unnamed_place(problem: OSError) -> str:
    """Where writing failed when the error names no file: machine code, or what is printed."""
    if any("numba" in frame.filename for frame in traceback.extract_tb(problem.__traceback__)):
        return "numba's cache of machine code"
    _drop_output()
    return "the output"


def _drop_output() -> None:
    """What is still to be printed goes nowhere, as Python would try once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_any_character() -> None:
    """What the encoding of the terminal lacks is printed as its number instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _is_text(word: str) -> bool:
    """False for bytes that are no text in the encoding of file names; Python keeps them as lone surrogates."""
    return not any("\ud800" <= ch <= "\udfff" for ch in word)


_show_warning_of_python = warnings.showwarning


def _show_warning(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
    """Our own warnings are for the user, all others for a developer."""
    if issubclass(category, CacheWarning):
        print(f"{painter(sys.stderr)('warning', 'warning:')} {message}", file=sys.stderr)
    else:
        _show_warning_of_python(message, category, *place, **more)


def _explain(problem: Exception, name: str) -> int:
    paint = painter(sys.stderr)
    if isinstance(problem, WiringError):
        print(as_text(problem.findings, paint), summary(problem.findings), sep="\n", file=sys.stderr)
        return exit_codes.of_findings(problem.findings)
    if isinstance(problem, StratoError):
        print(f"{paint('error', 'error:')} {problem}", file=sys.stderr)
        return exit_codes.of_error_code(problem.code)
    if isinstance(problem, TyperException):
        hint = f"\n  {paint('fix', 'fix:')} see `{_command(problem, name)} --help`"
        print(f"{paint('error', 'usage:')} {problem.format_message()}{hint}", file=sys.stderr)
        return ExitCode.USAGE
    full = isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT)
    if isinstance(problem, OSError) and (full or problem.filename is not None):
        from stratoquant.runtime.files import FILE_CODES

        place = _unnamed_place(problem) if problem.filename is None else os.fsdecode(problem.filename)
        reason = (problem.strerror or str(problem)).lower()
        hint = f"\n  {paint('fix', 'fix:')} {FILE_CODES['F004'].fix}" if full else ""
        print(f"{paint('error', 'error:')} {place}: {reason}{hint}", file=sys.stderr)
        return ExitCode.FILES
    if isinstance(problem, MemoryError):
        hint = f"\n  {paint('fix', 'fix:')} choose fewer bars or symbols, or a slower clock"
        print(f"{paint('error', 'error:')} there is not enough memory for this run{hint}", file=sys.stderr)
        return ExitCode.FILES
    traceback.print_exception(problem)
    print(f"this is a defect of {name}, not of your input; please report it with the lines above", file=sys.stderr)
    return ExitCode.DEFECT


def _command(problem: TyperException, name: str) -> str:
    context = getattr(problem, "ctx", None)
    return str(context.command_path) if context is not None else name
