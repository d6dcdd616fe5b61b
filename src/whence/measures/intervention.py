"""What an edit of the covariance does to the best linear denoiser, in closed form."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def rank_one_change(
    matrix: Float[Tensor, "d d"], direction: Float[Tensor, " d"], strength: float, sigma: float
) -> Float[Tensor, "d d"]:
    """The change of W = S (S + sigma^2 I)^-1 when the covariance S gains strength^2 v v^T along a direction v, in float64.

    With r = v - W v, the part of v that was not kept (sigma^2 G v, G = (S + sigma^2 I)^-1), by Sherman and Morrison

        W' - W = a^2 r r^T / (sigma^2 + a^2 v^T r)

    so row q gains a multiple of r, however far its pixels are from q. After `write_pattern` v is the pattern repeated over the c
    channels, flattened like an image: `pattern.expand(c, -1, -1).flatten()`. `matrix` is that of the best linear denoiser at this
    sigma, such as `Wiener.matrix(sigma)`. Raises ValueError when the direction is not one of d numbers, or sigma is not positive.
    """
    if direction.shape != matrix.shape[:1]:
        raise ValueError(
            f"a direction of shape {tuple(direction.shape)} for a matrix of {tuple(matrix.shape)}: expected {matrix.shape[0]} "
            "numbers, for c channels pattern.expand(c, -1, -1).flatten()"
        )
    if not 0 < sigma < float("inf"):
        raise ValueError(f"sigma is {sigma}, expected finite and > 0, that of the matrix")
    v = direction.to(matrix.device).double()
    lost = v - matrix.double() @ v
    return strength**2 * torch.outer(lost, lost) / (sigma**2 + strength**2 * (v @ lost))
