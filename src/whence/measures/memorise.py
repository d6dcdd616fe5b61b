"""Memorisation: how near an image is to the training images, and how much noise hides which of them it was."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.linalg import squared_distances


class Nearest(NamedTuple):
    """The k nearest images of a pool: root-mean-square pixel distances, ascending, and their places in the pool."""

    distance: Float[Tensor, "b k"]
    place: Int[Tensor, "b k"]


def nearest(x: Float[Tensor, "b c h w"], pool: Float[Tensor, "n c h w"], k: int = 2, chunk: int = 4096) -> Nearest:
    """The k images of the pool nearest to each x, exactly, in float64; the distance of a pixel in [-1, 1] units.

    Independent of chunk and of the pool's order up to ties. Raises ValueError when the pool holds fewer than k images.
    """
    if pool.shape[0] < k:
        raise ValueError(f"{k} nearest of a pool of {pool.shape[0]} images: expected at least {k} images")
    query, flat = x.flatten(1), pool.flatten(1)
    best = torch.full((x.shape[0], 0), 0.0, dtype=torch.float64, device=x.device)
    where = torch.zeros((x.shape[0], 0), dtype=torch.long, device=x.device)
    for start in range(0, pool.shape[0], chunk):
        square = squared_distances(query, flat[start : start + chunk])
        index = torch.arange(start, start + square.shape[1], device=x.device).expand_as(square)
        best, where = torch.cat([best, square], 1), torch.cat([where, index], 1)
        best, order = best.topk(min(k, best.shape[1]), largest=False)
        where = where.gather(1, order)
    return Nearest((best / query.shape[1]).sqrt().to(x.dtype), where)


def copied(found: Nearest, ratio: float = 1 / 3) -> Bool[Tensor, " b"]:
    """Whether an image is a copy: nearer to one training image than `ratio` times its distance to the next (yoon2023memorize)."""
    return found.distance[:, 0] < ratio * found.distance[:, 1]


def gaussian_information(eigenvalues: Float[Tensor, " r"], sigma: Float[Tensor, " s"]) -> Float[Tensor, " s"]:
    """Mutual information in nats between a Gaussian x with these covariance eigenvalues and y = x + sigma z.

        I(sigma) = 1/2 sum_k log(1 + lambda_k / sigma^2)

    Of all laws with this covariance the Gaussian has the most, so this bounds what y tells of any x.
    """
    return torch.log1p(eigenvalues / sigma.double()[:, None] ** 2).sum(1) / 2
