"""Whether higher pressure ever leads a policy to a weaker regimen, all else being equal.

Monotone policies are what clinicians can follow, and lose little (Garcia, Steimle, Marrero and
others on the price of interpretability, Manufacturing & Service Operations Management).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..therapy.formulary import CLASSES, load_formulary
from ..therapy.pressure_view import PRESSURE_VIEW

SYSTOLIC: Final = ("sbp", "sbp_previous", "sbp_mean_3", "home_sbp")
DIASTOLIC: Final = ("dbp", "dbp_previous", "dbp_mean_3", "home_dbp")


@dataclass(frozen=True)
class Monotonicity:
    """How often raising the measured pressure made the regimen weaker.

    Parameters
    ----------
    pairs : int
        Comparisons made: people x rises.
    weaker : int
        Comparisons in which standard doses in all fell.
    less_of_a_class : int
        Comparisons in which any class's dose fell (a switch between RAS blockers is none).
    largest_fall : float
        Largest fall, in standard doses.
    """

    pairs: int
    weaker: int
    less_of_a_class: int
    largest_fall: float

    @property
    def holds(self) -> bool:
        """Whether no comparison went the wrong way."""
        return self.weaker == 0 and self.less_of_a_class == 0


def monotonicity(
    policy: Any,
    observation: NDArray[np.float32],
    state: Any = None,
    *,
    formulary: Any = None,
    rises_mmhg: Sequence[float] = (1.0, 5.0, 10.0, 20.0, 40.0),
) -> Monotonicity:
    """Compare a policy's regimens with those it gives when the measured pressure is higher.

    Parameters
    ----------
    policy : object
        With ``predict`` in SB3's form and answers in levels (B, 6).
    observation : array (B, n)
        People as they are, of ``PRESSURE_VIEW``.
    state : optional
        The policy's memory of them.
    formulary : optional
        What the levels mean; the policy's own by default.
    rises_mmhg : sequence of float
        Systolic rises, diastolic half as much; each is compared with the one before.

    Raises
    ------
    InputError
        If the answers are no levels.
    """
    own = getattr(policy, "formulary", "default")
    tablets = load_formulary(own if formulary is None else formulary)
    begin = np.zeros(len(observation), np.bool_) if state is not None else None
    doses = []
    for rise in (0.0, *sorted(rises_mmhg)):
        higher = raised(observation, rise)
        answer = np.asarray(policy.predict(higher, copy.deepcopy(state), begin, True)[0])
        if answer.shape != (len(observation), len(CLASSES)) or answer.dtype.kind not in "iu":
            raise InputError(
                f"policy answers {answer.dtype} of shape {answer.shape}; give one that answers "
                f"levels of shape {(len(observation), len(CLASSES))}"
            )
        doses.append(tablets.standard_of(answer.astype(np.int64)))
    change = np.asarray(np.diff(np.stack(doses), axis=0), dtype=np.float64)
    total = change.sum(axis=-1)
    ras = change[..., :2].sum(axis=-1, keepdims=True)
    by_class = np.concatenate([ras, change[..., 2:]], axis=-1)
    return Monotonicity(
        pairs=int(total.size),
        weaker=int((total < -1e-9).sum()),
        less_of_a_class=int((by_class < -1e-9).any(axis=-1).sum()),
        largest_fall=float(max(-total.min(initial=0.0), 0.0)),
    )


def raised(observation: NDArray[np.float32], rise_mmhg: float) -> NDArray[np.float32]:
    """Return observations with every measured pressure of treatment higher, diastolic by half."""
    higher = np.array(observation, copy=True)
    for names, rise in ((SYSTOLIC, rise_mmhg), (DIASTOLIC, 0.5 * rise_mmhg)):
        for name in names:
            i = PRESSURE_VIEW.index[name]
            higher[..., i] += np.float32(rise / PRESSURE_VIEW.features[i].scale)
    return np.clip(higher, PRESSURE_VIEW.low, PRESSURE_VIEW.high)
