"""How a glucose sensor errs: gain and offset of each sample, as random processes.

Each process draws a number of normals that depends on the number of samples only, and a longer
path begins with the shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .presets import check

Array = NDArray[np.float64]

KNOT_MIN = 15
# A cubic spline's memory of a knot fades by 0.268 per knot: 12 knots away 1e-7 of it is left.
REACH = 12
MINUTES_PER_DAY = 1440.0


@lru_cache(maxsize=8)
def spline_weights(phases: int) -> Array:
    """Return the cubic spline between two knots as weights on the ``REACH`` knots to either side.

    Returns
    -------
    array (2 REACH, phases)
        Column p is the value a share p / phases of the way from one knot to the next.
    """
    from scipy.interpolate import CubicSpline

    pad = 2 * REACH  # further knots of value zero, so that the spline's own ends are far away
    knots = np.arange(-pad - REACH, pad + REACH + 1, dtype=np.float64)
    bell = CubicSpline(knots, (knots == 0.0).astype(np.float64))
    offsets = np.arange(-REACH + 1, REACH + 1, dtype=np.float64)
    shares = np.arange(phases, dtype=np.float64) / phases
    weights: Array = bell(shares[None, :] - offsets[:, None])
    weights.setflags(write=False)
    return weights


@dataclass(frozen=True)
class NoError:
    """A sensor that shows interstitial glucose itself."""

    def check_period(self, period_min: int) -> None:
        """Accept any period."""

    def draw(self, rng: np.random.Generator, n: int, period_min: int) -> tuple[Array, Array]:
        """Return gains of 1 and offsets of 0, each (n,); draws nothing."""
        return np.ones(n), np.zeros(n)


@dataclass(frozen=True)
class JohnsonNoise:
    """Breton and Kovatchev 2008: autocorrelated, skewed additive noise.

    Every 15 minutes e_k = memory (e_{k-1} + w_k), w_k standard normal, gives the knot
    xi + scale sinh((e_k - gamma) / delta) in mg/dL; a cubic spline joins the knots.

    simglucose joins eleven knots at a time, so that the curve has a kink every 150 minutes and
    overshoots most near those ends. Here one spline runs through all knots of the horizon, with
    ``REACH`` more to either side, which makes the process stationary: no sample is nearer to an
    end than another.

    Parameters
    ----------
    memory : float
        Partial autocorrelation of the knots.
    gamma, delta, scale, xi : float
        The Johnson SU transform; scale and xi in mg/dL.
    """

    memory: float = 0.7
    gamma: float = -0.5444
    delta: float = 1.6898
    scale: float = 15.9574
    xi: float = -5.47

    def __post_init__(self) -> None:
        check("sensor memory", self.memory, 0.0, 0.99)
        check("sensor delta", self.delta, 0.1, 100.0)

    def check_period(self, period_min: int) -> None:
        """Refuse a period that does not divide the 15 minutes between knots."""
        if KNOT_MIN % period_min:
            raise InputError(
                f"sensor period_min is {period_min} min; this noise needs 1, 3, 5 or 15 min"
            )

    def draw(self, rng: np.random.Generator, n: int, period_min: int) -> tuple[Array, Array]:
        """Return gain (n,) and offset (n,) in mg/dL of n samples, the first on a knot."""
        from scipy.signal import lfilter

        phases = KNOT_MIN // period_min
        intervals = -(-n // phases)
        w = rng.standard_normal(intervals + 2 * REACH - 1)
        w[1:] *= self.memory
        e = np.asarray(lfilter((1.0,), (1.0, -self.memory), w))
        knots = self.xi + self.scale * np.sinh((e - self.gamma) / self.delta)
        # sliding_window_view, without its checks: they would cost more than the draw itself.
        stride = knots.strides[0]
        shape = (knots.size - 2 * REACH + 1, 2 * REACH)
        near = np.lib.stride_tricks.as_strided(knots, shape, (stride, stride), writeable=False)
        offset = (near @ spline_weights(phases)).ravel()[:n]
        return np.ones(n), offset


@dataclass(frozen=True)
class CalibratedNoise:
    """Facchinetti 2014, Vettoretti 2018 and 2019: drifting calibration plus autoregressive noise.

    reading = (a0 + a1 t + a2 t^2) glucose + (b0 + b1 t + b2 t^2) + v + c, with t in days since the
    last calibration (or, factory-calibrated, since the sensor was put on), and v and c second-order
    autoregressive, mg/dL. The polynomials start again every ``restart_days``; the age at the first
    sample is uniform over that life, because an episode need not begin with a new sensor. v and c
    start in their stationary distribution and run on through a restart.

    Parameters
    ----------
    gain, offset : tuple of 3 float
        a0, a1, a2 (1, 1/day, 1/day^2) and b0, b1, b2 (mg/dL, mg/dL/day, mg/dL/day^2).
    specific, common : tuple of 3 float
        First and second coefficient and variance (mg^2/dL^2) of the innovations of v and of c.
    restart_days : float
        Days from one calibration, or one sensor, to the next.
    step_min : float
        The samples' distance the coefficients were identified at, min.
    """

    gain: tuple[float, float, float]
    offset: tuple[float, float, float]
    specific: tuple[float, float, float]
    common: tuple[float, float, float] = (0.0, 0.0, 0.0)
    restart_days: float = 10.0
    step_min: float = 5.0

    def __post_init__(self) -> None:
        check("sensor restart_days", self.restart_days, 1e-3, 365.0, "days")
        for name in ("gain", "offset", "specific", "common"):
            values = tuple(float(v) for v in getattr(self, name))
            check(f"number of values of sensor {name}", len(values), 3, 3)
            object.__setattr__(self, name, values)
        for first, second, variance in (self.specific, self.common):
            check("sensor noise variance", variance, 0.0, 1e4, "mg^2/dL^2")
            check("sensor second coefficient", second, -0.999, 0.999)
            check("sensor first coefficient", abs(first), 0.0, 0.999 - second)

    def check_period(self, period_min: int) -> None:
        """Refuse a period other than the one the coefficients belong to."""
        if period_min != self.step_min:
            raise InputError(
                f"sensor period_min is {period_min} min; this noise was identified at "
                f"{self.step_min:g} min and has no other period"
            )

    @property
    def sd_mg_dl(self) -> float:
        """Stationary standard deviation of v + c, mg/dL."""
        return float(np.hypot(_stationary(*self.specific)[0], _stationary(*self.common)[0]))

    def draw(self, rng: np.random.Generator, n: int, period_min: int) -> tuple[Array, Array]:
        """Return gain (n,) and offset (n,) in mg/dL of n samples."""
        age = rng.random() * self.restart_days
        z = rng.standard_normal((n + 2, 2)).T
        noise = _second_order(z[0], *self.specific) + _second_order(z[1], *self.common)
        days = age + np.arange(n) * (period_min / MINUTES_PER_DAY)
        if days[-1:] >= self.restart_days:
            days %= self.restart_days
        (a0, a1, a2), (b0, b1, b2) = self.gain, self.offset
        return a0 + days * (a1 + days * a2), b0 + days * (b1 + days * b2) + noise


def _stationary(first: float, second: float, variance: float) -> tuple[float, float]:
    """Return standard deviation and lag-one correlation of an AR(2) process."""
    spread = (1.0 + second) * ((1.0 - second) ** 2 - first**2)
    return float(np.sqrt((1.0 - second) * variance / spread)), first / (1.0 - second)


def _second_order(z: Array, first: float, second: float, variance: float) -> Array:
    """Return a stationary AR(2) path (n,) from n + 2 standard normals."""
    from scipy.signal import lfilter

    sd, correlation = _stationary(first, second, variance)
    older = sd * z[0]
    newer = correlation * older + sd * np.sqrt(1.0 - correlation**2) * z[1]
    start = np.array([first * newer + second * older, second * newer])
    path: Array = lfilter((variance**0.5,), (1.0, -first, -second), z[2:], zi=start)[0]
    return path


Noise = NoError | JohnsonNoise | CalibratedNoise
