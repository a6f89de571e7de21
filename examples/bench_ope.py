"""How far off-policy evaluation can be trusted, measured against the simulator's own truth.

    python examples/bench_ope.py [--repeats 3] [--model-repeats 1] [--truth 3000]

Six targets are estimated from logs of three behaviours, over three horizons, with 200 and 800
patients. By horizon, behaviour and patients: mean absolute error (in units of the return), Spearman
rank correlation over the targets, regret of choosing the best-looking one, coverage of nominal 95 %
intervals, of all and of those that ``ope.veto.informative`` believes. Patients of logs and of the
truth are different people of one population; every log has people of its own.
"""

import argparse
import time
from collections import defaultdict

import numpy as np
from scipy.stats import spearmanr

from dosegym.evaluation.bootstrap import bootstrap_interval
from dosegym.evaluation.collect import collect, true_value
from dosegym.evaluation.ope import (
    CriticSettings,
    Evidence,
    behaviour_value,
    coarsen,
    make_estimator,
    ope_verdict,
)
from dosegym.evaluation.ope.diagnostics import effective_size
from dosegym.evaluation.ope.ratios import Ratios, interval
from dosegym.evaluation.ope.veto import informative, least_ess
from dosegym.policies import load_policy
from dosegym.policies.held import Held
from dosegym.policies.noisy import NoisyClinician
from dosegym.policies.randomised import Randomised
from dosegym.policies.smoothed import Smoothed

PRESSURE, INSULIN = "dosegym/BloodPressure-v0", "dosegym/Insulin-v0"
VISITS = {84: 3, 196: 7, 364: 13}
SIZES = (200, 800)
WEIGHTED, WITH_MODEL = ("is", "wis", "pdis", "cwpdis"), ("fqe", "dr", "wdr", "magic")
CRITIC = CriticSettings(seeds=3, steps=600, sync=30)


def cast():
    """Return behaviours and targets for blood pressure."""
    rule, stay = load_policy("acc_aha_2025"), load_policy("do_nothing")
    intensive = load_policy("sprint_intensive", formulary="default")
    slow, slower = (load_policy("acc_aha_2025", inertia=x) for x in (0.3, 0.6))
    behaviours = {
        "trial of the targets' rules": Randomised([rule, stay, intensive, slow]),
        "noisy guideline": NoisyClinician(rule, epsilon=0.3),
        "slow noisy guideline": NoisyClinician(slower, epsilon=0.1),
    }
    targets = {
        "guideline": Smoothed(rule),
        "intensive": Smoothed(intensive),
        "slow guideline": Smoothed(slow),
        "slower guideline": Smoothed(slower),
        "no change": Smoothed(stay),
        "half and half": Randomised([rule, stay]),
    }
    return behaviours, targets


def people(purpose, size, seed):
    """Return a virtual population's keyword."""
    return {"population": "virtual", "purpose": purpose, "size": size, "seed": seed}


def look(log, targets, truth, own, names, seed):
    """Return one row per estimator and target, and one per target's verdict.

    The verdict is WIS's and CWPDIS's against the behaviour, with a margin of 0.05 a visit.
    """
    rows, words = [], []
    rng = np.random.default_rng(seed)
    behaviour = behaviour_value(log, rng=rng)
    margin = 0.05 * max(len(e) for e in log.episodes)
    for target, policy in targets.items():
        about = Evidence(log, policy, critic=CRITIC, seed=seed)
        made = {name: make_estimator(name)(about, rng=rng) for name in names}
        for name, found in made.items():
            rows.append(
                {
                    "estimator": name,
                    "target": target,
                    "value": found.value,
                    "truth": truth[target]["mean"],
                    "low": found.low,
                    "high": found.high,
                    "informative": informative(found),
                    "enough": found.ess >= least_ess(found.n_patients),
                }
            )
        both = [made["wis"], made["cwpdis"]]
        told = ope_verdict(both, behaviour, margin, trained_on=frozenset())
        words.append((truth[target]["mean"] < own["mean"] - margin, told.word))
    return rows, words


def measure(behaviours, targets, repeats, model_repeats, truth_n):
    """Return rows of all cells, and of each verdict whether the target is truly worse."""
    rows, words, cell_seed = [], [], 100
    for days in VISITS:
        settings = {"env_kwargs": {"days": days}}
        truth = {
            name: true_value(PRESSURE, t, people("test", truth_n, 9), 9, **settings)
            for name, t in targets.items()
        }
        for behaviour, policy in behaviours.items():
            own = true_value(PRESSURE, policy, people("test", truth_n, 9), 9, **settings)
            for n in SIZES:
                for k in range(repeats):
                    cell_seed += 1
                    who = people("training", n, cell_seed)
                    log = collect(PRESSURE, policy, who, cell_seed, **settings)
                    names = WEIGHTED + (WITH_MODEL if k < model_repeats else ())
                    found, said = look(log, targets, truth, own, names, cell_seed)
                    words += said
                    cell = {"visits": VISITS[days], "behaviour": behaviour, "patients": n, "k": k}
                    rows += [{**cell, **row} for row in found]
    return rows, words


