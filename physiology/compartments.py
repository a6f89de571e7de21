"""Linear compartments in closed form: any doses, any sampling times, many people at once.

One to three compartments (central, and one or two peripheral ones), elimination from the centre,
bolus, infusion, first-order absorption with lag and bioavailability; and, where wanted, a response
whose production the concentration inhibits (turnover, Dayneka 1993)::

    gut'        = -ka gut                                  (F x dose enters after the lag)
    central'    = ka gut + inflow - (CL + Q + Q3)/V central + Q/V2 second + Q3/V3 third
    second'     = Q/V central - Q/V2 second,   third' likewise
    response'   = kout (E0 (1 - Imax C^gamma / (IC50^gamma + C^gamma)) - response)

The daily step of tablets in ``pharmacokinetics`` is a case of this that is cached for one dose a
day; here events may come at any time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

PARAMETERS: Final = (
    "cl", "v", "q", "v2", "q3", "v3", "ka", "lag", "f", "e0", "kout", "ic50", "imax", "gamma",
)  # fmt: skip
# What a parameter is where a model does not state it.
NEUTRAL: Final = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
LOOK, LOOK_RESPONSE, DEPOT, CENTRAL, RATE, RESET, NOTHING = range(7)
MOST_COMPARTMENTS: Final = 3


@dataclass(frozen=True)
class Structure:
    """Which of the equations a drug needs.

    Parameters
    ----------
    compartments : {1, 2, 3}
    absorbed : bool
        Whether doses pass through the gut.
    lagged : bool
        Whether absorption starts late.
    responds : bool
        Whether there is a response.
    """

    compartments: int = 1
    absorbed: bool = False
    lagged: bool = False
    responds: bool = False

    def __post_init__(self) -> None:
        if self.compartments not in range(1, MOST_COMPARTMENTS + 1):
            raise InputError(f"compartments is {self.compartments!r}; give 1, 2 or 3")

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that must be known."""
        names = ["cl", "v", "q", "v2", "q3", "v3"][: 2 * self.compartments]
        names += ["ka"] if self.absorbed else []
        names += ["lag"] if self.lagged else []
        return (*names, *(("e0", "kout", "ic50", "imax") if self.responds else ()))


@dataclass(frozen=True)
class Schedule:
    """What happens to people and when they are looked at, as rows in time, person after person.

    Parameters
    ----------
    time : array (R,)
        In the model's unit of time; rising within each person. Rows of one time happen in order.
    code : array (R,) of int
        ``LOOK`` (concentration), ``LOOK_RESPONSE``, ``DEPOT`` or ``CENTRAL`` (a dose at once),
        ``RATE`` (an infusion's rate is added, or taken off by a negative one), ``RESET`` or
        ``NOTHING``.
    amount : array (R,)
        Of a dose.
    inflow : array (R,)
        Change of the infusion rate, amount a unit of time.
    ii : array (R,)
        Interval of a dose at steady state.
    steady : array (R,) of int
        1 where a dose comes at steady state (what was there before is forgotten), 2 where it is
        added to what is there.
    segment : array (R,) of int
        Which parameters hold on the way to a row and at it.
    start : array (B + 1,) of int
        First row of each person; the last entry is R.
    """

    time: Array
    code: Whole
    amount: Array
    inflow: Array
    ii: Array
    steady: Whole
    segment: Whole
    start: Whole

    def __post_init__(self) -> None:
        inside = np.ones(max(len(self.time) - 1, 0), dtype=bool)
        inside[self.start[1:-1] - 1] = False
        if (np.diff(self.time)[inside] < 0.0).any():
            raise InputError("schedule: times fall within a person; sort the rows")

    @property
    def looks(self) -> NDArray[np.int64]:
        """Rows (N,) at which something is looked at."""
        return np.flatnonzero(self.code <= LOOK_RESPONSE)


def follow(structure: Structure, params: Array, schedule: Schedule) -> Array:
    """Return what is seen at each look.

    Parameters
    ----------
    structure : Structure
    params : array (K, S, len(PARAMETERS))
        K variants of the parameters of all segments; amounts over volumes give concentrations.
    schedule : Schedule

    Returns
    -------
    array (K, N)
        Concentration or response at each of ``schedule.looks``.
    """
    from .compartments_kernel import follow_rows

    out = np.zeros((len(params), len(schedule.time)))
    follow_rows(
        structure.compartments, structure.responds, schedule.time, schedule.code,
        schedule.amount, schedule.inflow, schedule.ii, schedule.steady, schedule.segment,
        schedule.start, np.ascontiguousarray(params, dtype=np.float64), out,
    )  # fmt: skip
    return out[:, schedule.looks]


def parameters(values: dict[str, float | Array]) -> Array:
    """Return parameters (S, len(PARAMETERS)) by name; those not named are neutral.

    Raises
    ------
    InputError
        If a name is unknown.
    """
    for name in values:
        if name not in PARAMETERS:
            raise InputError(
                f"{name!r} is no parameter of kinetics; known are {', '.join(PARAMETERS)}"
            )
    columns = [values.get(n, d) for n, d in zip(PARAMETERS, NEUTRAL, strict=True)]
    return np.stack(np.broadcast_arrays(*map(np.atleast_1d, columns)), axis=-1).astype(np.float64)
