"""`python -m tests.gate`: checks thousands of mutated wirings and runs those that are accepted.

Each accepted wiring is printed with its chain of dominators: the nodes that every path to the order's quantity leads
through. Those that run do so over hostile bars at latencies 0 to 5, with partial fills and rejects.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from stratoquant.graph.border import Limits
from stratoquant.graph.compiler import Checked, check
from stratoquant.graph.passes.p5_gate import dominators
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.runtime.venue import SIMULATED
from tests.account_loop.loop import SYMBOLS
from tests.gate.attack import Attack, Seen
from tests.gate.mutants import BASES, Mutant, mutant, registry, varied

LATENCIES = range(6)
WHOLE_SHARE = 3
"""One wiring in so many is a mutant of the whole risk and execution, which takes four times as long."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.gate", description=__doc__.splitlines()[0])
    parser.add_argument("--wirings", type=int, default=10_000, help="how many are checked")
    parser.add_argument("--run", type=int, default=200, help="how many of the accepted are run")
    parser.add_argument("--structures", type=int, default=40, help="how many different ones are compiled")
    parser.add_argument("--bars", type=int, default=2_000)
    parser.add_argument("--quiet", action="store_true", help="print no chains")
    options = parser.parse_args()
    accepted = check_many(options.wirings, quiet=options.quiet)
    run_many(accepted, options.run, options.structures, options.bars)


def check_many(wirings: int, *, quiet: bool) -> list[Mutant]:
    """Checks so many mutants in this process; returns the accepted ones."""
    started, accepted, codes = time.perf_counter(), [], Counter[str]()
    for seed in range(wirings):
        made = mutant(BASES[seed % WHOLE_SHARE == 0], seed)
        checked = checked_mutant(made)
        codes.update({f.code for f in checked.findings})
        if checked.sound and checked.graph is not None:
            accepted.append(made)
            if not quiet:
                chains = {" > ".join(chain) for chain in dominators(checked.graph).values()}
                print(f"{made.base} {seed} ({', '.join(made.changes)}): {'; '.join(sorted(chains))}")
    refused = ", ".join(f"{code} {count}" for code, count in codes.most_common())
    seconds = time.perf_counter() - started
    print(f"{wirings} wirings checked in {seconds:.0f} s: {len(accepted)} accepted; findings: {refused}", flush=True)
    return accepted


def checked_mutant(made: Mutant) -> Checked:
    with TemporaryDirectory() as folder:
        return check(made.write(Path(folder)), registry())


def run_many(accepted: list[Mutant], runs: int, structures: int, bars: int) -> list[Seen]:
    """Runs so many mutants over at most so many compiled structures. Raises AssertionError where a bound is broken."""
    plans: dict[str, Plan] = {}
    chosen: list[Mutant] = []
    for made in accepted:
        if len(plans) == structures:
            break
        plan = plan_of(made)
        plans[plan.module] = plan
        chosen.append(made)
    seen: list[Seen] = []
    for k in range(runs):
        made = varied(chosen[k % len(chosen)], k)
        checked = checked_mutant(made)
        if not checked.sound:  # other numbers may be out of a range that depends on another number
            continue
        plan = compile_plan(checked, SIMULATED, SYMBOLS)
        latency = k % len(LATENCIES)
        limits = (
            Limits()
            if k % 2
            else Limits(position=0.2, gross=0.5, order=0.1, collar=0.1, orders_per_minute=2, day_loss=0.3)
        )
        try:
            seen.append(Attack(plan, k, latency, limits).run(bars))
        except AssertionError as broken:
            raise AssertionError(f"{made.base} {made.seed} ({made.changes}), latency {latency}, run {k}") from broken
        last = seen[-1]
        print(
            f"run {k}: {made.base} {made.seed}, latency {latency}: {last.orders} orders, {last.fills} fills,"
            f" {last.held_back} held back, position {last.position:.3f}, gross {last.gross:.3f} of equity",
            flush=True,
        )
    print(f"{len(seen)} runs over {len(plans)} structures, {sum(s.fills for s in seen)} fills: every bound held")
    return seen


def plan_of(made: Mutant) -> Plan:
    return compile_plan(checked_mutant(made), SIMULATED, SYMBOLS)


if __name__ == "__main__":
    main()
