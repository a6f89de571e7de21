"""Compartment kinetics in closed form agree with stiff solvers and with the daily step."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from dosegym.physiology.compartments import (
    CENTRAL,
    DEPOT,
    LOOK,
    LOOK_RESPONSE,
    NOTHING,
    PARAMETERS,
    RATE,
    RESET,
    Schedule,
    Structure,
    follow,
    parameters,
)
from dosegym.physiology.errors import InputError

P = {
    "cl": 1.3, "v": 8.0, "q": 2.1, "v2": 11.0, "q3": 0.4, "v3": 30.0, "ka": 0.9, "lag": 0.6,
    "f": 0.8, "e0": 90.0, "kout": 0.07, "ic50": 1.2, "imax": 0.9, "gamma": 1.4,
}  # fmt: skip


def schedule(rows, segment=None):
    """Return a schedule of one person from (time, code, amount, inflow, ii, steady) rows."""
    table = np.array([(*row, 0.0, 0.0, 0.0, 0.0)[:6] for row in rows], dtype=float)
    n = len(table)
    return Schedule(
        table[:, 0].copy(), table[:, 1].astype(np.int64), table[:, 2].copy(), table[:, 3].copy(),
        table[:, 4].copy(), table[:, 5].astype(np.int64),
        np.zeros(n, np.int64) if segment is None else np.asarray(segment, np.int64),
        np.array([0, n]),
    )  # fmt: skip


def numeric(n, doses, looks, *, p=P, changes=()):
    """Return concentration and response (2, looks) by a stiff solver.

    Doses are (time, place, amount, duration); ``changes`` are (time, parameters) from then on.
    """
    edges = sorted({0.0, *looks, *(c for c, _ in changes)})
    for time, place, _, length in doses:
        shift = p["lag"] if place == "gut" else 0.0
        edges = sorted({*edges, time + shift, time + shift + length})
    x = np.array([0.0, 0.0, 0.0, 0.0, p["e0"]])
    seen = []

    def rhs(t, x, p, inflow):
        gut, c, s, d, e = x
        q = p["q"] if n > 1 else 0.0
        q3 = p["q3"] if n > 2 else 0.0
        conc = max(c / p["v"], 0.0)
        cut = p["imax"] * conc ** p["gamma"] / (p["ic50"] ** p["gamma"] + conc ** p["gamma"])
        return [
            -p["ka"] * gut,
            p["ka"] * gut + inflow - (p["cl"] + q + q3) / p["v"] * c + q / p["v2"] * s
            + q3 / p["v3"] * d,
            q / p["v"] * c - q / p["v2"] * s,
            q3 / p["v"] * c - q3 / p["v3"] * d,
            p["kout"] * (p["e0"] * (1.0 - cut) - e),
        ]  # fmt: skip

    now = p
    for k, t in enumerate(edges):
        for when, then in changes:
            now = then if t >= when - 1e-12 else now
        if t in looks:
            seen.append((x[1] / now["v"], x[4]))
        for time, place, amount, length in doses:
            if place == "gut" and abs(time + p["lag"] - t) < 1e-12:
                x[0] += p["f"] * amount
            elif place == "centre" and length == 0.0 and abs(time - t) < 1e-12:
                x[1] += amount
        if k + 1 < len(edges):
            inflow = sum(
                a / d for s, _, a, d in doses if d > 0.0 and s <= t + 1e-12 and t + 1e-12 < s + d
            )
            x = solve_ivp(
                rhs, (t, edges[k + 1]), x, "LSODA", rtol=1e-10, atol=1e-12, args=(now, inflow)
            ).y[:, -1]
    return np.array(seen).T


LOOKS = [0.5, 1.0, 2.5, 7.0, 11.0, 24.0, 30.0, 72.0]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_bolus_infusion_and_tablets_agree_with_a_stiff_solver(n):
    """Mixed doses give the concentrations of the equations to 1e-7, for 1, 2 and 3 compartments."""
    events = [
        (0.0, DEPOT, 100.0), (1.0, RATE, 0.0, 12.0), (3.0, CENTRAL, 40.0), (4.0, RATE, 0.0, -12.0),
        (24.0, DEPOT, 60.0),
    ]  # fmt: skip
    rows = sorted([*events, *((t, LOOK) for t in LOOKS)], key=lambda r: (r[0], r[1]))
    found = follow(Structure(n, True, True), parameters(P)[None], schedule(rows))[0]
    doses = [
        (0.0, "gut", 100.0, 0.0), (1.0, "centre", 36.0, 3.0), (3.0, "centre", 40.0, 0.0),
        (24.0, "gut", 60.0, 0.0),
    ]  # fmt: skip
    np.testing.assert_allclose(found, numeric(n, doses, LOOKS)[0], rtol=1e-7)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("ka", [0.05, 0.9, 30.0])
def test_response_agrees_with_a_stiff_solver(n, ka):
    """The inhibited turnover follows its equation to 1e-6, fast and slow absorption alike."""
    p = {**P, "ka": ka}
    rows = [(0.0, DEPOT, 100.0), *((t, LOOK_RESPONSE) for t in LOOKS)]
    found = follow(Structure(n, True, True, True), parameters(p)[None], schedule(rows))[0]
    truth = numeric(n, [(0.0, "gut", 100.0, 0.0)], LOOKS, p=p)[1]
    np.testing.assert_allclose(found, truth, rtol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_parameters_that_change_keep_the_amounts(n):
    """Where clearance and volumes change midway, every compartment keeps what it holds."""
    later = {**P, "cl": 3.0, "v": 9.5, "v2": 14.0, "q": 1.2}
    looks = [2.0, 5.0, 12.0, 40.0]
    rows = [(0.0, CENTRAL, 80.0), (2.0, LOOK), (4.0, NOTHING), *((t, LOOK) for t in looks[1:])]
    both = np.concatenate([parameters(P), parameters(later)])
    found = follow(Structure(n), both[None], schedule(rows, [0, 0, 0, 1, 1, 1]))[0]
    truth = numeric(n, [(0.0, "centre", 80.0, 0.0)], looks, changes=[(4.0, later)])[0]
    np.testing.assert_allclose(found, truth, rtol=1e-7)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    ("code", "amount", "inflow", "off"),
    [(DEPOT, 50.0, 0.0, 0.0), (CENTRAL, 50.0, 0.0, 0.0), (RATE, 50.0, 25.0, 2.0)],
)
def test_steady_state_is_the_limit_of_many_doses(n, code, amount, inflow, off):
    """A dose flagged as at steady state gives what 400 doses before it give."""
    structure, ii = Structure(n, True, True), 12.0
    looks = [0.3, 2.0, 9.0, 11.9]
    end = [(off, RATE, 0.0, -inflow)] if off else []
    tail = sorted([*((t, LOOK) for t in looks), *end], key=lambda r: r[0])
    direct = follow(
        structure, parameters(P)[None], schedule([(0.0, code, amount, inflow, ii, 1), *tail])
    )
    train = []
    for k in range(400):
        train.append((k * ii, code, amount, inflow))
        train += [(k * ii + off, RATE, 0.0, -inflow)] if off and k < 399 else []
    shifted = [(399 * ii + t, *rest) for t, *rest in tail]
    slow = follow(structure, parameters(P)[None], schedule([*train, *shifted]))
    np.testing.assert_allclose(direct, slow, rtol=1e-7)


def test_endless_infusion_settles_at_rate_over_clearance():
    """An infusion that has always run gives rate / clearance."""
    rows = [(0.0, RATE, 0.0, 2.6, 0.0, 1), (0.0, LOOK), (50.0, LOOK)]
    found = follow(Structure(2), parameters(P)[None], schedule(rows))
    np.testing.assert_allclose(found, 2.0, rtol=1e-12)


def test_reset_forgets_everything():
    """After a reset nothing is left, doses under way included, and the response is back."""
    rows = [(0.0, DEPOT, 100.0), (0.1, RESET), (5.0, LOOK), (5.0, LOOK_RESPONSE)]
    found = follow(Structure(1, True, True, True), parameters(P)[None], schedule(rows))[0]
    np.testing.assert_allclose(found, [0.0, P["e0"]], rtol=1e-12)


def test_daily_tablets_agree_with_the_cached_daily_step():
    """One tablet a day gives the amounts that pharmacokinetics' day step gives."""
    from dosegym.physiology.pharmacokinetics import Kinetics, propagators

    drug = Kinetics("test", clearance_l_h=1.3, volume_l=8.0, absorption_per_h=0.9)
    chart = {"age_years": 60.0, "female": 0.0, "weight_kg": 70.0, "egfr0": 75.0}
    step = propagators(drug, chart, standard_mg=10.0)
    amounts = np.zeros(4)
    for _ in range(5):
        amounts = step.phi[0] @ amounts + 10.0 * step.gain[0]
    rows = [*((24.0 * k, DEPOT, 10.0) for k in range(5)), (120.0, LOOK)]
    p = parameters({"cl": 1.3, "v": 8.0, "ka": 0.9})
    found = follow(Structure(1, True), p[None], schedule(rows))[0, 0]
    assert found == pytest.approx(amounts[1] / 8.0, rel=1e-10)


