"""What the calibration puts the typical person through: regimens, salt, untreated pressure.

Everything runs without kinetics, 240 days at one exposure: all slow states have come to rest. The
shipped model runs through the compiled engine; trial gains run in NumPy, many sets at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .engine import engine_for
from .library import load_model
from .model import Model
from .models.dosegym_bp_2026 import build
from .namespace import NUMPY
from .pressure_people import MODEL, REFERENCE_SBP, pressure_response, typical_person
from .stepper import runge_kutta

Array = NDArray[np.float64]

CLASSES: Final = ("acei", "arb", "ccb", "thiazide", "beta_blocker", "mra")
FIVE: Final = CLASSES[:5]
DOSES: Final = {"half": 0.5, "standard": 1.0, "double": 2.0}
DAYS: Final = 240
HIGH_SBP: Final = 180.0
SONG_SBP: Final = 165.0
SLOPE_SBP: Final = (149.0, 159.0)
LESS_SALT: Final = 0.53
"""He 2013's mean change, 75 of about 160 mmol a day."""


@dataclass(frozen=True)
class Scenario:
    """One steady regimen.

    Parameters
    ----------
    doses : mapping of class to standard doses
    sodium : float
        Relative to the usual.
    untreated_sbp : float, mmHg
        Mean and pulse pressure are those of the typical person in proportion.
    """

    doses: Mapping[str, float] = field(default_factory=dict)
    sodium: float = 1.0
    untreated_sbp: float = REFERENCE_SBP


@lru_cache(maxsize=1)
def scenarios() -> dict[str, Scenario]:
    """Return every scenario by name; ``none:<SBP>`` is the untreated person of that pressure."""
    high, song = {"untreated_sbp": HIGH_SBP}, {"untreated_sbp": SONG_SBP}
    acd = {"acei": 2.0, "ccb": 2.0, "thiazide": 1.0}
    found = {f"none:{s:g}": Scenario(untreated_sbp=s) for s in (REFERENCE_SBP, HIGH_SBP, SONG_SBP)}
    for kind in CLASSES:
        found |= {f"{kind}:{name}": Scenario({kind: dose}) for name, dose in DOSES.items()}
    for sbp in SLOPE_SBP:
        found[f"none:{sbp:g}"] = Scenario(untreated_sbp=sbp)
        found |= {f"{c}@{sbp:g}": Scenario({c: 1.0}, untreated_sbp=sbp) for c in FIVE}
    found |= {f"{a}+{b}": Scenario({a: 1.0, b: 1.0}) for a, b in combinations(FIVE, 2)}
    found |= {
        "ras": Scenario({"acei": 2.0, "arb": 2.0}),
        "salt": Scenario(sodium=LESS_SALT),
        "acd": Scenario(acd, **high),
        "acd+mra:1": Scenario({**acd, "mra": 1.0}, **high),
        "acd+mra:2": Scenario({**acd, "mra": 2.0}, **high),
        "acd+bb:0.5": Scenario({**acd, "beta_blocker": 0.5}, **high),
        "acd+bb:1": Scenario({**acd, "beta_blocker": 1.0}, **high),
    }
    # Song 2013: olmesartan 40 mg, amlodipine 10 mg, hydrochlorothiazide 25 mg in standard doses.
    parts = {"arb": 2.0, "ccb": 2.0, "thiazide": 1.0}
    for n in (1, 2, 3):
        for kinds in combinations(parts, n):
            found["song:" + "+".join(kinds)] = Scenario({k: parts[k] for k in kinds}, **song)
    return found


def people_of(chosen: Mapping[str, Scenario]) -> Array:
    """Return the parameters (S, P) of the person of each scenario."""
    model = load_model(MODEL)
    rows = np.repeat(typical_person().params, len(chosen), axis=0)
    at = model.parameter_index
    sbp = np.array([s.untreated_sbp for s in chosen.values()])
    for name in ("MAP0", "PP0"):
        rows[:, at[name]] *= sbp / REFERENCE_SBP
    for kind in CLASSES:
        rows[:, at[f"r_{kind}"]] = pressure_response(sbp)
    return rows


