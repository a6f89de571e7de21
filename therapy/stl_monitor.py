"""A formula watched while an episode runs: one sample per patient at a time, a verdict so far.

An ``always`` or ``eventually`` over a formula of bounded windows is folded: what is settled goes
into one number per patient, and only the samples that the windows still need are kept. ``not``,
``and``, ``or`` and ``implies`` are watched part by part. Anything else, such as an unbounded window
inside another, needs the whole episode, which is then kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..physiology.errors import InputError
from .stl_formula import UNKNOWN, Formula
from .stl_parts import part_of
from .stl_tree import signals_in
from .stl_value import Beyond, Pair

Verdicts = NDArray[np.int8]


class Monitor:
    """The running verdict of a formula, as seen from the first sample of the episode.

    Parameters
    ----------
    formula : Formula
    step_min : float
        Minutes between samples.

    Raises
    ------
    InputError
        If a window of the formula holds no sample at this step.
    """

    def __init__(self, formula: Formula, step_min: float) -> None:
        self.formula, self.step_min = formula, float(step_min)
        one = {name: np.full((1, 1), np.nan) for name in self._names(None)}
        formula.truth(one, step_min)
        self.reset()

    def reset(self) -> None:
        """Forget the episode."""
        self._part, self._lanes = part_of(self.formula.root, self.step_min), 0

    def update(self, sample: Mapping[str, ArrayLike]) -> Verdicts:
        """Take the next sample and return the verdict so far.

        Parameters
        ----------
        sample : mapping of str to array (B,)
            Each signal of the formula now; NaN where it is missing.

        Returns
        -------
        array (B,) of int8
            1 true and -1 false, whatever is still to come; 0 not settled yet.

        Raises
        ------
        InputError
            A missing signal, an infinite value, or another number of patients than before.
        """
        now: dict[str, NDArray[np.float64]] = {}
        for name in self._names(sample):
            if name not in sample:
                raise InputError(f"sample of {name} is missing; the monitor needs it")
            now[name] = np.atleast_1d(np.asarray(sample[name], dtype=np.float64))
            lanes = self._lanes or len(next(iter(now.values())))
            if now[name].shape != (lanes,):
                raise InputError(
                    f"sample of {name} has shape {now[name].shape}; give one value for each of "
                    f"the {lanes} patients"
                )
            if np.isinf(now[name]).any():
                raise InputError(f"sample of {name} is infinite; write NaN for a missing one")
        self._lanes = len(next(iter(now.values())))
        self._part.take(now)
        return self.verdict

    @property
    def verdict(self) -> Verdicts:
        """The verdict so far, (B,)."""
        return _told(self._pair("unknown"))

    def finish(self) -> Verdicts:
        """Return the verdict were the episode over: that of ``Formula.holds`` on the whole."""
        return _told(self._pair("truncate"))

    @property
    def kept(self) -> int:
        """Samples kept in memory at present, per patient and signal, over all parts."""
        return self._part.kept

    def _names(self, sample: Mapping[str, Any] | None) -> tuple[str, ...]:
        names = signals_in(self.formula.root)
        return names or (tuple(sample)[:1] if sample else ("time",))

    def _pair(self, beyond: Beyond) -> Pair:
        if self._lanes == 0:
            raise InputError("the monitor has seen no sample; call update first")
        return self._part.pair(beyond)


def _told(pair: Pair) -> Verdicts:
    verdicts: Verdicts = np.where(pair[0] == pair[1], pair[0], np.int8(UNKNOWN))
    return verdicts
