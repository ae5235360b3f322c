"""Clocks and times as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratoquant.graph.clock import format_clock, format_time, parse_clock, parse_time


@pytest.mark.parametrize(
    ("text", "ms"), [("1s", 1_000), ("1m", 60_000), ("15m", 900_000), ("4h", 14_400_000), ("1d", 86_400_000)]
)
def test_clocks_are_read_and_written(text: str, ms: int) -> None:
    assert parse_clock(text) == ms
    assert format_clock(ms) == text


@given(st.integers(1, 10**12))
def test_a_written_clock_is_read_back(ms: int) -> None:
    assert parse_clock(format_clock(ms)) == ms


@pytest.mark.parametrize("text", ["", "m", "15", "1M", "-1m", "1.5h", "1y", "٣m"])
def test_what_is_no_clock_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a clock; write a whole number and one of ms, s, m, h, d, w"):
        parse_clock(text)


def test_a_clock_of_no_length() -> None:
    with pytest.raises(ValueError, match="longer than nothing"):
        parse_clock("0m")
    with pytest.raises(ValueError, match="longer than nothing"):
        format_clock(0)


@pytest.mark.parametrize(
    ("text", "ms", "shown"),
    [
        ("2024-03-01", 1_709_251_200_000, "2024-03-01 00:00 UTC"),
        ("2024-03-01T12:30", 1_709_296_200_000, "2024-03-01 12:30 UTC"),
        ("2024-03-01 12:30:05.250", 1_709_296_205_250, "2024-03-01 12:30:05.250 UTC"),
        ("2024-03-01T14:30+02:00", 1_709_296_200_000, "2024-03-01 12:30 UTC"),
        ("1969-12-31T23:59:59.999", -1, "1969-12-31 23:59:59.999 UTC"),
    ],
)
def test_times(text: str, ms: int, shown: str) -> None:
    assert parse_time(text) == ms
    assert format_time(ms) == shown


def test_what_is_no_time() -> None:
    with pytest.raises(ValueError, match="'soon' is not a time; write it as 2024-03-01"):
        parse_time("soon")
    assert format_time(10**18) == "1000000000000000000 ms"
