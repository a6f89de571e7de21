"""Forecasts of virtual people whose truth is built otherwise than the twin, with every forecaster.

python examples/bench_forecasts.py [--people 8] [--days 5] [--fit-days 3] [--every 3] [--seed 3]
"""

import argparse

import numpy as np

from dosegym.evaluation.forecast_adapt import Adapted
from dosegym.evaluation.forecast_baselines import Linear, Persistence
from dosegym.evaluation.forecast_scores import across_people, cells, scores
from dosegym.evaluation.forecast_twin import Fits, TwinForecaster
from dosegym.evaluation.forecasts import roll
from dosegym.evaluation.history import journal_of
from dosegym.physiology import load_model
from dosegym.physiology.sampling import load_sampler
from dosegym.twins.virtual import Life, live

HORIZONS_MIN = (30, 60, 120, 240)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--days", type=float, default=5.0)
    parser.add_argument("--fit-days", type=int, default=3)
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--announced", action="store_true", help="tell coming doses and meals")
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    people = load_sampler().sample(args.people, rng, ["adult"])
    life = Life(days=args.days, swing=0.2, day_sd=0.17, window_sd=0.2, counting_sd=0.2)
    records = live(load_model("uva_padova_2008", gut="t1dms"), people, life, rng)
    table: dict[str, list[list[dict[str, float]]]] = {}
    for record in records:
        fits = Fits()
        twins = [TwinForecaster(fits, assimilate=a) for a in (False, True)]
        own = Adapted(TwinForecaster(fits, assimilate=True))
        made = roll(
            journal_of(record), [Persistence(), Linear(), *twins, own],
            first=args.fit_days * 288, horizons_min=HORIZONS_MIN, every=args.every,
            announced=args.announced,
        )  # fmt: skip
        for name, forecasts in made.items():
            row = [scores(cells(forecasts, h)) for h in HORIZONS_MIN]
            table.setdefault(name, []).append(row)
    print(f"{args.people} people, {args.days - args.fit_days:g} days forecast each\n")
    print(
        "| min | forecaster | RMSE (95 % over people) | bias | CRPS | in 50/80/90 % | width of "
        "90 % | people in 75–85 % at 80 % |\n|---|---|---|---|---|---|---|---|"
    )
    for i, minutes in enumerate(HORIZONS_MIN):
        for name, rows in table.items():
            mean = {key: float(np.mean([r[i][key] for r in rows])) for key in rows[0][i]}
            rmse = across_people([r[i]["rmse"] for r in rows], np.random.default_rng(0))
            held = sum(abs(r[i]["coverage_80"] - 0.8) <= 0.05 for r in rows)
            covered = "/".join(f"{100 * mean[f'coverage_{k}']:.0f}" for k in (50, 80, 90))
            print(
                f"| {minutes} | {name} | {rmse.estimate:.1f} ({rmse.low:.1f}–{rmse.high:.1f}) | "
                f"{mean['bias']:+.1f} | {mean['crps']:.1f} | {covered} | {mean['width_90']:.0f} | "
                f"{held} of {len(rows)} |"
            )


if __name__ == "__main__":
    main()
