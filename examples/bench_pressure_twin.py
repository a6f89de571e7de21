"""Does the posterior of a blood-pressure twin keep its word? Simulation-based calibration.

Usage: python examples/bench_pressure_twin.py [--people 150] [--seed 20261]
"""

import argparse

import numpy as np

from dosegym.physiology.pressure_people import COLUMNS
from dosegym.therapy.formulary import load_formulary
from dosegym.therapy.laboratory import load_laboratory
from dosegym.therapy.pressure_measurement import load_measurement
from dosegym.twins.pressure import fit_pressure
from dosegym.twins.pressure_body import live, untreated
from dosegym.twins.pressure_prior import prior_of
from dosegym.twins.pressure_seen import Doses, PressureSeen

FORMULARY = load_formulary()
VISITS = np.array([-168, -140, -112, -84, -56, -28, 0])
SETTINGS = ("office_attended", "office_unattended", "home_week")
TRAITS = ("untreated_sbp", "white_coat_mmhg", "egfr0")
NOW = ("sbp", "dbp", "potassium", "egfr")


def one(seed: int, setting: str) -> dict[str, float]:
    """Return the rank (0 to 1) of each truth among a twin's draws; the person is of the prior."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    chart = {"age_years": float(rng.uniform(35, 80)), "female": float(rng.integers(0, 2))}
    chart["bmi"] = float(rng.uniform(22, 36))
    prior = prior_of(chart)
    person = untreated(prior.people(rng.standard_normal((1, len(COLUMNS)))), FORMULARY)
    level = rng.integers(0, 3, size=6) * rng.integers(0, 2, size=6)
    level[1] = 0
    more = np.minimum(level + (np.arange(6) == 2), 4)
    doses = Doses(FORMULARY, np.array([-1000.0, -84.0]), FORMULARY.mg_of(np.array([level, more])))
    days = np.arange(-400.0, 1.0)
    body, series = live(person, doses.on(days), (VISITS + 401).tolist())
    device = load_measurement({"preset": setting, "missed_rate": 0.0})
    names = ("sbp", "dbp", "heart_rate", "standing_sbp", "standing_dbp")
    coat = np.asarray(body.people.covariates["white_coat_mmhg"])
    read = device.apply(*(series[n][:, 0] for n in names), device.draws(rng, len(VISITS)), coat)
    lab, blood = load_laboratory(), ("potassium", "sodium", "creatinine")
    found = lab.apply(*(series[n][[0, -1], 0] for n in blood), lab.draws(rng, 2))
    seen = PressureSeen(
        "simulated", "0" * 64, 0.0, VISITS.astype(float), read.sbp, read.dbp, read.heart_rate,
        (setting,) * len(VISITS), np.full(len(VISITS), 12.0), np.repeat([-168.0, 0.0], 3),
        np.column_stack(found).reshape(-1), blood * 2, doses, chart,
    )  # fmt: skip
    twin = fit_pressure(seen, seed=seed, prior=prior)
    _, truth = live(body, np.zeros((0, 6)), [0])
    _, drawn = live(twin.bodies, np.zeros((0, 6)), [0])
    ranks = {n: float(np.mean(drawn[n][0] < truth[n][0, 0])) for n in NOW}
    traits, own = twin.bodies.people.covariates, body.people.covariates
    ranks |= {n: float(np.mean(np.asarray(traits[n]) < own[n][0])) for n in TRAITS}
    ranks["share of tablets"] = float(np.mean(twin.bodies.share < body.share[0]))
    return ranks


def main(arguments: list[str] | None = None) -> None:
    """Print the coverage of the 90 and 50 % intervals of each trait."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=150)
    parser.add_argument("--seed", type=int, default=20_261)
    args = parser.parse_args(arguments)
    rows = [one(args.seed + k, SETTINGS[k % len(SETTINGS)]) for k in range(args.people)]
    error = 100.0 * np.sqrt(0.09 / args.people)
    print(f"{args.people} people of the prior; standard error of 90 % coverage {error:.1f} points")
    print(f"{'trait':<20}{'90 %':>8}{'50 %':>8}{'mean rank':>11}")
    for name in rows[0]:
        rank = np.array([row[name] for row in rows])
        ninety, fifty = ((rank > a) & (rank < 1 - a) for a in (0.05, 0.25))
        print(f"{name:<20}{ninety.mean():>8.1%}{fifty.mean():>8.1%}{rank.mean():>11.2f}")


if __name__ == "__main__":
    main()
