"""The shield's forecast: the largest dose that keeps the lower bound of glucose off the floor.

A dose is safe if, were insulin withheld right after it for as long as may be and the basal resumed
then, the lower quantile of the possible bodies, less the conformal margin, would stay at or above
the floor. Doses are compared on one grid a person, so the largest safe dose does not depend on the
dose proposed: what is given is the proposal or the grid's largest safe dose, whichever is less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..therapy.dosing import BOLUS_SHARE
from ..therapy.shield_protocols import FORECAST_SHIELD, ForecastLimits
from . import shield_screen
from .shield_margin import Margin, shipped_margin
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
from .shield_screen import cleared, line, traits

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

QUANTILE: Final = 0.1
# Doses compared: none, the basal, and so many above it up to the largest bolus of the dosing curve.
GRID: Final = 32
# Lanes that run at once.
CHUNK: Final = 512


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
            "screen": list(self.margin.screen),
            "ensemble": self.bodies.card,
        }

    def remember(self, n: int) -> Memory:
        """Return the memory of n fresh lanes: means of announced carbohydrate, and their bodies."""
        nobody = np.full((n, self.bodies.size), -1, np.int64)
        carbs = np.zeros((n, len(CARB_FILTERS_MIN)))
        return {"carbs": carbs, "bodies": nobody, **shield_screen.remember(n)}

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
    ) -> tuple[Array, Memory]:  # fmt: skip
        """Return the most insulin (B,), U, that is safe in the coming interval, and the memory.

        Parameters
        ----------
        rate, bolus : array (B,), U/h and U
            What is proposed; nothing above it is looked at, and where it is safe the cap is inf.
        """
        dose = rate * sight.step_h + bolus
        cap, new = np.full(len(dose), np.inf), {"age": memory["age"] + 1}
        new |= {k: memory[k].copy() for k in ("slack", "line")}
        passed, now = np.zeros(len(dose)), np.zeros(len(dose))
        if self.margin.screen:
            seen = traits(sight, slope_of(observation), memory["carbs"])
            now = line(seen, self.margin.screen)
            passed = cleared(sight, now, memory)
        doubtful = np.flatnonzero((dose > 1e-9) & (dose > passed))
        for first in range(0, len(doubtful), CHUNK):
            lanes = doubtful[first : first + CHUNK]
            known = self.know(observation[lanes], take(sight, lanes), rows_of(memory, lanes))
            largest, slack = self._largest(known, dose[lanes])
            cap[lanes] = np.maximum(largest, passed[lanes])
            new["slack"][lanes], new["line"][lanes], new["age"][lanes] = slack, now[lanes], 1
        return cap, new

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
        return Known(x, bodies.params[flat], units, need, base, sight, size)

    def _largest(self, known: Known, dose: Array) -> tuple[Array, Array]:
        """Return the largest safe dose (L,) of the grid, inf where the proposal is, and the slack.

        The slack (L,), mg/dL, is that of the proposal where it is safe, else that on the basal.
        """
        basal = known.sight.basal_u
        top = np.maximum(known.sight.daily_dose_u * BOLUS_SHARE, 2.0 * basal)
        step = np.log(top / basal) / GRID

        def at(point: Ints, lanes: Ints) -> Array:
            return np.asarray(basal[lanes] * np.exp(step[lanes] * point))

        # The grid point at or just above the proposal stands for it; below the basal, the basal.
        high = np.ceil(np.log(np.maximum(dose / basal, 1.0)) / step - 1e-4)
        high = high.astype(np.int64).clip(0, GRID)
        slack = self.slack(known, at(high, np.arange(len(dose))))
        broken = np.isnan(slack)
        cap = np.where(slack >= 0.0, np.inf, 0.0)
        bad = np.flatnonzero(~broken & (slack < 0.0) & (high > 0))
        if len(bad):
            slack[bad] = self.slack(known.take(bad), basal[bad])
            bad = bad[slack[bad] >= 0.0]
            cap[bad] = at(self._between(known, at, bad, high[bad]), bad)
        # Where the forecast breaks down, the current regimen is as far as anyone may go.
        return np.where(broken, basal, cap), np.where(broken, -np.inf, slack)

    def _between(
        self, known: Known, at: Callable[[Ints, Ints], Array], lanes: Ints, high: Ints
    ) -> Ints:
        """Return the largest safe grid point of lanes whose basal (0) is safe and ``high`` not."""
        low, high = np.zeros(len(lanes), np.int64), high.copy()
        while (wide := np.flatnonzero(high - low > 1)).size:
            some = lanes[wide]
            probe = (low[wide] + high[wide]) // 2
            fine = self.slack(known.take(some), at(probe, some)) >= 0.0
            low[wide] = np.where(fine, probe, low[wide])
            high[wide] = np.where(fine, high[wide], probe)
        return low

    def slack(self, known: Known, dose: Array) -> Array:
        """Return by how much the forecast stays above the floor (L,), mg/dL, for doses (L,), U.

        Insulin is withheld after the dose and the basal resumed then; NaN where bodies break down.
        """
        limits = self.limits
        steps = int(np.ceil(limits.horizon_min / STEP_MIN))
        withheld = int(np.ceil(limits.suspend_min / STEP_MIN))
        given = np.zeros((steps, len(dose)))
        first = max(int(np.ceil(self.step_min / STEP_MIN)), 1)
        given[:first] = dose / (first * STEP_MIN)
        given[first + withheld :] = known.sight.basal_u_per_h / 60.0
        minutes = STEP_MIN * np.arange(1, steps + 1)
        floor = limits.floor_mg_dl + self.margin.at(minutes)
        least: Array = self.lower(known, given) - floor[:, None]
        # The body's guards at zero would make a number of what is none.
        finite = np.isfinite(least).all(axis=0) & np.isfinite(known.sight.cgm)
        return np.where(finite, least.min(axis=0), np.nan)

    def lower(self, known: Known, insulin: Array) -> Array:
        """Return the lower quantile (T, L), mg/dL, every 3 min under insulin (T, L), U/min."""
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
    sight: Sight
    size: int

    def take(self, lanes: Ints) -> Known:
        """Return some of the lanes."""
        rows = (lanes[:, None] * self.size + np.arange(self.size)).reshape(-1)
        return Known(
            self.x[rows], self.params[rows], self.units[rows], self.need[rows], self.base[rows],
            take(self.sight, lanes), self.size,
        )  # fmt: skip


def take(sight: Sight, lanes: Ints) -> Sight:
    """Return what is seen of some lanes."""
    parts: list[Any] = [v[lanes] if isinstance(v, np.ndarray) else v for v in sight]
    return Sight(*parts)


def rows_of(memory: Mapping[str, Any], lanes: Ints) -> dict[str, Any]:
    """Return the memory of some lanes."""
    return {k: v[lanes] for k, v in memory.items()}


@lru_cache(maxsize=8)
def _maps_of(bodies: Ensemble) -> Maps:
    return fit_maps(bodies)
