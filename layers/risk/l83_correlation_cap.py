"""L83: cuts what is allowed where symbols move together, so that they weigh on the account as one.

Rule: rho of two symbols: correlation of r1 over the bars that have both, less their means, with weights that halve
    every half_life bars (pandas' ewm(halflife).corr(), adjust=True; its bias cancels). A cluster: two or more symbols,
    held or allowed, that a chain of |rho| > cap joins; others pass as they are. Each member has a side: up where it is
    long and moves with the first member or is short and moves against it, else down. What is down hedges what is up,
    and the reverse, as far as it is held and stays. With B = cluster equity, none if not positive, and for a side W =
    the sum of |allowed|, A = what absent members (allowed missing) hold, H = what the other side keeps: its members are
    entitled to |allowed| min(1, (B + H - A) / W). They keep what of that they hold in that direction; beyond it each
    gets the share min(1, (B + H - held of this side) / growth of this side), so that room counts once it is free.
    Never more than is allowed.
    max_corr: the rho of largest size, with its sign, 0 without a pair. effective_bets = exp(-sum q ln q), q the shares
    of the eigenvalues above 0 of the matrix of rho; taken every 240 bars and held between.
Note: rho is 1 where it is not known (no common bars, or one of them never moved) and for pairs with a symbol after
    the first 64, which effective_bets leaves out. Where such a rho joins a cluster, or the signs of its rho contradict
    each other, nothing in it hedges: all are up. Absent members hedge nothing. What both sides keep is found in turn,
    from all that is held; where that has not ended after 8 turns, hedges do not count.
    Correlations need returns alone, so they are known before the first proposal comes.
"""

from math import exp, fabs, isnan, log, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import PER_SYMBOL, Array, Cut, Parameters, State, array, kernel, layer, param
from stratoquant.graph.types import LogReturn, Notional, Opt, PerSymbol, Real, Score
from stratoquant.layers.primitives.averages import FADED
from stratoquant.layers.primitives.eigen import diagonalise
from stratoquant.layers.primitives.scalars import clip, or_else, sign

MOST = 64
PAIRS = MOST * (MOST - 1) // 2
EVERY = 240
UP, DOWN = 0, 1
TURNS = 8
SETTLED = TURNS + 1


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
    rho: Array = array(PAIRS, fill=nan)
    matrix: Array = array(MOST * MOST)
    allowed: Array = array(PER_SYMBOL)
    cluster: Array = array(PER_SYMBOL)  # its first member; -1 for what is neither held nor allowed
    turn: Array = array(PER_SYMBOL)  # 1 where it moves with the first member, -1 where against it
    blurred: Array = array(PER_SYMBOL)  # of a first member: 1 where nothing in its cluster hedges
    wanted: Array = array(2)  # of each side of a cluster, as what follows
    absent: Array = array(2)
    taken: Array = array(2)
    share: Array = array(2)
    kept: Array = array(2)
    growth: Array = array(2)
    strongest: float = 0.0
    bets: float = nan
    seen: int = 0


class Out(NamedTuple):
    allowed: PerSymbol[Notional]
    max_corr: Score
    effective_bets: Real


@kernel
def correlate(s: Memory, k: int, x: float, y: float, fade: float) -> float:
    """Takes the returns of a pair into its moments; returns their correlation, missing when it is not known."""
    largest = max(s.square_i[k], s.square_j[k])
    if not (x == 0.0 and y == 0.0 and 0.0 < largest < FADED):
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
    return clip(s.product[k] / spread, -1.0, 1.0) if spread > 0.0 else nan


