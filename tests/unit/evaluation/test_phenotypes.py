"""Kinds of people are found where they were planted, and not where there are none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dosegym.cli.main import main
from dosegym.evaluation.phenotypes import FEATURES, cluster, features_of, find_phenotypes
from dosegym.physiology.errors import InputError
from dosegym.twins.coordinates import NAMES, coordinates_for
from dosegym.twins.noise import Noise
from dosegym.twins.posterior import Posterior, Present
from dosegym.twins.twin import Twin
from dosegym.twins.variation import Variation

NEED, MUSCLE, LIVER = (NAMES.index(n) for n in ("Ib", "Vmx", "kp3"))
DRAWS = 64


def twin_at(name: str, z: np.ndarray, sd: float, rng: np.random.Generator) -> Twin:
    """Return a twin whose posterior is normal about a place, as wide in all directions."""
    where = coordinates_for("adult", 75.0, None)
    d = len(NAMES)
    drawn = z + sd * rng.standard_normal((DRAWS, d))
    states = where.model.initial(where.params(drawn))
    present = Present(0.0, states, np.zeros(DRAWS), np.zeros(DRAWS))
    spread = np.tile([0.17, 0.15, 0.2, 0.2], (DRAWS, 1))
    posterior = Posterior(drawn, np.tile([10.0, 0.8], (DRAWS, 1)), spread, present, {})
    return Twin(
        name, "0" * 64, "adult", where, z, sd**2 * np.eye(d), Noise(10.0, 0.8), Variation(), (),
        {"held_out_day": None}, posterior=posterior,
    )  # fmt: skip


def people(n: int, apart: float, sd: float, seed: int) -> tuple[list[Twin], np.ndarray]:
    """Return twins of two kinds: resistant with a high need, and sensitive with a low one."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % 2
    twins = []
    for i, k in enumerate(kind.tolist()):
        z = 0.4 * rng.standard_normal(len(NAMES))
        z[NEED] += apart * (k - 0.5)
        z[[MUSCLE, LIVER]] -= apart * (k - 0.5)
        twins.append(twin_at(f"p{i}", z, sd, rng))
    return twins, kind


def test_planted_kinds_are_found() -> None:
    """Two kinds of virtual people come back, nobody in the wrong one, named by what differs."""
    twins, kind = people(24, 3.0, 0.3, 0)
    found = find_phenotypes(twins, np.random.default_rng(1), resamples=10)
    assert found.groups == 2
    right = np.mean(found.label == kind)
    assert max(right, 1.0 - right) == 1.0
    assert {"basal_need", "insulin_action"} <= set(found.features)
    assert "basal insulin need" in found.words(0) + found.words(1)
    np.testing.assert_allclose(found.membership.sum(axis=1), 1.0)
    assert float(found.stability.min()) > 0.9
    same = found.label[:, None] == found.label
    assert found.together[same].min() > found.together[~same].max()


@pytest.mark.parametrize("seed", range(4))
def test_one_group_is_called_one_group(seed: int) -> None:
    """People spread about one centre are not split."""
    twins, _ = people(24, 0.0, 0.2, seed)
    found = find_phenotypes(twins, np.random.default_rng(seed), resamples=10)
    assert found.groups == 1
    assert found.verdict.startswith("No kinds are found")
    assert found.to_dict()["kinds"] == []
    assert all(p["kind"] is None for p in found.to_dict()["people"])


def test_what_a_twin_leaves_open_softens_membership() -> None:
    """Narrow posteriors place nearly all surely; wide ones about the same means do not."""
    rng = np.random.default_rng(2)
    kind = np.arange(24) % 2
    mean = np.stack([3.0 * kind + 0.4 * rng.standard_normal(24), rng.standard_normal(24)], axis=1)
    mean[0, 0] = 1.5
    names = tuple(map(str, range(24)))
    features = ("basal_need", "insulin_action")
    memberships = []
    for sd in (0.05, 1.5):
        drawn = mean[:, None] + sd * rng.standard_normal((24, 80, 2))
        found = cluster(names, features, mean, drawn, np.random.default_rng(3), 8)
        assert found.groups == 2
        memberships.append(found.membership.max(axis=1))
    assert np.median(memberships[0][1:]) > 0.99
    assert memberships[1].mean() < memberships[0].mean() - 0.03
    assert memberships[1][0] < memberships[0][0]


def test_features_mean_what_they_say() -> None:
    """Faster absorption of carbohydrate moves that feature as the body's parameter does."""
    where = coordinates_for("adult", 75.0, None)
    rng = np.random.default_rng(4)
    z = np.zeros(len(NAMES))
    low = features_of(twin_at("a", z, 1e-6, rng), 20, rng)[0]
    z = z.copy()
    z[NAMES.index("kabs")] = 1.0
    high = features_of(twin_at("b", z, 1e-6, rng), 20, rng)[0]
    gap = dict(zip(FEATURES, high - low, strict=True))
    speed = where.params(np.stack([np.zeros(len(NAMES)), z]))[
        :, where.model.parameter_index["kabs"]
    ]
    assert gap["absorption"] == pytest.approx(np.log(speed[1] / speed[0]), rel=1e-3)
    assert gap["absorption"] > 0.5 * where.scale["kabs"]
    # Under a prior with full covariance other parameters follow a little.
    assert abs(gap["insulin_speed"]) < 0.2 * gap["absorption"]
    assert gap["counting"] == pytest.approx(0.0, abs=1e-4)


def test_too_few_or_the_same_people_are_refused() -> None:
    """Eleven people, a person twice and unknown features end in one line."""
    twins, _ = people(12, 3.0, 0.3, 5)
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="at least 12"):
        find_phenotypes(twins[:11], rng)
    with pytest.raises(InputError, match="p0 is given twice"):
        find_phenotypes([*twins, twins[0]], rng)
    with pytest.raises(InputError, match="choose among"):
        find_phenotypes(twins, rng, features=["shoe_size"])


def test_the_verb_writes_the_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``dosegym phenotypes`` reads twins, prints the verdict, writes JSON and a picture."""
    twins, _ = people(16, 3.5, 0.2, 6)
    paths = []
    for twin in twins:
        path = tmp_path / f"{twin.subject}.json"
        path.write_text(json.dumps(twin.to_dict()), encoding="utf-8")
        paths.append(str(path))
    out, plot = tmp_path / "found.json", tmp_path / "found.png"
    assert main(["phenotypes", *paths, "--out", str(out), "--plot", str(plot)]) == 0
    assert "2 kinds are found among 16 people" in capsys.readouterr().out.replace("\n", " ")
    written = json.loads(out.read_text("utf-8"))
    assert written["groups"] == 2
    assert sum(kind["people"] for kind in written["kinds"]) == 16
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert main(["phenotypes", *paths[:3]]) == 2
