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

from ..physiology.engine import side_by_side
from ..physiology.kernel_source import VECTOR
from .censored_kernel import bound_errors
from .forward import run
from .noise import STUDENT_NU, Whitening, whitening
from .observations import Observations
from .unknowns import Unknowns

Array = NDArray[np.float64]

# A Student-t of unit scale has this standard deviation; sigma is that of the errors themselves.
STUDENT_SD: Final = float(np.sqrt(STUDENT_NU / (STUDENT_NU - 2.0)))
LEAST: Final = 1e-12
# A reading so many samples before is forgotten, whatever the memory.
FARTHEST_GAP: Final = 10_000


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
            glucose = self._run(rows)[self.use.index]
            out[first:last] = self.of_glucose(glucose, self.noise(rows))

        side_by_side(part, len(u), self.threads, VECTOR)
        return self.power * out

    def glucose(self, u: Array) -> Array:
        """Return interstitial glucose (T / 5 + 1, n), mg/dL."""
        out = np.empty((len(self.seen.glucose), len(u)))

        def part(first: int, last: int) -> None:
            out[:, first:last] = self._run(u[first:last])

        side_by_side(part, len(u), self.threads, VECTOR)
        return out

    def _run(self, u: Array) -> Array:
        a = self.unknowns
        return run(a.where, a.coordinates(u), self.seen, a.effects(u), a.extra(u))

    def of_glucose(self, glucose: Array, noise: Array) -> Array:
        """Return log-likelihoods (n,) of glucose (N, n) at the readings under noise (n, 2)."""
        error = self.seen.glucose[self.use.index, None] - glucose
        side = self.seen.censored[self.use.index]
        beyond = self._censored(error, noise, side)
        standard, log_scale = whitened(beyond.error, noise, self.use.gap)
        if side.any():
            standard, log_scale = standard[side == 0], log_scale[side == 0]
        np.multiply(standard, standard, out=standard)
        standard /= STUDENT_NU
        np.log1p(standard, out=standard)
        fit = 0.5 * (STUDENT_NU + 1.0) * standard.sum(axis=0) + log_scale.sum(axis=0)
        return np.asarray(beyond.log_probability - fit)

    def errors(self, glucose: Array, noise: Array) -> Array:
        """Return errors (N, n), mg/dL, of glucose (N, n): of censored readings at their medians."""
        error = self.seen.glucose[self.use.index, None] - glucose
        return self._censored(error, noise, self.seen.censored[self.use.index]).error

    def innovations(self, glucose: Array, noise: Array) -> Array:
        """Return innovations (N, n) of glucose (N, n), in units of their scale.

        Those of censored readings are not known: theirs are the bounds that they lie above, of
        readings at the lower limit turned over.
        """
        error = self.seen.glucose[self.use.index, None] - glucose
        side = self.seen.censored[self.use.index]
        beyond = self._censored(error, noise, side)
        standard, _ = whitened(beyond.error, noise, self.use.gap)
        return np.where(side[:, None] == 0, standard, beyond.bound)

    def _censored(self, error: Array, noise: Array, side: NDArray[np.int8]) -> _Beyond:
        """Return what censored readings add, and the errors with theirs at their medians."""
        total = np.zeros(error.shape[1])
        if not side.any():
            return _Beyond(error, total, error)
        known, bound, (sigma, rho) = error.copy(), np.zeros_like(error), noise.T
        gap = np.minimum(self.use.gap[side != 0], FARTHEST_GAP)
        keep = rho ** gap[:, None]
        scale = sigma / STUDENT_SD * np.sqrt(1.0 - keep**2)
        bound_errors(known, bound, total, side, keep, scale, LEAST)
        return _Beyond(known, total, bound)


@dataclass(frozen=True)
class _Beyond:
    """Errors, those of censored readings at their medians; what censoring adds; its bounds."""

    error: Array
    log_probability: Array
    bound: Array


def whitened(error: Array, noise: Array, gap: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return innovations (N, n) of errors in units of their scale, and the logarithm of that.

    Parameters
    ----------
    error : array (N, n), mg/dL
    noise : array (n, 2)
        Standard deviation, mg/dL, and memory over five minutes of each column's errors.
    gap : array (N,)
        Samples since the reading before.

    Returns
    -------
    standard : array (N, n)
    log_scale : array (N, n)
    """
    sigma, rho = noise.T
    scale = sigma / STUDENT_SD * np.sqrt(1.0 - rho**2)
    standard = np.empty_like(error)
    np.multiply(error[:-1], -rho, out=standard[1:])
    standard[1:] += error[1:]
    standard /= scale
    log_scale = np.broadcast_to(np.log(scale), error.shape).copy()
    for i in np.flatnonzero(gap != 1).tolist():
        keep = rho ** min(int(gap[i]), FARTHEST_GAP)
        wide = sigma / STUDENT_SD * np.sqrt(1.0 - keep**2)
        standard[i] = (error[i] - (keep * error[i - 1] if i else 0.0)) / wide
        log_scale[i] = np.log(wide)
    return standard, log_scale
