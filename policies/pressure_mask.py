"""The drugs and doses open to a patient, from what an agent observes of contraindications."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..therapy.contraindication import Chart, Screen
from ..therapy.formulary import CLASSES, Formulary, load_formulary
from ..therapy.pressure_view import PRESSURE_VIEW

# Observations are float32: what was 5.5 reads 5.5000001, and would lie above a limit of 5.5.
_DECIMALS = 4


@lru_cache(maxsize=16)
def _screen(tablets: Formulary) -> Screen:
    return Screen(tablets)


def current_levels(observation: NDArray[np.float32], tablets: Formulary) -> NDArray[np.int64]:
    """Return the regimen (..., 6) that observations (..., n) show, in levels of a formulary."""
    doses = np.stack([PRESSURE_VIEW.read(observation, f"dose_{kind}") for kind in CLASSES], axis=-1)
    return np.abs(doses[..., None] - tablets.standard).argmin(axis=-1)


def _present(now: NDArray[np.int64], tablets: Formulary) -> NDArray[np.bool_]:
    """Return the mask (B, sum of levels) that leaves the regimen as it is."""
    each = [np.arange(n) == now[:, [slot]] for slot, n in enumerate(tablets.levels)]
    return np.concatenate(each, axis=1)


def chart_of(seen: NDArray[np.float32]) -> Chart:
    """Return what observations (B, n) show of what the contraindications read."""
    return Chart(*(np.round(PRESSURE_VIEW.read(seen, k), _DECIMALS) for k in Chart._fields))


def action_mask(
    observation: NDArray[np.float32], formulary: Any = "default", choices: int | None = None
) -> NDArray[np.bool_]:
    """Return which levels are open, class by class, as sb3-contrib takes masks.

    A level is open where no contraindication closes it, given the present regimen; for a patient
    who missed the visit the present regimen alone.

    Parameters
    ----------
    observation : array (n,) or (B, n)
        As ``PRESSURE_VIEW``.
    formulary : as ``load_formulary`` takes it
    choices : int, optional
        Width of the mask; what comes after the six classes (the next visit's date) is always open.

    Returns
    -------
    array (sum of levels,) or (B, sum of levels)
        As ``info["action_mask"]`` of the environment at the same time.

    Raises
    ------
    InputError
        If there is no such formulary.
    """
    tablets = load_formulary(formulary)
    seen = np.atleast_2d(observation)
    now = current_levels(seen, tablets)
    came = PRESSURE_VIEW.read(seen, "attended")[:, None] > 0.5
    mask = np.where(came, _screen(tablets).allowed(now, chart_of(seen)), _present(now, tablets))
    more = (choices or mask.shape[1]) - mask.shape[1]
    mask = np.pad(mask, ((0, 0), (0, more)), constant_values=True)
    return mask[0] if np.ndim(observation) == 1 else mask


def screened(
    observation: NDArray[np.float32], action: NDArray[Any], formulary: Any = "default"
) -> NDArray[Any]:
    """Return an action without what is contraindicated: what the environment would give anyway.

    Parameters
    ----------
    observation : array (n,) or (B, n)
    action : array (A,) or (B, A)
        Levels if of whole numbers, else numbers from -1 to 1; entries beyond the classes stay.
    formulary : as ``load_formulary`` takes it

    Returns
    -------
    array of the same shape and kind
    """
    tablets = load_formulary(formulary)
    seen, asked = np.atleast_2d(observation), np.atleast_2d(action)
    whole = np.issubdtype(asked.dtype, np.integer)
    classes = slice(0, len(CLASSES))
    top = np.array(tablets.levels) - 1
    told = asked[:, classes].astype(np.float64)
    levels = (told if whole else np.rint(0.5 * (told + 1.0) * top)).astype(np.int64)
    given, _ = _screen(tablets).enforce(current_levels(seen, tablets), levels, chart_of(seen))
    safe = asked.copy()
    as_asked = given if whole else 2.0 * given / top - 1.0
    safe[:, classes] = np.where(given == levels, told, as_asked).astype(asked.dtype)
    return safe[0] if np.ndim(action) == 1 else safe
