"""Independent random streams by purpose: who trains, validates, tests and certifies never meet."""

from __future__ import annotations

import numpy as np

from .errors import InputError

PURPOSES = ("training", "validation", "test", "certification")

# Marks our spawn keys, so that no key equals one that SeedSequence(seed).spawn() hands out.
_MARK = 0x646F7365


def check_seed(seed: object) -> None:
    """Refuse a seed that no generator takes.

    Raises
    ------
    InputError
        If it is not a whole number of at least 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"seed is {seed!r}; give a whole number of at least 0")


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Return the random generator of one purpose.

    Streams of different purposes or seeds are independent: each is a PCG64 whose state NumPy's
    ``SeedSequence`` hashes from the seed and a spawn key of its own (M. O'Neill's ``seed_seq``
    construction; NumPy, "Parallel random number generation").

    Parameters
    ----------
    seed : int
        At least 0; the same seed gives the same stream.
    purpose : {"training", "validation", "test", "certification"}

    Raises
    ------
    InputError
        If the purpose is unknown or the seed is not a whole number of at least 0.
    """
    if purpose not in PURPOSES:
        raise InputError(f"purpose is {purpose!r}; choose one of {', '.join(PURPOSES)}")
    check_seed(seed)
    key = (_MARK, PURPOSES.index(purpose))
    return np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=key))
