"""How likely unknowns make a record: AR(1) errors with Student-t innovations, censored readings.

A reading at the sensor's limit tells only that glucose with its error lay beyond it: its factor is
the probability of that given the error before, and the error is then taken at the median of what
remains possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from ..physiology.engine import side_by_side
from .forward import run
from .noise import STUDENT_NU, Whitening, whitening
from .observations import Observations
from .unknowns import Unknowns

Array = NDArray[np.float64]

# A Student-t of unit scale has this standard deviation; sigma is that of the errors themselves.
STUDENT_SD: Final = float(np.sqrt(STUDENT_NU / (STUDENT_NU - 2.0)))
LEAST: Final = 1e-12


@dataclass(frozen=True)
class Likelihood:
    """Log-likelihood of unknowns u (n, D) given one record; call it with a batch of them.

    Parameters
    ----------
    unknowns : Unknowns
    seen : Observations
    use : Whitening
    power : float
        Below 1 where misfit weakens what the record says.
    threads : int
        Batches are split over this many threads.
    independent : bool
        Errors are taken to forget each other at once, as many published fits do; only to show what
        that costs.
    """

    unknowns: Unknowns
    seen: Observations
    use: Whitening
    power: float = 1.0
    threads: int = 1
    independent: bool = False

    @classmethod
    def of(
        cls, unknowns: Unknowns, seen: Observations, *, power: float = 1.0, threads: int = 1,
        independent: bool = False,
    ) -> Likelihood:  # fmt: skip
        """Return the likelihood of a record's readings."""
        return cls(unknowns, seen, whitening(seen), power, threads, independent)

    def noise(self, u: Array) -> Array:
        """Return standard deviation (mg/dL) and memory (n, 2) of the noise."""
        noise = self.unknowns.noise(u)
        return noise * [1.0, 0.0] if self.independent else noise

    def __call__(self, u: Array) -> Array:
        """Return log-likelihoods (n,), up to a constant."""
        out = np.empty(len(u))

        def part(first: int, last: int) -> None:
            rows = u[first:last]
            glucose = self.glucose(rows)[self.use.index]
            out[first:last] = self.of_glucose(glucose, self.noise(rows))

        side_by_side(part, len(u), self.threads)
        return self.power * out

    def glucose(self, u: Array) -> Array:
        """Return interstitial glucose (T / 5 + 1, n), mg/dL."""
        a = self.unknowns
        return run(a.where, a.coordinates(u), self.seen, a.effects(u), a.extra(u))

    def of_glucose(self, glucose: Array, noise: Array) -> Array:
        """Return log-likelihoods (n,) of glucose (N, n) at the readings under noise (n, 2)."""
        error = self.seen.glucose[self.use.index, None] - glucose
        side = self.seen.censored[self.use.index]
        keep = memory(noise[:, 1], self.use.gap)
        scale = noise[:, 0] / STUDENT_SD * np.sqrt(1.0 - keep**2)
        beyond = self._censored(error, keep, scale, side)
        standard = error
        standard[1:] -= keep[1:] * beyond.before[:-1]
        standard /= scale
        plain = side == 0
        standard = standard[plain]
        np.multiply(standard, standard, out=standard)
        standard /= STUDENT_NU
        each = 0.5 * (STUDENT_NU + 1.0) * np.log1p(standard)
        total = -each.sum(axis=0) - np.log(scale[plain]).sum(axis=0)
        return np.asarray(total + beyond.log_probability)

    def errors(self, glucose: Array, noise: Array) -> Array:
        """Return errors (N, n), mg/dL, of glucose (N, n): of censored readings at their medians."""
        error = self.seen.glucose[self.use.index, None] - glucose
        keep = memory(noise[:, 1], self.use.gap)
        scale = noise[:, 0] / STUDENT_SD * np.sqrt(1.0 - keep**2)
        return self._censored(error, keep, scale, self.seen.censored[self.use.index]).before

    @staticmethod
    def _censored(error: Array, keep: Array, scale: Array, side: NDArray[np.int8]) -> _Beyond:
        """Return what censored readings add, and the errors with theirs at their medians."""
        known, total = error.copy(), np.zeros(error.shape[1])
        for i in np.flatnonzero(side):
            before = keep[i] * known[i - 1] if i else 0.0
            # Low ones are turned over, so that the error is always above its bound.
            sign = float(side[i])
            bound = sign * (error[i] - before) / scale[i]
            above = np.maximum(stdtr(STUDENT_NU, -bound), LEAST)
            total += np.log(above)
            known[i] = before - sign * scale[i] * stdtrit(STUDENT_NU, 0.5 * above)
        return _Beyond(known, total)


@dataclass(frozen=True)
class _Beyond:
    before: Array
    log_probability: Array


def memory(rho: Array, gap: NDArray[np.int64]) -> Array:
    """Return the correlation (N, n) with the reading before, ``gap`` (N,) samples ago."""
    keep = np.tile(rho, (len(gap), 1))
    far = np.flatnonzero(gap != 1)
    keep[far] = rho ** np.minimum(gap[far], 10**4).astype(np.float64)[:, None]
    return keep
