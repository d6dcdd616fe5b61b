"""How sharp a loss is where training stands: the largest eigenvalue of its Hessian, by Hessian-vector products alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Generator, Tensor


def sharpness(
    loss: Callable[[], Float[Tensor, " s"]],
    parameters: Sequence[Tensor],
    generator: Generator,
    tolerance: float = 1e-4,
    limit: int = 500,
) -> Float[Tensor, " s"]:
    """The largest eigenvalue (not the largest in size) of each network's Hessian, parameters stacked along their first axis.

    Power iteration from a random direction until no value changes by more than `tolerance` of itself. Where it ends at a negative
    eigenvalue, a second one on the Hessian less that value finds the other end of the spectrum. `loss` takes nothing and gives one
    value a network, twice differentiable; losses of different networks must not depend on each other's parameters.
    Raises ValueError for a loss that is not finite, or when `limit` products are not enough.
    """
    leaves = list(parameters)
    with torch.enable_grad():
        value = loss()
        if not bool(value.isfinite().all()):
            raise ValueError(f"losses {value.tolist()}: expected finite ones; training has diverged, so lower its learning rate")
        slopes = torch.autograd.grad(value.sum(), leaves, create_graph=True)

    def product(vector: Tensor) -> Tensor:
        found = torch.autograd.grad(slopes, leaves, _unflatten(vector, leaves), retain_graph=True, materialize_grads=True)
        return _flatten(found)

    first = torch.randn(_flatten(leaves).shape, generator=generator).to(leaves[0])
    largest = _power(product, first, tolerance, limit)
    if bool((largest >= 0).all()):
        return largest
    shift = largest.clamp(max=0)[:, None]
    return _power(lambda v: product(v) - shift * v, first, tolerance, limit) + shift[:, 0]


def _power(product: Callable[[Tensor], Tensor], first: Tensor, tolerance: float, limit: int) -> Tensor:
    """Rayleigh quotients (S,) at the eigenvector of the eigenvalue of largest size."""
    vector, value = first / first.norm(dim=1, keepdim=True), torch.full_like(first[:, 0], torch.nan)
    for _ in range(limit):
        image = product(vector)
        before, value = value, (vector * image).sum(1)
        if bool(((value - before).abs() <= tolerance * value.abs()).all()):
            return value
        vector = image / image.norm(dim=1, keepdim=True).clamp(min=torch.finfo(image.dtype).tiny)
    raise ValueError(f"sharpness {value.tolist()} after {limit} products, still moving by more than {tolerance}: raise the limit")


def _flatten(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.detach().flatten(1) for part in parts], 1)


def _unflatten(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    pieces = vector.split([part[0].numel() for part in like], 1)
    return [piece.reshape(part.shape) for piece, part in zip(pieces, like, strict=True)]
