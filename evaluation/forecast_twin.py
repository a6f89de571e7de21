"""A twin as a forecaster: its draws led through the record, with readings assimilated or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ..physiology.engine import engine_for
from ..physiology.errors import InputError
from ..twins.ensemble import Ensemble, ensemble_of
from ..twins.ensemble_kalman import Interval, forecast, update
from ..twins.fit import fit_twin
from ..twins.forward import advance
from ..twins.observations import MEAL_GAP_MIN, eat
from ..twins.twin import Twin
from .forecasts import LEVELS
from .history import SAMPLE_MIN, History

Array = NDArray[np.float64]
MEMBERS = 128
READINGS = 16
NODES = special.ndtri((np.arange(16) + 0.5) / 16.0)
LOWEST_MG_DL, HIGHEST_MG_DL = 20.0, 600.0


@dataclass
class Fits:
    """Fits twins to histories, once each, however many forecasters ask.

    Parameters
    ----------
    weight_kg : float, optional
        Where the record does not state it.
    starts : int
        Of the search.
    """

    weight_kg: float | None = None
    starts: int = 3
    known: dict[tuple[str, float], Twin] = field(default_factory=dict)

    def of(self, history: History) -> Twin:
        """Return the twin of a history."""
        key = (history.timeline.source_sha256, history.now_s)
        if key not in self.known:
            self.known[key] = fit_twin(
                history.timeline, starts=self.starts, weight_kg=self.weight_kg
            )
        return self.known[key]


class TwinForecaster:
    """A twin's draws, led from the end of its fit through the inputs that were recorded since.

    Parameters
    ----------
    fits : Fits
    assimilate : bool
        True corrects states, body and sensitivity by each reading (ensemble Kalman filter). False
        leaves the bodies alone: the last reading tells each one's error only, which fades with the
        noise's memory.
    members : int
    seed : int
    """

    def __init__(
        self, fits: Fits, *, assimilate: bool, name: str = "", members: int = MEMBERS, seed: int = 0
    ) -> None:
        self.name = name or ("filtered twin" if assimilate else "twin")
        self.fits, self.assimilate, self.members, self.seed = fits, assimilate, members, seed
        self._now: Ensemble | None = None
        self._at = 0
        self._plate_g = 0.0
        self._rng = np.random.default_rng(seed)

    def fit(self, history: History) -> TwinForecaster:
        """Fit the twin to a history, and stand at its end."""
        return self.standing(self.fits.of(history), history)

    def standing(self, twin: Twin, history: History) -> TwinForecaster:
        """Return a forecaster that starts from a twin at the end of its record."""
        made = TwinForecaster(
            self.fits, assimilate=self.assimilate, name=self.name, members=self.members,
            seed=self.seed,
        )  # fmt: skip
        at = round((twin.end_s - history.start_s) / (60.0 * SAMPLE_MIN))
        if not 0 <= at <= history.now:
            raise InputError("the twin's record ends outside the history; fit it to the history")
        made._now, made._at = ensemble_of(twin, made._rng, self.members), at
        grams = history.past()[1][: at * SAMPLE_MIN]
        made._plate_g = float(grams.sum() - eat(grams).sum())
        return made

    def quantiles(self, history: History, horizons: Sequence[int]) -> Array:
        """Return quantiles of the draws' paths, errors of reading included."""
        path, sd = self.paths(history, max(horizons))
        out = np.empty((len(horizons), len(LEVELS)))
        for i, minutes in enumerate(horizons):
            step = minutes // SAMPLE_MIN - 1
            values = path[step][:, None] + sd[step][:, None] * NODES
            out[i] = np.quantile(values, LEVELS)
        return np.clip(out, LOWEST_MG_DL, HIGHEST_MG_DL)

    def paths(self, history: History, minutes: int) -> tuple[Array, Array]:
        """Return what draws expect to be read (T, n), mg/dL, each five minutes from now on.

        Returns
        -------
        path, sd : array (T, n), mg/dL
            Expected reading of each draw, and the standard deviation of the sensor's error still
            to come about it.
        """
        self._catch_up(history)
        assert self._now is not None
        now = self._now
        insulin, grams = history.coming(minutes)
        grams[0] += self._plate_g
        glucose = _open_loop(now, history, insulin, eat(grams), self._minute(history, minutes))
        ahead = np.arange(1, len(glucose) + 1)[:, None]
        sigma, rho = now.noise[0, :, 0], now.noise[0, :, 1]
        keep = rho**ahead
        path = glucose + now["offset"][0] + keep * now["error"][0]
        return path, sigma * np.sqrt(1.0 - keep**2)

    def chance_below(self, history: History, limits: Sequence[float], minutes: int) -> Array:
        """Return the probability (L,) that some reading of the next minutes lies below a limit.

        Each member's path is read several times with errors that resemble their neighbours.
        """
        path, _ = self.paths(history, minutes)
        assert self._now is not None
        rng = np.random.default_rng([self.seed, history.now])
        sigma, rho = self._now.noise[0, :, :1], self._now.noise[0, :, 1:]
        lowest, error = np.full((path.shape[1], READINGS), np.inf), np.zeros(())
        for expected in path:
            kick = rng.standard_normal((path.shape[1], READINGS))
            error = rho * error + sigma * np.sqrt(1.0 - rho**2) * kick
            lowest = np.minimum(lowest, expected[:, None] + error)
        return np.array([float(np.mean(lowest < limit)) for limit in limits])

    def _minute(self, history: History, ahead_min: int = 0) -> float:
        at = history.start_s + (self._at * SAMPLE_MIN + 0.5 * ahead_min) * 60.0
        return float(history.timeline.local_minute_of_day(np.array([at]))[0])

    def _catch_up(self, history: History) -> None:
        """Lead the members on to the present of a history."""
        if self._now is None:
            raise InputError(f"the forecaster '{self.name}' has seen no history; fit it first")
        if history.now < self._at:
            raise InputError(
                f"the history ends at sample {history.now}, the forecaster stands at {self._at}; "
                "ask in the order of time"
            )
        insulin, grams = history.past()
        while self._at < history.now:
            self._step(history, insulin, grams)

    def _step(self, history: History, insulin: Array, grams: Array) -> None:
        first = self._at * SAMPLE_MIN
        minutes = slice(first, first + SAMPLE_MIN)
        served = grams[minutes].copy()
        served[0] += self._plate_g
        eaten = eat(served)
        self._plate_g = float(served.sum() - eaten.sum())
        before = grams[max(0, first - MEAL_GAP_MIN) : first].sum()
        self._at += 1
        interval = Interval(
            insulin[minutes][None], eaten[None],
            np.array([bool(grams[minutes].sum() > 0.0 and not before > 0.0)]),
            np.array([_own_basal(history)]), history.glucose[self._at : self._at + 1],
            np.array([[0.0, 0.0, 0.0, 0.0, 1.0]]), history.censored[self._at : self._at + 1],
            np.array([self._minute(history)]),
        )  # fmt: skip
        assert self._now is not None
        if self.assimilate:
            self._now, _ = update(self._now, interval, self._rng)
            return
        self._now, expected = forecast(self._now, interval, self._rng)
        if np.isfinite(interval.reading[0]):
            self._now["error"][0] += interval.reading[0] - expected[0]


def _own_basal(history: History) -> bool:
    return history.timeline.basal is None and len(history.timeline.long_acting) == 0


def _open_loop(
    now: Ensemble, history: History, insulin: Array, eaten: Array, minute: float
) -> Array:
    """Return glucose (T, n), mg/dL, of members that live through coming inputs (5 T,)."""
    model, params = now.model, now.params()
    shift = now.shift()[0] + now.people[0].usual(minute)
    columns = [model.parameter_index[name] for name in ("Vmx", "kp3")]
    own = now.people[0].where.own_basal(params) if _own_basal(history) else 0.0
    params[:, columns] *= np.exp(shift)[:, None]
    u = np.empty((len(insulin), 2, now.members))
    u[:, 0] = eaten[:, None] * (now.carb_factor()[0] * np.exp(now["portion"][0]))
    u[:, 1] = insulin[:, None] + own
    return advance(engine_for(model), now.states[0].copy(), params, u)
