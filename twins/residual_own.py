"""One person's residual: their frozen context, and whether it helped on a day it was not shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.library import load_model
from .coordinates import Coordinates
from .forward import SAMPLES_A_DAY
from .observations import Observations
from .residual import Residual, load_residual
from .residual_context import FEWEST_WINDOWS, encode
from .residual_judge import HORIZONS_MIN, JUDGED_MIN, bare_error, person_errors, with_members
from .residual_windows import Windows, windows_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OwnResidual:
    """A residual as one person's twin holds it.

    Parameters
    ----------
    name, sha256 : str
        Of the trained residual, or the path it came from.
    context : tuple of float
        Computed once from the record; see ``residual_context.CONTEXT``.
    on : bool
    reason : str
        Why it is on or off.
    unfamiliar : float
        How unlike the people of its training this person is; beyond 1 it is off.
    """

    name: str
    sha256: str
    context: tuple[float, ...]
    on: bool
    reason: str
    unfamiliar: float

    def load(self) -> Residual:
        """Return the trained residual.

        Raises
        ------
        InputError
            If it is not the one that the context was computed for.
        """
        residual = load_residual(self.name)
        if residual.sha256 != self.sha256:
            raise InputError(
                f"residual {self.name} has changed since the twin was fitted "
                f"({residual.sha256[:12]}, was {self.sha256[:12]}); fit the twin again"
            )
        return residual

    def to_dict(self) -> dict[str, Any]:
        """Return it in JSON."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "context": list(self.context),
            "on": self.on,
            "reason": self.reason,
            "unfamiliar": self.unfamiliar,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> OwnResidual:
        """Return what ``to_dict`` described."""
        return cls(**{**data, "context": tuple(float(v) for v in data["context"])})


def own_residual(
    name: str, where: Coordinates, z: Array, seen: Observations, z_before: Array | None
) -> OwnResidual:
    """Return a person's residual from their record.

    Parameters
    ----------
    name : str
        Of a residual, or a path.
    z : array (d,)
        Most probable body of the whole record.
    z_before : array (d,) or None
        Of all but its last day, where there was one to spare: the residual is tried on that day.

    Notes
    -----
    It is off where training found it of no help, where the person is unlike those of its training,
    where there is no day to try it on, and where it does not lower the error 120 minutes ahead
    there.
    """
    residual = load_residual(name)
    last = len(seen.glucose) - 1
    context = _context(where, z, windows_of(where, z, seen, 0, last))
    unfamiliar = float(residual.people.score(context))
    on, reason = _verdict(residual, where, seen, z_before, unfamiliar)
    told = tuple(float(v) for v in np.round(context, 9))
    return OwnResidual(name, residual.sha256, told, on, reason, round(unfamiliar, 6))


def _context(where: Coordinates, z: Array, past: Windows) -> Array:
    params = where.params(z[None])
    weight = params[:, where.model.parameter_index["BW"]]
    basal = where.own_basal(params) * 60.0 / weight
    hybrid = load_model("uva_padova_gains", gut=where.model.options["gut"])
    return np.asarray(encode(hybrid, past, 1, basal)[0])


def _verdict(
    residual: Residual, where: Coordinates, seen: Observations, z_before: Array | None,
    unfamiliar: float,
) -> tuple[bool, str]:  # fmt: skip
    if not residual.on:
        return False, f"off for everyone: {residual.card['reason']}"
    if unfamiliar > 1.0:
        return False, f"this person is unlike those of its training ({unfamiliar:.2f} of at most 1)"
    if z_before is None:
        return False, "the record is too short to try it on a day that it was not shown"
    last = len(seen.glucose) - 1
    cut = last - SAMPLES_A_DAY
    past = windows_of(where, z_before, seen, 0, cut)
    day = windows_of(where, z_before, seen, cut, last)
    if len(past) < FEWEST_WINDOWS or len(day) < FEWEST_WINDOWS // 2:
        return False, f"too few readings to try it: {len(past)} hours before, {len(day)} in the day"
    context = _context(where, z_before, past)[None]
    hybrid = load_model("uva_padova_gains", gut=where.model.options["gut"])
    paths = with_members(hybrid, residual, context, day)
    at = HORIZONS_MIN.index(JUDGED_MIN)
    bare = person_errors(bare_error(hybrid, day), day.person, 1)[0, at]
    better = person_errors(day.readings - paths.mean(axis=0), day.person, 1)[0, at]
    said = (
        f"error {JUDGED_MIN} min ahead on the held-out day {better:.1f} mg/dL with it, "
        f"{bare:.1f} without"
    )
    return (True, said) if better < bare else (False, f"it does not help: {said}")
