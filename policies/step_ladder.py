"""The ladder of a step table as arrays: what a person's next stronger or weaker regimen is.

Arrays hold one row a class and one column a person, (6, B), in levels of the formulary.
"""

from __future__ import annotations

import numpy as np

from ..therapy.contraindication import ACEI, ARB
from ..therapy.formulary import CLASSES, DRUGS, Formulary
from .pressure_rule import Bools, Rungs
from .step_table_file import Table


class Ladder:
    """The rungs of a table, from the weakest to the strongest.

    Parameters
    ----------
    table : Table
    own : Formulary
        The formulary that the table's doses are of.
    used : Formulary
        The one to prescribe from; doses are carried over in standard doses.
    """

    def __init__(self, table: Table, own: Formulary, used: Formulary) -> None:
        rungs = np.zeros((len(table.steps), len(CLASSES)), np.int8)
        for k, step in enumerate(table.steps):
            for kind, mg in step.mg.items():
                slot = CLASSES.index(kind)
                doses = mg / DRUGS[own.drugs[slot]].standard_mg
                rungs[k, slot] = used.nearest_level(slot, doses)
        self.acei_as_arb = _equal_levels(used, ACEI, ARB)
        self._rungs = rungs
        # A rung's RAS blocker given as one class or the other.
        self._acei = np.maximum(rungs[:, ACEI], _equal_levels(used, ARB, ACEI)[rungs[:, ARB]])
        self._arb = np.maximum(rungs[:, ARB], self.acei_as_arb[rungs[:, ACEI]])
        self._prefers_arb = bool(rungs[:, ARB].any())
        self._order = [CLASSES.index(kind) for kind in table.add_order]
        self.position = {step.name: k for k, step in enumerate(table.steps)}

    def rungs(self, base: Rungs, cap: Rungs, open_now: Bools) -> list[Rungs]:
        """Return each rung (6, B) as each person may be given it.

        Parameters
        ----------
        base, cap : array (6, B)
            Present and highest permitted levels.
        open_now : array (6, B), bool
            Where a class may be begun or raised.
        """
        most = np.where(open_now, cap, base)
        arb = most[ACEI] == 0
        if self._prefers_arb:
            arb |= base[ACEI] == 0
        else:
            arb |= (base[ARB] > 0) & (base[ACEI] == 0)
        found = []
        for k, levels in enumerate(self._rungs):
            rung = np.minimum(levels[:, None], most)
            rung[ACEI] = np.where(arb, 0, np.minimum(self._acei[k], most[ACEI]))
            rung[ARB] = np.where(arb, np.minimum(self._arb[k], most[ARB]), 0)
            found.append(rung)
        return found

    def stronger(self, rungs: list[Rungs], base: Rungs) -> Rungs:
        """Return the present regimen with the first rung that it does not contain laid over it.

        Of classes that would be new, only the first in the table's order is added.
        """
        target = base.copy()
        for rung in reversed(rungs):
            np.copyto(target, rung, where=(rung > base).any(axis=0))
        np.maximum(target, base, out=target)
        added = np.zeros(base.shape[1], np.bool_)
        for slot in self._order:
            new = (target[slot] > 0) & (base[slot] == 0)
            target[slot, new & added] = 0
            added |= new
        return target

    def weaker(self, rungs: list[Rungs], base: Rungs) -> Rungs:
        """Return the next weaker regimen: first without what exceeds the ladder, then a rung less.

        What exceeds goes by one level, from the class that would be added last.
        """
        held, below = np.zeros_like(base), np.zeros_like(base)
        for rung in rungs:
            inside = (rung <= base).all(axis=0) & (rung != held).any(axis=0)
            np.copyto(below, held, where=inside)
            np.copyto(held, rung, where=inside)
        exceeds = (base > held).any(axis=0)
        target, done = np.where(exceeds, base, below), ~exceeds
        for slot in reversed(self._order):
            take = ~done & (base[slot] > held[slot])
            target[slot, take] -= 1
            done |= take
        return target


def _equal_levels(formulary: Formulary, slot: int, other: int) -> Rungs:
    """Return, for each level of a class, the level of another class equal in standard doses."""
    doses = formulary.standard[slot, : formulary.levels[slot]]
    return np.array([formulary.nearest_level(other, float(d)) for d in doses], np.int8)
