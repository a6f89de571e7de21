"""Simulation: inputs held over intervals in, a unit-carrying Trajectory out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .engine import engine_for
from .errors import InputError
from .model import Model
from .namespace import NUMPY, TORCH
from .population import Patients, adopt
from .stepper import check_admitted, step_of

Array = NDArray[np.float64]
BACKENDS = ("numba", "numpy", "torch", "scipy")


@dataclass(frozen=True)
class Trajectory:
    """What a body did: states at the ends of the held intervals, outputs on demand.

    Parameters
    ----------
    model : Model
    times : array (T+1,)
        In ``model.time_unit``.
    states : array (T+1, S, B)
        States and memory.
    inputs : array (T, U, B)
    parameters : array (B, P)
    squeeze : bool
        Whether one patient was given without a batch axis.
    """

    model: Model
    times: Array
    states: Any
    inputs: Array
    parameters: Array
    squeeze: bool = False

    @cached_property
    def _outputs(self) -> Any:
        p = self.model.params(self.parameters)
        last = self.inputs[-1:] if len(self.inputs) else np.zeros((1, *self.inputs.shape[1:]))
        u = tuple(np.moveaxis(np.concatenate([self.inputs, last]), 1, 0))
        return self.model.observe(NUMPY)(tuple(np.moveaxis(self.states, 1, 0)), u, p)

    def __getitem__(self, name: str) -> Any:
        """Return an output or a state by name: array (T+1,) or (T+1, B), in its Quantity's unit."""
        if name in self.model.output_index:
            values = self._outputs[self.model.output_index[name]]
        elif name in self.model.state_index:
            values = self.states[:, self.model.state_index[name]]
        else:
            known = ", ".join([*self.model.output_index, *self.model.state_index])
            raise InputError(f"trajectory has no {name!r}; {self.model.name} offers {known}")
        return values[:, 0] if self.squeeze else values

    def unit(self, name: str) -> str:
        """Return the unit of an output or a state."""
        for quantity in self.model.outputs + self.model.states + self.model.memory:
            if quantity.name == name:
                return quantity.unit
        raise InputError(f"{self.model.name} has no quantity {name!r}")


def input_array(model: Model, inputs: Mapping[str, ArrayLike], n: int, batch: int) -> Array:
    """Return inputs (T, U, B) from named arrays (T,), (T, B) or numbers.

    Raises
    ------
    InputError
        On an unknown name, a wrong shape, a missing or a non-finite value.
    """
    unknown = set(inputs) - set(model.input_index)
    if unknown:
        raise InputError(
            f"unknown input {sorted(unknown)[0]!r}; {model.name} takes "
            f"{', '.join(model.input_index)}"
        )
    u = np.zeros((n, len(model.inputs), batch))
    for quantity in model.inputs:
        values = np.asarray(inputs.get(quantity.name, 0.0), dtype=np.float64)
        if values.ndim == 1:
            values = values[:, None]
        try:
            u[:, model.input_index[quantity.name]] = np.broadcast_to(values, (n, batch))
        except ValueError:
            raise InputError(
                f"input {quantity.name} has shape {values.shape}, expected ({n},) or ({n}, "
                f"{batch}): one value for each interval between two times"
            ) from None
        bad = ~np.isfinite(values) | (values < quantity.low)
        if bad.any():
            raise InputError(
                f"input {quantity.name} has value {values[bad][0]!r} {quantity.unit}; "
                f"every value must be finite and at least {quantity.low:g}"
            )
    return u


def _steps(model: Model, times: Array) -> NDArray[np.int64]:
    if times.ndim != 1 or len(times) < 2:
        raise InputError(f"times has shape {times.shape}; give at least two increasing times")
    spans = np.diff(times) / model.hold_every
    counts = np.rint(spans).astype(np.int64)
    if (counts < 1).any() or np.abs(spans - counts).max() > 1e-9:
        raise InputError(
            f"times must increase in whole multiples of {model.hold_every:g} {model.time_unit}; "
            f"the smallest interval given is {np.diff(times).min():g}"
        )
    return counts


def _table(model: Model, patients: Patients | ArrayLike | Mapping[str, float]) -> Array:
    if isinstance(patients, Patients):
        return adopt(model, patients).params
    if isinstance(patients, Mapping):
        patients = {**model.neutral, **patients}
        missing = [q.name for q in model.parameters if q.name not in patients]
        if missing:
            raise InputError(f"patient lacks {', '.join(missing)}; {model.name} needs every one")
        return np.array([float(patients[q.name]) for q in model.parameters])
    return np.asarray(patients, dtype=np.float64)


def _start(model: Model, table: Array, initial: ArrayLike | None) -> Array:
    if initial is None:
        return model.initial(table)
    shape = (len(table), len(model.state_index))
    values = np.asarray(initial, dtype=np.float64)
    if (
        values.ndim > 2
        or values.shape[-1:] != shape[1:]
        or len(np.atleast_2d(values))
        not in (
            1,
            shape[0],
        )
    ):
        raise InputError(
            f"initial has shape {values.shape}, expected ({shape[1]},) or {shape}: "
            "states, then memory"
        )
    return np.array(np.broadcast_to(values, shape))


