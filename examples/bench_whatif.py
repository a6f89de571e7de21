"""What-ifs of a UVA/Padova twin against what really would have happened, in people of other bodies.

python examples/bench_whatif.py [--people 30] [--days 4] [--draws 64] [--json]

Two kinds of people live some days with an autocorrelated sensor, wrongly counted meals and days
that differ: adults of ``hovorka_2004``, of whose equations the twin shares none, and people of
``uva_padova_2008`` with another gut (t1dms), a daily swing of sensitivity and exercise. A twin is
fitted to each record. Then the last day but one is lived again with basal or boluses a quarter
less or more, once by the twin and once by the simulator itself; sensitivity, meals and rescue
carbohydrate are the same. The twin's median is compared with the simulator's true glucose:
mean absolute relative difference, Clarke's zones, and what 90 % intervals hold. The unit is the
patient: mean over people with a bootstrap interval of 95 %.
"""

import argparse
import json
import os
import platform
from datetime import date

import numpy as np

from dosegym.evaluation.bootstrap import bootstrap_interval
from dosegym.evaluation.clarke import clarke_shares
from dosegym.physiology import load_model, load_population
from dosegym.physiology.hovorka_people import sample_hovorka
from dosegym.twins import fit_twin
from dosegym.twins.change import Change, laid
from dosegym.twins.coordinates import NAMES
from dosegym.twins.exercise import Exercise, bouts
from dosegym.twins.forward import run
from dosegym.twins.lived import relive
from dosegym.twins.observations import observe
from dosegym.twins.tape import Tape
from dosegym.twins.virtual import Life, live


def arguments():
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=30, help="of each kind")
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--draws", type=int, default=64)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


CHANGES = {
    "basal -25 %": (0.75, 1.0),
    "basal +25 %": (1.25, 1.0),
    "bolus -25 %": (1.0, 0.75),
    "bolus +25 %": (1.0, 1.25),
}
WAYS = ("twin", "unexplained left out", "prior mean")


def life(days):
    """Return how people live."""
    return Life(days=float(days), counting_sd=0.2, swing=0.2, day_sd=0.1, window_sd=0.1)


def hovorka(asked, rng):
    """Return records of people whose equations the twin does not share, and the tape."""
    model = load_model("hovorka_2004")
    tape, people = Tape(model), sample_hovorka(asked.people, rng)
    return live(model, people, life(asked.days), rng, tape=tape), tape


def other_gut(asked, rng):
    """Return records of people with another gut, a daily swing and exercise, and the tape."""
    model, known = load_model("uva_padova_2008", gut="t1dms"), load_population()
    people = known[[i % len(known) for i in range(asked.people)]]
    moving = Exercise(model, bouts(asked.people, asked.days * 288, rng))
    tape = Tape(model)
    return live(model, people, life(asked.days), rng, altered=moving.alter, tape=tape), tape


