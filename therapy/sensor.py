"""Glucose sensors: what a continuous glucose monitor shows of interstitial glucose.

reading_k = clip(gain_k x interstitial_k + offset_k, low, high) at sample k, one period after the
other. The reading is the latest sample, not an average: simglucose returns the mean of the readings
held over its step, which adds about half a period of lag (its issues 78 and 94).

The autoregressive part of the Dexcom models advances once per 5-minute sample: Dexcom records every
5 minutes, the models were identified on such records, and ReplayBG 7b47b5c, by the same group,
advances its model so. LoopInsighT1 9a60920 advances them every minute, which leaves the standard
deviation as it is but makes consecutive readings far less alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..physiology.errors import InputError
from .presets import amend, check, choose, known_fields, verify
from .sensor_noise import CalibratedNoise, JohnsonNoise, NoError, Noise

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sensor:
    """One sensor: how often it reads, between which limits, and how it errs.

    Parameters
    ----------
    name, source : str
        The sensor, and where its numbers come from.
    period_min : int
        Minutes between readings.
    low_mg_dl, high_mg_dl : float
        Lowest and highest reading shown, mg/dL.
    noise : NoError, JohnsonNoise or CalibratedNoise
        The error process.
    """

    name: str
    period_min: int
    low_mg_dl: float
    high_mg_dl: float
    source: str
    noise: Noise

    def __post_init__(self) -> None:
        check("sensor period_min", self.period_min, 1, 60, "min")
        if self.period_min != int(self.period_min):
            raise InputError(
                f"sensor period_min is {self.period_min} min; give a whole number of minutes"
            )
        object.__setattr__(self, "period_min", int(self.period_min))
        check("sensor high_mg_dl", self.high_mg_dl, 0.0, 2000.0, "mg/dL")
        check("sensor low_mg_dl", self.low_mg_dl, 0.0, self.high_mg_dl, "mg/dL")
        self.noise.check_period(self.period_min)

    def draw(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        """Return the errors of n consecutive samples, one period apart.

        Parameters
        ----------
        rng : numpy.random.Generator
            Advanced by a number of draws that depends on n only.
        n : int
            Number of samples, at least 1.

        Returns
        -------
        gain : array (n,), 1
        offset : array (n,), mg/dL
        """
        return self.noise.draw(rng, n, self.period_min)

    def read(self, gain: ArrayLike, offset: ArrayLike, interstitial: ArrayLike) -> Array:
        """Return the readings, mg/dL, of interstitial glucose in mg/dL; shapes broadcast."""
        shown = np.asarray(gain) * np.asarray(interstitial) + np.asarray(offset)
        readings: Array = np.clip(shown, self.low_mg_dl, self.high_mg_dl)
        return readings


_BRETON: Final = (
    "Breton and Kovatchev 2008 (JDST 2:853) as coded in simglucose a6f6777, which gives all its "
    "sensors the same noise; period and limits of its"
)
_FACTORY: Final = "coefficients as in LoopInsighT1 9a60920; limits as Dexcom shows them"

SENSORS: Final[Mapping[str, Sensor]] = MappingProxyType(
    {
        sensor.name: sensor
        for sensor in (
            Sensor("breton_kovatchev", 5, 39.0, 600.0, f"{_BRETON} GuardianRT", JohnsonNoise()),
            Sensor("dexcom_bk", 3, 39.0, 600.0, f"{_BRETON} Dexcom", JohnsonNoise()),
            Sensor("navigator_bk", 1, 32.0, 600.0, f"{_BRETON} Navigator", JohnsonNoise()),
            Sensor(
                "dexcom_g6",
                5,
                40.0,
                400.0,
                f"Vettoretti 2019 (10.1109/EMBC.2019.8856790), 10-day sensor; {_FACTORY}",
                CalibratedNoise(
                    gain=(1.048, -0.033, 0.002),
                    offset=(-6.398, 6.179, -0.448),
                    specific=(1.22, -0.331, 3.641),
                    common=(1.34, -0.492, 5.538),
                    restart_days=10.0,
                ),
            ),
            Sensor(
                "dexcom_g5",
                5,
                40.0,
                400.0,
                f"Vettoretti 2018 (10.1109/TBME.2017.2746340), calibrated every 12 h; {_FACTORY}",
                CalibratedNoise(
                    gain=(1.04, 0.02, 0.0),
                    offset=(-8.75, 0.0, 0.0),
                    specific=(1.27, -0.42, 7.64),
                    restart_days=0.5,
                ),
            ),
            Sensor(
                "seven_plus",
                5,
                40.0,
                400.0,
                f"Facchinetti 2014 (10.1109/TBME.2013.2284023), calibrated every 12 h; {_FACTORY}",
                CalibratedNoise(
                    gain=(1.1, 2e-4, 0.0),
                    offset=(-14.8, 0.04, 0.0),
                    specific=(1.013, -0.2135, 14.45),
                    common=(1.23, -0.3995, 11.3),
                    restart_days=0.5,
                ),
            ),
            Sensor(
                "noise_free",
                5,
                20.0,
                600.0,
                "project choice: interstitial glucose itself within the observation's bounds",
                NoError(),
            ),
        )
    }
)


def load_sensor(name: str | Mapping[str, Any] = "breton_kovatchev") -> Sensor:
    """Return a sensor by name, or one with some numbers changed.

    Parameters
    ----------
    name : str or mapping
        One of ``SENSORS``, or ``{"preset": name, field: value, ...}`` where a field is one of
        :class:`Sensor`'s or of its noise's.

    Raises
    ------
    InputError
        If the preset, a field or a value is not acceptable.
    """
    sensor, changes = choose("sensor", name, SENSORS, "breton_kovatchev")
    process = known_fields(sensor.noise)
    own = tuple(key for key in known_fields(sensor) if key != "noise")
    unknown = next((key for key in changes if key not in own + process), None)
    if unknown is not None:
        raise InputError(
            f"sensor has no setting {unknown!r}; {sensor.name} has {', '.join(own + process)}"
        )
    noise = amend("sensor", sensor.noise, {k: changes.pop(k) for k in process if k in changes})
    verify("sensor", sensor, changes)
    return replace(sensor, noise=noise, **changes)
