"""The insulin model, its named people, and a small model whose solution is known."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from dosegym.physiology import Model, Patients, Quantity, load_model, load_population


@pytest.fixture(scope="session")
def model() -> Model:
    return load_model("uva_padova_2008")


@pytest.fixture(scope="session")
def people() -> Patients:
    return load_population("uva_padova_30")


class DecayParams(NamedTuple):
    rate: Any


def _decay_equations(limit: float) -> Callable[[Any], Callable[..., Any]]:
    def equations(xp: Any) -> Callable[..., Any]:
        def rhs(x: Any, u: Any, p: Any) -> Any:
            amount, _ = x
            return (u[0] - xp.minimum(p.rate, limit) * amount,)

        return rhs

    return equations


def _decay_hold(xp: Any) -> Callable[..., Any]:
    def update(x: Any, u: Any, p: Any) -> Any:
        return (u[0] + 0.0 * x[1],)

    return update


def _decay_observe(xp: Any) -> Callable[..., Any]:
    def read(x: Any, u: Any, p: Any) -> Any:
        return (2.0 * x[0],)

    return read


@pytest.fixture(scope="session")
def decay() -> Callable[..., Model]:
    """Return a builder of dx/dt = u - rate x, with the rate limited to a captured constant."""

    def build(limit: float = 10.0, **options: Any) -> Model:
        return Model(
            name="decay",
            reference="a textbook",
            states=(Quantity("amount", "mg", 0, 1e6, "amount"),),
            memory=(Quantity("last_dose", "mg/min", 0, 1e6, "dose held at present"),),
            inputs=(Quantity("dose", "mg/min", 0, 100, "dose"),),
            outputs=(Quantity("twice", "mg", 0, 2e6, "twice the amount"),),
            parameters=(Quantity("rate", "1/min", 0.001, 1, "rate"),),
            Params=DecayParams,
            equations=_decay_equations(limit),
            hold=_decay_hold,
            observe=_decay_observe,
            equilibrium=lambda p: ((1.0 / p.rate, 1.0 + 0.0 * p.rate), (1.0 + 0.0 * p.rate,)),
            options=options,
        )

    return build