def simulate(
    model: Model,
    patients: Patients | ArrayLike | Mapping[str, float],
    inputs: Mapping[str, ArrayLike],
    times: ArrayLike,
    *,
    initial: ArrayLike | None = None,
    backend: str = "numba",
    substeps: int = 1,
) -> Trajectory:
    """Integrate one patient or a batch under inputs held over each interval.

    Parameters
    ----------
    model : Model
    patients : Patients, mapping or array (B, P)
        Whose parameters; a single patient drops the batch axis of the results.
    inputs : mapping of str to array (T,) or (T, B)
        In the units of ``model.inputs``; an input left out is zero.
    times : array (T+1,)
        In ``model.time_unit`` (minutes for insulin models), whole ``hold_every`` apart.
    initial : array (S,) or (B, S), optional
        States and memory at ``times[0]``; the basal steady state by default.
    backend : {"numba", "numpy", "torch", "scipy"}
        The model's stepper in three namespaces, or SciPy's adaptive DOP853 at tolerance 1e-10.
    substeps : int
        Steps per ``model.hold_every``.

    Returns
    -------
    Trajectory

    Raises
    ------
    InputError
        On unknown names, wrong shapes, non-finite values or irregular times.
    """
    grid = np.asarray(times, dtype=np.float64)
    counts = _steps(model, grid)
    table = _table(model, patients)
    alone = table.ndim == 1 or (isinstance(patients, Patients) and len(patients) == 1)
    table = np.atleast_2d(table)
    if not np.isfinite(table).all():
        raise InputError(f"a parameter of {model.name} is not finite; check the patient table")
    wide = any(np.ndim(v) == 2 for v in inputs.values())
    batch = max([table.shape[0], *(np.shape(v)[1] for v in inputs.values() if np.ndim(v) == 2)])
    table = np.ascontiguousarray(np.broadcast_to(table, (batch, table.shape[1])))
    u = input_array(model, inputs, len(counts), batch)
    start = _start(model, table, initial)
    run = {"numba": _run_numba, "numpy": _run_arrays, "torch": _run_torch, "scipy": _run_scipy}
    if backend not in run:
        raise InputError(f"backend is {backend!r}; choose one of {', '.join(BACKENDS)}")
    if backend != "scipy":
        check_admitted(model, table, model.hold_every / substeps)
    fine = np.repeat(u, counts, axis=0)
    states = run[backend](model, table, fine, start, substeps)
    ends = np.concatenate([[0], np.cumsum(counts)])
    return Trajectory(model, grid, states[ends], u, table, alone and batch == 1 and not wide)


def _run_numba(model: Model, p: Array, u: Array, x: Array, substeps: int) -> Array:
    record = np.empty((len(u), x.shape[1], x.shape[0]))
    first = x.T[None].copy()
    engine_for(model).advance(x, p, np.ascontiguousarray(u), substeps=substeps, record=record)
    return np.concatenate([first, record])


def rollout(
    model: Model, xp: Any, p: Any, u: Any, x: tuple[Any, ...], substeps: int = 1
) -> list[tuple[Any, ...]]:
    """Run the loop in any array namespace; ``u`` is indexable as ``u[t][i]``; keeps gradients."""
    rhs, hold, step = model.equations(xp), model.hold(xp), step_of(model, xp)
    n, h = len(model.states), model.hold_every / substeps
    path = [x]
    for now in u:
        inputs = tuple(now)
        x = (*x[:n], *hold(x, inputs, p))
        for _ in range(substeps):
            x = (*step(rhs, x, inputs, p, h), *x[n:])
        path.append(x)
    return path


def _run_arrays(model: Model, p: Array, u: Array, x: Array, substeps: int) -> Array:
    path = rollout(model, NUMPY, model.params(p), u, tuple(x.T), substeps)
    return np.stack([np.stack(step) for step in path])


def _run_torch(model: Model, p: Array, u: Array, x: Array, substeps: int) -> Array:
    import torch

    params = model.Params(*torch.as_tensor(p.T.copy(), dtype=torch.float64))
    path = rollout(model, TORCH, params, torch.as_tensor(u), tuple(torch.as_tensor(x.T)), substeps)
    return np.stack([torch.stack(step).numpy() for step in path])


def _run_scipy(model: Model, p: Array, u: Array, x: Array, substeps: int) -> Array:
    from scipy.integrate import solve_ivp

    n = len(model.states)
    rhs, hold = model.equations(NUMPY), model.hold(NUMPY)
    states = np.empty((len(u) + 1, x.shape[1], x.shape[0]))
    states[0] = x.T
    for b in range(x.shape[0]):
        params = model.params(p[b])
        now = x[b].copy()
        for t, row in enumerate(u[:, :, b]):
            now[n:] = hold(tuple(now), tuple(row), params)
            memory = tuple(now[n:])

            def slope(
                _: float, y: Array, v: Array = row, m: Any = memory, q: Any = params
            ) -> Array:
                return np.array(rhs((*y, *m), tuple(v), q))

            step = solve_ivp(
                slope, (0, model.hold_every), now[:n], "DOP853", rtol=1e-10, atol=1e-10
            )
            now[:n] = step.y[:, -1]
            states[t + 1, :, b] = now
    return states
