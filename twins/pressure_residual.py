"""The learned residual of the blood-pressure body: gains on what drugs do and on vascular tone.

Five small networks map what a chart knows of a person (age, sex, build, kidneys, pressure,
diabetes) to seven gains: one on the response to each class of drug, within exp(+-0.4), and one on
the tone that angiotensin sets, within exp(+-0.2). These are project choices: with twice as much,
one person in thousands on four standard doses leaves the range where steps of a day are stable.
Doses never enter. The untreated state is zero whatever the gains, so they add nothing at rest.
Which network is right is one more thing that a fit does not know: it is a coordinate of the prior.
Reflexes feed back on pressure, so that "more dose never raises pressure" is counted when a residual
is trained (``pressure_residual_judge.signs_of``, on its card), not promised.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.population import Patients
from ..physiology.pressure_quantities import PARAMETERS
from .residual import Member

Array = NDArray[np.float64]

FORMAT: Final = 1
SHIPPED: Final = "dosegym_bp_2026"
GAINED: Final = ("r_acei", "r_arb", "r_ccb", "r_thiazide", "r_beta_blocker", "r_mra", "sigma")
GAIN_REACH: Final = (0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.2)
"""Bounds on the logarithm of each gain."""
FEATURES: Final = ("age", "female", "bmi", "kidneys", "pressure", "diabetes")
_COLUMN: Final = {q.name: i for i, q in enumerate(PARAMETERS)}


def features_of(covariates: Mapping[str, Any]) -> Array:
    """Return what networks see of people (n, 6), about -2 to 2 in each entry.

    Parameters
    ----------
    covariates : mapping
        Of the sampler: age_years, female, bmi, egfr0, untreated_sbp, diabetes, each (n,).
    """
    age, female, bmi, egfr, sbp, diabetes = (
        np.asarray(covariates[name], dtype=np.float64)
        for name in ("age_years", "female", "bmi", "egfr0", "untreated_sbp", "diabetes")
    )
    columns = (
        (age - 60.0) / 12.0,
        female - 0.5,
        (bmi - 29.0) / 5.0,
        np.log(egfr / 75.0) / 0.25,
        (sbp - 154.0) / 14.0,
        diabetes - 0.2,
    )
    return np.clip(np.stack(columns, axis=-1), -3.0, 3.0)


def gains_of(raw: Array) -> Array:
    """Return gains (..., 7) from unbounded numbers, always within their bounds."""
    return np.asarray(np.exp(np.array(GAIN_REACH) * np.tanh(raw)))


@dataclass(frozen=True)
class PressureResidual:
    """A trained residual.

    Parameters
    ----------
    name : str
    members : tuple of Member
    card : mapping
        How it was trained, its scores, and whether it is ``on``.
    """

    name: str
    members: tuple[Member, ...]
    card: Mapping[str, Any]

    @property
    def on(self) -> bool:
        """Whether it beat gains of 1 on people that it was not trained on."""
        return bool(self.card["on"])

    def gains(self, covariates: Mapping[str, Any], member: NDArray[np.int64]) -> Array:
        """Return the gains (n, 7) of people by the members (n,) named; ones where it is off."""
        seen = features_of(covariates)
        out = np.ones((len(seen), len(GAINED)))
        if self.on:
            for m, one in enumerate(self.members):
                rows = member == m
                out[rows] = gains_of(one.raw(seen[rows], np.zeros(len(GAINED))))
        return out

    def applied(self, people: Patients, member: NDArray[np.int64]) -> Patients:
        """Return people whose responses and tone are changed, within the body's own bounds."""
        columns = [_COLUMN[name] for name in GAINED]
        params = people.params.copy()
        params[:, columns] *= self.gains(people.covariates, member)
        low = np.array([PARAMETERS[i].low for i in columns])
        high = np.array([PARAMETERS[i].high for i in columns])
        params[:, columns] = np.clip(params[:, columns], low, high)
        return replace(people, params=params)

    @property
    def sha256(self) -> str:
        """Hash of all that it computes with and says of itself."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the residual in JSON."""
        keys = ("inner", "bias", "outer")
        return {
            "format": FORMAT,
            "name": self.name,
            "features": list(FEATURES),
            "gains": list(GAINED),
            "members": [{k: getattr(m, k).tolist() for k in keys} for m in self.members],
            "card": dict(self.card),
        }


def load_pressure_residual(name: str | Path = SHIPPED) -> PressureResidual:
    """Return the shipped residual, or one from a file that ``to_dict`` described.

    Raises
    ------
    InputError
        If there is none of this name, or the file is not a pressure residual of this version.
    """
    if str(name) == SHIPPED:
        shelf = resources.files("dosegym.twins.data")
        return _residual_of(shelf.joinpath(f"{SHIPPED}.json").read_text("utf-8"), SHIPPED)
    path = Path(name)
    if path.suffix != ".json":
        raise InputError(f"residual is {str(name)!r}; choose {SHIPPED}, or give a path to *.json")
    try:
        return _residual_of(path.read_text("utf-8"), str(name))
    except OSError as error:
        raise InputError(f"cannot read residual {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"residual {name} is not text in UTF-8; train it again") from None


def _residual_of(text: str, source: str) -> PressureResidual:
    try:
        data = json.loads(text)
        same = data["features"] == list(FEATURES) and data["gains"] == list(GAINED)
        if data["format"] != FORMAT or not same:
            raise ValueError("it is of another version")
        members = tuple(_member(m) for m in data["members"])
        if not members or not isinstance(data["card"]["on"], bool):
            raise ValueError("it has no members, or does not say whether it is on")
        return PressureResidual(str(data["name"]), members, dict(data["card"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{source} is not a pressure residual ({error}); train it again") from None


def _member(data: Mapping[str, Any]) -> Member:
    inner, bias, outer = (np.array(data[k], np.float64) for k in ("inner", "bias", "outer"))
    hidden = len(bias)
    if (inner.shape, outer.shape) != ((len(FEATURES), hidden), (hidden, len(GAINED))):
        raise ValueError(f"a network has shapes {inner.shape} and {outer.shape}")
    if not all(np.isfinite(part).all() for part in (inner, bias, outer)):
        raise ValueError("a weight is not finite")
    return Member(inner, bias, outer, np.zeros(len(GAINED)))
