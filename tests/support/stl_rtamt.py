"""Formulas in rtamt's own words and what rtamt 0.4 says of them; run to write the fixture anew.

``python tests/support/stl_rtamt.py tests/reference/stl_rtamt.json`` needs rtamt, which needs Python
below 3.13 and antlr 4.7.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from dosegym.therapy.stl_tree import Both, Interval, Node, Not, Predicate, Reach, Truth, Window

STEP = 5.0
WRITTEN = (
    "always((a >= -3 mg/dL) and ((a < 0 mg/dL) implies eventually[0, 20 min](a >= 0 mg/dL)))",
    *(
        f"{word}{span} (a >= 1 mg/dL)"
        for word in ("always", "eventually", "historically", "once")
        for span in ("", "[5 min, 20 min]")
    ),
    *(
        f"(a >= -2 mg/dL) {word}{span} (b > 1 mg/dL)"
        for word in ("until", "since")
        for span in ("", "[5 min, 20 min]", "[0, 15 min]")
    ),
    "not ((a > 0 mg/dL) or (b > 0 mg/dL))",
)


def in_rtamt(node: Node) -> str:
    """Return a formula as rtamt writes it, windows in samples."""
    if isinstance(node, Truth):
        raise ValueError("rtamt has no constants")
    if isinstance(node, Predicate):
        # Bracketed throughout: rtamt reads a - b + c as a - (b + c).
        total = "0"
        for coefficient, name in node.terms:
            total = f"({total} + ({coefficient!r} * {name}))"
        total = f"({total} + ({node.constant!r}))"
        return f"({total} {'>' if node.strict else '>='} 0)"
    if isinstance(node, Not):
        return f"(not {in_rtamt(node.child)})"
    if isinstance(node, Both):
        return f"({in_rtamt(node.left)} {node.kind} {in_rtamt(node.right)})"
    if isinstance(node, Window):
        return f"({node.kind}{_span(node.interval)} {in_rtamt(node.child)})"
    assert isinstance(node, Reach)
    return f"({in_rtamt(node.left)} {node.kind}{_span(node.interval)} {in_rtamt(node.right)})"


def _span(interval: Interval) -> str:
    if math.isinf(interval.end):
        return ""
    return f"[{round(interval.start / STEP)}:{round(interval.end / STEP)}]"


def rtamt_robustness(text: str, trace: dict[str, Any]) -> list[float]:
    """Return rtamt's offline robustness at every sample of one trace."""
    with warnings.catch_warnings():
        # Its antlr runtime imports typing.io, which is deprecated.
        warnings.simplefilter("ignore")
        import rtamt
    spec = rtamt.StlDiscreteTimeOfflineSpecification()
    for name in trace:
        spec.declare_var(name, "float")
    spec.spec = text
    spec.parse()
    series = {name: [float(v) for v in values] for name, values in trace.items()}
    length = len(next(iter(series.values())))
    found = spec.evaluate({"time": list(range(length)), **series})
    return [float(value) for _, value in found]


def main(path: str, cases: int = 200) -> None:
    """Write formulas, traces and rtamt's answers."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from stl_cases import SIGNALS, formulas, traces

    from dosegym.therapy.stl import parse_formula

    rows: list[dict[str, Any]] = []

    def add(node: Node, series: dict[str, np.ndarray]) -> None:
        trace = {name: values[0].tolist() for name, values in series.items()}
        text = in_rtamt(node)
        found = [str(value) for value in rtamt_robustness(text, trace)]
        rows.append({"formula": str(node), "rtamt": text, **trace, "robustness": found})

    rng = np.random.default_rng(7)
    for text in WRITTEN:
        series = {name: rng.integers(-4, 5, (1, 30)).astype(float) for name in SIGNALS}
        add(parse_formula(text, SIGNALS).root, series)

    @seed(20_260)
    @settings(
        max_examples=cases, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(node=formulas(truths=False), series=traces(gaps=False, lanes=1, shortest=2))
    def collect(node: Node, series: dict[str, np.ndarray]) -> None:
        add(node, series)

    collect()
    lines = ",\n".join(json.dumps(row) for row in rows)
    Path(path).write_text(f'{{"rtamt": "0.4.10", "step_min": {STEP}, "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main(sys.argv[1])
