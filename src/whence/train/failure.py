"""Remedies that learn from what a first, biased network gets wrong, and need no group label to train: JTT and LfF.

JTT (liu2021jtt) trains twice: take `error_set` of a network trained for few epochs, and show those examples more often, by
`labelled(chosen=[copied(wrong, factor) for each seed])`. LfF (nam2020lff) trains two networks at once, in one call of
`train.loop.fit` with the parameters of both.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.train.supervised import example_losses


def error_set(logits: Float[Tensor, "*s n k"], y: Int[Tensor, " n"]) -> Bool[Tensor, "*s n"]:
    """The examples that a network gets wrong, (S, n) of a stack. Raises ValueError where one has none: the second training of
    JTT would then be the first one over again.
    """
    found = logits.argmax(-1) != y
    if not bool(found.any(-1).all()):
        raise ValueError(
            f"a network makes 0 errors in {len(y)} examples: expected some, the set that is shown more often; it was trained too "
            "long, or at too high a rate, for a first network: stop it earlier"
        )
    return found


def generalised_cross_entropy(logits: Float[Tensor, "*s b k"], y: Int[Tensor, "*s b"], q: float = 0.7) -> Float[Tensor, " *s"]:
    """The mean of (1 - p_y^q) / q: its gradient is p_y^q times that of cross-entropy, so that what is easy is learned first.

    The published code has a further factor q, which is a learning rate. Raises ValueError for a q outside (0, 1].
    """
    if not 0 < q <= 1:
        raise ValueError(f"q is {q}, expected a number in (0, 1], such as 0.7; towards 0 it becomes cross-entropy itself")
    return ((1 - (-q * example_losses(logits, y)).exp()) / q).mean(-1)


class LearningFromFailure:
    """LfF's loss for a biased and a debiased stack: GCE of the one, and cross-entropy of the other weighted by difficulty.

    The weight of an example is L_b / (L_b + L_d): cross-entropies as moving averages over the times it was seen (the first time
    as it is, then `decay` old + (1 - decay) new), each divided by the largest of its class so far. It is high where the biased
    network fails and the other does not, and carries no gradient. `y` are the labels of all n examples.
    Raises ValueError for a decay outside [0, 1) or labels that are not (n,) whole numbers.
    """

    def __init__(self, y: Int[Tensor, " n"], seeds: int, q: float = 0.7, decay: float = 0.7) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay {decay}: expected a share in [0, 1), such as 0.7; with 1 nothing seen later would count")
        if y.ndim != 1 or y.is_floating_point():
            raise ValueError(f"labels of shape {tuple(y.shape)} ({y.dtype}): expected (n,) whole numbers, shared by all seeds")
        self.y, self.q, self.decay = y, q, decay
        self.seen = torch.zeros(seeds, len(y), dtype=torch.bool, device=y.device)
        self.averages = torch.zeros(2, seeds, len(y), device=y.device)  # of the biased, of the debiased

    def __call__(
        self, biased: Float[Tensor, "s b k"], debiased: Float[Tensor, "s b k"], index: Int[Tensor, "s b"]
    ) -> Float[Tensor, " s"]:
        """The sum of both losses, (S,), of the two stacks' logits at the examples of a batch."""
        y = self.y[index]
        hard = example_losses(debiased, y)
        weight = self.weigh(example_losses(biased, y).detach(), hard.detach(), index)
        return generalised_cross_entropy(biased, y, self.q) + (weight * hard).mean(-1)

    def weigh(
        self, biased: Float[Tensor, "s b"], debiased: Float[Tensor, "s b"], index: Int[Tensor, "s b"]
    ) -> Float[Tensor, "s b"]:
        """Take the losses of a batch into the averages; returns the weights of its examples, in [0, 1]."""
        rows = torch.arange(len(index), device=index.device)[:, None]
        now, old = torch.stack([biased, debiased]).to(self.averages), self.averages[:, rows, index]
        self.averages[:, rows, index] = torch.where(self.seen[rows, index], self.decay * old + (1 - self.decay) * now, now)
        self.seen[rows, index] = True
        first, second = self.averages[:, rows, index] / self._largest()[:, rows, self.y[index]].clamp(min=1e-12)
        return first / (first + second).clamp(min=1e-12)

    def _largest(self) -> Float[Tensor, "2 s k"]:
        """The largest average of each class."""
        classes = range(int(self.y.max()) + 1)
        return torch.stack([torch.where(self.y == c, self.averages, 0).amax(-1) for c in classes], -1)
