"""What an alarm looks at: hypotheses' odds, surprises over hours, and where glucose has been.

All of it is kept by exponential means, so that nothing but the last values need be remembered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bank import Bank
from .ensemble import LATELY
from .ensemble_kalman import STEP_MIN
from .hypotheses import NAMES

Array = NDArray[np.float64]

HOURS = (1.0, 2.0, 4.0, 8.0, 24.0)
GLUCOSE_HOURS = (1.0, 3.0)
ODDS_HOURS = (1.0, 3.0)
EVENT_HOURS = 2.0
OLD_HOURS = 3.0  # an occlusion of this age has become plain, if it is one
FARTHEST_ODDS, UNLIKELY = 8.0, 4.0
USUAL_GLUCOSE_MG_DL = 150.0
MEANS = (
    len(HOURS) + len(GLUCOSE_HOURS) + len(NAMES) * len(ODDS_HOURS) + 2 + 1
)  # fmt: skip
LABELS = (
    *(f"odds of {name}" for name in NAMES),
    *(f"surprise over {h:g} h" for h in HOURS),
    "glucose",
    *(f"glucose over its mean of {h:g} h" for h in GLUCOSE_HOURS),
    *(f"odds of {name} over {h:g} h" for h in ODDS_HOURS for name in NAMES),
    "carbohydrate logged", "bolus logged",
    *(f"{name} over the usual one" for name in LATELY[1:]),
    *(f"{name} over the usual one, in standard deviations" for name in LATELY[1:]),
    "sensitivity", "old occlusion",
    "noise", "odds of occlusion where glucose is high", "surprise where glucose is high",
)  # fmt: skip

# A sixth less; half of a fall by 30 %, which means over twelve hours show only in part (set on
# training people).
CLEARLY_LESS = -0.18
_MEAN_12_H = LABELS.index("action_12_h over the usual one")
_STANDARD_12_H = LABELS.index("action_12_h over the usual one, in standard deviations")


def first_means(rows: int) -> Array:
    """Return the means (R, MEANS) before anything was seen."""
    return np.zeros((rows, MEANS))


def looked_at(
    means: Array, bank: Bank, standard: Array, reading: Array, carbs_g: Array, bolus_u: Array
) -> tuple[Array, Array]:
    """Return the means after one more interval, and what an alarm looks at.

    Parameters
    ----------
    means : array (R, MEANS)
    bank : Bank
        After the interval.
    standard : array (R,)
        Normalised innovations of the main filter; NaN without a reading.
    reading : array (R,), mg/dL
        NaN without one.
    carbs_g, bolus_u : array (R,), g and U
        Logged within the interval.

    Returns
    -------
    means : array (R, MEANS)
    features : array (R, len(LABELS))
    """
    odds = _log_odds(bank.probability())
    likely = np.clip(odds + UNLIKELY, 0.0, FARTHEST_ODDS)
    surprise = np.clip(np.nan_to_num(standard), -3.0, 3.0)[:, None]
    glucose = np.log(np.clip(reading, 20.0, 600.0) / USUAL_GLUCOSE_MG_DL)
    glucose = np.where(np.isnan(glucose), means[:, -1], glucose)[:, None]
    events = np.stack([carbs_g, bolus_u], axis=1)
    news = [(surprise, HOURS), (glucose, GLUCOSE_HOURS), (likely, ODDS_HOURS)]
    news += [(events, (EVENT_HOURS,))]
    fresh = np.concatenate([np.tile(x, (1, len(h))) for x, h in news], axis=1)
    hours = np.concatenate([np.repeat(h, x.shape[1]) for x, h in news])
    share = 1.0 - np.exp(-STEP_MIN / (60.0 * hours))
    after = np.concatenate([means[:, :-1] + share * (fresh - means[:, :-1]), glucose], axis=1)
    a, b = len(HOURS), len(HOURS) + len(GLUCOSE_HOURS)
    c = b + likely.shape[1] * len(ODDS_HOURS)
    scaled = after[:, :a] / np.sqrt(share[:a] / 2.0)
    noise = np.log(bank.main.noise[:, :, 0].mean(axis=1))[:, None]
    features = [
        odds, scaled, glucose, glucose - after[:, a:b], after[:, b:c],
        np.log1p(100.0 * np.maximum(after[:, c : c + 2], 0.0)),
        *lately(bank), _log_odds(bank.lasting(OLD_HOURS))[:, None],
        noise, odds[:, :1] * glucose, scaled[:, 2:3] * glucose,
    ]  # fmt: skip
    return after, np.concatenate(features, axis=1)


def lately(bank: Bank) -> tuple[Array, Array, Array]:
    """Return how insulin action of late differs from the person's usual one.

    Returns
    -------
    mean : array (R, 3)
        Log units, over the hours of ``ensemble.LATELY``.
    standard : array (R, 3)
        The same in standard deviations of what is known.
    now : array (R, 1)
        Of this moment, log units.
    """
    main = bank.main
    away = np.stack([main[name] - main[LATELY[0]] for name in LATELY[1:]], axis=2)
    mean, sd = away.mean(axis=1), away.std(axis=1) + 1e-3
    now = main.shift().mean(axis=1)[:, None]
    return mean, mean / sd, now


def weaker(features: Array) -> Array:
    """Return the probability (...) that insulin acted clearly less over twelve hours than usual.

    Parameters
    ----------
    features : array (..., F)
    """
    from scipy.stats import norm

    mean, standard = features[..., _MEAN_12_H], features[..., _STANDARD_12_H]
    sd = np.where(np.abs(standard) > 1e-6, mean / np.where(standard == 0.0, 1.0, standard), 0.1)
    return np.asarray(norm.cdf((CLEARLY_LESS - mean) / np.maximum(sd, 1e-3)))


def _log_odds(p: Array) -> Array:
    p = np.clip(p, 1e-12, 1.0 - 1e-12)
    return np.asarray(np.clip(np.log(p / (1.0 - p)), -FARTHEST_ODDS, FARTHEST_ODDS))
