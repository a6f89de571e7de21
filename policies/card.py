"""Cards and hashes: what a policy is, and proof that the file at hand is the one described."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ..physiology.errors import InputError

MANIFEST = "manifest.json"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def policy_hash(policy: Any) -> str:
    """Return a hash of everything a policy is, from its card (which holds its files' hashes).

    Raises
    ------
    InputError
        If the policy has no card, or one that JSON cannot hold.
    """
    card = getattr(policy, "card", None)
    if card is None:
        raise InputError(
            f"policy {type(policy).__name__} has no card; give it a `card` dictionary or load it "
            "with dosegym.policies.load_policy"
        )
    try:
        text = json.dumps(card, sort_keys=True, separators=(",", ":"))
    except TypeError as error:
        raise InputError(
            f"card of policy {type(policy).__name__} is not JSON ({error}); give plain values"
        ) from None
    return hashlib.sha256(text.encode()).hexdigest()


def manifest_beside(model: Path) -> Path:
    """Return where the manifest of a trained agent's file lies."""
    own = model.with_suffix(".json")
    return own if own.exists() else model.with_name(MANIFEST)


def read_manifest(model: Path, *, trust: bool = False) -> dict[str, Any]:
    """Return a trained agent's manifest after checking the file against it.

    Parameters
    ----------
    model : Path
        The agent's zip file.
    trust : bool
        Accept a file whose hash is not the manifest's, or that has none.

    Raises
    ------
    InputError
        If the manifest is missing or unreadable, or the file's hash is not the one in it.
    """
    path = manifest_beside(model)
    if not path.exists():
        if trust:
            return {}
        raise InputError(
            f"agent {model} has no manifest beside it; train it with `dosegym train`, or pass "
            "trust=True (--trust) if you made the file yourself"
        )
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"manifest {path} is not JSON ({error}); restore it") from None
    if not isinstance(manifest, dict):
        raise InputError(f"manifest {path} is no JSON object; restore it")
    found, expected = sha256_of(model), manifest.get("sha256")
    if found != expected and not trust:
        raise InputError(
            f"agent {model} has SHA-256 {found[:12]}, its manifest says {str(expected)[:12]}: the "
            "file changed since training; restore it, or pass trust=True (--trust)"
        )
    return manifest
