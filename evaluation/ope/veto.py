"""The lane of logged data in the safety case: it may object to a policy, never release one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from ...physiology.errors import InputError
from .estimate import Estimate
from .parts import refuse_overlap

Word = Literal["VETO", "NO_OBJECTION", "UNINFORMATIVE"]

LEAST_ESS: Final = 50.0
LEAST_SHARE: Final = 0.05


@dataclass(frozen=True)
class Verdict:
    """What logged data say of a target policy.

    Parameters
    ----------
    word : {"VETO", "NO_OBJECTION", "UNINFORMATIVE"}
        UNINFORMATIVE is no pass; NO_OBJECTION is no release.
    reasons : tuple of str
        One line for each estimate that counted, or why none did.
    ess, needed : float
        Effective sample of whole courses in patients, and what the rule asks for.
    error_at_most : float
        Probability that a sound policy is vetoed, added up over the estimates that may veto and the
        comparator's interval (where these hold what they promise).
    """

    word: Word
    reasons: tuple[str, ...]
    ess: float
    needed: float
    error_at_most: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        ess = None if np.isnan(self.ess) else self.ess
        return {**vars(self), "ess": ess, "reasons": list(self.reasons)}


def least_ess(n_patients: int) -> float:
    """Return the effective sample below which intervals are not believed: max(50, 5 % of n).

    A project choice; ``docs/reference/ope.md`` shows coverage on either side of it.
    """
    return max(LEAST_ESS, LEAST_SHARE * n_patients)


def ope_verdict(
    estimates: Sequence[Estimate],
    comparator: Estimate | float,
    margin: float,
    *,
    trained_on: frozenset[str],
    selected_on: frozenset[str] = frozenset(),
) -> Verdict:
    """Judge a target policy by its estimates on patients that it was not made from.

    Parameters
    ----------
    estimates : sequence of Estimate
        Of one target, on the part of the gate. Those of a model alone are told but never veto.
    comparator : Estimate or float
        What the target must not fall below by more than ``margin``: the behaviour's value on the
        same patients, of which the lower end counts, or a number known beforehand.
    margin : float
        At least 0, in units of the return.
    trained_on, selected_on : frozenset of str
        Hashes of the patients (``Part.people``) by whom the target was trained or chosen; an empty
        set states that it never saw logged data.

    Returns
    -------
    Verdict
        An estimate vetoes if its upper end lies below the comparator's lower end less the margin.
        An asymptotic interval counts only above ``least_ess``; one that holds at any number of
        patients vetoes at any.

    Raises
    ------
    InputError
        If patients overlap, there is no estimate, they are of different patients, or the margin is
        negative.
    """
    people = _check(estimates, comparator, margin)
    refuse_overlap(people, trained_on, "the gate", "training")
    refuse_overlap(people, selected_on, "the gate", "selection")
    limit = (comparator.low if isinstance(comparator, Estimate) else float(comparator)) - margin
    n = estimates[0].n_patients
    needed = least_ess(n)
    ess = max((e.ess for e in estimates if not np.isnan(e.ess)), default=float("nan"))
    enough = not np.isnan(ess) and ess >= needed
    reasons, vetoed, error = [], False, 0.0
    counted = 0
    for e in estimates:
        usable = np.isfinite(e.high) and not e.model_based
        usable &= enough or e.guarantee == "finite-sample"
        reasons.append(_line(e, limit, usable))
        if usable:
            error += 0.5 * (1.0 - e.confidence)
            counted += e.guarantee == "asymptotic" or enough
            vetoed |= e.high < limit
    if isinstance(comparator, Estimate):
        error += 0.5 * (1.0 - comparator.confidence)
    word: Word = "VETO" if vetoed else "NO_OBJECTION" if counted and enough else "UNINFORMATIVE"
    if not enough:
        reasons.insert(0, f"effective sample {ess:.1f} of {n} patients, {needed:.1f} are needed")
    return Verdict(word, tuple(reasons), ess, needed, error)


def _check(
    estimates: Sequence[Estimate], comparator: Estimate | float, margin: float
) -> frozenset[str]:
    if not estimates:
        raise InputError("no estimate is given; give at least one")
    if not margin >= 0.0:
        raise InputError(f"margin is {margin!r}; give a number of at least 0")
    value = comparator.low if isinstance(comparator, Estimate) else comparator
    if not np.isfinite(value):
        raise InputError(f"comparator is {value!r}; give a number or an estimate with an interval")
    people = estimates[0].people
    others = [*estimates, *([comparator] if isinstance(comparator, Estimate) else [])]
    if not people or any(e.people != people for e in others):
        raise InputError("estimates are of different patients; make all on the same part")
    return people


def _line(e: Estimate, limit: float, usable: bool) -> str:
    reach = f"{e.method}: {e.value:.4g} [{e.low:.4g}, {e.high:.4g}], {e.guarantee}"
    if e.model_based:
        return f"{reach}; a model alone, told but not counted"
    if not usable:
        return f"{reach}; not counted"
    side = "below" if e.high < limit else "reaches"
    return f"{reach}; upper end {side} {limit:.4g}"
