"""Virtual patients in any number, each plausible, each at an exact equilibrium."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .distribution import PRIMARY, JointDistribution, complete, fit_distribution
from .errors import InputError
from .library import load_model
from .model import Model
from .plausibility import judge
from .population import Patients, load_population

Array = NDArray[np.float64]

GROUPS = ("adult", "adolescent", "child")
SAMPLERS = {"uva_padova_virtual": "uva_padova_30"}
MOST_ATTEMPTS = 1000


@dataclass(frozen=True)
class Rejections:
    """How many people were drawn, and why some were turned away.

    Parameters
    ----------
    candidates, accepted : int
    reasons : mapping of str to int
        Count by the first criterion that failed; ``candidates`` is ``accepted`` plus their sum.
    """

    candidates: int
    accepted: int
    reasons: Mapping[str, int]

    @property
    def accepted_share(self) -> float:
        """Accepted people as a share of those drawn."""
        return self.accepted / self.candidates


@dataclass(frozen=True)
class Population:
    """A distribution of people over age groups.

    Parameters
    ----------
    name : str
    model : Model
        The body whose parameters are drawn; its own options do not matter to who is drawn.
    distribution : JointDistribution
    """

    name: str
    model: Model
    distribution: JointDistribution

    def sample(self, n: int, rng: np.random.Generator, groups: Sequence[str] = GROUPS) -> Patients:
        """Return ``n`` independent virtual patients; see :meth:`sample_with_report`."""
        return self.sample_with_report(n, rng, groups)[0]

    def sample_with_report(
        self, n: int, rng: np.random.Generator, groups: Sequence[str] = GROUPS
    ) -> tuple[Patients, Rejections]:
        """Draw independent virtual patients, and say who was turned away.

        Parameters
        ----------
        n : int
            People in all; person i is of group ``groups[i % len(groups)]``.
        rng : numpy.random.Generator
            Gives one 128-bit key, and moves on. Attempt k of everyone is drawn from a stream
            spawned from that key, person i taking row i: so person i depends on the key and i,
            never on n.
        groups : sequence of str
            Among ``adult``, ``adolescent``, ``child``.

        Returns
        -------
        Patients, Rejections
            Names are ``virtual-GROUP#KEY-NUMBER`` with the key's first 48 bits, so that people of
            different draws do not share a name.

        Raises
        ------
        InputError
            If ``n`` is below 1 or a group is unknown.
        """
        _check(n, groups)
        key = [int(word) for word in rng.integers(0, 2**32, size=4, dtype=np.uint64)]
        belongs = np.array([groups[i % len(groups)] for i in range(n)])
        params, age = np.empty((n, len(self.model.parameters))), np.empty(n)
        waiting, reasons, candidates = np.arange(n), Counter[str](), 0
        for attempt in range(MOST_ATTEMPTS):
            source = np.random.default_rng(np.random.SeedSequence(key, spawn_key=(attempt,)))
            normal = source.standard_normal((int(waiting[-1]) + 1, len(PRIMARY)))[waiting]
            params[waiting], age[waiting] = self._draw(normal, belongs[waiting])
            people = belongs[waiting].tolist()
            verdict = judge(self.model, params[waiting], age[waiting], people)
            candidates += len(waiting)
            reasons.update(str(v) for v in verdict if v)
            waiting = waiting[verdict != ""]
            if not len(waiting):
                break
        else:
            raise RuntimeError(f"no plausible person in {MOST_ATTEMPTS} attempts: {dict(reasons)}")
        mark = f"{key[0]:08x}{key[1] & 0xFFFF:04x}"
        names = tuple(f"virtual-{g}#{mark}-{i:05d}" for i, g in enumerate(belongs))
        weight = params[:, self.model.parameter_index["BW"]].copy()
        people_drawn = Patients(
            model=self.model.name,
            names=names,
            groups=tuple(belongs.tolist()),
            params=params,
            covariates={"age_years": age, "weight_kg": weight},
        )
        return people_drawn, Rejections(candidates, n, dict(reasons.most_common()))

    def people_at(self, normal: Array, groups: Sequence[str]) -> tuple[Patients, NDArray[np.bool_]]:
        """Return the people at given places of the distribution, and who of them is plausible.

        Parameters
        ----------
        normal : array (n, len(PRIMARY))
            Independent standard normals give the people of :meth:`sample`, the implausible ones
            included; whoever explores the distribution moves them.
        groups : sequence of str (n,)

        Returns
        -------
        Patients
        array (n,) of bool
        """
        belongs = np.asarray(groups)
        _check(len(belongs), belongs.tolist())
        params, age = self._draw(np.asarray(normal, dtype=np.float64), belongs)
        verdict = judge(self.model, params, age, belongs.tolist())
        people = Patients(
            model=self.model.name,
            names=tuple(f"virtual-{g}#at-{i:05d}" for i, g in enumerate(belongs)),
            groups=tuple(belongs.tolist()),
            params=params,
            covariates={
                "age_years": age,
                "weight_kg": params[:, self.model.parameter_index["BW"]].copy(),
            },
        )
        return people, np.asarray(verdict == "")

    def _draw(self, normal: Array, belongs: NDArray[np.str_]) -> tuple[Array, Array]:
        """Return parameters (B, P) and ages (B,) from standard normals (B, K)."""
        params, age = np.empty((len(normal), len(self.model.parameters))), np.empty(len(normal))
        for group in dict.fromkeys(belongs.tolist()):
            rows = belongs == group
            values = self.distribution.transform(group, normal[rows])
            params[rows], age[rows] = complete(values, self.model), values["age_years"]
        return params, age


def _check(n: int, groups: Sequence[str]) -> None:
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise InputError(f"number of patients is {n!r}; give a whole number of at least 1")
    unknown = [g for g in groups if g not in GROUPS]
    if unknown or isinstance(groups, str) or not len(groups):
        raise InputError(f"groups is {groups!r}; give a list of some of {', '.join(GROUPS)}")


def load_sampler(name: str = "uva_padova_virtual") -> Population:
    """Return a population to draw from, fitted to its named patients (milliseconds).

    Parameters
    ----------
    name : str
        ``uva_padova_virtual``: people like the 30 of ``uva_padova_30``, for ``uva_padova_2008``.

    Raises
    ------
    InputError
        If no such population exists.
    """
    if name not in SAMPLERS:
        raise InputError(f"population is {name!r}; choose one of {', '.join(SAMPLERS)}")
    people = load_population(SAMPLERS[name])
    model = load_model(people.model)
    return Population(name, model, fit_distribution(people, model))
