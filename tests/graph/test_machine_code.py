"""Generated modules as machine code: what is linked, how an entry is called, and what a session gives to it."""

from __future__ import annotations

import numpy as np
import pytest

from stratoquant.graph.kernel.call import Call
from stratoquant.graph.kernel_text import imports
from stratoquant.graph.market import BAR_EVENT, missing_events
from stratoquant.graph.passes.p10_build import build, fingerprint
from stratoquant.graph.session import Session
from tests.graph.null_venue import Settings
from tests.graph.plans import plan_of

SUMS = """
@kernel
def deep(x):
    total = 0.0
    for k in range(20):
        total += x * k
    return total


@kernel
def early(x):
    return deep(x) if 1.0 > 2.0 else x


@kernel
def late(x):
    return deep(x) + 1.0


@kernel
def middle(x):
    return late(x)


@entry
def run(values, table, count, factor):
    for k in range(count):
        table[k, 0] = early(values[k]) * factor
        table[k, 1] = middle(values[k])
    return count if factor > 0.0 else -count
"""

BOOK = """\
stratoquant: 1
name: book
clock: 1m
symbols: [A, B]
nodes:
  feed: {inputs: {raw: market}}
record: [feed.close, feed.bid_px]
"""


def entry(body: str) -> object:
    text = f"{imports(body)}\n\n{body}"
    return build(f"test_{fingerprint(text)}", text)


def test_a_kernel_is_linked_though_its_first_caller_was_optimised_away() -> None:
    values, table = np.arange(1.0, 4.0), np.zeros((3, 2))
    assert Call(entry(SUMS), (values, table, 3, 2.0))() == 3
    assert table.tolist() == [[2.0, 191.0], [4.0, 381.0], [6.0, 571.0]]


def test_arguments_are_read_where_they_lie_and_can_be_changed() -> None:
    values, table = np.ones(4), np.zeros((4, 2))
    call = Call(entry(SUMS), (values, table, 2, 1.0))
    call()
    values[:] = 5.0
    call()
    assert table[:, 0].tolist() == [5.0, 5.0, 0.0, 0.0]
    other = np.zeros((2, 2))
    call.put(1, other)
    call.put(3, 3.0)
    call()
    assert other[:, 0].tolist() == [15.0, 15.0] and table[0, 0] == 5.0


@pytest.mark.parametrize(
    ("position", "argument"),
    [(0, np.ones(4, np.int64)), (0, np.ones((4, 1))), (0, np.ones(8)[::2]), (2, 1.0), (3, None)],
)
def test_an_argument_of_another_type_is_refused(position: int, argument: object) -> None:
    call = Call(entry(SUMS), (np.ones(4), np.zeros((4, 2)), 1, 1.0))
    with pytest.raises(TypeError, match=r"argument \d is no|an entry"):
        call.put(position, argument)


def test_a_failure_inside_is_an_exception() -> None:
    with pytest.raises(RuntimeError, match="the compiled code failed"):
        Call(entry(SUMS), (np.ones(1), np.zeros((1, 2)), 1, -1.0))()


def events_of(session: Session, with_book: bool, bars: int) -> np.ndarray:
    events = missing_events(bars, 2) if with_book else missing_events(bars, 2, BAR_EVENT)
    events["time"], events["close"] = 0.0, 100.0
    if with_book:
        events["bid_px"] = np.arange(10.0) + 1.0
    return events


@pytest.mark.parametrize("by_steps", [False, True])
def test_bars_without_a_book_forget_the_book_before(by_steps: bool) -> None:
    session = Session(plan_of(BOOK, ("A", "B")), Settings(), cash=1.0, record=["feed.close", "feed.bid_px"])
    for bar, with_book in enumerate((False, True, False, True)):
        events = events_of(session, with_book, 1)
        if by_steps:
            seen = session.step(bar * 60_000, events[0]).symbols[0]
        else:
            seen = session.run(np.array([bar * 60_000]), events).symbols[0]
        assert (seen[:, 0] == 100.0).all()
        assert np.array_equal(seen[1, 1:], np.arange(10.0) + 1.0 if with_book else np.full(10, np.nan), equal_nan=True)


def test_steps_and_blocks_of_both_kinds_may_follow_each_other() -> None:
    """A step that was bound before a block with a book does not see that book."""
    session = Session(plan_of(BOOK, ("A", "B")), Settings(), cash=1.0, record=["feed.close", "feed.bid_px"])
    session.step(0, events_of(session, False, 1)[0])
    session.run(np.arange(1, 4) * 60_000, events_of(session, True, 3))
    assert np.isnan(session.step(240_000, events_of(session, False, 1)[0]).symbols[0, :, 1:]).all()


def test_blocks_of_the_wrong_shape_are_refused() -> None:
    session = Session(plan_of(BOOK, ("A", "B")), Settings(), cash=1.0)
    events = events_of(session, False, 3)
    with pytest.raises(ValueError, match="2 times for 3 bars"):
        session.run(np.arange(2), events)
    with pytest.raises(ValueError, match=r"events of shape \(3, 1\) for a plan of 2 symbols"):
        session.run(np.arange(3), events[:, :1])
    with pytest.raises(ValueError, match="memoryview"):
        session.step(0, events[0, :1])


def test_equal_records_are_one_object_and_others_are_not() -> None:
    node = "a: {{layer: sma, inputs: {{close: 1}}, params: {{window: {}}}}}"
    text = f"stratoquant: 1\nclock: 1m\nnodes:\n  {node}\nrecord: [a.value]\n"
    short, same, longer = (plan_of(text.format(window)).layout for window in (5, 6, 600))
    assert short.state is same.state and short.edges is longer.edges
    assert longer.state is not short.state and longer.state != short.state
