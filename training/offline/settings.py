"""The hyperparameters of offline learning: names, types and bounds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from ..settings import Layers, NonNegative, Positive, Rate


class OfflineSettings(BaseModel):
    """What every offline algorithm has.

    Parameters
    ----------
    timesteps : int
        Gradient steps of a run unless the caller says otherwise.
    batch_size : int
        Transitions of each.
    gamma : float
        Discount of one decision, whatever time lies between two.
    reward_scale : float
        Factor on the reward, after the penalties.
    cost_penalties : mapping
        Subtracted from the reward of a step: weight times the cost of that name.
    held_out : float
        Share of the people (not of the steps) on whom losses are told and nothing is learned.
    log_every : int
        Gradient steps between two rows of the curves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    timesteps: PositiveInt = 10_000
    batch_size: Annotated[int, Field(ge=2)] = 256
    gamma: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.99
    learning_rate: Rate = 3e-4
    net_arch: Layers = [128, 128]
    reward_scale: Positive = 1.0
    cost_penalties: dict[str, NonNegative] = {}
    held_out: Annotated[float, Field(ge=0.0, le=0.5)] = 0.1
    log_every: PositiveInt = 500


class BcSettings(OfflineSettings):
    """Behaviour cloning."""


class CriticSettings(OfflineSettings):
    """What algorithms with values have.

    Parameters
    ----------
    tau : float
        Share by which the targets follow their networks at each step.
    """

    tau: Annotated[float, Field(gt=0.0, le=1.0)] = 0.005


class IqlSettings(CriticSettings):
    """Implicit Q-learning.

    Parameters
    ----------
    expectile : float
        Of the value among the actions in the data: 0.5 is their mean, towards 1 the best of them.
    temperature : float
        How strongly the actor prefers actions better than that (the paper's beta).
    largest_weight : float
        Most that one transition may count for the actor.
    """

    expectile: Annotated[float, Field(ge=0.5, lt=1.0)] = 0.7
    temperature: NonNegative = 3.0
    largest_weight: Positive = 100.0


class CqlSettings(CriticSettings):
    """Conservative Q-learning.

    Parameters
    ----------
    conservative : float
        Weight of the pessimism about actions that the data lack (the paper's alpha); 0 is plain
        temporal-difference learning.
    actions : int
        Actions drawn for each of the three parts of the integral, where actions are numbers.
    ent_coef : float
        Weight of the actor's entropy, where actions are numbers.
    """

    conservative: NonNegative = 1.0
    actions: PositiveInt = 10
    ent_coef: NonNegative = 0.0
