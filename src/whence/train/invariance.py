"""Losses that ask for one predictor to be as good in each of several environments: IRMv1 and vREx.

Both are penalties on the risks R_e, one an environment: of IRMv1 (arjovsky2019irm) the mean over e of (d/dw R_e(w f))^2 at w = 1,
of vREx (krueger2021vrex) the variance of the R_e. The published schedule, weight 1 for some steps and a large one after, is two
calls of `train.loop.fit` with one optimizer and one feed.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.train.groups import group_means
from whence.train.supervised import example_losses


def risks(losses: Float[Tensor, "*s b"], environment: Int[Tensor, "*s b"], environments: int) -> Float[Tensor, "*s e"]:
    """The mean loss in each environment, (S, E).

    Raises ValueError for fewer than two environments, or for one without examples in the batch of some network.
    """
    if environments < 2:
        raise ValueError(
            f"{environments} environments: expected at least 2, since one has nothing to be invariant to; "
            "number the sources of the data 0, 1, ..."
        )
    member = environment[..., None] == torch.arange(environments, device=environment.device)
    if not bool(member.any(-2).all()):
        raise ValueError(
            f"a batch of {environment.shape[-1]} examples lacks one of {environments} environments: expected members of each; "
            "take larger batches, or all examples (batch=None)"
        )
    return group_means(losses, environment, environments)


def irm_penalty(
    logits: Float[Tensor, "*s b k"], y: Int[Tensor, "*s b"], environment: Int[Tensor, "*s b"], environments: int
) -> Float[Tensor, " *s"]:
    """IRMv1's penalty of softmax cross-entropy, in closed form: d/dw of an example's loss at w = 1 is sum_k p_k f_k - f_y.

    Of small batches it is biased upwards, by the variance of the mean in it. Raises ValueError as `risks` does.
    """
    slopes = (logits.softmax(-1) * logits).sum(-1) - logits.gather(-1, y[..., None])[..., 0]
    return risks(slopes, environment, environments).square().mean(-1)


def penalised(
    risk: Float[Tensor, " *s"], penalty: Float[Tensor, " *s"], weight: float | Float[Tensor, " *s"]
) -> Float[Tensor, " *s"]:
    """(risk + weight penalty) / max(1, weight): once the weight is large it is the risk that shrinks, as in the published code.

    Weight decay in the optimizer is not divided, where the published code divides its own with the rest. `weight` is one number,
    or one for each network. Raises ValueError for a weight that is negative or not finite.
    """
    weights = torch.as_tensor(weight, dtype=risk.dtype, device=risk.device)
    if not bool(((weights >= 0) & weights.isfinite()).all()):
        raise ValueError(f"penalty weight {weight}: expected a finite number >= 0; 0 is the mean risk alone")
    return (risk + weights * penalty) / weights.clamp(min=1.0)


def irm(
    logits: Float[Tensor, "*s b k"], y: Int[Tensor, "*s b"], environment: Int[Tensor, "*s b"], environments: int, weight: float
) -> Float[Tensor, " *s"]:
    """IRMv1: the mean risk of the environments, and weight x `irm_penalty`, `penalised`. Raises ValueError as they do."""
    risk = risks(example_losses(logits, y), environment, environments).mean(-1)
    return penalised(risk, irm_penalty(logits, y, environment, environments), weight)


def vrex(
    logits: Float[Tensor, "*s b k"], y: Int[Tensor, "*s b"], environment: Int[Tensor, "*s b"], environments: int, weight: float
) -> Float[Tensor, " *s"]:
    """vREx: the mean risk of the environments, and weight x their variance (over E, not E - 1), `penalised`."""
    found = risks(example_losses(logits, y), environment, environments)
    return penalised(found.mean(-1), found.var(-1, correction=0), weight)
