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
MOST_MISSING: Final = 0.05


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


def informative(estimate: Estimate) -> bool:
    """Return whether an asymptotic interval may be believed.

    It needs ``least_ess`` effective patients, and no more than 5 % of the target's weight surely
    missing from the log: what the behaviour never does leaves the effective sample as it was and
    the estimate wrong. Both limits are project choices.
    """
    return not unbelievable(estimate)


def unbelievable(estimate: Estimate) -> str:
    """Return why an asymptotic interval is not to be believed; empty if it is."""
    ess, needed = estimate.ess, least_ess(estimate.n_patients)
    if np.isnan(ess):
        return "probabilities of the logged acts are unknown, so nothing tells of the overlap"
    if ess < needed:
        return f"{ess:.1f} effective patients of {estimate.n_patients}, {needed:.1f} are needed"
    missing = float(estimate.diagnostics.get("missing_weight", 0.0))
    if missing > MOST_MISSING:
        return f"at least {missing:.0%} of what the target would do was never done"
    return ""


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
        An asymptotic interval counts only where it is ``informative``; one that holds at any number
        of patients vetoes at any, but raises no UNINFORMATIVE to a NO_OBJECTION.

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
    reasons, vetoed, counted, error = [], False, False, 0.0
    for e in estimates:
        why = "a model alone, told but not counted" if e.model_based else unbelievable(e)
        if not np.isfinite(e.high):
            why = why or "no interval"
        usable = not why or (e.guarantee == "finite-sample" and np.isfinite(e.high))
        reasons.append(_line(e, limit, why, usable))
        counted |= not why
        if usable:
            error += 0.5 * (1.0 - e.confidence)
            vetoed |= e.high < limit
    if isinstance(comparator, Estimate):
        error += 0.5 * (1.0 - comparator.confidence)
    word: Word = "VETO" if vetoed else "NO_OBJECTION" if counted else "UNINFORMATIVE"
    ess = max((e.ess for e in estimates if not np.isnan(e.ess)), default=float("nan"))
    return Verdict(word, tuple(reasons), ess, least_ess(estimates[0].n_patients), error)


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


def _line(e: Estimate, limit: float, why: str, usable: bool) -> str:
    reach = f"{e.method}: {e.value:.4g} [{e.low:.4g}, {e.high:.4g}], {e.guarantee}"
    side = f"upper end {'below' if e.high < limit else 'reaches'} {limit:.4g}"
    if usable and why:
        return f"{reach}; {side}, which holds although {why}"
    return f"{reach}; {why or side}"