def inputs_of(model: Model, chosen: Mapping[str, Scenario]) -> Array:
    """Return the inputs (U, S) of each scenario, the same every day."""
    u = np.zeros((len(model.inputs), len(chosen)))
    for i, scenario in enumerate(chosen.values()):
        u[model.input_index["sodium_intake"], i] = scenario.sodium
        for kind, dose in scenario.doses.items():
            u[model.input_index[kind], i] = dose
    return u


@dataclass(frozen=True)
class Responses:
    """How scenarios ended, for K sets of gains.

    Parameters
    ----------
    chosen : mapping of str to Scenario
    outputs : mapping of str to array (K, S)
        Each output of the model after ``DAYS`` days, in its unit.
    course : array (T, S), mmHg
        SBP day by day with the shipped gains; empty for trial gains.
    """

    chosen: Mapping[str, Scenario]
    outputs: Mapping[str, Array]
    course: Array

    def of(self, name: str, output: str) -> Array:
        """Return an output (K,) at the end of a scenario."""
        return self.outputs[output][:, list(self.chosen).index(name)]

    def untreated(self, name: str, output: str) -> Array:
        """Return an output (K,) of the same person untreated."""
        return self.of(f"none:{self.chosen[name].untreated_sbp:g}", output)

    def fall(self, name: str, output: str = "sbp") -> Array:
        """Return how much lower (K,) an output ended than in the untreated person."""
        return self.untreated(name, output) - self.of(name, output)

    def ratio(self, name: str, output: str) -> Array:
        """Return an output (K,) over that of the untreated person."""
        return self.of(name, output) / self.untreated(name, output)


def shipped_responses(days: int = DAYS) -> Responses:
    """Return the responses of the shipped model through the compiled engine."""
    model, chosen = load_model(MODEL), scenarios()
    p = people_of(chosen)
    x = model.initial(p)
    u = np.repeat(inputs_of(model, chosen)[None], days, axis=0)
    seen = np.empty((days, len(model.outputs), len(p)))
    engine_for(model).advance(x, p, u, seen=seen)
    last = {name: seen[-1, i][None] for name, i in model.output_index.items()}
    return Responses(chosen, last, seen[:, model.output_index["sbp"]])


def trial_responses(
    gains: Mapping[str, Any], typical: Mapping[str, Any], days: int = DAYS
) -> Responses:
    """Return the responses under K other sets of gains, in NumPy.

    Parameters
    ----------
    gains, typical : mapping of str to number or array (K,)
        Gains shared by all, and gains of the typical person; those left out are the shipped ones.
    """
    model, chosen = load_model(MODEL), scenarios()
    sets = max([np.size(v) for v in (*gains.values(), *typical.values())], default=1)
    lanes = len(chosen)

    def wide(value: Any) -> Array:
        return np.repeat(np.broadcast_to(np.asarray(value, dtype=np.float64), (sets,)), lanes)

    arrays: Any = {name: wide(value) for name, value in gains.items()}
    trial = build(arrays)
    table = np.tile(people_of(chosen), (sets, 1))
    for name, value in typical.items():
        table[:, model.parameter_index[name]] = wide(value)
    p = model.params(table)
    u = tuple(np.tile(inputs_of(model, chosen), (1, sets)))
    x = tuple(model.initial(table).T)
    n = len(model.states)
    rhs, hold = trial.equations(NUMPY), trial.hold(NUMPY)
    for _ in range(days):
        x = (*x[:n], *hold(x, u, p))
        x = (*runge_kutta(rhs, x, u, p, model.hold_every, n), *x[n:])
    y = trial.observe(NUMPY)(x, u, p)
    last = {
        name: np.broadcast_to(y[i], (sets * lanes,)).reshape(sets, lanes)
        for name, i in model.output_index.items()
    }
    return Responses(chosen, last, np.empty((0, lanes)))