def summary(rows, by):
    """Return a Markdown table of one factor's levels by estimator."""
    lines = [
        f"| {by} | estimator | mean error | rank correlation | regret@1 | covered, % "
        "| informative, % | covered where informative, % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    cells = defaultdict(list)
    for row in rows:
        cells[row[by], row["estimator"]].append(row)
    order = WEIGHTED + WITH_MODEL
    for (level, name), part in sorted(cells.items(), key=lambda c: (c[0][0], order.index(c[0][1]))):
        lines.append(f"| {level} | {name} | " + " | ".join(figures(part)) + " |")
    return "\n".join(lines)


def figures(part):
    """Return the columns of one line."""
    error = [abs(r["value"] - r["truth"]) for r in part if np.isfinite(r["value"])]
    covered = [(r["low"] <= r["truth"] <= r["high"], r["informative"]) for r in part
               if np.isfinite(r["low"])]  # fmt: skip
    sure = [c for c, informative in covered if informative]
    runs = defaultdict(list)
    for r in part:
        runs[r["visits"], r["behaviour"], r["patients"], r["k"]].append(r)
    ranks, regrets = [], []
    for run in runs.values():
        value, truth = np.array([[r["value"], r["truth"]] for r in run]).T
        value = np.where(np.isfinite(value), value, -np.inf)
        ranks.append(spearmanr(value, truth).statistic)
        regrets.append(truth.max() - truth[value.argmax()])
    share = 100.0 * np.mean([r["informative"] for r in part])

    def percent(values):
        return f"{100.0 * np.mean(values):.0f} ({len(values)})" if values else "-"

    return (
        f"{np.mean(error):.2f}",
        f"{np.nanmean(ranks):.2f}",
        f"{np.mean(regrets):.2f}",
        percent([c for c, _ in covered]),
        f"{share:.0f}",
        percent(sure),
    )


def gate_lines(rows):
    """Return coverage of intervals by what is asked of them before they are believed."""
    lines = [
        "| estimator | any | effective patients | and no missing weight |",
        "|---|---|---|---|",
    ]
    for name in WEIGHTED + WITH_MODEL:
        own = [r for r in rows if r["estimator"] == name and np.isfinite(r["low"])]
        cells = []
        for asked in (None, "enough", "informative"):
            held = [r["low"] <= r["truth"] <= r["high"] for r in own if asked is None or r[asked]]
            cells.append(f"{100.0 * np.mean(held):.0f} % of {len(held)}" if held else "-")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def verdict_lines(words):
    """Return a table of verdicts on targets that truly are, or are not, worse by the margin."""
    lines = ["| truth | targets | VETO | NO_OBJECTION | UNINFORMATIVE |", "|---|---|---|---|---|"]
    for worse, name in ((True, "worse by more than the margin"), (False, "not so")):
        own = [word for bad, word in words if bad == worse]
        counts = [own.count(w) for w in ("VETO", "NO_OBJECTION", "UNINFORMATIVE")]
        lines.append(f"| {name} | {len(own)} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines)


def interval_lines(repeats=400):
    """Return coverage of two intervals of a mean of weighted returns, by lognormal weights."""
    lines = [
        "| patients | effective patients | bootstrap alone, % | outer of two, % |",
        "|---|---|---|---|",
    ]
    rng, spread = np.random.default_rng(5), 1.0
    for n in (30, 60, 150, 400):
        held, sizes = np.zeros(2), []
        for _ in range(repeats):
            z = rng.standard_normal(n)
            weights = np.exp(spread * z - 0.5 * spread**2)
            values = weights * (1.0 + 0.5 * z + rng.standard_normal(n))
            truth = 1.0 + 0.5 * spread
            sizes.append(effective_size(weights))
            alone = bootstrap_interval(values, rng=rng, repetitions=1000)
            low, high, _ = interval(
                Ratios(values[:, None]), rng=rng, confidence=0.95, ess=sizes[-1], repetitions=1000
            )
            held += alone.low <= truth <= alone.high, low <= truth <= high
        shares = " | ".join(f"{100.0 * x:.1f}" for x in held / repeats)
        lines.append(f"| {n} | {np.mean(sizes):.1f} | {shares} |")
    return "\n".join(lines)


def insulin_lines(n=300):
    """Return lines on insulin: hundreds of decisions a day tell nothing, six may."""
    basal = load_policy("constant_basal")
    noisy, calm = NoisyClinician(basal, sd=0.08), Smoothed(basal, sd=0.06)
    lines = [
        "| decisions a day | estimator | value | 95 % interval | truth | effective patients "
        "| informative |",
        "|---|---|---|---|---|---|---|",
    ]
    for every in (1, 48):
        keep = {"env_kwargs": {"days": 1}, "discount": 0.999}
        behaviour, target = (noisy, calm) if every == 1 else (Held(noisy, every), Held(calm, every))
        told = true_value(INSULIN, target, people("test", 600, 9), 9, **keep)["mean"]
        log = coarsen(collect(INSULIN, behaviour, people("training", n, 1), 1, **keep), every)
        about = Evidence(log, calm)
        for name in ("wis", "pdis", "cwpdis"):
            e = make_estimator(name)(about, rng=np.random.default_rng(0))
            sure = "yes" if informative(e) else "no"
            lines.append(
                f"| {288 // every} | {name} | {e.value:.1f} | [{e.low:.1f}, {e.high:.1f}] "
                f"| {told:.1f} | {e.ess:.1f} of {n} | {sure} |"
            )
    return "\n".join(lines)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model-repeats", type=int, default=1)
    parser.add_argument("--truth", type=int, default=3000)
    asked = parser.parse_args()
    began = time.perf_counter()
    rows, words = measure(*cast(), asked.repeats, asked.model_repeats, asked.truth)
    for by in ("visits", "behaviour", "patients"):
        print(summary(rows, by) + "\n")
    print(gate_lines(rows) + "\n")
    print(verdict_lines(words) + "\n")
    print(insulin_lines() + "\n")
    print(interval_lines())
    print(f"\n{len(rows)} estimates, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
