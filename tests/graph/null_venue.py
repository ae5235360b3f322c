"""A venue in which nothing ever fills: what a plan without orders needs."""

import numpy as np

from stratoquant.graph.account import SHARED_ACCOUNT_PORTS, SYMBOL_ACCOUNT_PORTS
from stratoquant.graph.language import Parameters, State, kernel, param
from stratoquant.graph.venue import Venue


class Account(State):
    __annotations__ = dict.fromkeys(SYMBOL_ACCOUNT_PORTS, float)


class Wallet(State):
    __annotations__ = dict.fromkeys(SHARED_ACCOUNT_PORTS, float) | {"fills": int}


class Settings(Parameters):
    fee: float = param(0.0, 0.0, 1.0, "unused")


@kernel
def passes_always(account, wallet, settings, event):
    return True


@kernel
def meet_nothing(account, wallet, settings, event, now, symbol, fills):
    return 0.0


@kernel
def settle_nothing(accounts, wallet, settings):
    return 0.0


@kernel
def nothing_outlasts(account, settings, side):
    return 0.0


@kernel
def place_nothing(
    account, wallet, settings, now, side, qty, price, valid, reduce_only, post_only, kind, ttl, command, stop, take
):
    return 0.0


NULL_VENUE = Venue(
    account=Account,
    wallet=Wallet,
    settings=Settings,
    fill=np.dtype([("time", "f8")]),
    fills_per_bar=1,
    passes_quietly=passes_always,
    meet_market=meet_nothing,
    settle=settle_nothing,
    outlasting=nothing_outlasts,
    place=place_nothing,
)
