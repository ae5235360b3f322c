"""How an emitted module is typed: locals along paths, results, what is refused and where."""

from __future__ import annotations

import re

import numpy as np
import pytest

from stratoquant.graph.kernel.call import argument_type
from stratoquant.graph.kernel.entry import translate
from stratoquant.graph.kernel.errors import KernelTypeError
from tests.graph.kernel.comparing import module_text, run_native

_HEAD = "@entry\ndef run(xs, ks, out):\n"


def run(body: str, xs: list[float], ks: list[int], before: str = "") -> list[float]:
    """What the lines of the entry's loop write to `out[t]`, from x and k."""
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    text = (
        f"{before}\n\n{_HEAD}    for t in range(len(xs)):\n        x = xs[t]\n        k = ks[t]\n{lines}    return 0\n"
    )
    out = np.zeros(len(xs))
    run_native(module_text(text), (np.array(xs), np.array(ks), out))
    return out.tolist()


def refused(body: str, before: str = "") -> KernelTypeError:
    text = module_text(f"{before}\n\n{_HEAD}{''.join(f'    {line}' + chr(10) for line in body.splitlines())}")
    arguments = tuple(argument_type(a) for a in (np.zeros(1), np.zeros(1, np.int64), np.zeros((1, 2))))
    with pytest.raises(KernelTypeError) as caught:
        translate(text, arguments)
    place = re.search(r"in kernel (\w+), module.py, line (\d+)$", str(caught.value))
    assert place is not None
    above = "\n".join(text.splitlines()[: int(place[2])])
    assert re.findall(r"def (\w+)", above)[-1] == place[1]
    return caught.value


def test_a_name_goes_on_as_a_float_where_one_path_gives_an_int() -> None:
    body = "if x > 0.0:\n    m = k\nelse:\n    m = x\nout[t] = m / 2 + m // 2"
    assert run(body, [1.0, -3.0], [7, 7]) == [3.5 + 3.0, -1.5 - 2.0]


def test_a_name_keeps_its_type_on_each_path() -> None:
    """An int is divided and negated as an int although the name is a float elsewhere."""
    body = "m = k\nm = m // 2\nm = -m\nz = 0\nz = -z\nout[t] = 1.0 / (z + 0.0) + m\nm = x"
    assert run(body, [0.0], [7]) == [np.inf]


def test_a_name_that_a_loop_widens_is_a_float_in_all_rounds() -> None:
    body = "m = k\nfor i in range(3):\n    if i == 2:\n        continue\n    m = m / 2\nout[t] = m"
    assert run(body, [0.0], [3]) == [0.75]
    body = "m = k\ni = 0\nwhile True:\n    i += 1\n    if i > 2:\n        break\n    m = m * 1.5\nout[t] = m"
    assert run(body, [0.0], [4]) == [9.0]


def test_what_breaks_a_loop_is_not_converted_twice() -> None:
    body = "m = k\nfor i in range(5):\n    if x > 0.0:\n        m = x\n        break\nout[t] = m"
    assert run(body, [0.5, -1.0], [3, 3]) == [0.5, 3.0]


def test_a_loop_variable_may_be_set_and_outlives_its_loop() -> None:
    body = "n = 0\nfor i in range(k):\n    n += i\n    i = 10\nout[t] = n + i"
    assert run(body, [0.0], [4]) == [16.0]


def test_a_range_is_evaluated_once_and_may_go_down_or_nowhere() -> None:
    body = "n = k\ns = 0\nfor i in range(0, n, 2):\n    n = 1\n    s += i\n"
    body += "for i in range(n, -4, -n):\n    s += 100\nout[t] = s"
    assert run(body, [0.0], [6]) == [6.0 + 500.0]
    body = "s = 0\nfor i in range(3, 0, k):\n    s += 1\nout[t] = s"
    assert run(body, [0.0, 0.0, 0.0], [-1, 0, 1]) == [3.0, 0.0, 0.0]


def test_results_of_two_types_are_floats() -> None:
    before = "@kernel\ndef chosen(x, k):\n    if x > 0.0:\n        return k, x\n    return x, k\n"
    assert run("a, b = chosen(x, k)\nout[t] = a + 10.0 * b", [1.0, -1.0], [3, 3], before) == [13.0, 29.0]


def test_a_kernel_is_typed_for_each_use() -> None:
    before = "@kernel\ndef half(x):\n    return x // 2\n"
    assert run("out[t] = half(k) + half(x)", [3.5], [5], before) == [2.0 + 1.0]


CALLS = """
@kernel
def next_of(a):
    a[0, 0] += 1.0
    return a[0, 0]


@entry
def run(a):
    f = 0.0 < next_of(a) < 2.0
    a[0, 1] = f and next_of(a) or next_of(a)
    a[0, 2] = 5.0 if 1.0 > 2.0 else next_of(a)
    a[int(next_of(a)) - 4, 3] += next_of(a)
    return 0
"""


def test_values_are_evaluated_once() -> None:
    a = np.zeros((1, 4))
    run_native(module_text(CALLS), (a,))
    assert a[0].tolist() == [5.0, 2.0, 3.0, 5.0]


def test_the_first_elements_of_an_array() -> None:
    before = "@kernel\ndef count(a):\n    return len(a)\n"
    assert run("out[t] = count(xs[:k])", [0.0] * 5, [0, 3, 9, -2, -9], before) == [0.0, 3.0, 5.0, 3.0, 0.0]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("out[0, 0] = y", "`y` is no argument, local, constant or kernel"),
        ("out[0, 0] = y\ny = 1.0", "`y` is read before it has a value"),
        ("if xs[0] > 0.0:\n    a = xs\nelse:\n    a = ks\nout[0, 0] = a[0]", "`a` is an array or a record on one path"),
        ("out[0, xs[0]] = 1.0", "an index is a whole number, but `xs[0]` may have a fraction"),
        ("out[0, 0, 0] = 1.0", "`out[0, 0, 0]` has 3 indices for 2"),
        ("out[0, 0] = xs.size", "`xs` is an array and has no fields"),
        (
            "out[0, 0] = xs[0] & 1",
            "operand of a bitwise operator is a whole number, but `xs[0]` may",
        ),
        ("out[0] = 1.0", "`out[0]` is an array and cannot be replaced"),
        ("out[0, 0] = xs + 1.0", "`xs` is an array, where a number is needed"),
        ("out[0, 0] = unknown(xs[0])", "`unknown` may not be called here"),
        ("out[0, 0] = atan2(xs[0])", "`atan2` takes 2 arguments, not 1"),
        ("a, b = ks[0], 1, 2", "3 values cannot be taken apart into 2"),
        ("out[0, 0] = 9223372036854775808", "does not fit 64 bits"),
        ("out[0, 0] = again(1.0)", "`again` calls this kernel"),
        ("out[0, 0] = partly(1.0)", "a path ends without returning a value"),
        ("nothing = silent(1.0)", "`nothing` would be nothing"),
        ("out[0, 0] = silent(1.0, 2.0)", "`silent` takes 1 argument, not 2"),
    ],
)
def test_what_has_no_machine_code_is_refused_with_its_place(body: str, message: str) -> None:
    before = "@kernel\ndef again(x):\n    return again(x)\n\n\n@kernel\ndef silent(x):\n    pass\n\n\n"
    before += "@kernel\ndef partly(x):\n    if x > 0.0:\n        return x\n"
    assert message in str(refused(f"{body}\nreturn 0", before))
