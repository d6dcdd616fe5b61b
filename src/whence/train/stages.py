"""A curriculum: examples of low rank first, and more of them whenever those shown so far are learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.optim import Optimizer

from whence.train.loop import fit
from whence.train.stack import Stack
from whence.train.supervised import Labelled, labelled

BLOCK = 25  # updates between two looks at the error


def by_stage(
    stack: Stack,
    examples: tuple[Tensor, Tensor],
    rank: Int[Tensor, "s n"],
    leaps: Sequence[int],
    loss: Callable[[Tensor, Tensor], Float[Tensor, "s b"]],
    optimizer: Optimizer,
    steps: int,
    batch: int,
    seeds: Sequence[int],
    learned: float = 1e-3,
) -> Int[Tensor, " s"]:
    """Train a stack for so many steps, each network on the examples (x (S, n, ...), y (S, n)) whose rank its stage allows.

    Network s begins with the examples of rank up to leaps[s] (or twice, three times that: the first stage that has one), and goes
    on by another leap when the mean `loss(answers (S, n, k), y)` on those it has is below `learned`, looked at every 25 steps.
    With a leap of the highest rank it has all from the start: an arm without curriculum trains beside the others in one stack.
    Returns for each network the steps until the mean loss on all its examples was below `learned`, or `steps` where it never was.
    Raises ValueError for a leap below 1 or another number of leaps or ranks than networks.
    """
    x, y = examples
    leap = torch.as_tensor(leaps, device=y.device)
    if len(leap) != len(stack) or rank.shape != y.shape or int(leap.min()) < 1:
        raise ValueError(
            f"leaps {list(leaps)} and ranks of shape {tuple(rank.shape)} for {len(stack)} networks with labels of shape "
            f"{tuple(y.shape)}: expected a leap of at least 1 for each network, and a rank for each label"
        )
    limit = leap * ((rank.amin(1) + leap - 1) // leap).clamp_min(1)
    reached = torch.full_like(leap, steps)
    for start in range(0, steps, BLOCK):
        chosen = [(row <= top).nonzero()[:, 0] for row, top in zip(rank, limit, strict=True)]
        feed = islice(labelled(x, y, batch, seeds, start, chosen), min(BLOCK, steps - start))
        for step in fit(stack.parameters(), lambda b: _mean(stack, loss, b), feed, optimizer):
            made = step.number + start
        with torch.no_grad():
            wrong = loss(stack(x), y)
        allowed = rank <= limit[:, None]
        ready = (wrong * allowed).sum(1) / allowed.sum(1) < learned
        limit = torch.where(ready & (limit < rank.amax(1)), limit + leap, limit)
        reached = torch.where(wrong.mean(1) < learned, reached.clamp_max(made), reached)
    return reached


def _mean(stack: Stack, loss: Callable[[Tensor, Tensor], Tensor], batch: Labelled) -> Tensor:
    return loss(stack(batch.x), batch.y).mean(-1)
