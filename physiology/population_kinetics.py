"""A drug's kinetics in a population: typical values, covariates, spread between people, errors.

A person's parameter is ``typical x covariate factors x exp(eta)`` with eta normal (mean 0,
covariance omega), for shares between 0 and 1 the same on the logit scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .compartments import NEUTRAL, PARAMETERS, Structure
from .errors import InputError
from .kinetics_records import Fact

Array = NDArray[np.float64]

KINDS: Final = ("power", "linear", "below", "exponential")
OUTPUTS: Final = ("concentration", "response")
LOGIT: Final = ("imax",)
MOST: Final = 1e12
_SMALLEST: Final = 1e-3


@dataclass(frozen=True)
class Effect:
    """How a covariate changes a parameter.

    Parameters
    ----------
    parameter, covariate : str
    kind : {"power", "linear", "below", "exponential"}
        Factor ``(x / reference)^value``; ``1 + value (x - reference)``, all linear effects on one
        parameter added before they multiply; ``1 + value`` where x is below the reference;
        ``exp(value (x - reference))``.
    reference, value : float
    fixed : bool
        Whether a fit leaves the value alone.
    """

    parameter: str
    covariate: str
    kind: str
    reference: float
    value: float
    fixed: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.parameter not in PARAMETERS:
            raise InputError(
                f"effect of {self.covariate} on {self.parameter!r} is {self.kind!r}; give one of "
                f"{', '.join(KINDS)} on one of {', '.join(PARAMETERS)}"
            )
        if self.kind == "power" and not self.reference > 0.0:
            raise InputError(
                f"reference of {self.covariate} is {self.reference:g}; give one above 0"
            )


@dataclass(frozen=True)
class Error:
    """Standard deviations of readings: additive (the output's unit) and proportional; 0 is none.

    The variance of a reading is ``additive^2 + (proportional x true)^2``.
    """

    additive: float = 0.0
    proportional: float = 0.0

    def __post_init__(self) -> None:
        if not (self.additive >= 0.0 and self.proportional >= 0.0):
            raise InputError(f"error {self} is negative; give standard deviations of at least 0")
        if self.additive == self.proportional == 0.0:
            raise InputError("error has no part above 0; give an additive or a proportional one")


@dataclass(frozen=True)
class Units:
    """Units of a table or a model: time, amount of a dose, concentration, response."""

    time: str = "h"
    amount: str = "mg"
    concentration: str = "mg/L"
    response: str = ""


@dataclass(frozen=True)
class PopulationKinetics:
    """Kinetics of one drug in a population.

    Parameters
    ----------
    name, drug : str
    structure : Structure
    units : Units
    typical : mapping of str to float
        Every parameter of the structure, at the covariates' references.
    spread : tuple of str
        Parameters that differ between people beyond covariates.
    omega : array (d, d)
        Covariance of their etas, in the order of ``spread``.
    errors : mapping of output to Error
    effects : tuple of Effect
    fixed : frozenset of str
        Typical values that a fit leaves alone.
    full : bool
        Whether a fit estimates covariances, not just variances.
    facts : tuple of Fact
        Where each number comes from.
    """

    name: str
    drug: str
    structure: Structure
    units: Units
    typical: Mapping[str, float]
    spread: tuple[str, ...]
    omega: Array
    errors: Mapping[str, Error]
    effects: tuple[Effect, ...] = ()
    fixed: frozenset[str] = field(default_factory=frozenset)
    full: bool = False
    facts: tuple[Fact, ...] = ()

    def __post_init__(self) -> None:
        for name in self.structure.parameters:
            value, most = self.typical.get(name, np.nan), 1.0 if name in LOGIT else MOST
            if not 0.0 < value <= most:
                raise InputError(
                    f"{self.name}: {name} is {value:g}; give a number above 0, at most {most:g}"
                )
            if value == most and name in self.spread:
                raise InputError(
                    f"{self.name}: {name} is {value:g} and cannot differ between people"
                )
        for name in (*self.spread, *self.fixed, *self.typical):
            if name not in PARAMETERS:
                raise InputError(f"{self.name}: {name!r} is no parameter of kinetics")
        if np.shape(self.omega) != (len(self.spread),) * 2 or not _positive(self.omega):
            raise InputError(
                f"{self.name}: omega must be a positive definite matrix of {len(self.spread)} rows"
            )
        wanted = OUTPUTS[: 1 + self.structure.responds]
        missing = next((name for name in self.errors if name not in wanted), None)
        if missing is not None or not self.errors:
            raise InputError(f"{self.name}: errors are for {missing!r}; give {', '.join(wanted)}")

    @property
    def covariates(self) -> tuple[str, ...]:
        """Covariates that must be known of a person."""
        return tuple(dict.fromkeys(effect.covariate for effect in self.effects))

    def log_sd(self) -> Array:
        """Return the standard deviations (d,) of the etas."""
        return np.asarray(np.sqrt(np.diag(self.omega)))

    def with_status(self, status: str) -> tuple[str, ...]:
        """Return the parameters whose value has this status, e.g. ``unverified``."""
        return tuple(fact.parameter for fact in self.facts if fact.status == status)


def _positive(matrix: Array) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return bool(np.allclose(matrix, np.transpose(matrix)))


def to_scale(name: str, value: Array | float) -> Array:
    """Return a parameter on the scale where etas are added: log, or logit for shares."""
    x = np.asarray(value, dtype=np.float64)
    return np.asarray(np.log(x / (1.0 - x)) if name in LOGIT else np.log(x))


def from_scale(name: str, value: Array | float) -> Array:
    """Return a parameter from the scale where etas are added."""
    x = np.clip(np.asarray(value, dtype=np.float64), -50.0, 50.0)
    return np.asarray(1.0 / (1.0 + np.exp(-x)) if name in LOGIT else np.exp(x))


def factors(
    effects: tuple[Effect, ...], values: Array, chart: Mapping[str, Array]
) -> dict[str, Array]:
    """Return the factor (K, S) of each parameter that covariates change.

    Parameters
    ----------
    effects : tuple of Effect
    values : array (K, len(effects))
        K variants of their values.
    chart : mapping of covariate to array (S,)
    """
    product: dict[str, Array] = {}
    linear: dict[str, Array] = {}
    for k, effect in enumerate(effects):
        x, value = np.asarray(chart[effect.covariate])[None], values[:, k, None]
        if effect.kind in ("linear", "below"):
            below = effect.kind == "below"
            away = (x < effect.reference).astype(np.float64) if below else x - effect.reference
            linear[effect.parameter] = linear.get(effect.parameter, 1.0) + value * away
            continue
        power = np.log(x / effect.reference) if effect.kind == "power" else x - effect.reference
        factor = np.exp(np.clip(value * power, -50.0, 50.0))
        product[effect.parameter] = product.get(effect.parameter, 1.0) * factor
    for name, sum_ in linear.items():
        product[name] = product.get(name, 1.0) * np.maximum(sum_, _SMALLEST)
    return product


def individual(
    model: PopulationKinetics,
    etas: Array,
    person: NDArray[np.int64],
    chart: Mapping[str, Array],
    *,
    typical: Mapping[str, Array] | None = None,
    values: Array | None = None,
) -> Array:
    """Return people's own parameters.

    Parameters
    ----------
    model : PopulationKinetics
    etas : array (K, B, d)
        K variants of B people.
    person : array (S,) of int
        Whose each segment is.
    chart : mapping of covariate to array (S,)
    typical : mapping of str to array (K,), optional
        On the scale where etas are added; the model's own otherwise.
    values : array (K, len(effects)), optional
        Of the covariates' effects; the model's own otherwise.

    Returns
    -------
    array (K, S, len(PARAMETERS))
    """
    k, segments = len(etas), len(person)
    own = np.array([[effect.value for effect in model.effects]] * k).reshape(k, -1)
    factor = factors(model.effects, own if values is None else values, chart)
    out = np.empty((k, segments, len(PARAMETERS)))
    for column, name in enumerate(PARAMETERS):
        if name not in model.typical:
            out[:, :, column] = NEUTRAL[column]
            continue
        where = None if typical is None else typical.get(name)
        if where is None and name not in model.spread:
            out[:, :, column] = model.typical[name]
        else:
            level = to_scale(name, model.typical[name]) if where is None else where
            scaled = np.broadcast_to(np.reshape(level, (-1, 1)), (k, 1))
            if name in model.spread:
                scaled = scaled + etas[:, :, model.spread.index(name)][:, person]
            out[:, :, column] = from_scale(name, scaled)
        if name in factor:
            out[:, :, column] = out[:, :, column] * factor[name]
    return out
