"""Compiles units on all processors: while the caller waits, or behind what it does meanwhile."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Thread

from stratoquant.graph.kernel.llvm.target import Machine, compile_unit
from stratoquant.graph.kernel.llvm.worker import Worker
from stratoquant.graph.kernel.tiers import Tier

_ENOUGH = 100_000  # characters of LLVM IR per process: below, starting one takes longer than it saves
_GLANCE = 0.05  # s between two looks at whether to stop

Made = tuple[int, bytes]
"""The position of a unit among the texts, and its object."""


def compile_units(texts: Sequence[str], machine: Machine, tier: Tier) -> Iterator[Made]:
    """The objects of units as they are made, the longest texts first; in this process and in workers beside it."""
    waiting = _longest_first(texts)
    with _workers(_processes(texts) - 1, machine) as workers:
        made = _served(workers, waiting, texts, tier)
        yield from _compiled_here(waiting, texts, machine, tier)
        yield from _until_ended(made, len(workers))
    yield from _compiled_here(waiting, texts, machine, tier)  # of a worker that died: the fault is reported here


def compile_behind(texts: Sequence[str], machine: Machine, tier: Tier, stopped: Callable[[], bool]) -> Iterator[Made]:
    """The same in workers alone, and in this process where they fail. Ends early, and ends them, when it is stopped."""
    waiting = _longest_first(texts)
    with _workers(_processes(texts), machine) as workers:
        yield from _until_ended(_served(workers, waiting, texts, tier), len(workers), stopped)
    if not stopped():
        for made in _compiled_here(waiting, texts, machine, tier):
            yield made
            if stopped():
                return


@contextmanager
def _workers(count: int, machine: Machine) -> Iterator[list[Worker]]:
    """Workers, or fewer where the system gives no more. They end with the block, whatever they are at."""
    workers: list[Worker] = []
    try:
        for _ in range(count):
            try:
                workers.append(Worker(machine))
            except OSError:
                break
        yield workers
    finally:
        for worker in workers:
            worker.close()


def _served(
    workers: Sequence[Worker], waiting: deque[int], texts: Sequence[str], tier: Tier
) -> SimpleQueue[Made | None]:
    """Sets workers to work, each in a thread. What they make comes in the queue, and None from each that ends."""
    made: SimpleQueue[Made | None] = SimpleQueue()

    def serve(worker: Worker) -> None:
        for position in _taken(waiting):
            try:
                made.put((position, worker.compile(texts[position], tier)))
            except (OSError, ValueError):  # it died, or its pipes were closed
                waiting.append(position)
                break
        made.put(None)

    for worker in workers:
        Thread(target=serve, args=(worker,), daemon=True).start()
    return made


def _until_ended(
    made: SimpleQueue[Made | None], workers: int, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Made]:
    while workers and not stopped():
        try:
            one = made.get(timeout=_GLANCE)
        except Empty:
            continue
        if one is None:
            workers -= 1
        else:
            yield one


def _compiled_here(waiting: deque[int], texts: Sequence[str], machine: Machine, tier: Tier) -> Iterator[Made]:
    return ((position, compile_unit(texts[position], machine, tier)) for position in _taken(waiting))


def _longest_first(texts: Sequence[str]) -> deque[int]:
    return deque(sorted(range(len(texts)), key=lambda position: -len(texts[position])))


def _taken(waiting: deque[int]) -> Iterator[int]:
    """Positions, each to one of the threads that take them."""
    while True:
        try:
            yield waiting.popleft()
        except IndexError:
            return


def _processes(texts: Sequence[str]) -> int:
    """How many have enough to do."""
    return min(len(texts), sum(map(len, texts)) // _ENOUGH, _processors())


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
