"""The certificate's sentence, and the assumptions it rests on, each with its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..therapy.constraint import ConstraintSet
from ..therapy.scenario import Scenario, load_scenario

Assumptions = tuple[dict[str, str], ...]


def sentence_of(
    verdict: str,
    scope: Sequence[str],
    population: Mapping[str, Any],
    kwargs: Mapping[str, Any],
    rules: ConstraintSet,
) -> tuple[str, Assumptions]:
    """Return the sentence and the assumptions.

    Parameters
    ----------
    verdict : str
        ``RELEASE``, ``RESTRICT`` or ``NO_SOLUTION``.
    scope : sequence of str
        Age groups released.
    population : mapping
        ``sampler``, ``groups``, ``n`` and ``sha256`` of the virtual patients.
    kwargs : mapping
        Keywords of the environment they lived in.
    rules : ConstraintSet
    """
    scenario = load_scenario(kwargs.get("scenario", "unannounced"))
    assumptions = (
        _same_world(population, scenario),
        {
            "id": "A2",
            "text": "the simulated body behaves as a real one to within the margins of the limits",
            "status": "not tested in this version; the twin's held-out error is shown with each "
            "recommendation",
        },
        {
            "id": "A3",
            "text": "the policy acts as hashed, with the pump limits and the safety layer it was "
            "certified with",
            "status": "checked by hash at recommendation",
        },
        _lows(scenario),
    )
    if verdict == "NO_SOLUTION":
        return (
            f"Not every constraint of {rules.name} {rules.version} could be shown to hold in any "
            "age group; no recommendation may rest on this policy.",
            assumptions,
        )
    people = "every group asked for" if verdict == "RELEASE" else "the groups released"
    sure = 100.0 * (1.0 - rules.total_delta)
    return (
        f"With confidence at least {sure:g} % over the draw of the {population['n']} evaluation "
        f"patients, and assuming A1 to A4, every constraint of {rules.name} {rules.version} "
        f"satisfies its limit over {rules.horizon_days} days in {people}: {', '.join(scope)}.",
        assumptions,
    )


def _same_world(population: Mapping[str, Any], scenario: Scenario) -> dict[str, str]:
    return {
        "id": "A1",
        "text": f"patients and days are drawn as the evaluation's were: sampler "
        f"{population['sampler']} ({', '.join(population['groups'])}), scenario {scenario.name}, "
        f"population hash {str(population['sha256'])[:12]}",
        "status": "assumed",
    }


def _lows(scenario: Scenario) -> dict[str, str]:
    """Say how lows are treated in the scenario, and which way that errs."""
    if scenario.rescue_g <= 0.0 or max(scenario.rescue_awake, scenario.rescue_asleep) <= 0.0:
        return {
            "id": "A4",
            "text": "hypoglycaemia is not treated with carbohydrate and the body has no glucagon "
            "response: low glucose is overstated rather than understated",
            "status": "by construction of the scenario and the body",
        }
    s = scenario
    return {
        "id": "A4",
        "text": f"people treat lows at least as the scenario's do: {s.rescue_g:g} g of "
        f"carbohydrate when the sensor reads below {s.rescue_below_mg_dl:g} mg/dL by day, heeded "
        f"in {100 * s.rescue_awake:g} % of hours, or below {s.rescue_alarm_mg_dl:g} mg/dL at "
        f"night, heeded in {100 * s.rescue_asleep:g} %, again after {s.rescue_wait_min:g} min; "
        "the body itself has no glucagon response",
        "status": "assumed: in people who treat lows less, low glucose is understated",
    }
