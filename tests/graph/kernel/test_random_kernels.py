"""Random kernels give the same bits through LLVM and through numba."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from tests.graph.kernel.comparing import bits, module_text, run_native
from tests.graph.kernel.random_kernels import OUTPUTS, STATE, modules
from tests.graph.kernel.reference import reference

_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES)
MANY = settings(FEW, max_examples=300)

_XS = np.array([0.0, -0.0, 1.0, -1.5, 0.3, 2.0, 1e9, -1e300, 5e-324, np.inf, -np.inf, np.nan, 7.25, 100.0])
_KS = np.array([0, 1, -1, 2, 3, -7, 10**6, 2**62, -(2**63), 5, 8, -2, 4, 63])


def arguments() -> tuple[np.ndarray, ...]:
    states = np.zeros(1, STATE)
    states["inner"]["a"] = np.arange(8.0) - 3.5
    states["b"] = [0.5, -0.0, np.nan, 1e10]
    return states, np.repeat(_XS, len(_KS)), np.tile(_KS, len(_XS)), np.zeros((len(_XS) * len(_KS), OUTPUTS))


def assert_equal_bits(body: str) -> None:
    text = module_text(body)
    note(text)
    theirs, ours = arguments(), arguments()
    reference(text)(*theirs)
    run_native(text, ours)
    np.testing.assert_array_equal(bits(ours[3]), bits(theirs[3]))
    assert ours[0]["n"] == theirs[0]["n"]
    for name in ("f", "b"):
        np.testing.assert_array_equal(bits(ours[0][name]), bits(theirs[0][name]))
    for name in ("g", "a"):
        np.testing.assert_array_equal(bits(ours[0]["inner"][name]), bits(theirs[0]["inner"][name]))


@FEW
@given(body=modules())
def test_random_kernels_give_the_bits_of_numba(body: str) -> None:
    assert_equal_bits(body)


@pytest.mark.slow
@MANY
@given(body=modules(5))
def test_many_random_kernels_give_the_bits_of_numba(body: str) -> None:
    assert_equal_bits(body)
