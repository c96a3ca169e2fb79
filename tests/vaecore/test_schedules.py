"""Beta schedules against their definitions and MusicVAE's published values."""

import json

import pytest

from vaecore.schedules import Constant, Cyclical, Exponential, Linear, make_schedule


@pytest.mark.parametrize(
    ("step", "beta"), [(0, 0.0), (10_000, 0.0190), (100_000, 0.1264), (200_000, 0.1729)]
)
def test_exponential_is_musicvaes(step, beta):
    assert Exponential(rate=0.99999, max_beta=0.2)(step) == pytest.approx(beta, abs=5e-5)


def test_exponential_with_rate_0_is_0_at_step_0_only():
    schedule = Exponential(rate=0.0, max_beta=0.2)
    assert [schedule(step) for step in (0, 1, 1000)] == [0.0, 0.2, 0.2]


def test_linear_rises_and_stays():
    schedule = Linear(steps=100, max_beta=0.5)
    assert [schedule(step) for step in (0, 50, 100, 10_000)] == [0.0, 0.25, 0.5, 0.5]


def test_cyclical_starts_again():
    schedule = Cyclical(period=100, max_beta=2.0, ramp=0.5)
    values = [schedule(step) for step in (0, 25, 50, 99, 100, 125, 199)]
    assert values == [0.0, 1.0, 2.0, 2.0, 0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "schedule",
    [Constant(0.3), Linear(7, 0.5), Cyclical(9, 0.5, 0.25), Exponential(0.999, 0.5)],
    ids=lambda schedule: schedule.kind,
)
def test_config_round_trip(schedule):
    again = make_schedule(json.loads(json.dumps(schedule.config)))
    assert again == schedule
    # At a step long after any warm-up, in the upper part of a cycle.
    assert schedule(9_000_008) == pytest.approx(schedule.final)


def test_a_number_is_constant():
    assert make_schedule(2) == Constant(2.0)
    assert make_schedule(0.2)(0) == make_schedule(0.2).final == 0.2


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"kind": "sawtooth"}, "'sawtooth'.*constant, linear, cyclical, exponential"),
        ({"max_beta": 1.0}, "unknown schedule None"),
        ({"kind": "linear", "steps": 5, "speed": 1}, "'speed'"),
        ({"kind": "linear"}, "'steps'"),
        ({"kind": "linear", "steps": 0}, "steps"),
        ({"kind": "linear", "steps": 2.5}, "steps"),
        ({"kind": "cyclical", "period": 10, "ramp": 0.0}, "ramp"),
        ({"kind": "exponential", "rate": 1.0}, "rate"),
        ({"kind": "exponential", "rate": "fast"}, "rate"),
        ({"kind": "constant", "beta": -1.0}, "beta"),
        (float("nan"), "beta"),
        ("linear", "number or a mapping"),
    ],
)
def test_refuses_what_is_no_schedule(config, message):
    with pytest.raises(ValueError, match=message):
        make_schedule(config)
