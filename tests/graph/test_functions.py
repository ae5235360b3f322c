"""What is written out in the kernel language in place of a function of `math` says the same."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stratoquant.graph.functions import WRITTEN_OUT
from stratoquant.graph.kernels import kernel_source
from stratoquant.graph.language import kernel

MAGNITUDES = st.floats(-20.0, 3.0).map(lambda power: 10.0**power)


@kernel
def pressed(x: float) -> float:
    return math_tanh(x)


math_tanh = math.tanh


@pytest.mark.parametrize("given_", WRITTEN_OUT, ids=lambda f: f.__name__)
@given(size=MAGNITUDES, side=st.sampled_from((-1.0, 1.0)))
@example(0.625, 1.0)
@example(0.0, 1.0)
@example(math.inf, 1.0)
@example(math.inf, -1.0)
def test_it_is_that_of_math_to_two_units_in_the_last_place(
    given_: Callable[[float], float], size: float, side: float
) -> None:
    found, wanted = WRITTEN_OUT[given_](side * size), given_(side * size)
    assert abs(found - wanted) <= 2.0 * np.spacing(abs(wanted))


@pytest.mark.parametrize("written_out", WRITTEN_OUT.values(), ids=lambda f: f.__name__)
def test_a_missing_value_stays_missing(written_out: Callable[[float], float]) -> None:
    assert math.isnan(written_out(math.nan))


def test_it_takes_the_place_of_that_of_math_whatever_its_name() -> None:
    assert kernel_source(pressed).calls == {"math_tanh": WRITTEN_OUT[math.tanh]}
