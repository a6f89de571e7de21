"""The twin: a person's most probable body, how well it is known, and draws of possible ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.library import load_model
from ..physiology.population import Patients
from ..records.consent import permit_twin
from ..records.timeline import Timeline
from .conformal import Conformal
from .coordinates import MEANING, NAMES, Coordinates
from .forward import WINDOW_MIN, with_sensitivity
from .joint import root_of
from .noise import Noise
from .posterior import Posterior
from .present import posterior_of
from .residual_own import OwnResidual
from .sample import Sample
from .search import LIMIT_SD
from .settings import settings_of
from .unlogged import sentence, told
from .variation import Variation, rhythm

if TYPE_CHECKING:
    from .ahead import Forecast
    from .change import Change
    from .plan import Plan
    from .whatif import WhatIf

Array = NDArray[np.float64]
FORMAT = 3
WELL_KNOWN, PARTLY_KNOWN = 0.5, 0.8


@dataclass(frozen=True)
class Twin:
    """One person's body.

    Parameters
    ----------
    subject : str
        Pseudonym of the record.
    record_sha256 : str
        Of the record it was fitted to.
    group : str
        Age group of the prior.
    where : Coordinates
        The prior.
    z : array (d,)
        Most probable standardised coordinates.
    covariance : array (d, d)
        Posterior covariance of z.
    noise : Noise
        Most probable noise of readings about the model, misfit included.
    variation : Variation
        How much days, hours and meals differ (medians of the posterior).
    rhythm : tuple of (float, float)
        Local minute at which each window of a usual day begins, and the mean of the logarithm of
        insulin sensitivity in it over the person's own.
    quality : mapping
        Root mean square error and mean absolute relative difference of the fit, days, readings, and
        the held-out day's forecast, where there was one; meals outside of the log (``told``).
    notes : tuple of str
        What had to be assumed.
    consent_id : str
        Of the consent document that the record was read under; empty for none.
    end_s : float
        When the record ended, seconds since 1970 UTC.
    posterior : Posterior or None
        Equally likely draws of the body, and where each is at the record's end.
    residual : OwnResidual or None
        What a learned residual knows of the person, and whether it is on.
    calibration : Conformal or None
        What later readings said of the bands of its forecasts (``rolling.calibrated``).
    """

    subject: str
    record_sha256: str
    group: str
    where: Coordinates
    z: Array
    covariance: Array
    noise: Noise
    variation: Variation
    rhythm: tuple[tuple[float, float], ...]
    quality: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    end_s: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    posterior: Posterior | None = None
    residual: OwnResidual | None = None
    consent_id: str = ""
    calibration: Conformal | None = None

    @classmethod
    def of(
        cls, timeline: Timeline, drawn: Sample, group: str, held_out: Mapping[str, float] | None,
        notes: tuple[str, ...], residual: OwnResidual | None = None,
    ) -> Twin:  # fmt: skip
        """Assemble a twin from draws and score its fit."""
        likelihood, unknowns = drawn.likelihood, drawn.likelihood.unknowns
        seen, use, best = likelihood.seen, likelihood.use, drawn.mode.u[None]
        noise = likelihood.noise(best)
        error = likelihood.errors(likelihood.glucose(best)[use.index], noise)[:, 0]
        meals = told(drawn)
        quality: dict[str, Any] = {
            "days": seen.days,
            "readings": len(use.index),
            "rmse_mg_dl": float(np.sqrt(np.mean(error**2))),
            "mard_percent": float(100.0 * np.mean(np.abs(error) / seen.glucose[use.index])),
            "misfit_factor": 1.0 / likelihood.power,
            "held_out_day": dict(held_out) if held_out else None,
            "unlogged_meals": meals,
        }
        posterior = posterior_of(drawn)
        spread = np.median(posterior.spread, axis=0).tolist()
        variation = Variation(*spread)
        effects = unknowns.effects(drawn.u).mean(axis=0)
        hours = rhythm(variation, effects[: unknowns.windows])
        begins = (seen.start_minute + WINDOW_MIN * np.arange(len(hours))) % 1440.0
        return cls(
            timeline.subject, timeline.source_sha256, group, unknowns.where,
            unknowns.coordinates(best)[0], np.cov(posterior.z.T), Noise(*noise[0].tolist()),
            variation, tuple((float(b), float(h)) for b, h in zip(begins, hours, strict=True)),
            quality, (*notes, *map(sentence, meals)), seen.start_s + len(seen.insulin) * 60.0,
            settings_of(timeline, seen), posterior, residual, timeline.consent_id,
        )  # fmt: skip

    @property
    def day_sd(self) -> float:
        """Standard deviation of log sensitivity at some hour of a new day, all causes together."""
        each = np.array([value for _, value in self.rhythm])
        known = float(np.mean(each**2)) if len(each) else 0.0
        return float(np.sqrt(self.variation.day**2 + self.variation.window**2 + known))

    @property
    def model(self) -> Any:
        """The model of the body."""
        return self.where.model

    def known(self) -> list[dict[str, Any]]:
        """Return how well each quantity is known: posterior over prior standard deviation.

        Each is told in prior standard deviations of its own (``Coordinates.standard``).
        """
        if self.posterior is None:
            width = self.where.standard(root_of(self.covariance).T)
            at, spread = self.where.standard(self.z[None])[0], np.sqrt((width**2).sum(axis=0))
        else:
            drawn = self.where.standard(self.posterior.z)
            at, spread = drawn.mean(axis=0), drawn.std(axis=0)
        return [
            {"name": n, "meaning": MEANING[n], "z": float(z), "sd": float(sd), "verdict": word(sd)}
            for n, z, sd in zip(NAMES, at, spread, strict=True)
        ]

    def coordinates(self, n: int, rng: np.random.Generator | None = None) -> Array:
        """Return coordinates (n, d): draws from the posterior, or the most probable repeated."""
        if rng is None:
            return np.repeat(self.z[None], n, axis=0)
        if self.posterior is not None:
            return self.posterior.z[self.posterior.rows(n, rng)]
        draws = self.z + rng.standard_normal((n, len(self.z))) @ root_of(self.covariance).T
        return np.clip(draws, -LIMIT_SD, LIMIT_SD)

    def patients(self, n: int = 1, rng: np.random.Generator | None = None) -> Patients:
        """Return bodies as a batch: the most probable one, or draws from the posterior."""
        params = self.where.params(self.coordinates(n, rng))
        if rng is not None:
            # Each draw lives on a day of its own.
            params = with_sensitivity(self.where, params, self.day_sd * rng.standard_normal(n))
        weight = params[:, self.model.parameter_index["BW"]]
        age = float(np.exp(self.where.centre["age_years"]))
        return Patients(
            model=self.model.name,
            names=tuple(f"{self.subject}/draw-{i:04d}" for i in range(n)),
            groups=(self.group,) * n,
            params=params,
            covariates={"weight_kg": weight.copy(), "age_years": np.full(n, age)},
        )

    def forecast(
        self, plan: Plan, until: float, draws: int, rng: np.random.Generator,
        calibrated: bool = False,
    ) -> Forecast:  # fmt: skip
        """Forecast readings under a plan: see ``ahead.forecast``."""
        from .ahead import forecast

        return forecast(self, plan, until, draws, rng, calibrated)

    def whatif(
        self, record: Timeline, change: Change, *, rng: np.random.Generator, days: float = 1.0,
        end_s: float | None = None, draws: int = 200,
    ) -> WhatIf:  # fmt: skip
        """Let days of a record be lived again with other doses: see ``whatif.whatif``."""
        from .whatif import whatif

        return whatif(self, record, change, rng=rng, days=days, end_s=end_s, draws=draws)

    @property
    def sha256(self) -> str:
        """Hash of everything that makes this twin."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the twin in JSON."""
        return {
            "format": FORMAT,
            "model": self.model.name,
            "options": dict(self.model.options),
            "subject": self.subject,
            "record_sha256": self.record_sha256,
            "group": self.group,
            "prior": self.where.to_dict(),
            "names": list(NAMES),
            "z": self.z.tolist(),
            "covariance": self.covariance.tolist(),
            "noise": {"sigma": self.noise.sigma, "rho": self.noise.rho},
            "variation": asdict(self.variation),
            "rhythm": [list(pair) for pair in self.rhythm],
            "quality": dict(self.quality),
            "notes": list(self.notes),
            "end_s": self.end_s,
            "settings": dict(self.settings),
            "posterior": None if self.posterior is None else self.posterior.to_dict(),
            "residual": None if self.residual is None else self.residual.to_dict(),
            "consent_id": self.consent_id,
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
        }


