"""Bases of image space against each other: how few of their vectors hold an image, and how their frequencies are ordered."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from whence.measures.jacobian import mean_frequency


def energy_held(basis: Float[Tensor, "b k d"] | Float[Tensor, "k d"], images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
    """The share of each image's energy |x|^2 that lies in the first 1, 2, ... k vectors of an orthonormal basis, in float64.

    The basis is one for all images, or one of each; its vectors are rows. Raises ValueError when they have another length than
    the images have pixels.
    """
    flat = images.flatten(1).double()
    if basis.shape[-1] != flat.shape[1]:
        raise ValueError(f"a basis of shape {tuple(basis.shape)} for images of {flat.shape[1]} numbers: expected vectors as rows")
    along = torch.einsum("...kd,...d->...k", basis.double(), flat)
    return along.square().cumsum(-1) / flat.square().sum(1, keepdim=True)


def cosine_basis(pool: Float[Tensor, "n c h w"]) -> Float[Tensor, "d d"]:
    """The cosine transform (DCT-II) of one-channel images: orthonormal rows, the one with most energy on the pool first.

    Fixed waves in the best fixed order. Raises ValueError for images of more than one channel.
    """
    _, c, h, w = pool.shape
    if c != 1:
        raise ValueError(f"a pool of shape {tuple(pool.shape)}: expected one channel")
    waves = torch.kron(_cosines(h), _cosines(w)).to(pool.device)
    energy = (pool.flatten(1).double() @ waves.T).square().mean(0)
    return waves[energy.argsort(descending=True)]


def frequency_order(basis: Float[Tensor, "k c h w"]) -> float:
    """Rank correlation (Spearman) of the vectors' mean frequency with their place: 1 where each is faster than the one before.

    Raises ValueError for fewer than two vectors, which have no order.
    """
    if len(basis) < 2:
        raise ValueError(f"the order of {len(basis)} vectors: expected at least two")
    rank = mean_frequency(basis).argsort().argsort().double()
    place = torch.arange(len(rank)).to(rank)
    return float(torch.corrcoef(torch.stack([rank, place]))[0, 1])


def _cosines(n: int) -> Float[Tensor, "n n"]:
    """The n cosines of n points as rows, the slowest first, orthonormal."""
    k, at = torch.arange(n, dtype=torch.float64)[:, None], torch.arange(n, dtype=torch.float64) + 0.5
    waves = (math.pi / n * k * at).cos() * math.sqrt(2 / n)
    return torch.cat([waves[:1] / math.sqrt(2), waves[1:]])
