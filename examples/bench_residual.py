"""What a learned residual must not do, what it must do, and what it costs.

python examples/bench_residual.py [--pairs 100000] [--people 25] [--json]

1. Does more insulin ever raise glucose? Pairs of rollouts of the hybrid body, of the same equations
   stepped by classical Runge-Kutta, and of a body with a small network that sees insulin.
2. Are the bounds of gains and drift kept, and is nothing added at rest?
3. How exact is the order-preserving step?
4. Does the shipped residual forecast better than the bare body, on people that nobody trained or
   chose anything on, of each kind of truth?
5. What does it cost, in the engine and in the vector environment?
"""

import argparse
import json
import os
import platform
import time
from dataclasses import replace
from datetime import date

import gymnasium as gym
import numpy as np

import dosegym
from dosegym.physiology import load_model, load_population, load_sampler, simulate
from dosegym.physiology.engine import engine_for
from dosegym.physiology.models import uva_padova_2008 as published
from dosegym.physiology.models.uva_padova_gains import DRIFT_LIMIT, GAINS, modulation
from dosegym.physiology.namespace import NUMPY
from dosegym.physiology.paired import TOLERANCE_MG_DL, compare, draw_pairs
from dosegym.physiology.population import adopt
from dosegym.twins import load_residual
from dosegym.twins.residual_judge import (
    HORIZONS_MIN,
    as_dict,
    bare_error,
    crps_normal,
    gains_by_kind,
    person_errors,
    with_members,
)
from dosegym.twins.residual_people import FOREIGN, know, live_people
from dosegym.twins.residual_windows import forecast, neutral_columns

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--pairs", type=int, default=100_000)
parser.add_argument("--minutes", type=int, default=720)
parser.add_argument("--people", type=int, default=25, help="of each kind of truth")
parser.add_argument("--rounds", type=int, default=10, help="of each timing; the best counts")
parser.add_argument("--json", action="store_true")
given = parser.parse_args()
hybrid, bare = load_model("uva_padova_gains"), load_model("uva_padova_2008")
found = {}


def learned_network(past):
    """Return a drift that sees insulin, as plain hybrids have: fitted to bare errors of an hour.

    Eight fixed tanh features of glucose and remote insulin, ridge regression on top.
    """
    draw = np.random.default_rng(0)
    a, b, c = draw.normal(0.0, 1.0, 8), draw.normal(0.0, 0.5, 8), draw.normal(0.0, 1.0, 8)
    p, i = bare.params(past.params), bare.state_index
    level = past.start[:, i["plasma_glucose_mass"]] / p.Vg / 100.0
    insulin = past.start[:, i["remote_insulin"]] / p.Ib
    error = bare_error(hybrid, past)[:, 11] / 60.0 / DRIFT_LIMIT
    seen = np.isfinite(error)
    x = np.tanh(np.outer(level, a) + np.outer(insulin, b) + c)[seen]
    w = np.linalg.solve(x.T @ x + 10.0 * np.eye(8), x.T @ error[seen])
    a0, a1, a2, a3, a4, a5, a6, a7 = (float(v) for v in a)
    b0, b1, b2, b3, b4, b5, b6, b7 = (float(v) for v in b)
    c0, c1, c2, c3, c4, c5, c6, c7 = (float(v) for v in c)
    w0, w1, w2, w3, w4, w5, w6, w7 = (float(v) for v in w)

    def additive(xp):
        tanh = xp.tanh

        def acting(Gp, X, Id, Ra, p):
            g, x = Gp / p.Vg / 100.0, X / p.Ib
            height = w0 * tanh(a0 * g + b0 * x + c0) + w1 * tanh(a1 * g + b1 * x + c1)
            height += w2 * tanh(a2 * g + b2 * x + c2) + w3 * tanh(a3 * g + b3 * x + c3)
            height += w4 * tanh(a4 * g + b4 * x + c4) + w5 * tanh(a5 * g + b5 * x + c5)
            height += w6 * tanh(a6 * g + b6 * x + c6) + w7 * tanh(a7 * g + b7 * x + c7)
            return Gp, X, Id, Ra, DRIFT_LIMIT * p.Vg * tanh(height)

        return acting

    return replace(
        hybrid,
        name="additive_network",
        equations=published.make_equations("published", additive),
    )


