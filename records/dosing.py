"""Doses as pharmacometricians write them: amounts, infusions, repeats, steady state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from ..physiology.errors import InputError

MOST_DOSES: Final = 100_000
ITEMS: Final = ("TIME", "AMT", "RATE", "DUR", "CMT", "II", "ADDL", "SS", "EVID")


@dataclass(frozen=True)
class Dose:
    """One dose, or a train of equal ones.

    Parameters
    ----------
    time : float
        In the table's unit of time.
    amount : float
        Of each dose; 0 only for an infusion that has always run (``ss`` with a rate).
    rate : float
        Amount a unit of time; 0 for a dose given at once.
    cmt : int
        Compartment as numbered in the table; 0 for the usual one.
    ii : float
        Time from dose to dose.
    addl : int
        Further doses, ``ii`` apart.
    ss : {0, 1, 2}
        1 where such doses have always been given and whatever else was there is forgotten; 2 where
        they come on top of it.
    resets : bool
        Whether everything is forgotten before the dose (EVID 4).
    """

    time: float
    amount: float
    rate: float = 0.0
    cmt: int = 0
    ii: float = 0.0
    addl: int = 0
    ss: int = 0
    resets: bool = False

    def __post_init__(self) -> None:
        why = self._fault()
        if why:
            raise InputError(f"dose at time {self.time:g}: {why}")

    def _fault(self) -> str:
        numbers = (self.time, self.amount, self.rate, self.ii)
        if not np.isfinite(numbers).all():
            return "a number is missing; give time, amount, rate and ii"
        if self.rate < 0.0:
            return f"rate is {self.rate:g} (modelled by the user); give the rate or the duration"
        if self.amount < 0.0 or (self.amount == 0.0 and not (self.ss and self.rate)):
            return f"amount is {self.amount:g}; give one above 0"
        if self.ss not in (0, 1, 2) or self.addl < 0 or self.ii < 0.0:
            return f"ss is {self.ss}, addl {self.addl}, ii {self.ii:g}; give ss 0 to 2, others >= 0"
        if self.ii == 0.0 and (self.addl or (self.ss and self.amount)):
            return "addl or ss without ii; give the interval between doses"
        if self.ss and self.rate and self.amount and self.duration > self.ii * (1.0 + 1e-9):
            return f"at steady state it lasts {self.duration:g}, longer than ii {self.ii:g}"
        if self.addl > MOST_DOSES:
            return f"addl is {self.addl}; give at most {MOST_DOSES}"
        return ""

    @property
    def duration(self) -> float:
        """How long the infusion lasts; 0 for a dose given at once."""
        return self.amount / self.rate if self.rate > 0.0 else 0.0

    def expand(self) -> tuple[Dose, ...]:
        """Return each dose of the train by itself; only the first can be at steady state."""
        first = replace(self, addl=0, ii=self.ii if self.ss else 0.0)
        single = replace(self, addl=0, ii=0.0, ss=0, resets=False)
        later = (replace(single, time=self.time + k * self.ii) for k in range(1, self.addl + 1))
        return (first, *later)


@dataclass(frozen=True)
class Regimen:
    """One person's doses in time."""

    doses: tuple[Dose, ...]

    @classmethod
    def from_nonmem(cls, rows: Iterable[Mapping[str, Any]]) -> Regimen:
        """Return the doses among NONMEM records, as mappings of upper-case items to numbers.

        Raises
        ------
        InputError
            Naming the first dose that cannot be understood.
        """
        doses = []
        for row in rows:
            evid = int(_number(row, "EVID", 1.0 if _number(row, "AMT") else 0.0))
            if evid not in (1, 4):
                continue
            amount, rate, lasts = (_number(row, k) for k in ("AMT", "RATE", "DUR"))
            if rate == 0.0 and lasts > 0.0:
                rate = amount / lasts
            doses.append(
                Dose(
                    _number(row, "TIME"), amount, rate, int(_number(row, "CMT")),
                    _number(row, "II"), int(_number(row, "ADDL")), int(_number(row, "SS")),
                    evid == 4,
                )
            )  # fmt: skip
        return cls(tuple(sorted(doses, key=lambda dose: dose.time)))

    def to_nonmem(self) -> list[dict[str, float]]:
        """Return the doses as NONMEM records."""
        return [
            dict(
                zip(
                    ITEMS,
                    (d.time, d.amount, d.rate, d.duration, d.cmt, d.ii, d.addl, d.ss,
                     4.0 if d.resets else 1.0),
                    strict=True,
                )
            )
            for d in self.doses
        ]  # fmt: skip

    def expand(self) -> Regimen:
        """Return the regimen with every dose of every train by itself, in time."""
        each = [dose for train in self.doses for dose in train.expand()]
        if len(each) > MOST_DOSES:
            raise InputError(f"regimen has {len(each)} doses; give at most {MOST_DOSES}")
        return Regimen(tuple(sorted(each, key=lambda dose: dose.time)))


def repeated(amount: float, every: float, times: int, start: float = 0.0, **more: Any) -> Regimen:
    """Return ``times`` equal doses, ``every`` apart; ``more`` goes to :class:`Dose`."""
    return Regimen((Dose(start, amount, ii=every, addl=times - 1, **more),))


def joined(regimens: Sequence[Regimen]) -> Regimen:
    """Return several regimens as one."""
    doses = [dose for regimen in regimens for dose in regimen.doses]
    return Regimen(tuple(sorted(doses, key=lambda dose: dose.time)))


def _number(row: Mapping[str, Any], name: str, otherwise: float = 0.0) -> float:
    value = row.get(name)
    if value is None or value in {"", "."}:
        return otherwise
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r}; give a number") from None
