"""Stein's unbiased risk estimate (stein1981estimation): the error of a denoiser, without the clean image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from whence.measures.jacobian import effective_dimension, jacobian
from whence.noise import per_sample


def sure(
    denoiser: Callable[[Tensor, float | Tensor], Tensor],
    y: Float[Tensor, "b c h w"],
    sigma: float | Tensor,
    generator: Generator | None = None,
    probes: int = 1,
) -> Float[Tensor, " b"]:
    """An estimate, from y alone, of the mean squared error per pixel |D(y) - x|^2 / d of each image.

        |y - D(y)|^2 / d - sigma^2 + 2 sigma^2 tr J / d,   J = dD/dy

    Its mean over the noise is the mean error, for any x and any differentiable D (kadkhodaie2024generalization gives the sum over
    pixels); for one image it scatters, and may be negative. The trace is exact, d backward passes, or with a generator estimated
    without bias by `probes` of them.
    """
    level = per_sample(sigma, y).reshape(-1)
    with torch.no_grad():
        residual = (y - denoiser(y, sigma)).square().flatten(1).mean(1)
    if generator is None:
        trace = effective_dimension(jacobian(denoiser, y, sigma))
    else:
        trace = estimated_trace(denoiser, y, sigma, generator, probes)
    return residual - level**2 + 2 * level**2 * trace / y[0].numel()


def estimated_trace(
    denoiser: Callable[[Tensor, float | Tensor], Tensor],
    y: Float[Tensor, "b c h w"],
    sigma: float | Tensor,
    generator: Generator,
    probes: int = 1,
) -> Float[Tensor, " b"]:
    """tr dD/dy of each image without the Jacobian: the mean of v^T J v over random signs v (Hutchinson's estimator).

    Unbiased, with variance 2 sum_{i != j} ((J + J^T)/2)_ij^2 / probes: exact for a diagonal J. The signs come from the generator, a
    draw for all images at a time. Raises ValueError for fewer than 1 probe.
    """
    if probes < 1:
        raise ValueError(f"{probes} probes: expected at least 1")
    found = torch.zeros(y.shape[0], dtype=y.dtype, device=y.device)
    with torch.enable_grad():
        state = y.detach().requires_grad_(True)
        answer = denoiser(state, sigma)
        for left in range(probes, 0, -1):
            signs = (torch.randint(2, y.shape, generator=generator) * 2 - 1).to(y)
            (back,) = torch.autograd.grad(answer, state, signs, retain_graph=left > 1)
            found += (back * signs).flatten(1).sum(1)
    return found / probes
