"""Denoising error."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def denoising_error(
    denoiser: Callable[[Tensor, float], Tensor],
    x: Float[Tensor, "b c h w"],
    sigma: float,
    z: Float[Tensor, "b c h w"],
    batch: int = 256,
) -> Float[Tensor, " b"]:
    """Mean squared error per pixel of each image, |D(x + sigma z) - x|^2 / d, pixels in [-1, 1].

    The noise is given, not drawn: pass the same z to two denoisers and their errors are paired. The batch size changes nothing.
    Raises ValueError when x and z differ in shape.
    """
    if x.shape != z.shape:
        raise ValueError(f"images of shape {tuple(x.shape)} and noise of shape {tuple(z.shape)}: expected the same")
    parts = zip(x.split(batch), z.split(batch), strict=True)
    errors = [(denoiser(clean + sigma * noise, sigma) - clean).square().flatten(1).mean(1) for clean, noise in parts]
    return torch.cat(errors)
