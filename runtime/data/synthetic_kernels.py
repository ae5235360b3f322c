"""The recursions of the synthetic market as kernels: the factor, and one symbol on it. Arithmetic only."""

from __future__ import annotations

from math import exp, floor, log, sqrt, tanh

import numpy as np

from stratoquant.graph.language import kernel

# Columns of the table that `symbol_path` fills. Prices are in ticks; bought is a share of the volume.
COLUMNS = (
    "open", "high", "low", "close", "volume", "average", "crowd", "bought",
    "premium", "mid", "half_spread", "imbalance", "missing",
)  # fmt: skip


@kernel
def factor_path(
    state: np.ndarray,
    regimes: np.ndarray,
    follow: np.ndarray,
    normals: np.ndarray,
    width: np.ndarray,
    chances: np.ndarray,
    season: np.ndarray,
    dt: float,
    sigma: float,
    alpha: float,
    gamma: float,
    beta: float,
    g_cap: float,
    pull: float,
    jump_size: float,
    jump_down: float,
    jump_decay: float,
    jump_offspring: float,
    jump_back: float,
    back_share: float,
    outage_chance: float,
    outage_bars: float,
    steps: np.ndarray,
    heat: np.ndarray,
    closed: np.ndarray,
) -> int:
    """Fills `steps`, `heat` and `closed` for the next bars and returns how many; `state` carries over to the next call.

    follow: for each regime the running sum of the shares of those that come next. closed: 1 where no symbol has a bar.
    """
    regime = int(state[0])
    g = state[1]
    level = state[2]
    anchor = state[3]
    before = state[4]
    excited = state[5]
    pool = state[6]
    outage = state[7]
    bars = normals.shape[0]
    parts = normals.shape[1]
    for t in range(bars):
        if chances[t, 0] < dt * 24.0 / regimes[regime, 0]:
            regime = drawn(follow[regime], chances[t, 1])
            anchor = level
        heat[t] = regimes[regime, 1] * season[t]
        v = sigma * heat[t] * sqrt(g)
        hold = min(regimes[regime, 4] * dt, 0.5)
        drift = regimes[regime, 2] * dt + regimes[regime, 3] * before - hold * (level - anchor) - pull * dt * level
        back = pool * back_share
        pool -= back
        jump = 0.0
        if chances[t, 2] < regimes[regime, 5] * dt + excited:
            size = -jump_size * log(1.0 - chances[t, 3])
            jump = -size if chances[t, 4] < jump_down else size
            pool -= jump_back * jump
            excited += jump_offspring
        excited *= jump_decay
        at = int(chances[t, 4] * parts)
        noise = 0.0
        for k in range(parts):
            shock = v * width[t] * normals[t, k] / sqrt(parts)
            noise += shock
            steps[t, k] = (drift + back) / parts + shock + (jump if k == at else 0.0)
        z = noise / v
        g = next_g(g, z, alpha, gamma, beta, g_cap)
        if jump != 0.0:
            g = min(g + 3.0, g_cap)
        before = drift + noise
        level += drift + back + noise + jump
        if outage < 1.0 and chances[t, 5] < outage_chance:
            outage = -outage_bars * log(1.0 - chances[t, 5] / outage_chance) + 1.0
        outage -= 1.0
        closed[t] = 1.0 if outage >= 1.0 else 0.0
    state[0] = regime
    state[1] = g
    state[2] = level
    state[3] = anchor
    state[4] = before
    state[5] = excited
    state[6] = pool
    state[7] = outage
    return bars


@kernel
def drawn(shares: np.ndarray, chance: float) -> int:
    """The place of the first running sum above the chance; the last place where rounding leaves none."""
    place = 0
    while place < len(shares) - 1 and shares[place] <= chance:
        place += 1
    return place


