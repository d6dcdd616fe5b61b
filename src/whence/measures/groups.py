"""Three averages over groups, such as label x background, by their names: none is called the average (sagawa2020dro).

They differ by tens of percent on the same predictions, and published tables mix them: whoever reads a number needs its name.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Averages(NamedTuple):
    """The mean of each group, and what becomes of them; float64, in the units of what was averaged, such as accuracy in [0, 1]."""

    by_group: Float[Tensor, "*s g"]
    worst_group: Float[Tensor, "*s"]  # the lowest group mean
    group_balanced: Float[Tensor, "*s"]  # every group counts alike
    training_weighted: Float[Tensor, "*s"]  # a group counts as often as it was trained on


def averages(right: Tensor, group: Int[Tensor, " n"], training: Int[Tensor, " g"] | Float[Tensor, " g"]) -> Averages:
    """Averages of `right` (*s, n), one value a point (1 where the answer is right, 0 where not), over the groups 0 ... g - 1.

    `training` holds how many training points each group has, or their shares: torch.bincount(group_of_training, minlength=g). A
    group that was never trained on weighs 0 in the training-weighted average and counts in the other two.
    Of a quantity that is better low, such as a loss, the worst group is the highest: pass -loss.
    Raises ValueError for a group without members among the n points, a number that is no group, weights that are none, or other
    shapes.
    """
    weights = _weights(training)
    if group.ndim != 1 or group.is_floating_point() or right.ndim < 1 or right.shape[-1] != len(group):
        raise ValueError(
            f"values of shape {tuple(right.shape)} in groups of shape {tuple(group.shape)} ({group.dtype}): "
            "expected (..., n) in (n,) whole numbers"
        )
    if bool(((group < 0) | (group >= len(weights))).any()):
        raise ValueError(
            f"groups {group.min().item()} to {group.max().item()} with training counts of {len(weights)}: expected 0 to "
            f"{len(weights) - 1}; count with torch.bincount(group, minlength=number of groups)"
        )
    counts = torch.bincount(group, minlength=len(weights))
    if not bool((counts > 0).all()):
        raise ValueError(
            f"group {int(counts.argmin())} has no members (counts {counts.tolist()}): the worst group is then unknown; "
            "draw points of every group, or number only the groups there are"
        )
    value = right.double()
    total = value.new_zeros(*value.shape[:-1], len(weights)).index_add(-1, group.to(value.device), value)
    means = total / counts.to(value)
    return Averages(means, means.amin(-1), means.mean(-1), means @ weights.to(value))


def _weights(training: Tensor) -> Float[Tensor, " g"]:
    """Shares that sum to 1."""
    counts = training.double()
    if counts.ndim != 1 or not bool((counts >= 0).all()) or not bool(torch.isfinite(counts.sum())) or not bool(counts.sum() > 0):
        raise ValueError(f"training counts {training.tolist()}: expected one number >= 0 a group, not all of them 0")
    return counts / counts.sum()
