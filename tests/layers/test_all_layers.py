"""What holds for every layer: outputs in range, the same twice, nothing of the future, its warm-up, the catalogue."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stratoquant.graph.language import Layer
from stratoquant.layers import catalogue
from tests.layers.catalogue_file import differences, entries
from tests.layers.hostile import SCENARIOS, SYMBOLS, inputs_for
from tests.layers.single import run_with_state

KEYS = catalogue().keys()
NUMBERED = [key for key in KEYS if catalogue().get(key).number is not None]
BEYOND_WARMUP = 250  # bars that are looked at after the warm-up

OPTIONAL_SO_THAT_IT_SPEAKS = "it must speak whatever is missing, see its page"

ALLOWED: dict[str, dict[str, str]] = {
    "L0": {"in.now": "the clock makes gap and stale exact"},
    "L4": {
        "in.standing": "a stop at the venue is never loosened",
        "out.bound": "the border of the plan holds orders to it",
        "optional": OPTIONAL_SO_THAT_IT_SPEAKS,
    },
    "L5": {"optional": "closing needs no price"},
    "L8": {
        "out.microprice": "Stoikov's needs a fit to the market's own book",
        "out.weighted_mid": "what the rule computes, by its name",
    },
    "L10": {
        "param.notional": "an amount is right in one currency only",
        "param.share": "of the capital, right in every currency",
        "param.capital": "what the share is taken of; the run's cash",
        "param.impact": "the venue's own",
        "param.half_spread": "the venue's own",
        "in.half_spread": "the venue's own",
        "in.impact": "the venue's own",
        "in.taker_fee": "what a fill costs holds its fee",
        "out.fill": "what a fill costs with its fee",
    },
    "L50": {"optional": "where no pattern is alive no age is known, and the vote is still told"},
    "L51": {
        "param.q_level": "on the scale of a bar's variance, so that t values are near standard normal",
        "param.q_slope": "on the scale of a bar's variance, so that t values are near standard normal",
        "param.r": "on the scale of a bar's variance, so that t values are near standard normal",
    },
    "L61": {"in.from_trades": "signed volume inferred from the return cannot explain it"},
    "L7": {
        "in.stop": "Kelly's stake is what the stop takes away",
        "out.gain": "what the cost gate weighs",
        "out.loss": "what the cost gate weighs",
        "out.ok": "a chance that has not beaten its base rate is no reason to trade",
    },
    "L65": {
        "param.lambda": "a word that Python keeps",
        "param.lambda_": "a word that Python keeps",
        "param.half_life": "hits of long ago count less",
    },
    "L66": {
        "out.ok": "a probability that has not beaten its base rate counts as absent",
        "param.rate": "of independent outcomes, of which one is there per horizon",
    },
    "L67": {"in.ok": "a chance that has not beaten its base rate is no reason to trade"},
    "L69": {
        "in.price": "the limit lies at an offset from it",
        "in.taker_fee": "a passive fill saves the difference of the venue's fees",
        "in.maker_fee": "a passive fill saves the difference of the venue's fees",
        "optional": OPTIONAL_SO_THAT_IT_SPEAKS,
    },
    "L73": {
        "in.weights": "the feedback of L65 has no port in the catalogue",
        "in.ok_cal": "the calibrated edge counts only while it beats its base rate",
        "param.w_cal": "the calibrated edge is a member like the models",
    },
    "L74": {
        "param.fee": "the venue's own",
        "in.taker_fee": "the venue's own",
        "in.cost_open": "what fills cost is known once there are some",
        "in.cost_win": "what fills cost is known once there are some",
        "in.cost_loss": "what fills cost is known once there are some",
        "in.opened": "what fills cost is known once there are some",
        "in.won": "what fills cost is known once there are some",
        "in.lost": "what fills cost is known once there are some",
        "in.ok": "a chance that has not beaten its base rate is no reason to trade",
        "out.costs": "the run compares it with what was paid",
    },
    "L75": {"in.position": "what is held is ended by its barriers, its time or an opinion against it"},
    "L76": {
        "in.bars_per_year": "target_vol is a year's, sigma a bar's",
        "out.kept": "how far a drawdown cuts size is shown",
    },
    "L78": {"optional": "a position can always be closed, also while these are missing"},
    "L83": {"optional": "correlations are learned before there is anything to cut"},
    "L84": {
        "param.window": "sums over an hour need more bars than single returns",
        "param.half_life": "the memory of the volatility, which the rule leaves open",
    },
    "L87": {
        "in.sigma": "plays no part in the cited test, and would add the warm-up of its layer",
        "in.time": "the pattern of the day",
        "in.gap": "bars that fill a gap are no observations",
        "param.parts": "the pattern of the day",
        "param.days": "the pattern of the day",
    },
    "L88": {
        "in.side": "an order that turns is a new one",
        "in.price": "risk_aversion is per unit of quote currency",
        "optional": OPTIONAL_SO_THAT_IT_SPEAKS,
    },
    "L89": {
        "in.order_qty": "what works may be more than is wanted",
        "in.side": "what works may lead away from what is wanted",
        "in.working": "what works may lead away from what is wanted",
        "in.intent": "an exit is never given up",
        "optional": OPTIONAL_SO_THAT_IT_SPEAKS,
    },
    "L90": {
        "in.position": "whether a fill bought or sold turns the sign of its shortfall",
        "in.realised": "whether a fill closes a gain or a loss",
        "in.half": "what an aggressive fill costs beside its fee",
        "out.cost_open": "what the cost gate charges once there are fills",
        "out.cost_win": "what the cost gate charges once there are fills",
        "out.cost_loss": "what the cost gate charges once there are fills",
        "out.opened": "what the cost gate charges once there are fills",
        "out.won": "what the cost gate charges once there are fills",
        "out.lost": "what the cost gate charges once there are fills",
        "optional": "the router's health is told also while no price of decision is known",
    },
    "L86": {"in.bars_per_day": "the volatile day is a day's, sigma a bar's"},
    "L91": {"optional": "the volume is watched before the first cost is known"},
    "L92": {
        "optional": "flat, there is no entry",
        "in.bars_per_day": "the distance is in daily sigmas, sigma is a bar's",
        "in.maintenance": "the venue's own",
        "param.maintenance": "the venue's own",
    },
    "L95": {
        "in.reset": "the catalogue has no way to let a kill go",
        "in.mismatch": "L99's rule stops the governor, and the catalogue has no way for it",
        "in.pine_mismatch": "L99's rule stops the governor, and the catalogue has no way for it",
        "optional": OPTIONAL_SO_THAT_IT_SPEAKS,
    },
    "L96": {
        "in.side": "the passive side of a price depends on it",
        "in.reduce_only": "exits are exempt from the minima",
        "in.position": "an exit of the whole position takes the odd lot with it",
        "optional": OPTIONAL_SO_THAT_IT_SPEAKS,
    },
    "L97": {
        "in.reduce_only": "the reserve is for exits",
        "out.released": "the venue must be told to do nothing with what may not go",
        "optional": "an exit must be counted whether or not the venue tells its weight",
    },
    "L100": {"optional": OPTIONAL_SO_THAT_IT_SPEAKS},
}
"""Where a layer departs from its entry in the catalogue, and why."""


def parameter_sets(layer: Layer) -> list[dict[str, float]]:
    """The defaults; every parameter at its lowest; whole ones at their lowest and the others at their highest."""
    if layer.params is None:
        return [{}]
    lowest, mixed = {}, {}
    for name, field in layer.params.model_fields.items():
        low = next(m.ge for m in field.metadata if hasattr(m, "ge"))
        high = next(m.le for m in field.metadata if hasattr(m, "le"))
        lowest[name] = low
        mixed[name] = low if field.annotation is int else high
    return [{}, lowest, mixed]


def run(layer: Layer, inputs: dict[str, np.ndarray], params: dict[str, float]) -> dict[str, np.ndarray]:
    """Runs a layer in memory sized for its defaults, so that it is compiled once."""
    return run_with_state(layer, inputs, params, SYMBOLS, sized_for={})[0]


def bars_for(layer: Layer) -> int:
    return layer.warmup(layer.params() if layer.params else None) + BEYOND_WARMUP


def assert_in_range(layer: Layer, outputs: dict[str, np.ndarray], where: object) -> None:
    for name, port in layer.outputs.items():
        known = outputs[name][~np.isnan(outputs[name])]
        bad = ~np.isfinite(known) | (known < port.edge.low) | (known > port.edge.high)
        if port.edge.low_open:
            bad |= known <= port.edge.low
        if port.edge.whole:
            bad |= known != np.floor(known)
        if name in layer.labels:
            count = len(layer.labels[name])
            bad |= known >= (2.0**count if port.edge.name == "bitmask" else count)
        assert not bad.any(), f"{layer.key}.{name}: {known[bad][:3]} is no {port} ({where})"


def assert_same(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray], bars: int, message: str) -> None:
    for name, values in ours.items():
        np.testing.assert_array_equal(values[:bars], theirs[name][:bars], err_msg=f"{message}: {name}")


@pytest.mark.parametrize("key", KEYS)
def test_outputs_keep_their_range_whatever_comes_in(key: str) -> None:
    layer = catalogue().get(key)
    for params in parameter_sets(layer):
        for scenario in SCENARIOS:
            inputs = inputs_for(layer, scenario, bars_for(layer), seed=1)
            assert_in_range(layer, run(layer, inputs, params), (scenario, params))


@pytest.mark.parametrize("key", KEYS)
def test_outputs_know_nothing_of_later_inputs(key: str) -> None:
    """And a second run gives the same bits as the first."""
    layer = catalogue().get(key)
    bars = bars_for(layer)
    generator = np.random.default_rng(7)
    for scenario, other in (("ordinary", "jumps"), ("gaps", "ordinary")):
        inputs = inputs_for(layer, scenario, bars, seed=2)
        outputs = run(layer, inputs, {})
        assert_same(run(layer, inputs, {}), outputs, bars, "a second run differs")
        later = inputs_for(layer, other, bars, seed=3)
        for cut in generator.integers(bars - BEYOND_WARMUP, bars, 3):
            disturbed = {name: values.copy() for name, values in inputs.items()}
            for name, values in disturbed.items():
                values[cut:] = later[name][cut:]
            assert_same(run(layer, disturbed, {}), outputs, cut, f"bars before {cut} changed")


@pytest.mark.parametrize("key", KEYS)
def test_the_warm_up_is_silent_and_then_it_speaks(key: str) -> None:
    layer = catalogue().get(key)
    for params in parameter_sets(layer):
        warmup = layer.warmup(layer.params(**params) if layer.params else None)
        assert warmup >= 0 and warmup == int(warmup)
        outputs = run(layer, inputs_for(layer, "ordinary", warmup + 1, seed=4), params)
        assert all(np.isnan(values[:warmup]).all() for values in outputs.values())
        assert any(not np.isnan(values[warmup]).all() for values in outputs.values()), (key, params)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    key=st.sampled_from(KEYS),
    scenario=st.sampled_from(SCENARIOS),
    seed=st.integers(0, 2**20),
    data=st.data(),
)
def test_any_parameters_within_their_bounds(key: str, scenario: str, seed: int, data: st.DataObject) -> None:
    """Whole parameters stay at or below their defaults, for which the memory is sized."""
    layer = catalogue().get(key)
    params: dict[str, float] = {}
    for name, field in (layer.params.model_fields if layer.params else {}).items():
        low = next(m.ge for m in field.metadata if hasattr(m, "ge"))
        high = next(m.le for m in field.metadata if hasattr(m, "le"))
        if field.annotation is int:
            params[name] = data.draw(st.integers(int(low), int(field.default)), label=name)
        else:
            params[name] = data.draw(st.floats(low, high), label=name)
    inputs = inputs_for(layer, scenario, bars_for(layer), seed)
    assert_in_range(layer, run(layer, inputs, params), (scenario, params))


@pytest.mark.parametrize("key", KEYS)
def test_what_it_says_and_its_causes_name_its_ports(key: str) -> None:
    layer = catalogue().get(key)
    assert set(re.findall(r"{(\w+)}", layer.says)) <= set(layer.inputs) | set(layer.outputs)
    assert set(layer.causes) <= {name for names in layer.labels.values() for name in names}
    assert {name for inputs in layer.causes.values() for name in inputs} <= set(layer.inputs)


@pytest.mark.parametrize("key", NUMBERED)
def test_the_declaration_agrees_with_the_catalogue(key: str) -> None:
    found = differences(catalogue().get(key), entries()[key])
    allowed = ALLOWED.get(key, {})
    unexplained = {concern: how for concern, how in found.items() if concern not in allowed}
    assert not unexplained, f"{key} departs from the catalogue; explain it in ALLOWED: {unexplained}"
    assert not set(allowed) - set(found), f"{key} does not depart from the catalogue here any more"
