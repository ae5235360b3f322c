"""L83: cuts what is allowed where symbols move together, so that they weigh on the account as one.

Rule: rho of two symbols: correlation of r1 over the bars that have both, less their means, with weights that halve
    every half_life bars (pandas' ewm(halflife).corr(), adjust=True; its bias cancels). A cluster: two or more symbols,
    held or allowed, that a chain of |rho| > cap joins; others pass as they are. With B = cluster equity, none if not
    positive, A what absent members hold (allowed missing), W = sum |allowed| of the rest: each is entitled to |allowed|
    min(1, (B - A) / W). It gets that at once up to what it holds in that direction; beyond it the share
    min(1, (B - sum |held|) / sum of all such growth), so that room counts once it is free. Never more than is allowed.
    max_corr: the rho of largest size, with its sign, 0 without a pair. effective_bets = exp(-sum q ln q), q the shares
    of the eigenvalues above 0 of the matrix of rho; taken every 240 bars and held between.
Note: rho is 1 where it is not known (no common bars, or one of them stands still) and for pairs with a symbol after
    the first 64, which effective_bets leaves out. A hedge within a cluster counts in full: rho is an estimate.
"""

from math import exp, fabs, isnan, log, nan, sqrt
from typing import NamedTuple

from graph.language import PER_SYMBOL, Array, Cut, Parameters, State, array, kernel, layer, param
from graph.types import LogReturn, Notional, PerSymbol, Real, Score
from layers.primitives.eigen import diagonalise
from layers.primitives.scalars import clip, sign

MOST = 64
PAIRS = MOST * (MOST - 1) // 2
EVERY = 240


class Params(Parameters):
    half_life: int = param(720, 20, 20000, "bars after which a return counts half")
    cap: float = param(0.8, 0.1, 1, "correlation above which two symbols count as one")
    cluster: float = param(0.5, 0.05, 5, "greatest position of symbols that count as one, multiple of equity")


class Memory(State):
    weight: Array = array(PAIRS)  # of pair i < j at j (j - 1) / 2 + i
    mean_i: Array = array(PAIRS)
    mean_j: Array = array(PAIRS)
    square_i: Array = array(PAIRS)
    square_j: Array = array(PAIRS)
    product: Array = array(PAIRS)
    rho: Array = array(PAIRS)
    matrix: Array = array(MOST * MOST)
    allowed: Array = array(PER_SYMBOL)
    cluster: Array = array(PER_SYMBOL)  # its first member; -1 for what is neither held nor allowed
    strongest: float = 0.0
    bets: float = nan
    seen: int = 0


class Out(NamedTuple):
    allowed: PerSymbol[Notional]
    max_corr: Score
    effective_bets: Real


@kernel
def correlate(s: Memory, k: int, x: float, y: float, fade: float) -> float:
    """Takes the returns of a pair into its moments; returns their correlation, 1 when it is not known."""
    s.weight[k] *= fade
    if not isnan(x + y):
        s.weight[k] += 1.0
        share = 1.0 / s.weight[k]
        dx = x - s.mean_i[k]
        dy = y - s.mean_j[k]
        s.mean_i[k] += share * dx
        s.mean_j[k] += share * dy
        s.square_i[k] = (1.0 - share) * (s.square_i[k] + share * dx * dx)
        s.square_j[k] = (1.0 - share) * (s.square_j[k] + share * dy * dy)
        s.product[k] = (1.0 - share) * (s.product[k] + share * dx * dy)
    spread = sqrt(s.square_i[k]) * sqrt(s.square_j[k])
    return clip(s.product[k] / spread, -1.0, 1.0) if spread > 0.0 else 1.0


