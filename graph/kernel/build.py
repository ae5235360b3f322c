"""Compiles the units of a program that the store lacks, on all processors."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from graph.kernel.llvm.target import Machine, compile_unit
from graph.kernel.llvm.worker import Worker

_ENOUGH = 100_000  # characters of LLVM IR per process: below, starting one takes longer than it saves


def compile_units(texts: Sequence[str], machine: Machine) -> list[bytes]:
    """The objects of units, in their order. The longest texts are compiled first."""
    waiting = deque(sorted(range(len(texts)), key=lambda position: -len(texts[position])))
    objects: dict[int, bytes] = {}

    def work(worker: Worker) -> None:
        while waiting:
            try:
                position = waiting.popleft()
            except IndexError:
                return
            try:
                objects[position] = worker.compile(texts[position])
            except OSError:
                waiting.append(position)  # this process compiles it, and says what is wrong with it
                return

    workers = _start(min(len(texts), sum(map(len, texts)) // _ENOUGH, _processors()) - 1, machine)
    try:
        with ThreadPoolExecutor(max(len(workers), 1)) as pool:
            helped = [pool.submit(work, worker) for worker in workers]
            _compile_here(waiting, objects, texts, machine)
            for help_ in helped:
                help_.result()
            _compile_here(waiting, objects, texts, machine)
    finally:
        for worker in workers:
            worker.close()
    return [objects[position] for position in range(len(texts))]


def _compile_here(waiting: deque[int], objects: dict[int, bytes], texts: Sequence[str], machine: Machine) -> None:
    while waiting:
        try:
            position = waiting.popleft()
        except IndexError:
            return
        objects[position] = compile_unit(texts[position], machine)


def _start(count: int, machine: Machine) -> list[Worker]:
    """Workers, or fewer where the system gives no more."""
    workers: list[Worker] = []
    for _ in range(count):
        try:
            workers.append(Worker(machine))
        except OSError:
            break
    return workers


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
