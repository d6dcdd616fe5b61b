"""Sharpness-aware minimisation (foret2021sam): the gradient of the point uphill, whatever the optimizer does with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor


class Trained(Protocol):
    """What has parameters and buffers: a network, or a stack of them."""

    def parameters(self) -> Any:
        """The tensors to train."""
        ...

    def buffers(self) -> Any:
        """The tensors that change otherwise, such as running means."""
        ...


@dataclass(frozen=True)
class SAM:
    """A loss for `train.loop.fit` whose gradient is taken at w + rho g / |g|, where g is the gradient at w.

    Its value is the loss at w. The optimizer, its momentum and weight decay, clipping and schedules are those given to `fit`, so
    that with rho = 0 nothing changes. Where `loss` is that of a stack, (S,), every network goes uphill by its own normalised
    gradient, and `rho` may be one number for each, (S,). Buffers (the running statistics of batch normalisation) are moved by the
    first pass only. A step costs two gradients.
    Randomness belongs in the batch (see train.supervised.masks): torch's own dropout would drop other units in the second pass.
    Raises ValueError for a rho that is negative or not finite.
    """

    loss: Callable[[Any], Float[Tensor, " *s"]]
    network: Trained
    rho: float | Float[Tensor, " s"] = 0.05

    def __post_init__(self) -> None:
        radii = torch.as_tensor(self.rho)
        if not bool(((radii >= 0) & radii.isfinite()).all()):
            raise ValueError(f"rho is {self.rho}, expected a radius >= 0, such as 0.05; 0 is the optimizer without SAM")

    def __call__(self, batch: Any) -> Float[Tensor, " *s"]:
        """The loss at w, with the gradient of the point uphill."""
        parameters = [p for p in self.network.parameters() if p.requires_grad]
        found, gradients = self._pass(batch, parameters)
        steps = ascent(gradients, self.rho, stacked=found.ndim == 1)
        buffers, before = list(self.network.buffers()), [p.detach().clone() for p in parameters]
        moved = [b.clone() for b in buffers]
        with torch.no_grad():
            torch._foreach_add_(parameters, steps)
        _, uphill = self._pass(batch, parameters)
        with torch.no_grad():
            for tensor, value in zip([*parameters, *buffers], [*before, *moved], strict=True):
                tensor.copy_(value)
        return _with_gradient(found, parameters, uphill)

    def _pass(self, batch: Any, parameters: list[Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
        found = self.loss(batch)
        return found.detach(), torch.autograd.grad(found.sum(), parameters, materialize_grads=True)


def ascent(gradients: Sequence[Tensor], rho: float | Tensor, stacked: bool = False) -> list[Tensor]:
    """rho g / |g|, the step that raises a linear loss most: over all tensors together, or for each entry of their first axis.

    Where the gradient is 0 so is the step.
    """
    if not stacked:
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
        return [rho * g / norm.clamp(min=1e-30) for g in gradients]
    norms = torch.stack([torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients])
    scale = rho / torch.linalg.vector_norm(norms, dim=0).clamp(min=1e-30)
    return [g * scale.reshape(-1, *(1 for _ in g.shape[1:])) for g in gradients]


def _with_gradient(found: Tensor, parameters: list[Tensor], gradients: Sequence[Tensor]) -> Tensor:
    """The value of `found`, linear in the parameters around it, with these gradients."""
    for p, g in zip(parameters, gradients, strict=True):
        change = (p - p.detach()) * g
        found = found + (change.flatten(1).sum(1) if found.ndim == 1 else change.sum())
    return found