def test_equal_absorption_and_elimination_have_their_limit():
    """Where ka meets a rate of elimination, the formula passes through it smoothly."""
    values = []
    for shift in (-1e-7, 0.0, 1e-7):
        p = parameters({"cl": 2.0, "v": 4.0, "ka": 0.5 * (1.0 + shift)})
        rows = [(0.0, DEPOT, 10.0), (3.0, LOOK)]
        values.append(float(follow(Structure(1, True), p[None], schedule(rows))[0, 0]))
    exact = 0.5 * 3.0 * np.exp(-1.5) * 10.0 / 4.0
    np.testing.assert_allclose(values, exact, rtol=1e-6)


def test_variants_and_people_do_not_mix():
    """A batch of variants and people gives what each alone gives."""
    rng = np.random.default_rng(1)
    params = parameters(P)[None] * np.exp(0.3 * rng.standard_normal((3, 2, len(PARAMETERS))))
    one = schedule([(0.0, DEPOT, 100.0), (1.5, LOOK), (9.0, LOOK)])
    both = Schedule(
        *(np.concatenate([a, a]) for a in (one.time, one.code, one.amount, one.inflow, one.ii)),
        np.concatenate([one.steady, one.steady]), np.repeat([0, 1], 3), np.array([0, 3, 6]),
    )  # fmt: skip
    found = follow(Structure(2, True, True), params, both)
    for k in range(3):
        for s in range(2):
            alone = follow(Structure(2, True, True), params[k : k + 1, s : s + 1], one)[0]
            np.testing.assert_array_equal(found[k, 2 * s : 2 * s + 2], alone)


def test_wrong_structures_are_refused():
    """Impossible structures, unknown parameters and falling times are refused in one line."""
    with pytest.raises(InputError, match="give 1, 2 or 3"):
        Structure(4)
    with pytest.raises(InputError, match="'clearance' is no parameter"):
        parameters({"clearance": 1.0})
    with pytest.raises(InputError, match="sort the rows"):
        schedule([(1.0, LOOK), (0.0, LOOK)])
