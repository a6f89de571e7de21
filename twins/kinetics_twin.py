"""A person's own kinetics: the posterior of their etas under a population, drawn and told.

Mode by damped Gauss-Newton, Laplace's covariance there, then tempered sequential Monte Carlo from
the population, whose particles are the posterior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.population_kinetics import OUTPUTS, PopulationKinetics, individual
from ..records.dosing import Regimen
from ..records.events import PersonEvents
from .kinetics_design import Design, design_of, looking
from .kinetics_mode import Populations, by_person, find_modes, readings
from .pressure_weights import FEWEST_EFFECTIVE
from .tempering import temper

Array = NDArray[np.float64]

DRAWS: Final = 1000
QUANTILES: Final = (0.05, 0.5, 0.95)
WELL_KNOWN: Final = 0.5
PARTLY_KNOWN: Final = 0.8


@dataclass(frozen=True)
class KnownParameter:
    """How well one parameter of a person is known.

    Parameters
    ----------
    name : str
    low, middle, high : float
        5, 50 and 95 % quantiles of the posterior, at the last covariates, in the model's units.
    ratio : float
        Posterior over prior standard deviation of the eta; 1 where the record taught nothing.
    """

    name: str
    low: float
    middle: float
    high: float
    ratio: float

    @property
    def verdict(self) -> str:
        """The ratio in words."""
        if self.ratio < WELL_KNOWN:
            return "well known"
        return "partly known" if self.ratio < PARTLY_KNOWN else "prior-dominated"


@dataclass(frozen=True)
class KineticTwin:
    """One person's kinetics.

    Parameters
    ----------
    record_sha256 : str
        Of the table.
    model : PopulationKinetics
        The population that is the prior.
    person : PersonEvents
        What was given, measured and charted.
    mode : array (d,)
        Most probable etas.
    covariance : array (d, d)
        Laplace's, of the etas.
    z : array (n, d)
        Equally likely draws; etas are omega's Cholesky factor times them.
    diagnostics : mapping
        ``stages``, ``accepted``, ``distinct`` of the sampler, ``converged`` of the mode.
    quality : mapping
        ``samples``, ``standard_error`` (root mean square of residuals over their error).
    notes : tuple of str
    seed : int
    """

    record_sha256: str
    model: PopulationKinetics
    person: PersonEvents
    mode: Array
    covariance: Array
    z: Array
    diagnostics: Mapping[str, float]
    quality: Mapping[str, float]
    notes: tuple[str, ...] = ()
    seed: int = 0

    def __len__(self) -> int:
        return len(self.z)

    @property
    def subject(self) -> str:
        """Pseudonym of the person."""
        return self.person.subject

    @property
    def etas(self) -> Array:
        """Draws (n, d) of the etas."""
        return np.asarray(self.z @ np.linalg.cholesky(self.model.omega).T)

    @property
    def usable(self) -> bool:
        """Whether the draws are enough people to be trusted, and not a handful of lucky ones."""
        return self.diagnostics["distinct"] >= FEWEST_EFFECTIVE

    def known(self) -> tuple[KnownParameter, ...]:
        """Return how well each parameter that differs between people is known."""
        ratio = self.etas.std(axis=0) / self.model.log_sd()
        values = self.parameters()
        rows = []
        for k, name in enumerate(self.model.spread):
            low, middle, high = np.quantile(values[name], QUANTILES)
            rows.append(
                KnownParameter(name, float(low), float(middle), float(high), float(ratio[k]))
            )
        return tuple(rows)

    def parameters(self) -> dict[str, Array]:
        """Return the draws (n,) of every parameter, at the last covariates of the record."""
        from ..physiology.compartments import PARAMETERS

        design = design_of([self.person], self.model)
        chart = {name: value[-1:] for name, value in design.chart.items()}
        drawn = individual(self.model, self.etas[:, None], np.zeros(1, np.int64), chart)[:, 0]
        names = self.model.structure.parameters
        return {n: np.asarray(drawn[:, PARAMETERS.index(n)]) for n in names}

    def forecast(
        self, times: Array, more: Regimen | None = None, *, output: str = "concentration",
        rng: np.random.Generator | None = None,
    ) -> dict[str, Array]:  # fmt: skip
        """Return what would be at times of the table's clock, after further doses if any.

        Parameters
        ----------
        times : array (T,)
        more : Regimen, optional
            Doses besides those of the record.
        output : {"concentration", "response"}
        rng : Generator, optional
            Of the errors of readings; without one no readings are drawn.

        Returns
        -------
        mapping
            ``draws`` (n, T) of the true value and their ``quantiles`` (3, T); with ``rng`` also
            ``readings`` (n, T) and ``reading_quantiles`` (3, T).
        """
        if output not in OUTPUTS[: 1 + self.model.structure.responds]:
            raise InputError(f"output is {output!r}; the model has {', '.join(self.model.errors)}")
        at = np.asarray(times, dtype=np.float64)
        order = np.argsort(at, kind="stable")
        place = OUTPUTS.index(output)
        person = looking(self.person, at[order], place + 1, more or Regimen(()))
        f = np.empty((len(self), len(at)))
        f[:, order] = design_of([person], self.model).expected(self.model, self.etas[:, None])
        found = {"draws": f, "quantiles": np.quantile(f, QUANTILES, axis=0)}
        if rng is not None and output in self.model.errors:
            error = self.model.errors[output]
            sd = np.hypot(error.additive, error.proportional * f)
            read = np.maximum(f + sd * rng.standard_normal(f.shape), 0.0)
            found |= {"readings": read, "reading_quantiles": np.quantile(read, QUANTILES, axis=0)}
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the twin in JSON."""
        from .kinetics_file import twin_as_dict

        return twin_as_dict(self)

    @property
    def sha256(self) -> str:
        """Hash of everything that makes this twin."""
        return str(self.to_dict()["sha256"])


