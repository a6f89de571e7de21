"""What the blood-pressure environment says to a wrong keyword, and what the right ones do."""

from __future__ import annotations

import json
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from dosegym.envs import make_task
from dosegym.physiology.errors import InputError

ENV = "dosegym/BloodPressure-v0"


def virtual(**extra: Any) -> dict[str, Any]:
    """Return a ``patient`` keyword of virtual people."""
    return {"patient": {"population": "virtual", "size": 3, **extra}}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"patient": "nobody"}, "patient 'nobody' is not in this population; it has person#001 to"),
    ({"patient": []}, "patient is an empty list; name at least one person or group"),
    ({"patient": 3}, "patient is 3; give a person's name, a group (adult, older, kidney_disease)"),
    (
        {"patient": {"wrong": 1}},
        "patient {'wrong': 1} is not understood; give population 'virtual'",
    ),
    (virtual(size=0), "number of people is 0; give a whole number of at least 1"),
    (virtual(size=10**12), "number of people is 1000000000000; give a whole number of at least 1"),
    (virtual(people={"age": [float("nan"), 5, 40, 60]}), "age is (nan, 5, 40, 60); give mean"),
    (virtual(people={"bmi": [25, 5, 1, 60]}), "bmi reaches from 1 to 60; stay within 12 and 80"),
    (virtual(people={"age": [50, 5, 40, 10**400]}), "age is (50, 5, 40, 1000"),
    ({"action": np.array([1, 2])}, "action is array([1, 2]); choose one of levels, box"),
    ({"reward": np.array([1, 2])}, "reward is array([1, 2]); choose one of risk"),
    ({"interval_days": np.array([1, 2])}, "interval_days is array([1, 2]); give a whole number"),
    ({"physiology": []}, "physiology is []; choose one of"),
    ({"terminate": [70, 10**400]}, "terminate is 1000"),
    (virtual(purpose="play"), "purpose is 'play'; choose one of training, validation, test"),
    (virtual(seed=-1), "seed is -1; give a whole number of at least 0"),
    (virtual(groups=["young"]), "groups is ['young']; give a list of some of adult, older"),
    (virtual(groups=3), "groups is 3; give a list of some of adult, older"),
    (virtual(people={"height": 1}), "people have no 'height'; give some of age"),
    (virtual(people=3), "people is 3; give a mapping such as"),
    (virtual(entry="half"), "entry is 'half'; give shares of people on 0 to at most 4 drugs"),
    (virtual(entry=[0.5, 0.4]), "entry shares [0.5, 0.4] add up to 0.9; make it 1"),
    (virtual(entry=[float("nan"), 1.0]), "entry is [nan, 1.0]; give shares"),
    ({"days": 15}, "days is 15; give a multiple of interval_days 28"),
    ({"days": 0}, "days is 0; give a whole number of days from 14 to 2184"),
    ({"days": 1.5}, "days is 1.5; give a whole number"),
    ({"days": True}, "days is True; give a whole number"),
    ({"interval_days": 3}, "interval_days is 3; give a whole number of days (or 'chosen') from 7"),
    ({"interval_days": "often"}, "interval_days is 'often'; give"),
    ({"interval_days": "chosen", "days": 21}, "days is 21; give a multiple of the shortest"),
    ({"formulary": "best"}, "formulary is 'best'; give 'default' or a mapping"),
    ({"formulary": {"arb": "aspirin"}}, "formulary arb is 'aspirin'; choose one of losartan"),
    ({"formulary": {"statin": "x"}}, "formulary names class 'statin'; the classes are acei, arb"),
    ({"action": "dose"}, "action is 'dose'; choose one of levels, box"),
    ({"reward": "money"}, "reward is 'money'; choose one of risk, time_in_target, sprint"),
    ({"target": 130}, "target is 130; give [systolic from 100 to 200, diastolic from 50 to 130]"),
    ({"target": [80, 130]}, "target is 80; give [systolic from 100 to 200"),
    ({"measurement": "guess"}, "measurement is 'guess'; choose one of office_attended"),
    ({"measurement": {"sbp_cv": 9}}, "measurement sbp_cv is 9; give a value between 0 and 0.3"),
    ({"labs": "never"}, "labs is 'never'; choose one of guideline, every_visit"),
    ({"laboratory": {"turnaround_days": 99}}, "laboratory turnaround_days is 99 days; give"),
    ({"adherence": {"mean": 2}}, "adherence mean is 2; give a value between 0.05 and 1"),
    ({"adherence": None}, "adherence is None; give a preset's name or a mapping"),
    ({"sick_days": {"rate": 1}}, "sick days has no setting 'rate'; it has name"),
    ({"contraindications": False}, "contraindications is False; choose one of enforce, allow"),
    ({"max_changes": 0}, "max_changes is 0; give a whole number from 1 to 6"),
    ({"sodium_intake": 0}, "sodium_intake is 0; give a ratio from 0.2 to 3"),
    ({"kinetics": 1}, "kinetics is 1; give true or false"),
    ({"terminate": [240, 70]}, "terminate is [240, 70]; give [low, high] in mmHg with 0 <= low"),
    ({"cost_weights": {"pain": 1}}, "cost_weights names 'pain'; costs and harms are sbp_below_100"),
    ({"cost_weights": {"cough": -1}}, "cost_weights cough is -1; give a number from 0 to 1e9"),
    ({"cost_weights": [1]}, "cost_weights is [1]; give a mapping such as"),
    ({"physiology": "uva_padova_2008"}, "physiology is 'uva_padova_2008'; give 'dosegym_bp_2026'"),
    ({"by_lane": 0}, "by_lane is 0; give true or false"),
    ({"threads": 0}, "threads is 0; give a whole number from 1 to 1024"),
    ({"cohort": "all"}, "cohort is 'all'; give a PressureCohort or leave it out"),
    ({"drug": 1}, "dosegym/BloodPressure-v0 does not know the keyword 'drug'; it takes patient"),
]


