"""Draws of a fit as a twin carries them: bodies, their noise, and where each is now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .forward import run_to_end
from .posterior import Posterior, Present
from .sample import Sample

Array = NDArray[np.float64]


def posterior_of(drawn: Sample) -> Posterior:
    """Return the draws of a fit, each led to the end of its record."""
    known, u = drawn.likelihood.unknowns, drawn.u
    return Posterior(
        known.coordinates(u).copy(),
        drawn.likelihood.noise(u),
        known.spread(u),
        present_of(drawn),
        drawn.diagnostics,
    )


def present_of(drawn: Sample) -> Present:
    """Return where each draw is when the record ends."""
    likelihood, u = drawn.likelihood, drawn.u
    known, seen, use = likelihood.unknowns, likelihood.seen, likelihood.use
    effect, noise = known.effects(u), likelihood.noise(u)
    z = known.coordinates(u)
    glucose, states = run_to_end(known.where, z, seen, effect, known.extra(u))
    error = likelihood.errors(glucose[use.index], noise)[-1]
    since = len(seen.glucose) - 1 - int(use.index[-1])
    end_s = seen.start_s + len(seen.insulin) * 60.0
    return Present(end_s, states, effect[:, known.windows - 1], error * noise[:, 1] ** since)