def fit_kinetics(
    person: PersonEvents,
    model: PopulationKinetics,
    *,
    record_sha256: str = "",
    seed: int = 0,
    draws: int = DRAWS,
) -> KineticTwin:
    """Return a person's twin.

    Parameters
    ----------
    person : PersonEvents
        Without measurements the twin is the population.
    model : PopulationKinetics
        The prior.
    record_sha256 : str
        Of the table.
    seed, draws : int

    Raises
    ------
    InputError
        If covariates are missing, or doses or measurements do not suit the model.
    """
    if not 2 <= draws <= 1_000_000:
        raise InputError(f"draws is {draws}; give a number from 2 to 1000000")
    design, pops = design_of([person], model), Populations.of(model)
    d, root = len(model.spread), np.linalg.cholesky(model.omega)
    found = find_modes(design, model, pops)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    sampled = temper(_likelihood(design, model, root), max(draws, 400), d, rng)
    z = sampled.z[rng.permutation(len(sampled.z))[:draws]]
    quality = {"samples": float(len(design.value))}
    if len(design.value):
        quality["standard_error"] = _standard_error(design, model, z @ root.T)
    diagnostics = {
        "stages": float(sampled.stages), "accepted": sampled.accepted,
        "distinct": float(sampled.distinct), "converged": float(found.converged[0, 0]),
    }  # fmt: skip
    notes = () if len(design.value) else ("There is no measurement: this is the population.",)
    return KineticTwin(
        record_sha256, model, person, found.etas[0, 0], np.linalg.inv(found.precision[0, 0]), z,
        diagnostics, quality, notes, seed,
    )  # fmt: skip


def _likelihood(design: Design, model: PopulationKinetics, root: Array) -> Any:
    """Return the log-likelihood (n,) of coordinates (n, d)."""

    def log_likelihood(z: Array) -> Array:
        f = design.expected(model, (z @ root.T)[:, None])
        minus2, _, _ = readings(design, f, Populations.of(model).repeat(len(z)))
        total = -0.5 * by_person(design, minus2)[:, 0]
        return np.where(np.isfinite(total), total, -1e300)

    return log_likelihood


def _standard_error(design: Design, model: PopulationKinetics, etas: Array) -> float:
    f = design.expected(model, etas[:, None]).mean(axis=0)
    pops = Populations.of(model)
    a, b = pops.additive[0][design.output], pops.proportional[0][design.output]
    scaled = ((design.value - f) ** 2 / (a**2 + (b * f) ** 2))[~design.censored]
    return float(np.sqrt(scaled.mean())) if len(scaled) else float("nan")