def signs(model, pairs, anywhere):
    """Return how many pairs were violated, in batches of 2,000."""
    rng, people = np.random.default_rng(11), load_sampler()
    violations, worst, lost, done = 0, -np.inf, 0, 0
    while done < pairs:
        n = min(2000, pairs - done)
        drawn = draw_pairs(model, people, n, given.minutes, rng, anywhere=anywhere)
        verdict = compare(model, drawn)
        violations, lost, done = violations + verdict.violations, lost + verdict.lost, done + n
        worst = max(worst, verdict.worst_mg_dl)
    return {"pairs": done, "violations": violations, "worst_mg_dl": worst, "lost": lost}


known = know(live_people("certification", given.people), seed=1)
foreign = know(live_people("certification", given.people, 1, truths=(FOREIGN,)), seed=1)
print(f"1. More insulin, more glucose? {given.minutes} min, tolerance {TOLERANCE_MG_DL:g} mg/dL")
unguarded = replace(hybrid, name="gains_by_runge_kutta", stepper="rk4", fastest=None)
network = learned_network(known.past)
cases = {
    "hybrid, half of the bodies from all over the bounds": (hybrid, given.pairs, 0.5),
    "the same equations by Runge-Kutta, the same bodies": (unguarded, given.pairs // 5, 0.5),
    "the same equations by Runge-Kutta, plausible bodies": (unguarded, given.pairs // 5, 0.0),
    "a learned drift that sees insulin, plausible bodies": (network, given.pairs // 5, 0.0),
}
for name, (model, pairs, anywhere) in cases.items():
    found[name] = signs(model, pairs, anywhere)
    v = found[name]
    print(
        f"   {name:52s} {v['violations']:6d} of {v['pairs']} pairs, worst rise "
        f"{v['worst_mg_dl']:.3g} mg/dL, {v['lost']} lost all bounds"
    )

print("2. Bounds, and rest")
residual, rng = load_residual(), np.random.default_rng(5)
wild = 50.0 * rng.standard_normal((20_000, len(residual.scale)))
columns = np.stack([residual.columns(wild, m) for m in range(len(residual.members))])
k = len(GAINS)
low, high = (
    np.array([getattr(q, side) for q in hybrid.parameters[-6:]]) for side in ("low", "high")
)
outside = int(((columns < low) | (columns > high)).sum())
table = adopt(hybrid, load_population()).params[rng.integers(0, 30, 20_000)]
table[:, -6:] = columns[rng.integers(0, len(columns), 20_000), np.arange(20_000)]
p = hybrid.params(table)
masses = rng.uniform(0.0, 600.0, 20_000) * p.Vg
drift = modulation(NUMPY)(masses, 0.0 * masses, p.Ib, 0.0 * masses, p)[4] / p.Vg
x, u = hybrid.initial(table), hybrid.basal_inputs(table)
plain = bare.derivative(x, u, table[:, :-6])
added = np.abs(hybrid.derivative(x, u, table) - plain).max()
found["outside"], found["largest_drift"] = outside, float(np.abs(drift).max())
found["added_at_rest"] = float(added)
print(f"   gains and coefficients outside their bounds: {outside} of {columns.size}")
print(f"   largest drift {np.abs(drift).max():.6f} mg/dL/min, bound {DRIFT_LIMIT:g}")
print(f"   added to any slope at rest: {added:g}")

print("3. The step, against one of 1/16 min by Runge-Kutta (30 people, a day of three meals)")
people = load_population()
carbs, insulin = np.zeros((1440, 30)), np.tile(bare.basal_inputs(people.params)[:, 1], (1440, 1))
for start, grams in ((420, 50.0), (780, 70.0), (1140, 80.0)):
    for minute in range(20):
        carbs[start + minute] += np.clip(grams - 5.0 * minute, 0.0, 5.0)
    insulin[start] += grams / 12.0
day = {"carbs": carbs, "insulin": insulin}, np.arange(1441.0)
truth = simulate(bare, people, *day, substeps=16)["interstitial_glucose"]
for name, model in (("Runge-Kutta", bare), ("order-preserving", hybrid)):
    error = np.abs(simulate(model, people, *day)["interstitial_glucose"] - truth)
    found[f"step {name}"] = [float(np.median(error)), float(error.max())]
    print(f"   {name:18s} median {np.median(error):.1e}, largest {error.max():.2f} mg/dL")

print(f"4. Forecasts of {given.people} people of each kind of truth, purpose 'certification'")


def forecasts(known):
    """Print how much smaller errors are; return them, and each member's forecasts."""
    future, who, n = known.future, known.future.person, len(known)
    paths = with_members(hybrid, residual, known.context, future)
    errors = {"bare": bare_error(hybrid, future), "hybrid": future.readings - paths.mean(axis=0)}
    by_person = {name: person_errors(error, who, n) for name, error in errors.items()}
    gains = gains_by_kind(by_person["bare"], by_person["hybrid"], known.kinds, rng)
    if len(gains) == 2:
        del gains["all"]
    for kind, by in gains.items():
        for horizon, g in by.items():
            print(
                f"   {kind:10s} {horizon:3d} min  bare {g.bare:6.2f}  hybrid {g.hybrid:6.2f}  less "
                f"by {g.less:6.2f} mg/dL ({g.low:.2f} to {g.high:.2f}; {g.people} people)"
            )
    return errors, paths, as_dict(gains)


errors, paths, found["forecasts"] = forecasts(known)
*_, found["foreign"] = forecasts(foreign)
future = known.future
own = np.sqrt(np.nanmean(errors["bare"] ** 2, axis=0))
neutral = forecast(hybrid, future, neutral_columns(hybrid, len(future)))
scores = {
    "bare": crps_normal(neutral, own, future.readings),
    "hybrid": crps_normal(paths.mean(axis=0), residual.spread(paths), future.readings),
}
at = [h // 5 - 1 for h in HORIZONS_MIN]
for name, score in scores.items():
    found[f"crps {name}"] = [float(np.nanmean(score[:, i])) for i in at]
    print(f"   CRPS {name:8s} " + "  ".join(f"{v:.2f}" for v in found[f"crps {name}"]) + " mg/dL")
z = (future.readings - paths.mean(axis=0))[:, at] / residual.spread(paths)[:, at]
covered = [float(np.nanmean(np.abs(z[:, i]) < 1.645)) for i in range(len(at))]
found["covered"] = covered
print("   90 % bands cover " + ", ".join(f"{100 * c:.0f} %" for c in covered))

print("5. Cost")


def fastest(runs):
    """Return the least seconds of each of several runs, taken in turn."""
    best = [np.inf] * len(runs)
    for _ in range(given.rounds):
        for i, run in enumerate(runs):
            start = time.perf_counter()
            run()
            best[i] = min(best[i], time.perf_counter() - start)
    return best


lanes = 1024
who = np.arange(lanes) % 30
tables = {"bare": people.params[who], "hybrid": table[:lanes]}
inputs = np.zeros((60, 2, lanes))
inputs[:, 1] = 0.02
inputs[:10, 0] = 4.0
bodies = {"bare": bare, "hybrid": hybrid}


def engine_run(name):
    """Return a run of an hour of 1,024 bodies."""
    engine, params = engine_for(bodies[name]), np.ascontiguousarray(tables[name])
    start = bodies[name].initial(params)
    return lambda: engine.advance(start.copy(), params, inputs)


seconds = fastest([engine_run("bare"), engine_run("hybrid")])
found["engine_ratio"] = seconds[1] / seconds[0]
speeds = [60 * lanes / s / 1e6 for s in seconds]
print(
    f"   engine: {speeds[0]:.1f} and {speeds[1]:.1f} million patient-minutes a second, ratio "
    f"{found['engine_ratio']:.2f}"
)


def env_run(**more):
    """Return a run of 20 steps of the vector environment."""
    env = gym.make_vec("dosegym/Insulin-v0", lanes, "vector_entry_point", patient="all", **more)
    env.reset(seed=0)
    action = np.full((lanes, 1), -0.2, np.float32)

    def run():
        for _ in range(20):
            env.step(action)

    return run


extra = {"physiology": "uva_padova_gains", "residual": residual.name}
seconds = fastest([env_run(), env_run(**extra)])
found["env_ratio"] = seconds[1] / seconds[0]
print(
    f"   vector environment of {lanes}: {20 * lanes / seconds[0]:,.0f} and "
    f"{20 * lanes / seconds[1]:,.0f} steps a second, ratio {found['env_ratio']:.2f}"
)
print(
    f"{date.today()}, dosegym {dosegym.__version__}, Python {platform.python_version()}, "
    f"{os.cpu_count()} cores; residual {residual.name} sha256 {residual.sha256[:16]}"
)
if given.json:
    print(json.dumps(found))
