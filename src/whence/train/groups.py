"""Losses over groups of examples, such as label x colour: balanced by weights, by copies, or towards the worst (sagawa2020dro).

Losses are one an example, (S, b); what is made of them is one a network, (S,), for `train.loop.fit`. Group numbers of a batch are
those of all examples at its `index`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.seeds import stream


def counts(group: Int[Tensor, " n"] | None, groups: int) -> Int[Tensor, " g"]:
    """How many examples each group has.

    Raises ValueError for no group labels, labels that are not whole numbers 0 ... groups - 1, or a group without members.
    """
    if group is None:
        raise ValueError(
            "group labels None: this remedy needs the group of every example it trains on, (n,) whole numbers; "
            "of those without, use one whose label budget is 'none' (see whence.train.remedies)"
        )
    if group.ndim != 1 or group.is_floating_point() or bool(((group < 0) | (group >= groups)).any()):
        raise ValueError(f"groups of shape {tuple(group.shape)} ({group.dtype}): expected (n,) whole numbers 0 to {groups - 1}")
    found = torch.bincount(group, minlength=groups)
    if not bool((found > 0).all()):
        raise ValueError(
            f"group {int(found.argmin())} has no members (counts {found.tolist()}): no weight brings it back; draw more examples, "
            "or number only the groups there are"
        )
    return found


def balancing(group: Int[Tensor, " n"] | None, groups: int) -> Float[Tensor, " n"]:
    """Weights n / (G n_g) of the examples: their mean is 1, and a weighted mean over all is the mean of the groups' means.

    Raises ValueError as `counts` does.
    """
    found = counts(group, groups)
    assert group is not None
    return (len(group) / (groups * found.float()))[group]


def weighted(losses: Float[Tensor, "*s b"], weights: Float[Tensor, "*s b"]) -> Float[Tensor, " *s"]:
    """The mean of weight x loss over a batch: divided by b and not by the weights' sum, so that batches are unbiased."""
    return (losses * weights).mean(-1)


def resampled(group: Int[Tensor, " n"] | None, groups: int, seed: int) -> Int[Tensor, " m"]:
    """Indices in which each group is as often as the largest, for `labelled(chosen=...)`: its batches are balanced on average.

    A smaller group is repeated whole, the rest drawn without repetition by (seed, "resample", group). Raises as `counts` does.
    """
    found = counts(group, groups)
    assert group is not None
    most, parts = int(found.max()), []
    for g in range(groups):
        members = (group == g).nonzero()[:, 0].cpu()
        extra = torch.randperm(len(members), generator=stream(seed, "resample", g))[: most % len(members)]
        parts += [members.repeat(most // len(members)), members[extra]]
    return torch.cat(parts)


def group_means(losses: Float[Tensor, "*s b"], group: Int[Tensor, "*s b"], groups: int) -> Float[Tensor, "*s g"]:
    """The mean loss of each group in a batch, 0 for a group that is not in it."""
    member = (group[..., None] == torch.arange(groups, device=group.device)).to(losses)
    return (losses[..., None] * member).sum(-2) / member.sum(-2).clamp(min=1)


class GroupDRO:
    """Group distributionally robust optimisation: the loss sum q_g l_g, where at each call q_g <- q_g exp(eta l_g) / Z first.

    `q` (S, G) begins at 1/G and is the remedy's only memory; a group that is not in a batch counts as one of loss 0. Groups as
    rare as can be are seen too seldom unless batches are balanced: pair it with `resampled`, as published.
    Raises ValueError as `counts` does, and for an eta that is not >= 0.
    """

    def __init__(self, group: Int[Tensor, " n"] | None, groups: int, seeds: int, eta: float = 0.01) -> None:
        if not 0 <= eta < float("inf"):
            raise ValueError(f"eta is {eta}, expected a rate >= 0, such as 0.01; 0 is the balanced mean")
        self.q = torch.full((seeds, groups), 1 / groups, device=counts(group, groups).device)
        assert group is not None
        self.group, self.eta = group, eta

    def __call__(self, losses: Float[Tensor, "s b"], index: Int[Tensor, "s b"]) -> Float[Tensor, " s"]:
        """The loss of each network under its weights of this step. Raises ValueError for another number of networks."""
        if len(losses) != len(self.q):
            raise ValueError(f"losses of {len(losses)} networks, weights of {len(self.q)}: expected one GroupDRO for one stack")
        means = group_means(losses, self.group[index], self.q.shape[1])
        # In logarithms and out of place: exp(eta l) of a diverging loss overflows, and q of the last step is in the last graph.
        self.q = (self.q.to(means).clamp(min=1e-30).log() + self.eta * means.detach()).softmax(-1)
        return (self.q * means).sum(-1)
