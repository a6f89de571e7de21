"""The learned residual of a twin: a person's context and the hour in, bounded gains and drift out.

Five small networks (members) map what is known of a person and the hour of the day to the six
added parameters of ``uva_padova_gains``. Inference is NumPy alone. Everything that the networks put
out is squeezed into the bounds of that model, so that more insulin never raises glucose whatever
they have learned (docs/explanation/residual.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..physiology.errors import InputError
from .residual_context import CONTEXT, FEATURES, TOLD, columns_of, features
from .residual_windows import BLOCK_MIN

Array = NDArray[np.float64]

FORMAT = 1
OUTPUTS = 6
SLOTS = 1440 // BLOCK_MIN
"""Half hours of a day, over each of which gains are held."""
RESIDUALS = ("uva_padova_2026",)


@dataclass(frozen=True)
class Member:
    """One network: a layer of tanh, a linear layer, and a straight way for what the past told.

    Parameters
    ----------
    inner : array (F, H), bias : array (H,), outer : array (H, 6), direct : array (6,)
    """

    inner: Array
    bias: Array
    outer: Array
    direct: Array

    def raw(self, scaled: Array, told: Array) -> Array:
        """Return unbounded outputs (..., 6), zero for the ordinary person without an hour.

        Parameters
        ----------
        scaled : array (..., F)
        told : array (..., 6)
            What the past told, unscaled.
        """
        hidden = np.tanh(scaled @ self.inner + self.bias) - np.tanh(self.bias)
        return np.asarray(hidden @ self.outer + self.direct * told)


@dataclass(frozen=True)
class Familiar:
    """Which people and moments the residual was trained on: squared Mahalanobis distances.

    Parameters
    ----------
    centre : array (D,)
    precision : array (D, D)
    threshold : float
        The 99th percentile of the distance among validation people or moments.
    """

    centre: Array
    precision: Array
    threshold: float

    def score(self, values: ArrayLike) -> Array:
        """Return the distance (...,) over its threshold: above 1 is unfamiliar."""
        away = np.asarray(values, np.float64) - self.centre
        squared = np.einsum("...i,ij,...j->...", away, self.precision, away)
        return np.asarray(np.sqrt(squared) / self.threshold)


@dataclass(frozen=True)
class Residual:
    """A trained residual.

    Parameters
    ----------
    name : str
    members : tuple of Member
    scale : array (F,)
        Standard deviation of each feature in training; features are divided by it.
    people, moments : Familiar
        Of contexts, and of contexts with glucose, remote insulin and meal appearance.
    floor_mg_dl : array (T / 5,)
        Error that remains at 5, 10, ... min, below which no spread falls.
    contexts : array (K, C)
        Of training people: what somebody's might be, where nothing is known of them.
    card : mapping
        How it was trained, its scores, and whether it is on.
    """

    name: str
    members: tuple[Member, ...]
    scale: Array
    people: Familiar
    moments: Familiar
    floor_mg_dl: Array
    contexts: Array
    card: Mapping[str, Any]

    @property
    def on(self) -> bool:
        """Whether it beat gains of 1 on people that it was not trained on."""
        return bool(self.card["on"])

    @property
    def neutral(self) -> Array:
        """The context (C,) of the ordinary person."""
        return np.zeros(len(CONTEXT))

    def columns(self, seen: ArrayLike, member: int) -> Array:
        """Return the hybrid's added parameters (..., 6) from features (..., F); always in bounds.

        All are neutral where the residual is off.
        """
        values = np.asarray(seen, dtype=np.float64)
        raw = self.members[member].raw(values / self.scale, values[..., :OUTPUTS])
        return columns_of(raw if self.on else np.zeros_like(raw))

    def day(self, context: ArrayLike, member: int) -> Array:
        """Return the added parameters (..., SLOTS, 6) of each half hour of a day at rest."""
        own = np.asarray(context, dtype=np.float64)[..., None, :]
        own = np.broadcast_to(own, (*own.shape[:-2], SLOTS, own.shape[-1]))
        hours = np.broadcast_to(BLOCK_MIN * (np.arange(SLOTS) + 0.5) / 60.0, own.shape[:-1])
        still = np.zeros((*own.shape[:-1], 3))
        return self.columns(features(own, hours, still, np.zeros(own.shape[:-1])), member)

    def spread(self, members: Array, unfamiliar: ArrayLike = 0.0) -> Array:
        """Return standard deviations (..., T) of forecasts, mg/dL.

        Parameters
        ----------
        members : array (M, ..., T), mg/dL
            Forecasts of each member: their spread is what training left open, and too little.
        unfamiliar : array (...,)
            Scores of the moments; beyond 1 the spread widens in proportion.
        """
        size = members.shape[-1]
        own = np.sqrt(members.var(axis=0) + self.floor_mg_dl[:size] ** 2)
        return np.asarray(own * np.maximum(np.asarray(unfamiliar)[..., None], 1.0))

    @property
    def sha256(self) -> str:
        """Hash of all that it computes with and says of itself."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the residual in JSON."""
        return {
            "format": FORMAT,
            "name": self.name,
            "features": list(FEATURES),
            "context": list(CONTEXT),
            "members": [
                {key: getattr(m, key).tolist() for key in ("inner", "bias", "outer", "direct")}
                for m in self.members
            ],
            "scale": self.scale.tolist(),
            "people": _familiar_dict(self.people),
            "moments": _familiar_dict(self.moments),
            "floor_mg_dl": self.floor_mg_dl.tolist(),
            "contexts": self.contexts.tolist(),
            "card": dict(self.card),
        }