@pytest.mark.parametrize(("kwargs", "message"), WRONG, ids=[str(k)[:60] for k, _ in WRONG])
def test_wrong_keywords_are_refused_in_one_line(kwargs: dict[str, Any], message: str) -> None:
    """What the user of gym.make sees is one line naming the keyword, its value and the mend."""
    with pytest.raises(InputError) as caught:
        gym.make(ENV, **kwargs)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_formulary_decides_drugs_and_levels() -> None:
    """A telmisartan formulary has telmisartan's tablets; the action space follows its levels."""
    task = make_task(ENV, formulary={"arb": "telmisartan", "mra": "spironolactone"})
    formulary = task.cohort.formulary
    assert formulary.drugs[1] == "telmisartan"
    assert formulary.mg[1].tolist()[:5] == [0.0, 10.0, 20.0, 40.0, 80.0]
    assert task.action_space.nvec.tolist() == [6, 5, 5, 4, 5, 4]


def test_a_chosen_interval_is_one_more_entry_of_the_action() -> None:
    """Four intervals to choose from; the mask leaves them open."""
    env = gym.make(ENV, interval_days="chosen", days=364)
    _, info = env.reset(seed=0)
    assert env.action_space.nvec.tolist() == [6, 5, 5, 4, 5, 4, 4]
    assert info["action_mask"].shape == (33,)
    assert info["action_mask"][-4:].all()


def test_purposes_share_no_person() -> None:
    """People drawn for training, validation, test and certification are four different crowds."""
    crowds = [
        make_task(ENV, **virtual(purpose=p, size=50)).cohort.patients.params[:, 0]
        for p in ("training", "validation", "test", "certification")
    ]
    assert len(np.unique(np.concatenate(crowds))) == 200
    again = make_task(ENV, **virtual(purpose="test", size=50)).cohort.patients.params[:, 0]
    np.testing.assert_array_equal(again, crowds[2])


def test_people_enter_on_what_their_chart_allows() -> None:
    """Shares of people by number of drugs are as asked for, and nobody takes two RAS blockers."""
    cohort = make_task(ENV, **virtual(size=2000, entry=[0.2, 0.3, 0.3, 0.2])).cohort
    drugs = (cohort.entry > 0).sum(axis=1)
    shares = np.bincount(drugs, minlength=4) / 2000
    # Contraindicated drugs are left out, so that a few have one less.
    np.testing.assert_allclose(shares, [0.2, 0.3, 0.3, 0.2], atol=0.05)
    assert not ((cohort.entry[:, 0] > 0) & (cohort.entry[:, 1] > 0)).any()
    asthma = cohort.patients.covariates["asthma"] > 0.5
    assert asthma.any()
    assert (cohort.entry[asthma, 4] == 0).all()


def test_all_keywords_survive_json() -> None:
    """A task of JSON's own types is the task of Python's."""
    kwargs = {
        **virtual(groups=["older"], seed=2),
        "target": [140, 90],
        "terminate": None,
        "measurement": {"preset": "home_week", "missed_rate": 0.2},
        "cost_weights": {"cough": 1},
        "max_changes": 3,
        "interval_days": "chosen",
    }
    one, two = make_task(ENV, **kwargs), make_task(ENV, **json.loads(json.dumps(kwargs)))
    assert (one.target, one.device, one.cost_weights) == (two.target, two.device, two.cost_weights)
    np.testing.assert_array_equal(one.cohort.patients.params, two.cohort.patients.params)
