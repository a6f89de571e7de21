"""Virtual people living under a regimen, day by day: tablets, kinetics, body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ..physiology.engine import engine_for
from ..physiology.library import load_model
from ..physiology.pharmacokinetics import ETAS, DayStep, expose, load_kinetics, propagators, stack
from ..physiology.population import Patients
from ..therapy.adherence import load_adherence
from ..therapy.formulary import CLASSES, DRUGS, Formulary

Array = NDArray[np.float64]

USUAL_SODIUM: Final = 1.0
LONGEST_STRETCH: Final = 28


@dataclass(frozen=True)
class PressureBodies:
    """People of the blood-pressure model and the state that each is in.

    Parameters
    ----------
    people : Patients
    formulary : Formulary
        The drugs that they take.
    step : DayStep
        How each person handles each drug of the formulary.
    share : array (B,)
        Of the tablets of one drug that each person takes.
    x : array (B, S)
        States of the bodies.
    amounts : array (B, 6, 4), mg
        Of each drug in each person's compartments.
    """

    people: Patients
    formulary: Formulary
    step: DayStep
    share: Array
    x: Array
    amounts: Array

    def __len__(self) -> int:
        return len(self.people)

    @cached_property
    def model(self) -> Any:
        """The model of the body."""
        return load_model(self.people.model)

    def take(self, rows: NDArray[np.int64]) -> PressureBodies:
        """Return the people at these rows, in this order; the same one may come twice."""
        return replace(
            self,
            people=self.people.take(rows.tolist()),
            step=DayStep(*(part[rows] for part in self.step)),
            share=self.share[rows],
            x=self.x[rows],
            amounts=self.amounts[rows],
        )


def untreated(people: Patients, formulary: Formulary) -> PressureBodies:
    """Return people who take nothing, each with kinetics and adherence of their own.

    Parameters
    ----------
    people : Patients
        Of the blood-pressure model's sampler.
    formulary : Formulary
    """
    n = len(people)
    steps = []
    for kind, name in zip(CLASSES, formulary.drugs, strict=True):
        etas = np.zeros((n, len(ETAS)))
        own = np.asarray(people.covariates[f"clearance_{kind}"], dtype=np.float64)
        etas[:, 0] = ndtri(np.clip(own, 1e-9, 1.0 - 1e-9))
        usual = DRUGS[name].standard_mg
        chart = people.covariates
        steps.append(propagators(load_kinetics(name), chart, etas, standard_mg=usual))
    share = load_adherence().share(people.covariates["adherence_trait"])
    x = load_model(people.model).initial(people.params)
    return PressureBodies(people, formulary, stack(steps), share, x, np.zeros((n, len(CLASSES), 4)))


def live(
    bodies: PressureBodies, mg: Array, wanted: Sequence[int] | range
) -> tuple[PressureBodies, dict[str, Array]]:
    """Let people live through days, each taking their usual share of what is prescribed.

    Parameters
    ----------
    bodies : PressureBodies
    mg : array (T, 6)
        Prescribed on each day.
    wanted : sequence of int
        Days at whose end the outputs are kept, rising, from 0 (the start) to T.

    Returns
    -------
    bodies : PressureBodies
        At the end of all days.
    series : mapping of output to array (len(wanted), B)
    """
    engine, params = engine_for(bodies.model), bodies.people.params
    x, amounts = bodies.x.copy(), bodies.amounts.copy()
    kept = np.empty((len(wanted), len(bodies), len(bodies.model.outputs)))
    last = np.zeros((len(CLASSES) + 2, len(bodies)))
    last[-2] = USUAL_SODIUM
    done = 0
    for row, day in enumerate([*wanted, len(mg)]):
        for first, end in _constant(mg, done, int(day)):
            inputs = exposures(bodies, amounts, mg[first], end - first)
            engine.advance(x, params, inputs)
            last = inputs[-1]
        done = max(done, int(day))
        if row < len(wanted):
            kept[row] = engine.outputs(x, params, last)
    names = [quantity.name for quantity in bodies.model.outputs]
    series = {name: np.ascontiguousarray(kept[:, :, i]) for i, name in enumerate(names)}
    return replace(bodies, x=x, amounts=amounts), series


def _constant(mg: Array, first: int, end: int) -> list[tuple[int, int]]:
    """Return the stretches of days [first, end) with one regimen, none longer than a month."""
    if end <= first:
        return []
    changed = np.flatnonzero((mg[first + 1 : end] != mg[first : end - 1]).any(axis=1)) + first + 1
    edges = sorted({first, *changed.tolist(), *range(first, end, LONGEST_STRETCH), end})
    return list(pairwise(edges))


def exposures(bodies: PressureBodies, amounts: Array, mg: Array, days: int) -> Array:
    """Return the model's inputs (days, 8, B) of days on one regimen; moves ``amounts``."""
    n = len(bodies)
    inputs = np.zeros((days, len(CLASSES) + 2, n))
    inputs[:, -2] = USUAL_SODIUM
    # Which days are missed is not known; every day's dose is its mean over taken and missed ones.
    taken = load_adherence().probability(bodies.share, float((mg > 0.0).sum()), 0.0)
    prescribed = np.ascontiguousarray(mg[None] * taken[:, None])
    expose(bodies.step, prescribed, np.ones((n, days), dtype=np.bool_), amounts, inputs)
    return inputs