def _familiar_dict(one: Familiar) -> dict[str, Any]:
    return {
        "centre": one.centre.tolist(),
        "precision": one.precision.tolist(),
        "threshold": one.threshold,
    }


def _familiar(data: Mapping[str, Any], size: int) -> Familiar:
    one = Familiar(np.array(data["centre"]), np.array(data["precision"]), float(data["threshold"]))
    if one.centre.shape != (size,) or one.precision.shape != (size, size) or one.threshold <= 0:
        raise ValueError(f"a measure of familiarity is not of size {size}")
    return one


def load_residual(name: str | Path = RESIDUALS[0]) -> Residual:
    """Return a residual by name, or from a file.

    Parameters
    ----------
    name : str or Path
        One of ``RESIDUALS``, or a path to JSON that ``Residual.to_dict`` described.

    Raises
    ------
    InputError
        If there is none of this name, or the file is not a residual of this version.
    """
    if str(name) in RESIDUALS:
        text = resources.files("dosegym.twins.data").joinpath(f"{name}.json").read_text("utf-8")
        return residual_of(text, str(name))
    path = Path(name)
    if path.suffix != ".json":
        known = ", ".join(RESIDUALS)
        raise InputError(f"residual is {str(name)!r}; choose one of {known}, or a path to *.json")
    try:
        return residual_of(path.read_text("utf-8"), str(name))
    except OSError as error:
        raise InputError(f"cannot read residual {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"residual {name} is not text in UTF-8; train it again") from None


def residual_of(text: str, source: str) -> Residual:
    """Return the residual that JSON describes.

    Raises
    ------
    InputError
        If it is not a residual of this version, or its numbers are not of the right shape.
    """
    try:
        data = json.loads(text)
        known = data["format"] == FORMAT and data["features"] == list(FEATURES)
        if not known or data["context"] != list(CONTEXT):
            raise ValueError("it is of another version")
        return _assembled(data)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{source} is not a residual ({error}); train it again") from None


def _assembled(data: Mapping[str, Any]) -> Residual:
    members = tuple(
        Member(*(np.array(m[k], dtype=np.float64) for k in ("inner", "bias", "outer", "direct")))
        for m in data["members"]
    )
    f = len(FEATURES)
    for m in members:
        hidden = len(m.bias)
        shapes = (m.inner.shape, m.outer.shape, m.direct.shape)
        if shapes != ((f, hidden), (hidden, OUTPUTS), (OUTPUTS,)):
            raise ValueError(f"a network has shapes {shapes}")
    one = Residual(
        str(data["name"]),
        members,
        np.array(data["scale"], dtype=np.float64),
        _familiar(data["people"], len(CONTEXT)),
        _familiar(data["moments"], len(CONTEXT) + 3),
        np.array(data["floor_mg_dl"], dtype=np.float64),
        np.array(data["contexts"], dtype=np.float64),
        dict(data["card"]),
    )
    _check_numbers(one)
    return one


def _check_numbers(one: Residual) -> None:
    if not one.members or one.scale.shape != (len(FEATURES),) or not (one.scale > 0.0).all():
        raise ValueError("members or scales are missing")
    if one.contexts.ndim != 2 or one.contexts.shape[1:] != (len(CONTEXT),):
        raise ValueError(f"contexts have shape {one.contexts.shape}")
    arrays = [one.floor_mg_dl, one.contexts, one.scale]
    arrays += [a for m in one.members for a in (m.inner, m.bias, m.outer, m.direct)]
    if not all(np.isfinite(a).all() for a in arrays) or not isinstance(one.card.get("on"), bool):
        raise ValueError("a number is not finite, or the card does not say whether it is on")


assert len(TOLD) == OUTPUTS + 4
