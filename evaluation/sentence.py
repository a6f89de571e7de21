"""The certificate's sentence, and the assumptions it rests on, each with its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..therapy.constraint import ConstraintSet
from .subject import Assumptions
from .subjects import subject_of


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
        Groups released.
    population : mapping
        ``sampler``, ``groups``, ``n`` and ``sha256`` of the virtual patients.
    kwargs : mapping
        Keywords of the environment they lived in.
    rules : ConstraintSet
    """
    told = subject_of(rules.environment).examination
    assumptions = told.assumptions(population, kwargs)
    if verdict == "NO_SOLUTION":
        return (
            f"Not every constraint of {rules.name} {rules.version} could be shown to hold in any "
            f"{told.group_words}; no recommendation may rest on this policy.",
            assumptions,
        )
    people = "every group asked for" if verdict == "RELEASE" else "the groups released"
    sure = 100.0 * (1.0 - rules.total_delta)
    return (
        f"With confidence at least {sure:g} % over the draw of the {population['n']} evaluation "
        f"patients, and assuming A1 to A{len(assumptions)}, every constraint of {rules.name} "
        f"{rules.version} satisfies its limit over {rules.horizon_days} days in "
        f"{people}: {', '.join(scope)}.{_hard(rules)}",
        assumptions,
    )


def _hard(rules: ConstraintSet) -> str:
    """Say what a hard constraint's limit means, where there are some."""
    if not rules.hard:
        return ""
    named = ", ".join(item.id for item in rules.hard)
    return (
        f" For the hard constraints ({named}) that means: violated by none of these patients at "
        "any step, and, as surely, by no larger share of people than the bound of each."
    )
