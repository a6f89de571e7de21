"""A model: states, inputs, outputs and parameters with units, and equations written once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError
from .namespace import NUMPY
from .quantity import Quantity

Array = NDArray[np.float64]
Equations = Callable[[Any], Callable[..., Any]]


@dataclass(frozen=True)
class Model:
    """A body as pure equations; everything else (engine, fit, filter, tests) reads this record.

    Parameters
    ----------
    name : str
        ``author_year`` or the name the field uses.
    reference : str
        The paper the equations come from.
    states : tuple of Quantity
        Integrated states, in the order the right-hand side unpacks them.
    memory : tuple of Quantity
        States that change only at the start of each held interval (``hold``), such as the size of
        the meal on the plate; the right-hand side sees them after the integrated states.
    inputs, outputs, parameters : tuple of Quantity
    Params : type
        The NamedTuple class of the parameters, in the order of ``parameters``.
    equations : callable
        ``equations(xp) -> rhs(x, u, p) -> dx``: ``x`` the tuple of states and memory, ``u`` the
        tuple of inputs, ``p`` the parameters; ``dx`` one entry per integrated state.
    hold : callable
        ``hold(xp) -> update(x, u, p) -> memory``, run once at the start of each ``hold_every``.
    observe : callable
        ``observe(xp) -> read(x, u, p) -> outputs``.
    equilibrium : callable
        ``equilibrium(p) -> (x, u)``: the basal steady state and the inputs that hold it, for
        NamedTuples of numbers or of arrays (B,).
    displace : callable, optional
        ``displace(x, p, value) -> x``: a state moved to another value of the main controlled
        quantity (glucose for insulin models), fast pools in balance with it.
    time_unit : str
        Unit of time of the equations.
    hold_every : float
        Interval between two runs of ``hold``, in ``time_unit``.
    options : mapping
        What the model was built with (JSON-serialisable), e.g. ``{"gut": "published"}``.
    stepper : str
        How it is integrated: one of ``stepper.STEPPERS``.
    fastest : callable, optional
        ``fastest(xp) -> rate(p)``: the largest rate of loss of any state, per ``time_unit``, and
        infinity for parameters that are not admitted. Needed by steppers that only hold up to a
        rate; the engine refuses people beyond it.
    extends : str, optional
        The model whose parameters come first in this one's; its people may be used here.
    neutral : mapping of str to float
        Values of the parameters that ``extends`` lacks with which both are the same body.
    """

    name: str
    reference: str
    states: tuple[Quantity, ...]
    memory: tuple[Quantity, ...]
    inputs: tuple[Quantity, ...]
    outputs: tuple[Quantity, ...]
    parameters: tuple[Quantity, ...]
    Params: type
    equations: Equations
    hold: Equations
    observe: Equations
    equilibrium: Callable[[Any], tuple[Any, Any]]
    displace: Callable[[Any, Any, Any], Any] | None = None
    time_unit: str = "min"
    hold_every: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)
    stepper: str = "rk4"
    fastest: Equations | None = None
    extends: str | None = None
    neutral: Mapping[str, float] = field(default_factory=dict)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle a library model by name and options: its equations are closures."""
        from .library import MODELS

        if self.name in MODELS and self._equals(_load(self.name, dict(self.options))):
            return _load, (self.name, dict(self.options))
        return super().__reduce_ex__(protocol)

    def _equals(self, other: Model) -> bool:
        from .kernel_cache import identity

        compiled = ("equations", "hold", "observe", "fastest")
        rest = (f.name for f in fields(self) if f.name not in compiled)
        same = all(getattr(self, name) == getattr(other, name) for name in rest)
        return same and identity(self) == identity(other)

    @cached_property
    def state_index(self) -> dict[str, int]:
        """Column of each state and memory entry, by name."""
        return {q.name: i for i, q in enumerate(self.states + self.memory)}

    @cached_property
    def input_index(self) -> dict[str, int]:
        """Column of each input, by name."""
        return {q.name: i for i, q in enumerate(self.inputs)}

    @cached_property
    def output_index(self) -> dict[str, int]:
        """Column of each output, by name."""
        return {q.name: i for i, q in enumerate(self.outputs)}

    @cached_property
    def parameter_index(self) -> dict[str, int]:
        """Column of each parameter, by name."""
        return {q.name: i for i, q in enumerate(self.parameters)}

    def params(self, table: ArrayLike) -> Any:
        """Return ``Params`` over the columns of ``table``, shape (..., P)."""
        values = np.asarray(table, dtype=np.float64)
        if values.shape[-1] != len(self.parameters):
            raise InputError(
                f"parameter table has {values.shape[-1]} columns, {self.name} needs "
                f"{len(self.parameters)}: {', '.join(q.name for q in self.parameters)}"
            )
        return self.Params(*np.moveaxis(values, -1, 0))

    def initial(self, table: ArrayLike) -> Array:
        """Return the basal steady state of each patient.

        Parameters
        ----------
        table : array (B, P)
            Parameters, one row a patient.

        Returns
        -------
        array (B, S)
            Integrated states followed by memory, in the units of ``states``.
        """
        rows = np.atleast_2d(np.asarray(table, dtype=np.float64))
        x, _ = self.equilibrium(self.params(rows))
        return np.stack([np.broadcast_to(v, rows.shape[:1]) for v in x], axis=1).astype(np.float64)

    def basal_inputs(self, table: ArrayLike) -> Array:
        """Return the inputs (B, U) that hold each patient's basal steady state."""
        rows = np.atleast_2d(np.asarray(table, dtype=np.float64))
        _, u = self.equilibrium(self.params(rows))
        return np.stack([np.broadcast_to(v, rows.shape[:1]) for v in u], axis=1).astype(np.float64)

    def derivative(self, x: ArrayLike, u: ArrayLike, table: ArrayLike) -> Array:
        """Return the time derivative (B, S_integrated) of states (B, S) under inputs (B, U)."""
        columns = tuple(np.moveaxis(np.atleast_2d(np.asarray(x, float)), -1, 0))
        inputs = tuple(np.moveaxis(np.atleast_2d(np.asarray(u, float)), -1, 0))
        dx = self.equations(NUMPY)(columns, inputs, self.params(np.atleast_2d(table)))
        return np.stack(np.broadcast_arrays(*dx), axis=1)

    def output(self, x: ArrayLike, u: ArrayLike, table: ArrayLike) -> Array:
        """Return the outputs (B, O) of states (B, S) under inputs (B, U)."""
        columns = tuple(np.moveaxis(np.atleast_2d(np.asarray(x, float)), -1, 0))
        inputs = tuple(np.moveaxis(np.atleast_2d(np.asarray(u, float)), -1, 0))
        y = self.observe(NUMPY)(columns, inputs, self.params(np.atleast_2d(table)))
        return np.stack(np.broadcast_arrays(*y), axis=1)


def _load(name: str, options: dict[str, Any]) -> Model:
    from .library import load_model

    return load_model(name, **options)