@kernel
def rho_of(s: Memory, i: int, j: int) -> float:
    """The correlation of i < j."""
    return s.rho[j * (j - 1) // 2 + i] if j < MOST else 1.0


@kernel
def count_bets(s: Memory, n: int) -> float:
    """The exponential of the entropy of the eigenvalues."""
    for j in range(n):
        s.matrix[j * n + j] = 1.0
        for i in range(j):
            s.matrix[i * n + j] = rho_of(s, i, j)
            s.matrix[j * n + i] = rho_of(s, i, j)
    diagonalise(s.matrix, n)
    total = 0.0
    entropy = 0.0
    for i in range(n):
        total += max(s.matrix[i * n + i], 0.0)
    for i in range(n):
        share = s.matrix[i * n + i] / total
        if share > 0.0:
            entropy -= share * log(share)
    s.bets = exp(entropy)
    return s.bets


@kernel
def join(s: Memory, i: int, j: int) -> float:
    """Makes one cluster of those of i and j; returns its first member."""
    first = min(s.cluster[i], s.cluster[j])
    other = max(s.cluster[i], s.cluster[j])
    for k in range(j + 1):
        if s.cluster[k] == other:
            s.cluster[k] = first
    return first


@kernel
def same_way(held: float, allowed: float) -> float:
    """What is held in the direction of what is allowed."""
    return max(sign(allowed) * held, 0.0) if not isnan(held) else 0.0


@kernel
def limit(s: Memory, first: int, budget: float, allowed: Array, held: Array) -> int:
    """Cuts the members of a cluster to its budget; returns how many they are."""
    members = 0
    absent = 0.0
    taken = 0.0
    wanted = 0.0
    for i in range(first, len(allowed)):
        if s.cluster[i] == first:
            members += 1
            size = 0.0 if isnan(held[i]) else fabs(held[i])
            taken += size
            if isnan(allowed[i]):
                absent += size
            else:
                wanted += fabs(allowed[i])
    if members > 1 and wanted > 0.0:
        share = clip((budget - absent) / wanted, 0.0, 1.0)
        growth = 0.0
        for i in range(first, len(allowed)):
            if s.cluster[i] == first and not isnan(allowed[i]):
                growth += max(share * fabs(allowed[i]) - same_way(held[i], allowed[i]), 0.0)
        pace = clip((budget - taken) / growth, 0.0, 1.0) if growth > 0.0 else 0.0
        for i in range(first, len(allowed)):
            if s.cluster[i] == first and not isnan(allowed[i]):
                size = share * fabs(allowed[i])
                kept = min(size, same_way(held[i], allowed[i]))
                s.allowed[i] = sign(allowed[i]) * (size if pace == 1.0 else kept + pace * (size - kept))
    return members


@layer(
    83,
    "correlation_cap",
    domain="risk",
    source="RiskMetrics 1996; Meucci 2009; OptionsIB (correlation_matrix)",
    oracle="pandas ewm corr",
    scope="portfolio",
    loop="closed",
    warmup=lambda p: p.half_life,
    says="largest correlation {max_corr}, {effective_bets} effective bets, allowed {allowed}",
    origins={
        "held": "account.reach",
        "equity": "account.equity",
    },
    cuts={"allowed": Cut(of="allowed")},
)
def step(
    s: Memory,
    p: Params,
    r1: PerSymbol[LogReturn],
    allowed: PerSymbol[Notional],
    held: PerSymbol[Notional],
    equity: Notional,
) -> Out:
    n = min(len(r1), MOST)
    fade = 0.5 ** (1.0 / p.half_life)
    s.strongest = 1.0 if len(r1) > MOST else 0.0
    for j in range(n):
        for i in range(j):
            k = j * (j - 1) // 2 + i
            s.rho[k] = correlate(s, k, r1[i], r1[j], fade)
            if fabs(s.rho[k]) > fabs(s.strongest):
                s.strongest = s.rho[k]
    if s.seen >= p.half_life and (s.seen - p.half_life) % EVERY == 0:
        count_bets(s, n)
    s.seen += 1
    for j in range(len(r1)):
        s.allowed[j] = allowed[j]
        moved = fabs(held[j]) > 0.0 or fabs(allowed[j]) > 0.0
        s.cluster[j] = j if moved else -1.0
        for i in range(j):
            if s.cluster[j] >= 0.0 and s.cluster[i] >= 0.0 and fabs(rho_of(s, i, j)) > p.cap:
                join(s, i, j)
    for first in range(len(r1)):
        if s.cluster[first] == first:
            limit(s, first, p.cluster * max(equity, 0.0), allowed, held)
    return Out(s.allowed, s.strongest, s.bets)