def answers(asked, record, twin, rng):
    """Return glucose on the day by change and way, and the twin's 90 % bands and mean effects."""
    seen = observe(record)
    lived = relive(twin, seen, asked.draws, rng)
    first, last = (asked.days - 2) * 1440, (asked.days - 1) * 1440
    here = slice(first // 5, last // 5 + 1)
    out = {}
    for name, (basal, bolus) in CHANGES.items():
        change = laid(Change(basal=basal, bolus=bolus), record, seen, first, last)
        kept, bare = lived.again(twin, change), lived.again(twin, change, keep=False)
        usual = run(twin.where, np.zeros((1, len(NAMES))), seen, None, change)
        ways = (np.median(kept, axis=1), np.median(bare, axis=1), usual[:, 0])
        out[name] = {w: np.maximum(v, 1.0)[here] for w, v in zip(WAYS, ways, strict=True)}
        spread = lived.spread(kept, rng)[here]
        out[name]["band"] = np.quantile(spread, [0.05, 0.95], axis=1)
        out[name]["draws_band"] = np.quantile(kept[here], [0.05, 0.95], axis=1)
        was = lived.true[here]
        out[name]["effect"] = (spread - was).mean(axis=0)
        out[name]["draws_effect"] = (kept[here] - was).mean(axis=0)
    return out


def held(found, true, effect):
    """Return what 90 % intervals hold, with and without the equations' own error, and that error.

    ``log_effect_error`` squares how far the logarithm of the mean effect is missed and takes off
    the variance of the draws: its mean over people is the variance of ``STRUCTURE_SD``.
    """
    row = {}
    for name, band, sizes in (
        ("", found["band"], found["effect"]),
        ("draws_alone_", found["draws_band"], found["draws_effect"]),
    ):
        row[f"{name}coverage_90_percent"] = 100.0 * np.mean((true >= band[0]) & (true <= band[1]))
        low, high = np.quantile(sizes, [0.05, 0.95])
        row[f"{name}effect_in_90_percent"] = 100.0 * (low <= effect <= high)
    sizes = np.log(np.abs(found["draws_effect"]))
    row["log_effect_error"] = (np.log(abs(effect)) - np.median(sizes)) ** 2 - sizes.var()
    return row


def figures_of(asked, kind):
    """Return per-person figures by change and way."""
    rng = np.random.default_rng(asked.seed)
    records, tape = kind(asked, rng)
    day = slice((asked.days - 2) * 288, (asked.days - 1) * 288)
    truth = {name: tape.replay(*how, steps=day) for name, how in CHANGES.items()}
    usual, told = tape.replay(), {}
    for i, record in enumerate(records):
        found = answers(asked, record, fit_twin(record, seed=1, hold_out=False), rng)
        for name in CHANGES:
            true = np.maximum(truth[name][day.start : day.stop + 1, i], 1.0)
            effect = np.mean(true - np.maximum(usual[day.start : day.stop + 1, i], 1.0))
            for way in WAYS:
                value = found[name][way]
                zones = clarke_shares(true, value)
                row = {
                    "mard_percent": 100.0 * np.mean(np.abs(value - true) / true),
                    "zones_ab_percent": 100.0 * (zones["A"] + zones["B"]),
                    "zone_a_percent": 100.0 * zones["A"],
                    "bias_mg_dl": np.mean(value - true),
                }
                if way == "twin":
                    row |= held(found[name], true, effect)
                told.setdefault((name, way), []).append(row)
    return told


def summed(rows):
    """Return mean and bootstrap interval over people of each figure."""
    rng, out = np.random.default_rng(0), {}
    for key in rows[0]:
        values = np.array([row[key] for row in rows])
        out[key] = [float(values.mean())]
        if len(values) > 2 and values.std() > 0.0:
            interval = bootstrap_interval(values, rng=rng)
            out[key] += [float(interval.low), float(interval.high)]
    return out


def pooled(told, way):
    """Return each person's figures over all four changes, so that each person counts once."""
    rows = zip(*(told[name, way] for name in CHANGES), strict=True)
    return [{k: float(np.mean([row[k] for row in four])) for k in four[0]} for four in rows]


def main():
    """Fit, ask, and print."""
    asked, results = arguments(), {}
    for kind in (hovorka, other_gut):
        told = figures_of(asked, kind)
        for way in WAYS:
            for name in CHANGES:
                results[f"{kind.__name__}/{name}/{way}"] = summed(told[name, way])
            results[f"{kind.__name__}/all/{way}"] = summed(pooled(told, way))
    facts = {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} CPUs seen, Python {platform.python_version()}",
        "people": asked.people, "days": asked.days, "draws": asked.draws, "seed": asked.seed,
    }  # fmt: skip
    if asked.json:
        print(json.dumps({"facts": facts, "results": results}, indent=1))
        return
    print(facts)
    for name, row in results.items():
        cells = []
        for key, value in row.items():
            span = f" [{value[1]:.3g}, {value[2]:.3g}]" if len(value) == 3 else ""
            cells.append(f"{key} {value[0]:.3g}{span}")
        print(f"{name}: " + "; ".join(cells))


if __name__ == "__main__":
    main()
