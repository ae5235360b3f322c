"""L9: integrated order flow imbalance: what was added to and taken from each side of the book since the last one.

Rule: at level m the event e_m = [b >= b[1]] B - [b <= b[1]] B[1] - [a <= a[1]] A + [a >= a[1]] A[1], with prices b
    and a and quantities B and A of the level, [1] those of the last whole book; x_m = e_m / mean depth: the average of
    (B + A) / 2 over the levels and the last `window` whole books. ofi = sum w x / sum |w|, w the first principal
    component of x, with sum w >= 0: the eigenvector of its covariance under weights that fall by 1 - 2 / (window + 1)
    per book, once `window` books have an x. ofi_norm = tanh(z), z that of ofi over `window`. queue = (B - A) / (B + A)
    at the touch.
Note: a crossed book, or one that lacks any of the first `levels`, gives missing values and is not compared with. With
    bars the events are those between closes, which nets what came and went within a bar. The component is the one of
    the book before, multiplied by the covariance until it changes by less than 1e-9, at most 200 times.
    Differs from the source: Cont, Cucuringu and Zhang take the component over fixed periods of 30 minutes.
"""

from math import fabs, isnan, nan, tanh
from typing import NamedTuple

from stratoquant.graph.language import Array, Parameters, State, array, kernel, layer, param, sized
from stratoquant.graph.types import Price, Qty, Real, Score, Vec
from stratoquant.layers.primitives.book import is_whole
from stratoquant.layers.primitives.rolling import RollingMean, rolling_mean
from stratoquant.layers.primitives.zscore import ZScore, zscore

LEVELS = 10
ENOUGH = 1e-9
TURNS = 200


class Params(Parameters):
    levels: int = param(5, 1, 10, "levels of each side that count")
    window: int = param(60, 5, 5000, "books of the mean depth and of the z-score")


class Memory(State):
    bid_px: Array = array(10, fill=nan)
    bid_qty: Array = array(10, fill=nan)
    ask_px: Array = array(10, fill=nan)
    ask_qty: Array = array(10, fill=nan)
    depth: RollingMean = sized(lambda p: p.window)
    flow: ZScore = sized(lambda p: p.window)
    events: Array = array(LEVELS)
    mean: Array = array(LEVELS)
    covariance: Array = array(LEVELS * LEVELS)
    component: Array = array(LEVELS, fill=1.0)
    turned: Array = array(LEVELS)
    weight: float = 0.0
    seen: int = 0


class Out(NamedTuple):
    ofi: Real
    ofi_norm: Score
    queue: Score


@kernel
def added(price: float, quantity: float, before: float, had: float, side: float) -> float:
    """Quantity that a level gained: all of it at a better price, the difference at the same, what it had at a worse.

    side: 1 for bids, where higher is better; -1 for asks.
    """
    gained = 0.0
    if side * (price - before) >= 0.0:
        gained += quantity
    if side * (price - before) <= 0.0:
        gained -= had
    return gained


@kernel
def take_events(s: Memory, levels: int, fade: float) -> float:
    """Takes the events of a book into their means and covariances; returns the weight of all books so far."""
    s.weight = fade * s.weight + 1.0
    share = 1.0 / s.weight
    for i in range(levels):
        s.turned[i] = s.events[i] - s.mean[i]
        s.mean[i] += share * s.turned[i]
    for i in range(levels):
        for j in range(levels):
            k = i * LEVELS + j
            s.covariance[k] = (1.0 - share) * (s.covariance[k] + share * s.turned[i] * s.turned[j])
    s.seen += 1
    return s.weight


@kernel
def turn_component(s: Memory, levels: int) -> float:
    """Multiplies the component by the covariance once, its sizes summing to 1; returns by how much it has changed."""
    size = 0.0
    total = 0.0
    for i in range(levels):
        s.turned[i] = 0.0
        for j in range(levels):
            s.turned[i] += s.covariance[i * LEVELS + j] * s.component[j]
        size += fabs(s.turned[i])
        total += s.turned[i]
    scale = (1.0 / size if total >= 0.0 else -1.0 / size) if size > 0.0 else 0.0
    changed = 0.0
    for i in range(levels):
        value = scale * s.turned[i] if size > 0.0 else 1.0 / levels
        changed = max(changed, fabs(value - s.component[i]))
        s.component[i] = value
    return changed


@kernel
def integrate(s: Memory, levels: int) -> float:
    """The events weighted by their first principal component."""
    turns = 0
    while turns < TURNS:
        turns = turns + 1 if turn_component(s, levels) > ENOUGH else TURNS
    total = 0.0
    for i in range(levels):
        total += s.component[i] * s.events[i]
    return total


@layer(
    9,
    "order_flow_imbalance",
    domain="microstructure",
    source="Cont, Kukanov and Stoikov 2014; Cont, Cucuringu and Zhang 2023 (integrated)",
    oracle="a direct numpy transcription of the paper's equation over recorded books",
    pine="no",
    warmup=lambda p: 3 * p.window - 3,
)
def step(
    s: Memory, p: Params, bid_px: Vec[10, Price], bid_qty: Vec[10, Qty], ask_px: Vec[10, Price], ask_qty: Vec[10, Qty]
) -> Out:
    if not is_whole(bid_px, bid_qty, ask_px, ask_qty, p.levels):
        return Out(nan, nan, nan)
    first = isnan(s.bid_px[0])
    standing = 0.0
    for k in range(p.levels):
        gained = added(bid_px[k], bid_qty[k], s.bid_px[k], s.bid_qty[k], 1.0)
        offered = added(ask_px[k], ask_qty[k], s.ask_px[k], s.ask_qty[k], -1.0)
        s.events[k] = gained - offered
        standing += 0.5 * (bid_qty[k] + ask_qty[k])
        s.bid_px[k] = bid_px[k]
        s.bid_qty[k] = bid_qty[k]
        s.ask_px[k] = ask_px[k]
        s.ask_qty[k] = ask_qty[k]
    usual = rolling_mean(s.depth, standing / p.levels, p.window)
    ofi = nan
    if not first and not isnan(usual):
        for k in range(p.levels):
            s.events[k] /= usual
        take_events(s, p.levels, 1.0 - 2.0 / (p.window + 1.0))
        if s.seen >= p.window:
            ofi = integrate(s, p.levels)
    z = zscore(s.flow, ofi, p.window)
    queue = (bid_qty[0] - ask_qty[0]) / (bid_qty[0] + ask_qty[0])
    return Out(ofi, tanh(z), queue)
