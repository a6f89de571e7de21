"""The shield's forecast: the largest dose that keeps the lower bound of glucose off the floor.

A dose is safe if, were insulin withheld right after it for as long as may be and the basal resumed
then, the lower quantile of the possible bodies, less the conformal margin, would stay at or above
the floor. Doses are compared on one grid a person, so the largest safe dose does not depend on the
dose proposed: what is given is the proposal or the grid's largest safe dose, whichever is less.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..therapy.dosing import BOLUS_SHARE, rise
from ..therapy.shield_protocols import FORECAST_SHIELD, ForecastLimits
from .shield_members import STEP_MIN, Ensemble
from .shield_present import (
    CARB_FILTERS_MIN,
    Maps,
    Seen,
    fade_carbs,
    fit_maps,
    insulin_means,
    place,
    slope_of,
)
from .shield_rules import Memory, Sight

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

MARGIN_FILE: Final = "shield_margin.json"
QUANTILE: Final = 0.1
# Doses compared: the dosing curve in so many steps.
GRID: Final = 64
# Lanes that run at once.
CHUNK: Final = 512
# The screen: how strongly insulin on board is taken to act, how much of announced carbohydrate
# counts against it, and for how long (min) a fall goes on; project choices on the careful side.
ACTS, EATEN, FALLS_MIN, SPARE_MG_DL = 1.25, 0.5, 25.0, 10.0


@dataclass(frozen=True)
class Margin:
    """The conformal margin: by how much the lower quantile is drawn down.

    Parameters
    ----------
    minutes, mg_dl : tuple of float
        Margin by time ahead; in between linear.
    provenance : mapping
        How it was found.
    """

    minutes: tuple[float, ...] = (0.0,)
    mg_dl: tuple[float, ...] = (0.0,)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def at(self, minutes: Array) -> Array:
        """Return the margin at times ahead."""
        return np.interp(minutes, self.minutes, self.mg_dl)


@lru_cache(maxsize=1)
def shipped_margin() -> Margin:
    """Return the margin that ships, found by ``examples/calibrate_shield.py``."""
    text = resources.files("dosegym.policies.data").joinpath(MARGIN_FILE).read_text("utf-8")
    data = json.loads(text)
    return Margin(tuple(data["minutes"]), tuple(data["mg_dl"]), data["provenance"])


class Forecaster:
    """Rolls possible bodies forward and bounds the insulin of the coming interval.

    Parameters
    ----------
    ensemble : Ensemble, optional
        The population's by default, drawn at first use.
    step_min : float
        Decision interval, min.
    limits : ForecastLimits
    margin : Margin, optional
        The shipped one by default.
    threads : int
        Threads of the engine.
    """

    def __init__(
        self,
        ensemble: Ensemble | None = None,
        step_min: float = 5.0,
        limits: ForecastLimits = FORECAST_SHIELD,
        margin: Margin | None = None,
        threads: int = 1,
    ) -> None:
        self._given = ensemble
        self.step_min = step_min
        self.limits = limits
        self.margin = shipped_margin() if margin is None else margin
        self.threads = threads

    @cached_property
    def bodies(self) -> Ensemble:
        """The ensemble."""
        return Ensemble.of_population() if self._given is None else self._given

    @cached_property
    def maps(self) -> Maps:
        """The matrices of its bodies."""
        return _maps_of(self.bodies)

    @property
    def card(self) -> dict[str, Any]:
        """What the forecast is, in JSON."""
        keep = ("floor_mg_dl", "horizon_min", "suspend_min")
        return {
            **{k: getattr(self.limits, k) for k in keep},
            "quantile": QUANTILE,
            "margin": {"minutes": list(self.margin.minutes), "mg_dl": list(self.margin.mg_dl)},
            "ensemble": self.bodies.card,
        }

    def remember(self, n: int) -> Memory:
        """Return the memory of n fresh lanes: means of announced carbohydrate, and their bodies."""
        nobody = np.full((n, self.bodies.size), -1, np.int64)
        return {"carbs": np.zeros((n, len(CARB_FILTERS_MIN))), "bodies": nobody}

    def meet(self, groups: tuple[str, ...]) -> None:
        """Learn the age groups: charts say more, so nothing is made of it."""

    def listen(self, sight: Sight, memory: Mapping[str, Any]) -> Memory:
        """Return the memory after what was announced now; lanes without bodies get theirs."""
        carbs = fade_carbs(memory["carbs"], sight.told_g, self.step_min)
        bodies = memory["bodies"]
        new = bodies[:, 0] < 0
        if new.any():
            chart = (sight.basal_u_per_h, sight.correction, sight.carb_ratio, sight.weight_kg)
            bodies = bodies.copy()
            bodies[new] = self.bodies.nearest(*(v[new] for v in chart))
        return {"carbs": carbs, "bodies": bodies}

    # ---------------------------------------------------------------- the largest safe dose

    def cap(
        self, observation: NDArray[np.float32], sight: Sight, memory: Mapping[str, Any],
        rate: Array, bolus: Array,
    ) -> Array:  # fmt: skip
        """Return the most insulin (B,), U, that is safe in the coming interval; inf where any.

        Parameters
        ----------
        rate, bolus : array (B,), U/h and U
            What is proposed; nothing above it is looked at.
        """
        dose = rate * sight.step_h + bolus
        cap = np.full(len(dose), np.inf)
        slope = slope_of(observation)
        doubtful = np.flatnonzero((dose > 1e-9) & ~self.clear(sight, memory, slope, dose))
        for first in range(0, len(doubtful), CHUNK):
            lanes = doubtful[first : first + CHUNK]
            known = self.know(observation[lanes], take(sight, lanes), rows_of(memory, lanes))
            cap[lanes] = self._largest(known, dose[lanes])
        return cap

    def clear(
        self, sight: Sight, memory: Mapping[str, Any], slope: Array, dose: Array
    ) -> NDArray[np.bool_]:
        """Return the lanes that no body could bring low: a bound without any simulation."""
        board = sight.iob_u + dose - sight.basal_u
        eaten = EATEN * memory["carbs"][:, 2] / sight.carb_ratio
        fall = ACTS * sight.correction * np.maximum(board - eaten, 0.0)
        falling = FALLS_MIN * np.maximum(-slope, 0.0)
        least = self.limits.floor_mg_dl + max(self.margin.mg_dl) + SPARE_MG_DL
        safe: NDArray[np.bool_] = sight.cgm - fall - falling > least
        return safe

    def know(
        self, observation: NDArray[np.float32], sight: Sight, memory: Mapping[str, Any]
    ) -> Known:
        """Return the possible bodies of lanes, each placed where the observation says."""
        bodies, who = self.bodies, memory["bodies"]
        lanes, size = who.shape
        flat = who.reshape(-1)

        def each(values: Array) -> Array:
            return np.repeat(values, size, axis=0)

        need, basal = bodies.basal_need[flat], each(sight.basal_u_per_h)
        units, grams = np.ones(len(flat)), np.ones(len(flat))
        if not bodies.own:
            units = each(sight.correction) / bodies.correction[flat]
            grams = units * bodies.carb_ratio[flat] / each(sight.carb_ratio)
            units = units * np.tile(bodies.spread, lanes)
        means = insulin_means(observation, sight.basal_u_per_h, sight.iob_u)
        seen = Seen(*(each(v) for v in (sight.cgm, slope_of(observation), means, memory["carbs"])))
        base = basal
        if bodies.own:
            # The person's basal need not be the draw's own: the difference acts as well.
            shift = (basal - need) / basal
            seen = seen._replace(insulin=seen.insulin + np.outer(shift, [1, 1, 1, 1, 1, 2.5]))
            base = need
        x = place(bodies, self.maps, flat, seen, units * basal / need, grams)
        return Known(x, bodies.params[flat], units, need, base, basal, sight, size)

    def _largest(self, known: Known, dose: Array) -> Array:
        """Return the grid's largest safe dose (L,) where the proposed one is not safe, else inf."""
        top = known.sight.daily_dose_u * BOLUS_SHARE
        curve = rise(np.linspace(-1.0, 1.0, GRID + 1))
        # The grid point at or just above the proposal stands for it.
        share = np.minimum(dose / top, 1.0) * (1.0 - 1e-5)
        high = np.searchsorted(curve, share, side="left").astype(np.int64)
        safe, sound = self.safe(known, curve[high] * top)
        cap = np.where(safe, np.inf, 0.0)
        bad = np.flatnonzero(~safe)
        if not len(bad):
            return np.where(sound, cap, known.sight.basal_u)
        low, high = np.full(len(bad), -1, np.int64), high[bad]
        part = known.take(bad)
        probe = np.zeros(len(bad), np.int64)
        while True:
            # Nothing at all is asked about first: most doubtful doses are basal ones.
            open_ = np.flatnonzero((high - low > 1) & (high > 0))
            if not len(open_):
                break
            fine, _ = self.safe(part.take(open_), curve[probe[open_]] * top[bad[open_]])
            low[open_] = np.where(fine, probe[open_], low[open_])
            high[open_] = np.where(fine, high[open_], probe[open_])
            probe = (low + high) // 2
        cap[bad] = curve[np.maximum(low, 0)] * top[bad]
        # Where the forecast breaks down, the current regimen is as far as anyone may go.
        return np.where(sound, cap, known.sight.basal_u)

    def safe(self, known: Known, dose: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return where doses (L,), U, are safe, and where the forecast is finite at all."""
        limits = self.limits
        steps = int(np.ceil(limits.horizon_min / STEP_MIN))
        withheld = int(np.ceil(limits.suspend_min / STEP_MIN))
        given = np.zeros((steps, len(dose)))
        first = max(int(np.ceil(self.step_min / STEP_MIN)), 1)
        given[:first] = dose / (first * STEP_MIN)
        given[first + withheld :] = known.sight.basal_u_per_h / 60.0
        low = self.lower(known, given)
        sound = np.isfinite(low).all(axis=0)
        minutes = STEP_MIN * np.arange(1, steps + 1)
        least = (low - self.margin.at(minutes)[:, None]).min(axis=0)
        return sound & (least >= limits.floor_mg_dl), sound

    def lower(self, known: Known, insulin: Array) -> Array:
        """Return the lower quantile (T, L), mg/dL, every ``STEP_MIN`` under insulin (T, L), U/min."""
        glucose = self.roll(known, insulin)
        return np.quantile(glucose, QUANTILE, axis=2)

    def roll(self, known: Known, insulin: Array) -> Array:
        """Return glucose (T, L, size), mg/dL, of all bodies under insulin (T, L), U/min."""
        engine, steps = self.bodies.engine, len(insulin)
        u = np.zeros((steps, 2, len(known.x)))
        above = np.repeat(insulin, known.size, axis=1) - known.base / 60.0
        np.maximum(known.need / 60.0 + known.units * above, 0.0, out=u[:, 1])
        kept = np.empty((steps, len(self.bodies.model.outputs), len(known.x)))
        engine.advance(known.x.copy(), known.params, u, seen=kept, threads=self.threads)
        glucose = kept[:, self.bodies.model.output_index["interstitial_glucose"]]
        return glucose.reshape(steps, -1, known.size)


@dataclass(frozen=True)
class Known:
    """Possible bodies of L lanes, ``size`` in a row each: states, parameters, units of insulin."""

    x: Array
    params: Array
    units: Array
    need: Array
    base: Array
    basal: Array
    sight: Sight
    size: int

    def take(self, lanes: Ints) -> Known:
        """Return some of the lanes."""
        rows = (lanes[:, None] * self.size + np.arange(self.size)).reshape(-1)
        parts = (v[rows] for v in (self.x, self.params, self.units, self.need, self.base))
        return Known(*parts, self.basal[rows], take(self.sight, lanes), self.size)


def take(sight: Sight, lanes: Ints) -> Sight:
    """Return what is seen of some lanes."""
    parts = [v[lanes] if isinstance(v, np.ndarray) else v for v in sight]
    return Sight(*parts)


def rows_of(memory: Mapping[str, Any], lanes: Ints) -> dict[str, Any]:
    """Return the memory of some lanes."""
    return {k: v[lanes] for k, v in memory.items()}


@lru_cache(maxsize=8)
def _maps_of(bodies: Ensemble) -> Maps:
    return fit_maps(bodies)
