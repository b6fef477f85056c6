"""The settings of the bundled recipes, which are tables in ``conch.toml``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from conch_dna.config import RecipeSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


class CandidateSettings(RecipeSettings):
    """The settings of recipes that draw several answers to each prompt."""

    candidates: int = Field(4, ge=2, le=256, description="answers to draw for each prompt")
    candidate_temperature: float = Field(0.8, gt=0, le=5, description="sampling temperature of the candidates")


class BestOfNSettings(CandidateSettings):
    """The table ``[distill.best_of_n]``."""

    flat_names: ClassVar[Mapping[str, str]] = {
        name: name for name in ("candidates", "candidate_temperature", "kept", "iterations")
    }

    kept: int = Field(1, ge=1, description="best candidates of each prompt to train on")
    iterations: int = Field(3, ge=1, description="maximum number of rounds of drawing, selection and training")

    @model_validator(mode="after")
    def _some_are_dropped(self) -> Self:
        if self.kept >= self.candidates:
            raise ValueError(f"kept = {self.kept}: must be less than candidates = {self.candidates}")
        return self


class PreferenceSettings(CandidateSettings):
    """The table ``[distill.preference]``."""

    flat_names: ClassVar[Mapping[str, str]] = {
        name: name for name in ("candidates", "candidate_temperature", "dpo_beta")
    }

    dpo_beta: float = Field(0.1, gt=0, le=10, description="reward for each nat over the reference (DPO's beta)")


class OnPolicySettings(RecipeSettings):
    """The table ``[distill.on_policy]``."""

    flat_names: ClassVar[Mapping[str, str]] = {
        "fraction": "on_policy_fraction", "loss": "on_policy_loss", "rollout_tokens": "rollout_tokens",
        "rollout_temperature": "rollout_temperature", "rollout_steps": "rollout_steps",
    }  # fmt: skip

    fraction: float = Field(1.0, ge=0, le=1, description="share of the steps that train on rollouts")
    loss: Literal["divergence", "advantage"] = Field(
        "divergence", description="on rollouts: the full divergence, or the policy gradient at the sampled tokens"
    )
    rollout_tokens: int = Field(128, ge=1, le=32_768, description="maximum number of tokens in a rollout")
    rollout_temperature: float = Field(1.0, ge=0, le=5, description="sampling temperature of the rollouts")
    rollout_steps: int = Field(1, ge=1, description="optimizer steps that share one batch of rollouts")