@kernel
def rho_of(s: Memory, i: int, j: int) -> float:
    """The correlation of i < j, missing when it is not known."""
    return s.rho[j * (j - 1) // 2 + i] if j < MOST else nan


@kernel
def count_bets(s: Memory, n: int) -> float:
    """The exponential of the entropy of the eigenvalues."""
    for j in range(n):
        s.matrix[j * n + j] = 1.0
        for i in range(j):
            s.matrix[i * n + j] = or_else(rho_of(s, i, j), 1.0)
            s.matrix[j * n + i] = s.matrix[i * n + j]
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
def join(s: Memory, i: int, j: int, rho: float) -> float:
    """Makes one cluster of those of i < j, which move as rho says; returns its first member."""
    first = min(s.cluster[i], s.cluster[j])
    other = max(s.cluster[i], s.cluster[j])
    turned = s.turn[i] * s.turn[j] * sign(rho)  # 0 when rho is missing
    if first == other:
        unsure = turned != 1.0
    else:
        unsure = turned == 0.0 or s.blurred[int(other)] > 0.0
        for k in range(j + 1):
            if s.cluster[k] == other:
                s.cluster[k] = first
                s.turn[k] *= -1.0 if turned < 0.0 else 1.0
    if unsure:
        s.blurred[int(first)] = 1.0
    return first


@kernel
def is_up(s: Memory, i: int, position: float) -> bool:
    """Whether a position of symbol i is on the upper side of its cluster."""
    return s.blurred[int(s.cluster[i])] > 0.0 or s.turn[i] * position > 0.0


@kernel
def same_way(held: float, allowed: float) -> float:
    """What is held in the direction of what is allowed."""
    return max(sign(allowed) * held, 0.0) if not isnan(held) else 0.0


@kernel
def measure(s: Memory, first: int, allowed: Array, held: Array) -> int:
    """Writes what is wanted, absent and held on both sides of a cluster; returns the number of its members."""
    members = 0
    for side in range(2):
        s.wanted[side] = 0.0
        s.absent[side] = 0.0
        s.taken[side] = 0.0
    for i in range(first, len(allowed)):
        if s.cluster[i] == first:
            members += 1
            size = 0.0 if isnan(held[i]) else fabs(held[i])
            side = UP if is_up(s, i, held[i]) else DOWN
            s.taken[side] += size
            if isnan(allowed[i]):
                s.absent[side] += size
            else:
                s.wanted[UP if is_up(s, i, allowed[i]) else DOWN] += fabs(allowed[i])
    return members


@kernel
def part(room: float, wanted: float) -> float:
    """The share of what is wanted that there is room for."""
    return clip(room / wanted, 0.0, 1.0) if wanted > 0.0 else 1.0


@kernel
def keep(s: Memory, first: int, side: int, allowed: Array, held: Array) -> float:
    """Writes what the members of a side keep, and what they grow by, at their share; returns the former."""
    s.kept[side] = 0.0
    s.growth[side] = 0.0
    for i in range(first, len(allowed)):
        if s.cluster[i] == first and not isnan(allowed[i]) and side == (UP if is_up(s, i, allowed[i]) else DOWN):
            size = s.share[side] * fabs(allowed[i])
            kept = min(size, same_way(held[i], allowed[i]))
            s.kept[side] += kept
            s.growth[side] += size - kept
    return s.kept[side]


@kernel
def entitle(s: Memory, first: int, budget: float, allowed: Array, held: Array) -> float:
    """Writes the share that each side is entitled to, and what it keeps; returns the share of the upper one."""
    s.share[UP] = 1.0
    hedge = keep(s, first, UP, allowed, held)
    turns = 0
    while turns < TURNS:
        s.share[DOWN] = part(budget + hedge - s.absent[DOWN], s.wanted[DOWN])
        s.share[UP] = part(budget + keep(s, first, DOWN, allowed, held) - s.absent[UP], s.wanted[UP])
        kept = keep(s, first, UP, allowed, held)
        turns = turns + 1 if kept < hedge else SETTLED
        hedge = kept
    if turns != SETTLED:
        s.share[DOWN] = part(budget - s.absent[DOWN], s.wanted[DOWN])
        s.share[UP] = part(budget - s.absent[UP], s.wanted[UP])
        keep(s, first, DOWN, allowed, held)
        keep(s, first, UP, allowed, held)
    return s.share[UP]


@kernel
def limit(s: Memory, first: int, budget: float, allowed: Array, held: Array) -> int:
    """Cuts the members of a cluster to its budget; returns how many they are."""
    members = measure(s, first, allowed, held)
    if members > 1:
        entitle(s, first, budget, allowed, held)
        for i in range(first, len(allowed)):
            if s.cluster[i] == first and not isnan(allowed[i]):
                side = UP if is_up(s, i, allowed[i]) else DOWN
                room = budget + s.kept[1 - side] - s.taken[side]
                pace = clip(room / s.growth[side], 0.0, 1.0) if s.growth[side] > 0.0 else 0.0
                size = s.share[side] * fabs(allowed[i])
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
    allowed: Opt[PerSymbol[Notional]],
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
            rho = or_else(s.rho[k], 1.0)
            if fabs(rho) > fabs(s.strongest):
                s.strongest = rho
    if s.seen >= p.half_life and (s.seen - p.half_life) % EVERY == 0:
        count_bets(s, n)
    s.seen += 1
    for j in range(len(r1)):
        s.allowed[j] = allowed[j]
        moved = fabs(held[j]) > 0.0 or fabs(allowed[j]) > 0.0
        s.cluster[j] = j if moved else -1.0
        s.turn[j] = 1.0
        s.blurred[j] = 0.0
        for i in range(j):
            if s.cluster[j] >= 0.0 and s.cluster[i] >= 0.0:
                rho = rho_of(s, i, j)
                if fabs(or_else(rho, 1.0)) > p.cap:
                    join(s, i, j, rho)
    for first in range(len(r1)):
        if s.cluster[first] == first:
            limit(s, first, p.cluster * max(equity, 0.0), allowed, held)
    return Out(s.allowed, s.strongest, s.bets)