def word(ratio: float) -> str:
    """Return the verdict on a ratio of posterior to prior standard deviation."""
    if ratio < WELL_KNOWN:
        return "well known"
    return "partly known" if ratio < PARTLY_KNOWN else "prior-dominated"


def load_twin(
    path: str | Path, *, consent: str | Path | None = None, purpose: str | None = None
) -> Twin:
    """Load a twin that ``Twin.to_dict`` described as JSON.

    Parameters
    ----------
    path : path
    consent : path, optional
        The consent document as it is today: a twin lives no longer than the consent of the record
        it was made of.
    purpose : str, optional
        What it is used for, one of ``dosegym.records.PURPOSES``; needs `consent`.

    Raises
    ------
    InputError
        If the file is missing or is not a twin of this version, or the consent does not permit it.
    """
    if purpose is not None and consent is None:
        raise InputError("purpose: it is judged by a consent document; pass consent= as well")
    try:
        data = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise InputError(f"cannot read twin {path}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"twin {path} is not JSON ({error}); fit it again") from None
    twin = twin_from_dict(data, path)
    if consent is not None:
        permit_twin(twin.record_sha256, twin.consent_id, consent, purpose)
    return twin


def twin_from_dict(data: Any, path: str | Path) -> Twin:
    """Return the twin that ``Twin.to_dict`` described; ``path`` is where it came from.

    Raises
    ------
    InputError
        If it is not a twin of this version.
    """
    known = isinstance(data, dict) and data.get("format") == FORMAT
    if not known or data.get("names") != list(NAMES):
        raise InputError(f"twin {path} is of another version; fit it again with `dosegym fit`")
    model = load_model(data["model"], **data["options"])
    prior = data["prior"]
    where = Coordinates.from_dict(model, prior)
    return Twin(
        data["subject"],
        data["record_sha256"],
        data["group"],
        where,
        np.array(data["z"]),
        np.array(data["covariance"]),
        Noise(**data["noise"]),
        Variation(**data["variation"]),
        tuple((float(b), float(h)) for b, h in data["rhythm"]),
        data["quality"],
        tuple(data["notes"]),
        data["end_s"],
        data["settings"],
        None if data["posterior"] is None else Posterior.from_dict(data["posterior"]),
        None if data.get("residual") is None else OwnResidual.from_dict(data["residual"]),
        str(data.get("consent_id", "")),
        None if data.get("calibration") is None else Conformal.from_dict(data["calibration"]),
    )
