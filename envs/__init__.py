"""A task upon a body: Gymnasium environments, single, vectorised and for Stable-Baselines3."""

from typing import TYPE_CHECKING, Any

from .registry import make_task, register_all

if TYPE_CHECKING:
    from .sb3 import make_sb3_vec_env

__all__ = ["make_sb3_vec_env", "make_task", "register_all"]


def __getattr__(name: str) -> Any:
    # Stable-Baselines3 draws torch in; it is imported only by those who ask for it.
    if name == "make_sb3_vec_env":
        from .sb3 import make_sb3_vec_env

        return make_sb3_vec_env
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
