"""Least squares of the blood-pressure gains over the targets that are fitted.

The residuals are (figure - published) / fit_sd for every target with a ``fit_sd``, and a weak pull
of each gain towards its shipped value, since some gains are hardly determined by what is published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .pressure_figures import steady_figures
from .pressure_gains import shipped_gains, typical_values
from .pressure_scenarios import trial_responses
from .pressure_targets import load_targets

Array = NDArray[np.float64]

# Free gains and the range in which each is looked for.
FREE: Final[Mapping[str, tuple[float, float]]] = {
    "ed_acei": (0.05, 3.0), "ed_arb": (0.05, 3.0), "ed_ccb": (0.1, 4.0), "ed_thiazide": (0.05, 3.0),
    "ed_beta_blocker": (0.05, 3.0), "l_acei": (0.2, 3.0), "l_arb": (0.2, 3.0), "l_cap": (0.5, 6.0),
    "er_ccb": (-0.4, -0.01), "d_ccb": (0.0, 1.5), "pp_ccb": (-0.1, 0.1), "d_thiazide": (0.1, 1.5),
    "w_thiazide": (-0.2, 0.0), "pp_thiazide": (-0.1, 0.1), "eh_bb": (-0.4, -0.02),
    "er_bb": (-0.1, 0.121), "d_bb": (-0.3, 0.8), "renin_bb": (0.2, 0.85), "pp_bb": (-0.15, 0.15),
    "m_mra": (0.3, 0.85), "pp_ras": (-0.15, 0.15), "KA": (0.02, 0.3), "KT": (0.02, 0.4),
    "ed_thiazide_labs": (0.2, 30.0), "qP": (0.0, 0.6), "qS": (0.0, 0.4),
    "kP": (3.0, 15.0), "kA": (0.1, 2.0), "kS": (0.1, 2.0), "sigma": (0.05, 0.6),
}  # fmt: skip
PULL: Final = 0.5
"""Weight of the shipped values, per range of the gain."""


@dataclass(frozen=True)
class FittedGain:
    """One gain before and after a fit."""

    name: str
    shipped: float
    fitted: float

    def cells(self) -> tuple[str, str, str]:
        """Return the row as text."""
        return self.name, f"{self.shipped:.4g}", f"{self.fitted:.4g}"


def residuals(values: Array) -> Array:
    """Return the residuals (K, R) of K sets of free gains (K, G)."""
    typical_names = set(typical_values())
    columns = dict(zip(FREE, np.atleast_2d(values).T, strict=True))
    found = steady_figures(
        trial_responses(
            {k: v for k, v in columns.items() if k not in typical_names},
            {k: v for k, v in columns.items() if k in typical_names},
        )
    )
    fitted = [t for t in load_targets().values() if t.fit_sd]
    misfit = [(found[t.name] - t.published) / t.fit_sd for t in fitted]  # type: ignore[operator]
    pull = PULL * (np.atleast_2d(values) - shipped_values()) / _widths()
    return np.concatenate([np.stack(misfit, axis=1), pull], axis=1)


def shipped_values() -> Array:
    """Return the shipped values (G,) of the free gains."""
    shipped = {**shipped_gains(), **typical_values()}
    return np.array([shipped[name] for name in FREE])


def _widths() -> Array:
    return np.array([high - low for low, high in FREE.values()])


def _slopes(values: Array) -> Array:
    """Return the derivatives (R, G) of the residuals by forward differences, all in one run."""
    step = 1e-5 * _widths()
    sets = values + np.concatenate([np.zeros((1, len(step))), np.diag(step)])
    found = residuals(sets)
    return np.asarray(((found[1:] - found[0]) / step[:, None]).T)


def fit_gains(evaluations: int = 20) -> list[FittedGain]:
    """Return the free gains before and after a least-squares fit from the shipped values.

    Parameters
    ----------
    evaluations : int
        At most so many steps; some seconds each.
    """
    from scipy.optimize import least_squares

    low, high = np.array(list(FREE.values())).T
    margin = 1e-4 * (high - low)
    start = np.clip(shipped_values(), low + margin, high - margin)
    slopes: Any = _slopes
    found = least_squares(
        lambda v: residuals(v)[0], start, slopes, bounds=(low, high), x_scale=0.1 * (high - low),
        max_nfev=evaluations,
    )  # fmt: skip
    rows = zip(FREE, shipped_values(), found.x, strict=True)
    return [FittedGain(name, float(a), float(b)) for name, a, b in rows]


def write_gains(gains: Sequence[FittedGain]) -> None:
    """Write fitted gains, to four digits, into the shipped table; the rest stays as it is."""
    path = Path(str(resources.files("dosegym.physiology.data").joinpath("dosegym_bp_2026.csv")))
    path.write_text(replaced(path.read_text("utf-8"), gains), encoding="utf-8")


def replaced(text: str, gains: Sequence[FittedGain]) -> str:
    """Return the text of a table of gains with the fitted values in the third column."""
    new = {gain.name: f"{gain.fitted:.4g}" for gain in gains}
    lines = []
    for line in text.splitlines():
        cells = line.split(",", 3)
        if len(cells) == 4 and cells[0] in ("gain", "typical") and cells[1] in new:
            line = ",".join([*cells[:2], new[cells[1]], cells[3]])
        lines.append(line)
    return "\n".join(lines) + "\n"
