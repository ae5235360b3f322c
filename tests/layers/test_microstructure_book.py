"""L8 and L9 against plain transcriptions of their sources, on recorded and on made-up books."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stratoquant.layers import catalogue
from tests.layers.single import run_layer
from tests.layers.test_microstructure import LADDERS, books, recorded_books

Book = dict[str, np.ndarray]


def run(key: str, book: Book, params: dict[str, float] | None = None) -> Book:
    return run_layer(catalogue().get(key), dict(book), params)


def many_books() -> dict[str, Book]:
    """Books in which every price moves, and books whose prices move on ticks and often stay."""
    generator = np.random.default_rng(5)
    middle = 100.0 + 0.01 * np.cumsum(generator.integers(-1, 2, 3_000))[:, None]
    steps = 0.01 * np.arange(1, 11)
    quantity = np.floor(generator.lognormal(3, 1, (2, 3_000, 10))) + 1
    on_ticks = {"bid_px": np.round(middle - steps, 2), "ask_px": np.round(middle + steps, 2)}
    return {"moving": books(2, 3_000), "on ticks": on_ticks | {"bid_qty": quantity[0], "ask_qty": quantity[1]}}


@pytest.fixture(params=["moving", "on ticks", "recorded"])
def book(request: pytest.FixtureRequest) -> Book:
    return recorded_books() if request.param == "recorded" else many_books()[request.param]


@pytest.mark.parametrize("levels", [1, 3, 10])
def test_l8_is_its_rule(book: Book, levels: int) -> None:
    found = run("L8", book, {"levels": levels, "decay": 0.7})
    bid, bid_qty, ask, ask_qty = (book[name] for name in LADDERS)
    mid = (bid[:, 0] + ask[:, 0]) / 2
    qb, qa = bid_qty[:, 0], ask_qty[:, 0]
    weight = np.exp(-0.7 * np.arange(levels))
    near = slice(0, levels)
    expected = {
        "mid": mid,
        "weighted_mid": (ask[:, 0] * qb + bid[:, 0] * qa) / (qa + qb),
        "spread": (ask[:, 0] - bid[:, 0]) / mid * 1e4,
        "depth_bid": (bid * bid_qty)[:, near].sum(axis=1),
        "depth_ask": (ask * ask_qty)[:, near].sum(axis=1),
        "imbalance": ((bid_qty - ask_qty)[:, near] @ weight) / ((bid_qty + ask_qty)[:, near] @ weight),
    }
    for side, price, quantity in (("bid", bid, bid_qty), ("ask", ask, ask_qty)):
        distance = np.abs(price[:, near] - mid[:, None]) / mid[:, None] * 1e4
        stands = quantity[:, near].cumsum(axis=1)
        expected[f"slope_{side}"] = np.array(
            [np.linalg.lstsq(d[:, None], q, rcond=None)[0][0] for d, q in zip(distance, stands, strict=True)]
        )
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


def events(book: Book, levels: int) -> np.ndarray:
    """Cont, Kukanov and Stoikov's event of each level and book, the second book first: (books - 1, levels)."""
    bid, bid_qty, ask, ask_qty = (book[name][:, :levels] for name in LADDERS)
    bids = (bid[1:] >= bid[:-1]) * bid_qty[1:] - (bid[1:] <= bid[:-1]) * bid_qty[:-1]
    asks = (ask[1:] <= ask[:-1]) * ask_qty[1:] - (ask[1:] >= ask[:-1]) * ask_qty[:-1]
    return bids - asks


def components(x: np.ndarray, window: int) -> np.ndarray:
    """numpy's first eigenvector of pandas' exponentially weighted covariances, one a row."""
    n = x.shape[1]
    matrices = pd.DataFrame(x).ewm(span=window).cov(bias=True).to_numpy().reshape(len(x), n, n)
    first = np.linalg.eigh(np.nan_to_num(matrices))[1][:, :, -1]
    first *= np.where(first.sum(axis=1, keepdims=True) < 0.0, -1.0, 1.0)
    return first / np.abs(first).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("levels", [1, 4, 10])
def test_l9_is_the_papers_equation(book: Book, levels: int) -> None:
    window = 30 if len(book["bid_px"]) > 100 else 12
    found = run("L9", book, {"levels": levels, "window": window})
    standing = ((book["bid_qty"] + book["ask_qty"])[:, :levels] / 2).mean(axis=1)
    depth = pd.Series(standing).rolling(window).mean().to_numpy()
    x = (events(book, levels) / depth[1:, None])[window - 2 :]
    ofi = pd.Series(np.r_[np.full(window - 1, np.nan), (components(x, window) * x).sum(axis=1)])
    ofi[: 2 * window - 2] = np.nan
    spread = ofi.rolling(window).std(ddof=0)
    z = ((ofi - ofi.rolling(window).mean()) / spread).where(spread > 1e-12, 0.0)
    first = 3 * window - 3
    np.testing.assert_allclose(found["ofi"][first:], ofi[first:], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["ofi_norm"][first:], np.tanh(z)[first:], rtol=1e-4, atol=1e-4)
    best = book["bid_qty"][:, 0], book["ask_qty"][:, 0]
    np.testing.assert_allclose(found["queue"][first:], ((best[0] - best[1]) / (best[0] + best[1]))[first:], rtol=1e-12)
    assert np.isnan(found["queue"][: first - 1]).all() and not np.isnan(found["ofi_norm"][first])


