"""Policies by name, by file, or by ``module:attribute``."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any

from ..physiology.errors import InputError
from .basal import ConstantBasal
from .basal_bolus import BasalBolus
from .pid import Pid
from .shield import Shield
from .step_table import guideline
from .step_table_file import load_table, shipped_tables
from .suspend import LowGlucoseSuspend


def _bbi(**options: Any) -> BasalBolus:
    return BasalBolus(**{"tdd_rules": True, "lead_min": 20.0, **options})


def _suspend(inner: Any = None) -> LowGlucoseSuspend:
    return LowGlucoseSuspend(load_policy(inner) if isinstance(inner, str) else inner)


def _shielded(
    inner: Any = None,
    layers: Any = None,
    twin: Any = None,
    step_min: Any = None,
    record: bool = True,
    threads: int = 2,
) -> Shield:
    policy = load_policy(inner) if isinstance(inner, (str, Path)) else inner
    ensemble = None
    if twin is not None:
        from .shield_members import Ensemble

        ensemble = Ensemble.of_twin(twin)
    rest = {"step_min": step_min, "record": record, "threads": threads}
    return Shield(policy, layers, ensemble=ensemble, **rest)


def _oracle(
    patient: Any = "all",
    people: Any = None,
    target: Any = (130.0, 80.0),
    adherence: Any = "usual",
    formulary: Any = "default",
    interval_days: int = 28,
) -> Any:
    from .oracle import Oracle

    return Oracle(
        patient,
        people=people,
        target=target,
        adherence=adherence,
        formulary=formulary,
        interval_days=interval_days,
    )


BUILT_IN: dict[str, tuple[Callable[..., Any], str]] = {
    "constant_basal": (ConstantBasal, "the prescribed basal rate, always"),
    "basal_bolus": (BasalBolus, "basal, carb-ratio bolus at announced meals, correction"),
    "basal_bolus_tdd": (
        _bbi,
        "G2P2C's BBI: 500/1800 rules, bolus 20 min before the meal",
    ),
    "pid": (Pid, "PID on the CGM, published gains where known, else by rule"),
    "low_glucose_suspend": (_suspend, "another policy's doses, withheld when low or soon low"),
    "shielded": (_shielded, "another policy behind the shield: rules, then a forecast"),
    "oracle": (_oracle, "blood pressure: the best regimen in the long run, knowing each body"),
}


def list_policies() -> dict[str, str]:
    """Return the built-in policies, guidelines and shipped agents with a line on each."""
    rules = {name: doc for name, (_, doc) in BUILT_IN.items()}
    tables = {name: load_table(name).title for name in shipped_tables()}
    shipped = {name: "trained agent that ships with DoseGym" for name in shipped_agents()}
    return rules | tables | shipped


def shipped_agents() -> dict[str, Path]:
    """Return the trained agents inside the package, by name."""
    folder = Path(str(resources.files("dosegym.policies.data")))
    return {p.stem: p for p in sorted(folder.glob("*.zip"))}


def load_policy(name: str | Path, *, trust: bool = False, **options: Any) -> Any:
    """Return a policy with SB3's ``predict`` signature.

    Parameters
    ----------
    name : str or Path
        A built-in name or guideline (``list_policies``), the path of a trained agent (zip or
        folder) or of a step table (YAML), or ``"module:attribute"`` of your own: an object with
        ``predict``, or a callable returning one.
    trust : bool
        Accept a trained agent whose file is not the one its manifest describes.
    **options
        Settings of a built-in policy or arguments of your callable.

    Raises
    ------
    InputError
        One line saying what was not found or not understood.
    """
    text = str(name)
    if text in BUILT_IN:
        return _built_in(text, options)
    if text in shipped_tables() or text.endswith((".yaml", ".yml")):
        return guideline(text, **options)
    file = shipped_agents().get(text, Path(text))
    if text and _exists(file):
        from .learned import load_agent

        if options:
            raise InputError(f"a trained agent takes no {', '.join(options)}; leave it out")
        return load_agent(file, trust=trust)
    if ":" in text:
        return _users_own(text, options)
    raise InputError(
        f"policy is {text!r}: not built in ({', '.join(list_policies())}), not a file, not "
        "module:attribute"
    )


def _exists(file: Path) -> bool:
    """Return whether an agent is there; a name no file can have, such as one too long, is not."""
    try:
        return file.exists() or file.with_suffix(".zip").exists()
    except (OSError, ValueError):
        return False


def _built_in(name: str, options: dict[str, Any]) -> Any:
    build = BUILT_IN[name][0]
    try:
        return build(**options)
    except TypeError:
        kind = BasalBolus if build is _bbi else build
        known = (
            [f.name for f in fields(kind) if f.init]  # type: ignore[arg-type]
            if hasattr(kind, "__dataclass_fields__")
            else list(inspect.signature(kind).parameters)
        )
        raise InputError(
            f"policy {name} does not take {', '.join(options)}; it takes {', '.join(known)}"
        ) from None


def _users_own(text: str, options: dict[str, Any]) -> Any:
    module_name, _, attribute = text.partition(":")
    here = str(Path.cwd())
    try:
        if here not in sys.path:
            sys.path.insert(0, here)
        module = importlib.import_module(module_name)
        found = getattr(module, attribute)
    except (ImportError, AttributeError, ValueError, SyntaxError) as error:
        raise InputError(f"policy {text!r} cannot be imported: {error}") from None
    policy: Any = found
    if callable(found) and (inspect.isclass(found) or not hasattr(found, "predict")):
        try:
            inspect.signature(found).bind(**options)
        except (TypeError, ValueError) as error:
            raise InputError(f"policy {text!r} cannot be called so: {error}") from None
        policy = found(**options)
    if not callable(getattr(policy, "predict", None)):
        raise InputError(f"policy {text!r} has no predict(observation, state, episode_start, ...)")
    try:
        inspect.signature(policy.predict).bind(None, None, None, True)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"policy {text!r} has a predict that cannot be called so ({error}); give it "
            "(observation, state, episode_start, deterministic)"
        ) from None
    if not hasattr(policy, "card"):
        source = Path(str(module.__file__)).read_bytes() if module.__file__ else b""
        policy.card = {
            "policy": text,
            "kind": "user",
            "sha256": hashlib.sha256(source).hexdigest(),
            "options": options,
        }
    return policy
