"""What training makes small."""

from __future__ import annotations

from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from whence.train.feed import Batch


class Weighted(Protocol):
    """A denoiser that says how much an error at each noise level counts."""

    def __call__(self, y: Tensor, sigma: Tensor, /) -> Tensor: ...

    def weight(self, sigma: Tensor, /) -> Tensor: ...


def denoising(denoiser: Weighted, batch: Batch) -> Float[Tensor, " *s"]:
    """E weight(sigma) (D(x + sigma z; sigma) - x)^2, averaged over pixels and images; one for each network where D is a stack."""
    y = batch.x + batch.sigma.reshape(-1, 1, 1, 1) * batch.z
    error = (denoiser(y, batch.sigma) - batch.x).square().mean((-3, -2, -1))
    return (denoiser.weight(batch.sigma) * error).mean(-1)
