"""Group relative policy optimization: the model's own answers, rewarded by verifiers and reward models (Shao et al. 2024).

With verifiers alone it is reinforcement learning with verifiable rewards (Tulu 3, arXiv:2411.15124; DeepSeek-R1,
arXiv:2501.12948).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from training.methods import Fraction, Metric, RoleSpec, read
from training.methods.common import CURVE, TrainerParams
from training.methods.verifiers import Verifier

TITLE = "Group relative policy optimization"

ROLES = {
    "init_from": RoleSpec(kinds=("model",)),
    "trained_on": RoleSpec(kinds=("dataset",), many=True),
    "reward": RoleSpec(kinds=("reward-model",), required=False),
    "constitution": RoleSpec(kinds=("constitution",), required=False),
    "guideline": RoleSpec(kinds=("guideline",), required=False),
}

METRICS = {
    "loss": Metric(
        "none", "neither", "Surrogate loss; its value says little, since the advantages average to zero."
    ),
    "reward": Metric("reward", "higher", "Mean over the answers of the weighted sum of all rewards."),
    "reward_std": Metric("reward", "neither", "Standard deviation of that sum within the groups."),
    "frac_reward_zero_std": Metric(
        "share", "lower", "Groups whose answers all got the same reward, which teach nothing."
    ),
    "kl": Metric(
        "nats per token", "neither", "Estimated KL to the first model; there only where beta is not 0."
    ),
    "entropy": Metric("nats per token", "neither", "Mean entropy of the model's next-token distribution."),
    "completions/mean_length": Metric("tokens", "neither", "Mean length of the answers."),
    "completions/min_length": Metric("tokens", "neither", "Shortest answer."),
    "completions/max_length": Metric("tokens", "neither", "Longest answer."),
    "completions/clipped_ratio": Metric(
        "share", "lower", "Answers that were cut at `max_completion_length`."
    ),
    "completions/mean_terminated_length": Metric("tokens", "neither", "Mean length of answers that ended."),
    "completions/min_terminated_length": Metric("tokens", "neither", "Shortest answer that ended."),
    "completions/max_terminated_length": Metric("tokens", "neither", "Longest answer that ended."),
    "clip_ratio/low_mean": Metric("share", "neither", "Tokens whose ratio was clipped from below."),
    "clip_ratio/low_min": Metric("share", "neither", "The lowest such share on a device."),
    "clip_ratio/high_mean": Metric("share", "neither", "Tokens whose ratio was clipped from above."),
    "clip_ratio/high_max": Metric("share", "neither", "The highest such share on a device."),
    "clip_ratio/region_mean": Metric("share", "neither", "Tokens whose ratio was clipped at all."),
    **CURVE,
}
"""And for each reward its mean and standard deviation: `rewards/NAME/mean`, `rewards/NAME/std`."""


class Params(TrainerParams):
    """What a run of group relative policy optimization may set."""

    learning_rate: Fraction = Field(default=Decimal("0.000001"), gt=0, le=1)
    """Highest step size of the optimizer. Small models want more (0.0005)."""
    max_length: int = Field(default=1024, ge=8, le=1_000_000)
    """Longest prompt, in tokens; longer ones are left out and counted."""
    verifiers: list[Verifier] = Field(default_factory=list, max_length=20)
    """Programs that score an answer; each may count in some steps only."""
    reward_weight: Fraction = Field(default=Decimal(1), ge=-100, le=100)
    """Weight of the reward model in the role `reward`, where there is one."""
    reward_from_step: int = Field(default=0, ge=0)
    """First optimizer step in which that reward model counts (DeepSeek-R1: the last 400 of 1,700, against reward hacking)."""
    num_generations: int = Field(default=8, ge=2, le=1024)
    """Answers to a prompt that are compared with each other; the effective batch must be a multiple of it."""
    max_completion_length: int = Field(default=256, ge=1, le=1_000_000)
    """Longest answer, in tokens."""
    temperature: Fraction = Field(default=Decimal(1), gt=0, le=5)
    """Temperature of the draw."""
    top_p: Fraction = Field(default=Decimal(1), gt=0, le=1)
    """Share of the probability that is drawn from."""
    beta: Fraction = Field(default=Decimal(0), ge=0, le=100)
    """Weight of the KL to the first model; 0 keeps no reference in memory (DeepSeek-R1: 0.001)."""
    epsilon: Fraction = Field(default=Decimal("0.2"), gt=0, le=100)
    """How far a token's probability ratio may move before it is clipped."""
    epsilon_high: Fraction | None = Field(default=None, gt=0, le=100)
    """The same for rising ratios, where it is another (DAPO: 0.28)."""
    loss_type: Literal["grpo", "dapo", "bnpo", "dr_grpo"] = "dapo"
    """How tokens are averaged: `grpo` by answer (arXiv:2402.03300), `dapo` over the batch (arXiv:2503.14476), `bnpo`, `dr_grpo`."""
    scale_rewards: Literal["group", "batch", "none"] = "group"
    """What the advantages are divided by: the standard deviation of the group, of the batch, or nothing."""
    held_out: Fraction = Field(default=Decimal("0.1"), ge=0, le=Decimal("0.5"))
    """Share of the prompts that is kept out of training and answered before and after, drawn by the seed."""

    @model_validator(mode="after")
    def _groups_are_whole(self) -> "Params":
        batch = self.per_device_batch_size * self.gradient_accumulation
        if batch % self.num_generations:
            raise ValueError(
                f"num_generations: the effective batch of {batch} (per_device_batch_size times gradient_accumulation) is no "
                f"multiple of {self.num_generations}"
            )
        return self


def validate(params: Mapping[str, Any]) -> Params:
    """The parameters with their defaults; raises BadParams naming each wrong field and, for an unknown one, the nearest."""
    return read(Params, params, where="params")
