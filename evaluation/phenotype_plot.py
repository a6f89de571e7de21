"""A picture of phenotypes: everyone with what their twin leaves open, and who belongs together."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from .phenotypes import FEATURES, Phenotypes
from .write import write_bytes

COLOURS = ("#1f5fa8", "#c8541f", "#2f8f5b", "#7d4fa3", "#8a6d1d", "#5a5a5a")


def phenotypes_png(found: Phenotypes, path: str | Path) -> None:
    """Draw two features of everyone and the matrix of togetherness; write whole or not at all."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _people(left, found)
    _matrix(figure, right, found)
    figure.suptitle(found.verdict.split(";")[0].rstrip("."), fontsize=11)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    write_bytes(path, picture.getvalue())


def _axes_of(found: Phenotypes) -> tuple[int, int]:
    """Return the two features that tell the kinds apart best, or the two widest."""
    x = (found.means - found.centre) / found.scale
    place = [x[found.label == g].mean(axis=0) for g in range(found.groups)]
    spread = np.var(np.stack(place), axis=0) if found.groups > 1 else np.var(x, axis=0)
    order = np.argsort(-spread, kind="stable")
    return int(order[0]), int(order[min(1, len(order) - 1)])


def _people(axes: Any, found: Phenotypes) -> None:
    i, j = _axes_of(found)
    for g in range(found.groups):
        own = found.label == g
        sure = found.membership[own].max(axis=1)
        name = "everyone" if found.groups == 1 else f"kind {g + 1} ({int(own.sum())})"
        axes.scatter(
            found.means[own, i], found.means[own, j], s=20.0 + 60.0 * sure, alpha=0.8,
            color=COLOURS[g % len(COLOURS)], label=name, edgecolor="white",
        )  # fmt: skip
    axes.set_xlabel(FEATURES[found.features[i]])
    axes.set_ylabel(FEATURES[found.features[j]] if i != j else "")
    axes.legend(fontsize=8, title="small mark: unsure", title_fontsize=8)
    axes.set_title("posterior means", fontsize=10)


def _matrix(figure: Any, axes: Any, found: Phenotypes) -> None:
    order = np.lexsort((-found.membership.max(axis=1), found.label))
    shown = axes.imshow(found.together[np.ix_(order, order)], vmin=0.0, vmax=1.0, cmap="Blues")
    axes.set_title("probability of being of one kind", fontsize=10)
    axes.set_xlabel("people, ordered by kind")
    axes.set_yticks([])
    axes.set_xticks([])
    figure.colorbar(shown, ax=axes, shrink=0.85)
