"""How soon anyone could tell a fall of insulin sensitivity by 30 % from a person's usual swings.

An observer who is told each person's true mean log sensitivity of every eight-hour window, which no
sensor tells, weighs at every hour "it fell u hours ago", u from 1 to 24, against "it did not" by
their exact likelihoods. No alarm on the same people can find more of the falls at as few false
alarms, except one that knew at which minutes windows begin. Only random numbers, no body.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from dosegym.physiology.streams import stream

FALL = np.log(0.7)
WINDOW_H, DAY_H = 8, 24
FIT_DAYS, DAYS = 4, 5
PERSON_SD = 0.5  # what is known of a person's usual sensitivity before any day was seen
FALSE_A_DAY = (0.05, 0.08, 0.1, 0.2)
# Standard deviations of log sensitivity between days and between windows of a day.
SWINGS = {
    "as the virtual people (whole days differ by 0.21)": (0.17, 0.2),
    "whole days differ by 0.17, as insulin need does in Ruan 2016": (0.125, 0.2),
    "half the virtual people's": (0.085, 0.1),
}


def lives(
    n: int, day_sd: float, window_sd: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return log sensitivity (n, H) of each hour, and the hour (n,) of a fall; half have none."""
    hours = (FIT_DAYS + DAYS) * DAY_H
    day = day_sd * rng.standard_normal((n, FIT_DAYS + DAYS))
    window = window_sd * rng.standard_normal((n, hours // WINDOW_H))
    level = np.repeat(day, DAY_H, axis=1) + np.repeat(window, WINDOW_H, axis=1)
    level += PERSON_SD * rng.standard_normal((n, 1))
    begin = (FIT_DAYS + 1) * DAY_H + rng.integers(0, DAY_H, n)
    begin[n // 2 :] = hours
    return level + FALL * (np.arange(hours) >= begin[:, None]), begin


def odds(level: np.ndarray, day_sd: float, window_sd: float) -> np.ndarray:
    """Return the log likelihood ratio (n, H) of a fall within the last day at each hour's end."""
    n, hours = level.shape
    out = np.full((n, hours), -np.inf)
    for now in range(FIT_DAYS * DAY_H, hours):
        count = now // WINDOW_H + 1
        at = np.arange(count)
        seen = np.stack(
            [level[:, w * WINDOW_H : min((w + 1) * WINDOW_H, now + 1)].mean(axis=1) for w in at],
            axis=1,
        )
        same = at[:, None] * WINDOW_H // DAY_H == at[None] * WINDOW_H // DAY_H
        covariance = PERSON_SD**2 + day_sd**2 * same + window_sd**2 * np.eye(count)
        shift = np.array([_shift(now, began, count) for began in range(now - DAY_H + 1, now + 1)])
        weighed = np.linalg.solve(covariance, shift.T)
        terms = seen @ weighed - 0.5 * (shift.T * weighed).sum(axis=0)
        top = terms.max(axis=1)
        out[:, now] = top + np.log(np.exp(terms - top[:, None]).mean(axis=1))
    return out


def _shift(now: int, began: int, count: int) -> np.ndarray:
    """Return what a fall in hour ``began`` adds to each window's mean (count,)."""
    hour = FALL * (np.arange(count * WINDOW_H) >= began)
    hour = hour[: now + 1]
    return np.array(
        [hour[w * WINDOW_H : (w + 1) * WINDOW_H].mean() for w in range(count)], dtype=float
    )


def raised(score: np.ndarray, threshold: float) -> list[list[int]]:
    """Return the hours of alarms of each person, at most one a day."""
    out = []
    for row in score:
        times: list[int] = []
        for hour in np.flatnonzero(row >= threshold).tolist():
            if not times or hour - times[-1] >= DAY_H:
                times.append(hour)
        out.append(times)
    return out


def rates(score: np.ndarray, begin: np.ndarray, threshold: float) -> tuple[float, float]:
    """Return the share of falls found within 24 h, and false alarms a day of those without one."""
    times = raised(score, threshold)
    fell = begin < score.shape[1]
    found = [any(b <= t < b + DAY_H for t in times[i]) for i, b in enumerate(begin) if fell[i]]
    false = sum(len(times[i]) for i in np.flatnonzero(~fell))
    return float(np.mean(found)), false / (DAYS * int((~fell).sum()))


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=4000)
    args = parser.parse_args()
    for name, (day_sd, window_sd) in SWINGS.items():
        rng = stream(5, "test")
        level, begin = lives(args.people, day_sd, window_sd, rng)
        score = odds(level, day_sd, window_sd)
        table = [rates(score, begin, c) for c in np.linspace(-1.0, 6.0, 141)]
        told = []
        for wanted in FALSE_A_DAY:
            best = max(found for found, false in table if false <= wanted)
            told.append(f"{best:.0%} at {wanted:g}")
        sys.stdout.write(f"{name}: {', '.join(told)} false alarms a day\n")


if __name__ == "__main__":
    main()
