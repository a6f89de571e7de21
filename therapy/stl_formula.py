"""A parsed formula: its robustness and its three-valued truth over traces of many patients.

What happens at the end of a trace is said by ``beyond``. With ``truncate`` a window ends where the
trace does, as in rtamt's offline monitor: an ``always`` over no sample at all holds, an
``eventually`` does not. With ``unknown`` the trace is that of a running episode: what a subformula
says of times not yet seen is unknown. Windows into the past end at the first sample in either case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..physiology.errors import InputError
from ..physiology.quantity import Quantity
from .stl_tree import Node, ahead_min, back_min, longest_min, signals_in
from .stl_value import Beyond, Pair, Reading, evaluate

Array = NDArray[np.float64]
Verdicts = NDArray[np.int8]

TRUE = 1
UNKNOWN = 0
FALSE = -1


@dataclass(frozen=True)
class Formula:
    """A signal temporal logic formula; made by ``parse_formula``.

    Parameters
    ----------
    text : str
        As it was written.
    root : Node
        In the units of the signals.
    signals : mapping of str to Quantity
        The signals it speaks of.
    """

    text: str
    root: Node
    signals: Mapping[str, Quantity]

    @property
    def ahead_min(self) -> float:
        """Minutes after its own time that decide it; infinite for an unbounded window."""
        return ahead_min(self.root)

    @property
    def back_min(self) -> float:
        """Minutes before its own time that decide it; infinite for an unbounded window."""
        return back_min(self.root)

    @property
    def longest_min(self) -> float:
        """Minutes that its widest bounded window reaches from the time it is asked at."""
        return longest_min(self.root)

    def truth(
        self, traces: Mapping[str, ArrayLike], step_min: float, *, beyond: Beyond = "truncate"
    ) -> Verdicts:
        """Return 1 (true), -1 (false) or 0 (unknown) at every time, by Kleene's logic.

        Parameters
        ----------
        traces : mapping of str to array (B, T) or (T,)
            Every signal of the formula, in its unit; NaN where a sample is missing.
        step_min : float
            Minutes between samples.
        beyond : {"truncate", "unknown"}
            What lies after the end of the trace.

        Returns
        -------
        array (B, T) or (T,) of int8
            A certain violation makes an ``always`` false though other samples are missing; a
            strict comparison fails at equality, a weak one holds.

        Raises
        ------
        InputError
            A missing signal, shapes that differ, an infinite value, a window without a sample.
        """
        low, high = self._pair(traces, step_min, beyond, crisp=True)
        verdicts: Verdicts = np.where(low == high, low, np.int8(UNKNOWN))
        return verdicts

    def robustness_bounds(
        self, traces: Mapping[str, ArrayLike], step_min: float, *, beyond: Beyond = "truncate"
    ) -> tuple[Array, Array]:
        """Return the least and the largest robustness that the missing samples leave open.

        Parameters and errors are those of :meth:`truth`.

        Returns
        -------
        tuple of array (B, T) or (T,)
            In the signals' unit. low > 0 means true, high < 0 false; otherwise unknown, or on the
            very limit, which robustness cannot tell from either side.
        """
        return self._pair(traces, step_min, beyond, crisp=False)

    def robustness(
        self, traces: Mapping[str, ArrayLike], step_min: float, *, beyond: Beyond = "truncate"
    ) -> Array:
        """Return the signed distance to violation at every time; NaN where it is not settled.

        Minimum for "and" and "always", maximum for "or" and "eventually" (Donze and Maler 2010,
        doi 10.1007/978-3-642-15297-9_9). Positive holds, negative does not. Signals of different
        units meet in one number, each in its own unit. Parameters and errors: :meth:`truth`.
        """
        low, high = self.robustness_bounds(traces, step_min, beyond=beyond)
        return low if low is high else np.where(low == high, low, np.nan)

    def holds(
        self, traces: Mapping[str, ArrayLike], step_min: float, *, beyond: Beyond = "truncate"
    ) -> Verdicts:
        """Return the verdict of each whole trace, (B,): :meth:`truth` at the first sample."""
        return np.atleast_1d(self.truth(traces, step_min, beyond=beyond)[..., 0])

    def margin(
        self, traces: Mapping[str, ArrayLike], step_min: float, *, beyond: Beyond = "truncate"
    ) -> tuple[Array, Array]:
        """Return the bounds (B,) of each whole trace: those at the first sample."""
        low, high = self.robustness_bounds(traces, step_min, beyond=beyond)
        return np.atleast_1d(low[..., 0]), np.atleast_1d(high[..., 0])

    def _pair(
        self, traces: Mapping[str, ArrayLike], step_min: float, beyond: Beyond, *, crisp: bool
    ) -> Pair:
        if not np.isfinite(step_min) or step_min <= 0.0:
            raise InputError(f"step_min is {step_min:g}; give a positive number of minutes")
        if beyond not in ("truncate", "unknown"):
            raise InputError(f"beyond is {beyond!r}; choose truncate or unknown")
        series, flat = self._checked(traces)
        low, high = evaluate(self.root, series, Reading(float(step_min), beyond, crisp))
        if not flat:
            return low, high
        return (low[0], low[0]) if low is high else (low[0], high[0])

    def _checked(self, traces: Mapping[str, ArrayLike]) -> tuple[dict[str, Array], bool]:
        """Return the traces as (B, T), and whether they were (T,)."""
        names = signals_in(self.root) or tuple(traces)[:1]
        if not names:
            raise InputError("no trace was given; give at least one, so that its length is known")
        found: dict[str, Array] = {}
        for name in names:
            if name not in traces:
                raise InputError(f"trace {name} is missing; the formula {self.text!r} needs it")
            found[name] = np.asarray(traces[name], dtype=np.float64)
        shape = found[names[0]].shape
        for name, trace in found.items():
            if trace.shape != shape:
                raise InputError(
                    f"trace {name} has shape {trace.shape}, {names[0]} {shape}; give all alike"
                )
            if trace.ndim not in (1, 2) or trace.shape[-1] == 0:
                raise InputError(
                    f"trace {name} has shape {trace.shape}; give (patients, times) or (times,)"
                )
            if np.isinf(trace).any():
                raise InputError(f"trace {name} holds an infinite value; write NaN for missing")
        flat = len(shape) == 1
        return {name: trace[None] if flat else trace for name, trace in found.items()}, flat
