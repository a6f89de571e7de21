"""Blood-pressure twins as JSON and back: every body as it is at the end of the record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.library import load_model
from ..physiology.population import Patients
from ..therapy.adherence import load_adherence
from ..therapy.formulary import CLASSES, Formulary, load_formulary
from .pressure_body import PressureBodies, untreated
from .pressure_quality import Known
from .pressure_seen import Doses, PressureSeen
from .shelf import check_seal, read_kind, sealed

if TYPE_CHECKING:
    from .pressure import PressureTwin

Array = NDArray[np.float64]

FORMAT: Final = 1
KIND: Final = "pressure"
_SEEN: Final = ("day", "sbp", "dbp", "heart_rate", "readings", "lab_day", "lab_value")


def pressure_as_dict(twin: PressureTwin) -> dict[str, Any]:
    """Return a twin with all its draws in JSON, sealed with its hash."""
    bodies, people, seen = twin.bodies, twin.bodies.people, twin.seen
    model = bodies.model
    return sealed(
        {
            "kind": KIND,
            "format": FORMAT,
            "subject": twin.subject,
            "record_sha256": twin.record_sha256,
            "group": twin.group,
            "model": people.model,
            "parameters": [q.name for q in model.parameters],
            "states": list(model.state_index),
            "drugs": list(bodies.formulary.drugs),
            "seen": {
                **{name: _plain(getattr(seen, name)) for name in _SEEN},
                "end_s": seen.end_s,
                "setting": list(seen.setting),
                "lab_name": list(seen.lab_name),
                "dose_day": seen.doses.day.tolist(),
                "dose_mg": seen.doses.mg.tolist(),
                "covariates": dict(seen.covariates),
            },
            "groups": list(people.groups),
            "params": people.params.tolist(),
            "covariates": {
                name: np.asarray(value, dtype=np.float64).tolist()
                for name, value in people.covariates.items()
            },
            "x": bodies.x.tolist(),
            "amounts": bodies.amounts.tolist(),
            "distinct": twin.distinct,
            "stages": twin.stages,
            "accepted": twin.accepted,
            "known": [vars(row) for row in twin.known],
            "quality": {name: _number(value) for name, value in twin.quality.items()},
            "explained": {name: band.tolist() for name, band in twin.explained.items()},
            "notes": list(twin.notes),
            "seed": twin.seed,
        }
    )


def load_pressure_twin(twin: str | Path) -> PressureTwin:
    """Load a blood-pressure twin by path or id.

    Raises
    ------
    InputError
        If there is none, it is of another kind or version, or was changed since it was written.
    """
    data = read_kind(twin, KIND)
    if data.get("format") != FORMAT:
        raise InputError(f"twin {twin} is of another version; fit it again with `dosegym fit`")
    check_seal(data, twin)
    try:
        return _twin(data)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        why = f"{type(error).__name__}: {error}"
        raise InputError(f"twin {twin} is broken ({why}); fit it again") from None


def _twin(data: dict[str, Any]) -> PressureTwin:
    from .pressure import PressureTwin

    bodies = _bodies(data)
    return PressureTwin(
        subject=str(data["subject"]),
        record_sha256=str(data["record_sha256"]),
        group=str(data["group"]),
        bodies=bodies,
        seen=_seen(data, bodies.formulary),
        distinct=int(data["distinct"]),
        stages=int(data["stages"]),
        accepted=float(data["accepted"]),
        known=tuple(Known(**row) for row in data["known"]),
        quality={str(k): _back(v) for k, v in data["quality"].items()},
        explained={str(k): np.array(v, dtype=np.float64) for k, v in data["explained"].items()},
        notes=tuple(map(str, data["notes"])),
        seed=int(data["seed"]),
    )


def _bodies(data: dict[str, Any]) -> PressureBodies:
    """Return the bodies; their kinetics and adherence follow from their traits."""
    model = load_model(str(data["model"]))
    names = [q.name for q in model.parameters]
    if data["parameters"] != names or data["states"] != list(model.state_index):
        raise InputError(
            f"twin is of another version of {model.name} (other parameters or states); fit it again"
        )
    params, x = (np.array(data[name], dtype=np.float64) for name in ("params", "x"))
    amounts = np.array(data["amounts"], dtype=np.float64)
    n = len(params)
    if params.shape != (n, len(names)) or x.shape != (n, len(model.state_index)) or n < 2:
        raise InputError("twin holds no draws that fit its model; fit it again")
    if amounts.shape != (n, len(CLASSES), 4):
        raise InputError("twin holds no amounts of drugs that fit its draws; fit it again")
    people = Patients(
        model.name,
        tuple(f"draw-{i:04d}" for i in range(n)),
        tuple(map(str, data["groups"])),
        params,
        {str(k): np.array(v, dtype=np.float64) for k, v in data["covariates"].items()},
    )
    if not all(np.isfinite(a).all() for a in (params, x, amounts)):
        raise InputError("twin holds draws that are no numbers; fit it again")
    formulary = load_formulary(tuple(map(str, data["drugs"])))
    fresh = untreated(people, formulary)
    share = load_adherence().share(people.covariates["adherence_trait"])
    return PressureBodies(people, formulary, fresh.step, share, x, amounts)


def _seen(data: dict[str, Any], formulary: Formulary) -> PressureSeen:
    seen = data["seen"]
    columns = {name: np.array([_back(v) for v in seen[name]], dtype=np.float64) for name in _SEEN}
    doses = Doses(
        formulary,
        np.array(seen["dose_day"], dtype=np.float64),
        np.array(seen["dose_mg"], dtype=np.float64).reshape(-1, len(CLASSES)),
    )
    return PressureSeen(
        subject=str(data["subject"]),
        record_sha256=str(data["record_sha256"]),
        end_s=float(seen["end_s"]),
        setting=tuple(map(str, seen["setting"])),
        lab_name=tuple(map(str, seen["lab_name"])),
        doses=doses,
        covariates={str(k): float(v) for k, v in seen["covariates"].items()},
        **columns,
    )


def _number(value: float) -> float | None:
    """Return a number as JSON has it: NaN is null."""
    return None if np.isnan(value) else float(value)


def _back(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _plain(values: Array) -> list[float | None]:
    return [_number(value) for value in values.tolist()]
