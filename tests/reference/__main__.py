"""Compares the reference runs with their records, or renews the records."""

from __future__ import annotations

import argparse
import sys

from tests import reference
from tests.reference.processor import kind_of_processor
from tests.reference.record import FOLDER, differences, read, renewed, write
from tests.reference.runs import RUNS, outcome_of

SHOWN = 20


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "python -m tests.reference", description=reference.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", metavar="RUN", help=f"default: all of {', '.join(RUNS)}")
    parser.add_argument("--renew", action="store_true", help="write the records instead of comparing with them")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.runs if name not in RUNS]:
        parser.error(f"there is no reference run {unknown[0]}; choose from {', '.join(RUNS)}")
    changed = [name for name in chosen.runs or RUNS if compared(name, renew=chosen.renew)]
    return 1 if changed and not chosen.renew else 0


def compared(name: str, *, renew: bool) -> bool:
    """True when the run differs from its record; prints how, and writes the record if wanted."""
    print(f"{name}: running", file=sys.stderr, flush=True)
    kind, outcome = kind_of_processor(), outcome_of(RUNS[name])
    record = read(name) if (FOLDER / f"{name}.json").exists() else None
    found = ["no record yet"] if record is None else differences(record, outcome, kind)
    for line in found[:SHOWN]:
        print(f"{name}: {line}")
    if len(found) > SHOWN:
        print(f"{name}: and {len(found) - SHOWN} more")
    if renew:
        write(name, renewed(record, outcome, kind))
    print(f"{name}: {'renewed' if renew else 'differs' if found else 'as on record'} ({kind})")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
