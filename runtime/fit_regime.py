"""Fits the Gaussian hidden Markov model of L64 to what a wiring computes over stored bars."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stratoquant.graph.plan import Plan
from stratoquant.graph.session import Session
from stratoquant.runtime.data.market import Market
from stratoquant.runtime.errors import StratoError
from stratoquant.runtime.venue import VenueSettings

Floats = npt.NDArray[np.float64]

STATES = 4
LEAST_BARS = 1000
LEAST_VARIANCE = 1e-4  # of a feature that was scaled to 1
STAY = 0.98  # chance to stay in a state, as the search starts
LARGEST = 10.0  # of a return in volatilities, as L64 clips it
TOLERANCE = 1e-7  # gain in log likelihood per bar at which it ends


@dataclass(frozen=True)
class RegimeFit:
    """The numbers of L64's model in the fields of its declaration, and how they were found.

    data_sha256: hash of the bars that the fit read. bars: observations that were used. bars_in_state: share of them
    whose likeliest state each state is. log_likelihood: per bar.
    """

    values: dict[str, tuple[float, ...]]
    data_sha256: str
    bars: int
    bars_in_state: tuple[float, ...]
    log_likelihood: float
    iterations: int
    converged: bool


def fit_regime(
    plan: Plan,
    market: Market,
    close: str,
    sigma: str,
    seed: int,
    iterations: int = 200,
    on_bars: Callable[[int], None] = lambda _: None,
) -> RegimeFit:
    """Runs the plan over the market and fits four states to what L64 observes, over all symbols together.

    close, sigma: the ports that L64 reads. seed: of the first guess. The states are numbered by their mean of ln sigma,
    calmest first. Raises StratoError when the data do not suffice.
    """
    values, digest = _ports_over(plan, market, close, sigma, on_bars)
    pieces = [p for i in range(values.shape[1]) for p in _stretches(values[:, i, 0], values[:, i, 1]) if len(p) > 1]
    bars = sum(map(len, pieces))
    if bars < LEAST_BARS:
        raise StratoError(
            f"{bars} bars have both a return and a volatility; a fit of four states needs at least {LEAST_BARS}",
            "choose a longer period; the first bars of a run are warm-up",
        )
    together = np.concatenate(pieces)
    centre, scale = together.mean(axis=0), together.std(axis=0)
    if not np.all(scale > 0.0):
        raise StratoError("the prices of this period do not move", "choose another period")
    return _fitted((together - centre) / scale, [len(p) for p in pieces], centre, scale, seed, iterations, digest)


def _ports_over(
    plan: Plan, market: Market, close: str, sigma: str, on_bars: Callable[[int], None]
) -> tuple[Floats, str]:
    """The two ports over the market, of shape (bars, symbols, 2), and the hash of the market's bars."""
    session = Session(plan, VenueSettings(), cash=1.0, record=(close, sigma), simulate=False)
    digest = hashlib.sha256()
    blocks = []
    for block in market.blocks():
        digest.update(block.events.tobytes())
        blocks.append(session.run(block.times, block.events).symbols.copy())
        on_bars(sum(map(len, blocks)))
    return np.concatenate(blocks), digest.hexdigest()


def _stretches(close: Floats, sigma: Floats) -> Iterator[Floats]:
    """Per unbroken stretch of bars: columns ln(c / c[1]) / sigma[1], clipped, and ln sigma, as L64 observes them.

    Bars without a price are left out, as the layer leaves them out; a sigma of 0 ends a stretch.
    """
    there = ~np.isnan(close) & ~np.isnan(sigma)
    close, sigma = close[there], sigma[there]
    if len(close) < 2:
        return
    change, expected, sigma = np.diff(np.log(close)), sigma[:-1], sigma[1:]
    moving = (expected > 0.0) & (sigma > 0.0)
    standing = np.clip(change / np.where(moving, expected, 1.0), -LARGEST, LARGEST)
    table = np.column_stack([standing, np.log(np.where(moving, sigma, 1.0))])
    edges = np.flatnonzero(np.diff(moving.astype(np.int8), prepend=0, append=0))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        yield table[first:last]


def _fitted(
    features: Floats,
    lengths: list[int],
    centre: Floats,
    scale: Floats,
    seed: int,
    iterations: int,
    digest: str,
) -> RegimeFit:
    model = _first_guess(features, seed, iterations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether it converged is said by the result
        model.fit(features, lengths)
        if not np.all(np.isfinite(model.means_)):
            raise StratoError("the fit found no four states in this period", "choose a longer period or another seed")
    order = np.argsort(model.means_[:, 1], kind="stable")
    chosen = model.predict(features, lengths)
    return RegimeFit(
        values={
            "centre": _numbers(centre),
            "scale": _numbers(scale),
            "start": _numbers(model.startprob_[order]),
            "transition": _numbers(model.transmat_[np.ix_(order, order)]),
            "mean": _numbers(model.means_[order]),
            "variance": _numbers(np.diagonal(model.covars_, axis1=1, axis2=2)[order]),
        },
        data_sha256=digest,
        bars=len(features),
        bars_in_state=tuple(float(np.mean(chosen == state)) for state in order),
        log_likelihood=float(model.score(features, lengths)) / len(features),
        iterations=int(model.monitor_.iter),
        converged=int(model.monitor_.iter) < iterations,
    )


def _first_guess(features: Floats, seed: int, iterations: int) -> Any:
    """Four levels of volatility, each likely to stay, moved a little at random: where the search starts."""
    moved = np.random.default_rng(seed).normal(0.0, 0.05, STATES)
    levels = np.quantile(features[:, 1], (np.arange(STATES) + 0.5) / STATES) + moved
    hmm: Any = _hmmlearn()
    model = hmm.GaussianHMM(
        STATES,
        covariance_type="diag",
        n_iter=iterations,
        tol=TOLERANCE * len(features),
        min_covar=LEAST_VARIANCE,
        init_params="",
        params="tmc",  # a few runs say nothing of where others start
    )
    model.startprob_ = np.full(STATES, 1.0 / STATES)
    model.transmat_ = np.full((STATES, STATES), (1.0 - STAY) / (STATES - 1))
    np.fill_diagonal(model.transmat_, STAY)
    model.means_ = np.column_stack([np.zeros(STATES), levels])
    model.covars_ = np.column_stack([np.ones(STATES), np.full(STATES, 1.0 / STATES**2)])
    return model


def _numbers(values: Floats) -> tuple[float, ...]:
    return tuple(float(x) for x in np.ravel(values))


def _hmmlearn() -> Any:
    try:
        from hmmlearn import hmm
    except ImportError:
        raise StratoError(
            "fitting a regime model needs hmmlearn, which is not installed", "pip install 'stratoquant[fit]'"
        ) from None
    return hmm
