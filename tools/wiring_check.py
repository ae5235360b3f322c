"""`wiring_check`: the check as a command of its own, for continuous integration and for hooks. Starts fast."""

from __future__ import annotations

import sys

import typer

from stratoquant.tools import exit_codes
from stratoquant.tools.check import Format, FormatOption, Json, Output, Prove, Strict, Wirings, check
from stratoquant.tools.entry import run

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(epilog=exit_codes.HELP)
def wiring_check(
    wirings: Wirings = None,
    format_: FormatOption = Format.TEXT,
    as_json: Json = False,
    strict: Strict = False,
    prove: Prove = False,
    output: Output = None,
) -> None:
    """Check wirings and exit with 1 when there is an error.

    \b
    Example: wiring_check specs/*.yaml --format github
    """
    check(wirings, format_, as_json, strict, prove, None, output)


def main() -> None:
    sys.exit(run(app, "wiring_check"))


if __name__ == "__main__":
    main()
