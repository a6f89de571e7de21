"""Twins of kinetics as JSON and back; their tables hold no name, only a pseudonym."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..physiology.errors import InputError
from ..physiology.population_kinetics_table import model_as_dict, model_from_dict
from ..records.dosing import Dose, Regimen
from ..records.events import Charted, PersonEvents, Samples
from .shelf import check_seal, read_kind, sealed

if TYPE_CHECKING:
    from .kinetics_twin import KineticTwin

FORMAT: Final = 1
KIND: Final = "kinetics"


def twin_as_dict(twin: KineticTwin) -> dict[str, Any]:
    """Return a twin in JSON, sealed with its hash."""
    person = twin.person
    content = {
        "kind": KIND,
        "format": FORMAT,
        "subject": person.subject,
        "record_sha256": twin.record_sha256,
        "population": model_as_dict(twin.model),
        "doses": [vars(dose) for dose in person.regimen.doses],
        "samples": {
            "time": person.samples.time.tolist(),
            "value": person.samples.value.tolist(),
            "output": person.samples.output.tolist(),
            "censored": person.samples.censored.tolist(),
        },
        "chart": {
            "time": person.chart.time.tolist(),
            # A value that nobody charted is null: JSON has no NaN.
            "values": {
                name: [None if np.isnan(x) else x for x in values.tolist()]
                for name, values in person.chart.values.items()
            },
        },
        "resets": person.resets.tolist(),
        "mode": twin.mode.tolist(),
        "covariance": twin.covariance.tolist(),
        "z": twin.z.tolist(),
        "diagnostics": dict(twin.diagnostics),
        "quality": dict(twin.quality),
        "known": [vars(row) | {"verdict": row.verdict} for row in twin.known()],
        "notes": list(twin.notes),
        "seed": twin.seed,
    }
    return sealed(content)


def load_kinetic_twin(twin: str | Path) -> KineticTwin:
    """Load a twin of kinetics by path or id.

    Raises
    ------
    InputError
        If there is none, or it is of another kind or version, or broken.
    """
    data = read_kind(twin, KIND)
    if data.get("format") != FORMAT:
        raise InputError(f"twin {twin} is of another version; fit it again with `dosegym fit`")
    check_seal(data, twin)
    try:
        return _twin(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        why = f"{type(error).__name__}: {error}"
        raise InputError(f"twin {twin} is broken ({why}); fit it again") from None


def _twin(data: dict[str, Any]) -> KineticTwin:
    from .kinetics_twin import KineticTwin

    def numbers(values: Any) -> Any:
        return np.array([np.nan if x is None else x for x in values], dtype=np.float64)

    samples, chart = data["samples"], data["chart"]
    model = model_from_dict(data["population"])
    z = np.array(data["z"], dtype=np.float64)
    if z.ndim != 2 or z.shape[1] != len(model.spread) or not np.isfinite(z).all():
        raise InputError("twin holds no draws of its population's parameters; fit it again")
    person = PersonEvents(
        str(data["subject"]),
        Regimen(tuple(Dose(**dose) for dose in data["doses"])),
        Samples(
            numbers(samples["time"]),
            numbers(samples["value"]),
            np.array(samples["output"], dtype=np.int64),
            np.array(samples["censored"], dtype=np.bool_),
        ),
        Charted(numbers(chart["time"]), {k: numbers(v) for k, v in chart["values"].items()}),
        numbers(data["resets"]),
    )
    return KineticTwin(
        str(data["record_sha256"]),
        model,
        person,
        numbers(data["mode"]),
        np.array(data["covariance"], dtype=np.float64),
        z,
        {str(k): float(v) for k, v in data["diagnostics"].items()},
        {str(k): float(v) for k, v in data["quality"].items()},
        tuple(map(str, data["notes"])),
        int(data["seed"]),
    )
