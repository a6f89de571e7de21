"""Random streams by purpose are reproducible and never meet."""

import itertools

import numpy as np
import pytest

from dosegym.physiology import InputError
from dosegym.physiology.streams import PURPOSES, stream


def test_same_seed_and_purpose_give_the_same_stream() -> None:
    """A stream is a function of its seed and purpose."""
    a, b = stream(7, "test").random(100), stream(7, "test").random(100)
    np.testing.assert_array_equal(a, b)


def test_streams_of_purposes_and_seeds_share_no_number() -> None:
    """Over four purposes, three seeds and NumPy's own spawned children, no 64-bit word repeats."""
    generators = [stream(s, p) for s, p in itertools.product((0, 1, 2), PURPOSES)]
    for seed in (0, 1, 2):
        root = np.random.SeedSequence(seed)
        generators += [np.random.default_rng(s) for s in (root, *root.spawn(4))]
    words = np.concatenate([g.integers(0, 2**64, 5_000, dtype=np.uint64) for g in generators])
    assert len(np.unique(words)) == len(words)


def test_neighbouring_streams_are_uncorrelated() -> None:
    """Correlations between streams stay within four standard errors of zero."""
    n = 20_000
    rows = np.stack([stream(s, p).standard_normal(n) for s in (0, 1) for p in PURPOSES])
    off = np.corrcoef(rows)[np.triu_indices(len(rows), 1)]
    assert np.abs(off).max() < 4.0 / np.sqrt(n)


def test_bad_requests_are_refused() -> None:
    """Purpose and seed are checked, each in one clear line."""
    with pytest.raises(InputError, match="purpose is 'exam'; choose one of training, validation"):
        stream(0, "exam")
    for seed in (-1, 1.5, True, "3"):
        with pytest.raises(InputError, match="give a whole number of at least 0"):
            stream(seed, "test")  # type: ignore[arg-type]
