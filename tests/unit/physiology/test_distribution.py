"""The fitted joint distribution: what it keeps of the named people and what it derives."""

import numpy as np
import pytest

from dosegym.physiology import InputError, Model, Patients
from dosegym.physiology.distribution import (
    PRIMARY,
    JointDistribution,
    complete,
    fit_distribution,
    primaries,
    shrunk_correlation,
)


@pytest.fixture(scope="module")
def fitted(model: Model, people: Patients) -> JointDistribution:
    return fit_distribution(people, model)


def test_primaries_rebuild_the_named_people(
    model: Model, people: Patients, fitted: JointDistribution
) -> None:
    """Every derived parameter of the 30 follows from the primaries and the steady state (1e-9)."""
    values = dict(zip(PRIMARY, primaries(people, model).T, strict=True))
    rebuilt = complete({**values, **fitted.shared}, model)
    np.testing.assert_allclose(rebuilt, people.params, rtol=1e-9)


def test_any_primaries_have_an_exact_equilibrium(model: Model, fitted: JointDistribution) -> None:
    """Drawn people are at rest at their basal state, above the renal threshold too."""
    normal = np.random.default_rng(3).standard_normal((500, len(PRIMARY)))
    values = fitted.transform("adult", normal)
    values["Gb"] = np.linspace(100.0, 250.0, 500)
    params = complete(values, model)
    assert (values["Gb"] * values["Vg"] > values["ke2"]).mean() > 0.3
    slope = model.derivative(model.initial(params), model.basal_inputs(params), params)
    assert np.abs(slope).max() < 1e-12


def test_medians_and_spread_are_those_of_the_group(
    model: Model, people: Patients, fitted: JointDistribution
) -> None:
    """Transformed draws have each group's means and standard deviations (4 standard errors)."""
    n = 20_000
    normal = np.random.default_rng(1).standard_normal((n, len(PRIMARY)))
    for group in ("adult", "adolescent", "child"):
        drawn = fitted.transform(group, normal)
        named = primaries(people.group(group), model)
        for i, (name, how) in enumerate(PRIMARY.items()):
            link = np.log if how == "log" else (lambda x: np.log(x / (1.0 - x)))
            z, known = link(drawn[name]), link(named[:, i])
            deviation = known.std(ddof=1)
            assert abs(z.mean() - known.mean()) < 4.0 * deviation / np.sqrt(n), name
            assert z.std() == pytest.approx(deviation, rel=4.0 / np.sqrt(2 * n)), name


def test_shares_keep_the_orders_they_stand_for(model: Model, fitted: JointDistribution) -> None:
    """Stomach emptying and depot rates are ordered in every draw, plausible or not."""
    normal = 3.0 * np.random.default_rng(2).standard_normal((2000, len(PRIMARY)))
    p = model.params(complete(fitted.transform("child", normal), model))
    assert (p.kmin < p.kmax).all()
    assert (p.ka1 < p.ka2).all()
    assert ((p.b > 0) & (p.b < 1) & (p.d > 0) & (p.d < 1)).all()


def test_shrinkage_vanishes_with_many_people() -> None:
    """With 20,000 rows the estimator returns the true correlation of 0.7."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((20_000, 2))
    z[:, 1] = 0.7 * z[:, 0] + np.sqrt(1 - 0.49) * z[:, 1]
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    r, share = shrunk_correlation(z, len(z) - 1)
    assert share < 0.01
    assert r[0, 1] == pytest.approx(0.7, abs=0.02)


def test_shrinkage_is_nearly_whole_for_independent_columns() -> None:
    """With 30 rows of 26 independent columns, sample correlations are drawn to zero."""
    z = np.random.default_rng(5).standard_normal((30, 26))
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    r, share = shrunk_correlation(z, 29)
    assert share > 0.8
    assert np.linalg.eigvalsh(r).min() > 0.5


def test_fit_keeps_true_relations_and_is_positive_definite(fitted: JointDistribution) -> None:
    """The weight-clearance relation survives shrinking; the matrix is well conditioned."""
    r = fitted.root @ fitted.root.T
    names = list(PRIMARY)
    assert 0.5 < fitted.shrinkage < 0.8
    assert r[names.index("BW"), names.index("CL")] > 0.1
    assert np.linalg.eigvalsh(r).min() > 0.3
    np.testing.assert_allclose(np.diag(r), 1.0)


def test_fit_needs_three_people_a_group(model: Model, people: Patients) -> None:
    """Two people tell no spread; the message names the group and the count."""
    with pytest.raises(InputError, match="group child has 2 people; a fit needs at least 3"):
        fit_distribution(
            people[["adult#001", "adult#002", "adult#003", "child#001", "child#002"]], model
        )
