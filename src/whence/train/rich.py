"""Rich feature construction: several rounds, each made to do well where those before it fail, and one network that learns them all.

Round 0 minimises the mean loss. Every round divides the training examples into those it gets right and those it gets wrong, and
a later round, from fresh weights, minimises the largest mean loss of any part of any division before it: it has to find features
that the others did not use. What the rounds predict becomes pseudo-labels, and a fresh featuriser learns all of them, with one
head a round. A last head, or all of that network, is then trained for what one is after (zhang2022rich).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.train.groups import group_means
from whence.train.supervised import example_losses

Rule = Callable[[Tensor, Tensor], Tensor]  # losses (S, b) of the examples (S, b) to a loss of each network, (S,)


def worst_part(
    losses: Float[Tensor, "s b"], index: Int[Tensor, "s b"], wrong: Sequence[Bool[Tensor, "s n"]]
) -> Float[Tensor, " s"]:
    """max over divisions r and their two parts P of the mean loss of a batch in P; without a division the mean loss.

    `wrong` are the divisions, each by what one round gets wrong. A part that a batch lacks counts as one of loss 0.
    Raises ValueError for a division with an empty part, in some network: that round leaves nothing to be better at.
    """
    if not wrong:
        return losses.mean(-1)
    for r, found in enumerate(wrong):
        share = found.double().mean(-1)
        if not bool(((share > 0) & (share < 1)).all()):
            raise ValueError(
                f"round {r} gets a share {float(share.min()):.3g} to {float(share.max()):.3g} of {found.shape[-1]} examples wrong, "
                "expected more than 0 and less than 1: a division has two parts; stop that round earlier, or take fewer rounds"
            )
    parts = [group_means(losses, found.gather(-1, index).long(), 2) for found in wrong]
    return torch.cat(parts, -1).amax(-1)


def discover(train: Callable[[int, Rule], Float[Tensor, "s n k"]], y: Int[Tensor, "*s n"], rounds: int) -> Int[Tensor, "r s n"]:
    """The pseudo-labels of so many rounds: what each predicts of the n training examples.

    `train(r, rule)` trains a fresh stack of round r by `rule(losses, index)`, such as with `train.loop.fit`, and returns its
    logits of all n examples; their labels may be those of each seed. Raises ValueError for fewer than two rounds and as
    `worst_part` does.
    """
    if rounds < 2:
        raise ValueError(f"{rounds} rounds: expected at least 2, since one alone is what plain training finds")
    found: list[Tensor] = []
    for r in range(rounds):
        wrong = [p != y for p in found]
        found.append(train(r, partial(worst_part, wrong=wrong)).detach().argmax(-1))
    return torch.stack(found)


def agreement(pseudo: Int[Tensor, "r s n"]) -> Float[Tensor, "s n"]:
    """Weights of mean 1 that give half of the mass to examples of which all rounds say the same, half to the others.

    Where rounds agree on all examples or on none, every weight is 1.
    """
    same = (pseudo == pseudo[0]).all(0)
    share = same.float().mean(-1, keepdim=True)
    halves = torch.where(same, 0.5 / share, 0.5 / (1 - share))
    return torch.where((share > 0) & (share < 1), halves, 1.0)


def synthesis(
    logits: Float[Tensor, "s b rk"], pseudo: Int[Tensor, "r s n"], weights: Float[Tensor, "s n"], index: Int[Tensor, "s b"]
) -> Float[Tensor, " s"]:
    """The weighted cross-entropy of one head a round, averaged over rounds: head r is the r-th block of k outputs.

    Raises ValueError for outputs that are not so many blocks.
    """
    rounds, outputs = len(pseudo), logits.shape[-1]
    if outputs % rounds or outputs < 2 * rounds:
        raise ValueError(
            f"{outputs} outputs for {rounds} rounds: expected as many heads as rounds, so rounds x classes; "
            f"build the network with outputs={2 * rounds} for 2 classes"
        )
    heads = logits.unflatten(-1, (rounds, -1)).movedim(-2, 0)
    targets, weight = pseudo.gather(-1, index.expand(rounds, *index.shape)), weights.gather(-1, index)
    return (weight * example_losses(heads, targets)).mean((0, -1))
