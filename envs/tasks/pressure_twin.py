"""A person's blood-pressure twin as those whom an environment treats."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...physiology.errors import InputError
from ...physiology.pharmacokinetics import steady_exposure
from ...therapy.adherence import Adherence
from ...therapy.formulary import CLASSES, DRUGS, Formulary, load_formulary
from ...therapy.pressure_cohort import PressureCohort
from ...twins.pressure import PressureTwin
from ...twins.pressure_file import load_pressure_twin

Array = NDArray[np.float64]


class Begun(NamedTuple):
    """Where people are at the first visit: body (n, S), drugs (n, 6, 4) mg, exposures (n, 6)."""

    body: Array
    amounts: Array
    exposures: Array


def twin_cohort(
    twin: Any, patient: Any, formulary: Any, adherence: Adherence
) -> tuple[PressureCohort, Begun]:
    """Return a twin's draws as a cohort, on the person's present regimen, and where each begins.

    Parameters
    ----------
    twin : str
        Path or id of a file that ``dosegym fit`` wrote.
    patient, formulary
        The task's keywords; a twin brings both, so both must be left at their defaults (a formulary
        that says the same as the twin's is taken).
    adherence : Adherence
        The task's; it tells what the person takes of what is prescribed.

    Raises
    ------
    InputError
        If there is no such twin, it rests on too few different bodies, or another keyword
        contradicts it.
    """
    if not isinstance(twin, str):
        raise InputError(f"twin is {twin!r}; give the path of a twin's file, or its id, as text")
    if patient != "all":
        raise InputError(f"patient is {patient!r} beside twin {twin!r}; give one of the two")
    found = load_pressure_twin(twin)
    if not found.usable:
        raise InputError(
            f"twin {twin!r} rests on {found.distinct} different bodies and {found.accepted:.0%} of "
            "moves accepted, too few to stand for a person; fit it to a record with more visits"
        )
    if formulary != "default" and load_formulary(formulary) != found.bodies.formulary:
        own = ", ".join(found.bodies.formulary.drugs)
        raise InputError(f"formulary is not that of twin {twin!r} ({own}); leave it out")
    levels = np.tile(_levels(found), (len(found), 1))
    cohort = PressureCohort(found.bodies.people, levels, found.bodies.formulary)
    return cohort, _begun(found, levels, adherence)


def _levels(twin: PressureTwin) -> NDArray[np.int64]:
    """Return the level (6,) of each drug that is nearest to what the person takes."""
    formulary: Formulary = twin.bodies.formulary
    usual = np.array([DRUGS[name].standard_mg for name in formulary.drugs])
    taken = twin.seen.doses.now / usual
    return np.array(
        [formulary.nearest_level(slot, float(taken[slot])) for slot in range(len(CLASSES))],
        dtype=np.int64,
    )


def _begun(twin: PressureTwin, levels: NDArray[np.int64], adherence: Adherence) -> Begun:
    """Return the bodies as they are when the record ends."""
    bodies = twin.bodies
    drugs = (levels > 0).sum(axis=1)
    share = adherence.share(bodies.people.covariates["adherence_trait"])
    taken = adherence.probability(share, drugs, 0.0)
    mg = bodies.formulary.mg_of(levels) * taken[:, None]
    return Begun(bodies.x, bodies.amounts, steady_exposure(bodies.step, mg))
