"""The training loop, a generator: it steps, the caller logs, averages, stores and stops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

Batch = TypeVar("Batch")  # whatever the feed yields and the loss takes


class Step(NamedTuple):
    """A step that has been made: its number from 1, and the loss before it, one for each network of a stack."""

    number: int
    loss: Float[Tensor, " *s"]


def fit(
    parameters: Iterable[Tensor],
    loss: Callable[[Batch], Float[Tensor, " *s"]],
    feed: Iterable[Batch],
    optimizer: Optimizer,
    clip: float | None = None,
    schedule: Callable[[int], float] | None = None,
    start: int = 0,
) -> Iterator[Step]:
    """Yield a Step for each batch of the feed; the parameters are changed in place.

    A loss of shape (S,) is that of S networks whose parameters are stacked along their first axis: its sum is differentiated, so
    that each trains as if alone. `clip` bounds the norm of the gradient, of each network by itself. `schedule(k)` is the learning
    rate in step k, counted from 0, as a share of the optimizer's own; `start` steps have been made before.
    Raises ValueError when there is nothing to train.
    """
    trained = list(parameters)
    if not trained:
        raise ValueError("nothing to train: the network has no parameters")
    return _steps(trained, loss, feed, optimizer, clip, schedule, start)


def _steps(
    parameters: list[Tensor],
    loss: Callable[[Batch], Tensor],
    feed: Iterable[Batch],
    optimizer: Optimizer,
    clip: float | None,
    schedule: Callable[[int], float] | None,
    start: int,
) -> Iterator[Step]:
    rates = [group["lr"] for group in optimizer.param_groups]
    for number, batch in enumerate(feed, start):
        if schedule is not None:
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * schedule(number)
        optimizer.zero_grad()
        found = loss(batch)
        found.sum().backward()
        if clip is not None:
            clip_gradients(parameters, clip, stacked=found.ndim == 1)
        optimizer.step()
        yield Step(number + 1, found.detach())


@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], clip: float, stacked: bool = False) -> None:
    """Scale gradients down in place to a norm of at most `clip`: of all together, or of each entry of their first axis."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not stacked:
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        torch._foreach_mul_(gradients, (clip / (norm + 1e-12)).clamp(max=1.0))
        return
    norms = torch.stack([torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients])
    scale = (clip / (torch.linalg.vector_norm(norms, dim=0) + 1e-12)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.reshape(-1, *(1 for _ in gradient.shape[1:])))