@kernel
def symbol_path(
    state: np.ndarray,
    factor: np.ndarray,
    heat: np.ndarray,
    season: np.ndarray,
    closed: np.ndarray,
    normals: np.ndarray,
    width: np.ndarray,
    chances: np.ndarray,
    sides: np.ndarray,
    dt: float,
    first_tick: float,
    loading: float,
    own_sigma: float,
    factor_sigma: float,
    alpha: float,
    gamma: float,
    beta: float,
    g_cap: float,
    own_pull: float,
    jump_chance: float,
    jump_size: float,
    imbalance_memory: float,
    imbalance_edge: float,
    half_spread: float,
    usual_volume: float,
    volume_memory: float,
    break_chance: float,
    break_bars: float,
    skip_chance: float,
    skip_bars: float,
    out: np.ndarray,
) -> int:
    """Fills a row of `out` for each of the next bars and returns how many; `state` carries over to the next call."""
    level = state[0]
    own = state[1]
    g = state[2]
    imbalance = state[3]
    mean = state[4]
    tide = state[5]
    gap = state[6]
    bars = factor.shape[0]
    parts = factor.shape[1]
    sigma = sqrt((loading * factor_sigma) ** 2 + own_sigma**2)
    a_day = 1.0 - exp(-dt)
    for t in range(bars):
        v = own_sigma * heat[t] * sqrt(g)
        total = sigma * heat[t]
        drift = imbalance_edge * imbalance * total - own_pull * dt * own
        jump = 0.0
        if chances[t, 0] < jump_chance:
            jump = jump_size * normals[t, parts]
        # The spread follows volatility, but less than in proportion.
        half = half_spread * (0.4 + 0.6 * heat[t] * sqrt(g)) * first_tick * exp(level)
        begin = level
        at = int(chances[t, 1] * parts)
        opened = highest = lowest = last = average = noise = 0.0
        for k in range(parts + 1):
            if k > 0:
                shock = v * width[t] * normals[t, k - 1] / sqrt(parts)
                moved = drift / parts + shock + (jump if k - 1 == at else 0.0)
                noise += shock
                own += moved
                level += loading * factor[t, k - 1] + moved
            side = 1.0 if (sides[t] >> k) & 1 else -1.0
            last = max(floor(first_tick * exp(level) + side * half + 0.5), 10.0)
            if k == 0:
                opened = highest = lowest = last
            highest, lowest = max(highest, last), min(lowest, last)
            average += last / (parts + 1)
        g = next_g(g, noise / v, alpha, gamma, beta, g_cap)
        change = level - begin
        activity = (abs(change) + 0.5 * log(highest / lowest)) / sigma
        tide = volume_memory * tide + 0.12 * normals[t, parts + 1]
        mean += a_day * (level - mean)
        ahead = imbalance_memory * imbalance + sqrt(1.0 - imbalance_memory**2) * normals[t, parts + 2]
        imbalance = min(max(ahead, -2.5), 2.5)
        lean = 0.5 + 0.3 * tanh(0.8 * change / total) + 0.16 * (chances[t, 2] - 0.5)
        out[t, 0], out[t, 1], out[t, 2], out[t, 3] = opened, highest, lowest, last
        spread = 0.5 * (chances[t, 3] + chances[t, 4]) - 0.5
        out[t, 4] = usual_volume * season[t] ** 1.3 * exp(tide + 1.2 * spread) * (0.25 + activity) ** 0.8
        out[t, 5] = average
        out[t, 6] = 0.7 + 0.6 * chances[t, 4]
        out[t, 7] = min(max(lean, 0.02), 0.98)
        out[t, 8] = level - mean
        out[t, 9] = first_tick * exp(level)
        out[t, 10] = half
        out[t, 11] = imbalance
        if gap < 1.0 and chances[t, 5] < break_chance:
            gap = -break_bars * log(1.0 - chances[t, 5] / break_chance) + 1.0
        elif gap < 1.0 and chances[t, 6] < skip_chance:
            gap = -skip_bars * log(1.0 - chances[t, 6] / skip_chance) + 1.5
        gap -= 1.0
        out[t, 12] = 1.0 if closed[t] == 1.0 or gap >= 1.0 else 0.0
    state[0] = level
    state[1] = own
    state[2] = g
    state[3] = imbalance
    state[4] = mean
    state[5] = tide
    state[6] = gap
    return bars


@kernel
def next_g(g: float, z: float, alpha: float, gamma: float, beta: float, g_cap: float) -> float:
    """The GARCH recursion; an innovation counts as five at most, so that one bar cannot set the course for hours."""
    square = min(z * z, 25.0)
    bad = gamma * square if z < 0.0 else 0.0
    return min(1.0 - alpha - 0.5 * gamma - beta + g * (alpha * square + bad + beta), g_cap)