def test_l9_finds_the_flow_that_the_levels_share() -> None:
    """One flow moves three levels by 3, 2 and 1 and the fourth not at all, each with noise of its own."""
    random = np.random.default_rng(11)
    flow = random.normal(0.0, 1.0, 6_000)
    changes = flow[:, None] * np.array([3.0, 2.0, 1.0, 0.0]) + 0.3 * random.normal(size=(6_000, 4))
    quantity = 1e5 + np.cumsum(changes, axis=0)
    prices = 0.01 * np.arange(1, 11)
    book = {"bid_px": np.tile(100.0 - prices, (6_000, 1)), "ask_px": np.tile(100.0 + prices, (6_000, 1))}
    book["bid_qty"], book["ask_qty"] = np.full((6_000, 10), 1e5), np.full((6_000, 10), 1e5)
    book["bid_qty"][:, :4] = quantity
    found = run("L9", book, {"levels": 4, "window": 1500})["ofi"][4500:]
    expected = changes[4500:] @ np.array([3.0, 2.0, 1.0, 0.0]) / 6.0 / 1e5
    assert np.corrcoef(found, flow[4500:])[0, 1] > 0.99
    assert np.polyfit(expected, found, 1)[0] == pytest.approx(1.0, rel=0.02)


def broken(book: Book, at: int, name: str, level: int, value: float) -> Book:
    copy = {n: v.copy() for n, v in book.items()}
    copy[name][at, level] = value
    return copy


@pytest.mark.parametrize("name", LADDERS)
@pytest.mark.parametrize(("level", "value"), [(0, np.nan), (2, np.nan), (2, 0.0)])
def test_a_partial_book_is_no_book(name: str, level: int, value: float) -> None:
    book = broken(many_books()["on ticks"], 100, name, level, value)
    for key in ("L8", "L9"):
        params = {"levels": 3} | ({"window": 5} if key == "L9" else {})
        found = run(key, book, params)
        assert all(np.isnan(values[100]) for values in found.values())
        assert not any(np.isnan(values[101]) for values in found.values())
        whole = run(key, book, params | {"levels": level}) if level else found
        assert level == 0 or not any(np.isnan(values[100]) for values in whole.values())


def test_a_crossed_book_is_no_book() -> None:
    book = many_books()["on ticks"]
    for touch in (book["ask_px"][100, 0], book["ask_px"][100, 0] + 0.5):
        crossed = broken(book, 100, "bid_px", 0, touch)
        assert np.isnan(run("L8", crossed)["mid"][100]) and np.isnan(run("L9", crossed)["queue"][100])


def test_l9_compares_with_the_last_whole_book() -> None:
    book = many_books()["on ticks"]
    without = {name: np.delete(values, 100, axis=0) for name, values in book.items()}
    gone = broken(book, 100, "bid_px", 0, np.nan)
    ours, theirs = run("L9", gone, {"window": 5})["ofi"], run("L9", without, {"window": 5})["ofi"]
    np.testing.assert_array_equal(np.delete(ours, 100)[20:], theirs[20:])


@pytest.mark.parametrize("key", ["L8", "L9"])
def test_sides_mirror_and_units_do_not_matter(key: str) -> None:
    """A book turned upside down turns the signed ports; prices and quantities times powers of two leave scores."""
    book = many_books()["on ticks"]
    turned = {"bid_px": 256.0 - book["ask_px"], "ask_px": 256.0 - book["bid_px"]}
    turned |= {"bid_qty": book["ask_qty"], "ask_qty": book["bid_qty"]}
    larger = {name: values * (4.0 if name.endswith("px") else 8.0) for name, values in book.items()}
    plain, mirror, scaled = (run(key, one) for one in (book, turned, larger))
    for name in ("imbalance",) if key == "L8" else ("ofi", "ofi_norm", "queue"):
        np.testing.assert_allclose(mirror[name], -plain[name], rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(scaled[name], plain[name])
    if key == "L8":
        np.testing.assert_allclose(256.0 - mirror["weighted_mid"], plain["weighted_mid"], rtol=1e-12)
        np.testing.assert_allclose(mirror["depth_bid"] > 0, True)
        np.testing.assert_array_equal(scaled["spread"], plain["spread"])
        np.testing.assert_array_equal(scaled["depth_ask"], 32.0 * plain["depth_ask"])
