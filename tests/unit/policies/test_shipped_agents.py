"""The agents that ship, and the certificates that ship with them."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from dosegym.evaluation import load_case
from dosegym.evaluation.constraints import load_constraints
from dosegym.policies import load_policy, policy_hash
from dosegym.policies.library import shipped_agents


@pytest.mark.parametrize("name", sorted(shipped_agents()))
def test_shipped_certificate_is_of_the_shipped_agent(name: str) -> None:
    """Policy and constraints have the hashes that the certificate names, and it is a release."""
    folder = Path(str(resources.files("dosegym.policies.data")))
    case = load_case(folder / f"{name}.certificate.json")
    assert case.passed
    assert case.policy_sha256 == policy_hash(load_policy(name))
    assert case.constraints["sha256"] == load_constraints(case.constraints["name"]).sha256
