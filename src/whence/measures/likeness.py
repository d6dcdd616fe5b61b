"""How alike two images are whatever their mean level: correlation over pixels, also with the nearest of a pool."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize


class MostAlike(NamedTuple):
    """The image of a pool that correlates most with each x: the correlation, and its place in the pool."""

    correlation: Float[Tensor, " b"]
    place: Int[Tensor, " b"]


def likeness(a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """Correlation over pixels of each image of a with the same of b, from -1 to 1, each without its mean; 0 for a flat image.

    Raises ValueError when the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"likeness of images of shapes {tuple(a.shape)} and {tuple(b.shape)}: expected the same, pair by pair")
    return (_unit(a) * _unit(b)).sum(1)


def most_alike(x: Float[Tensor, "b c h w"], pool: Float[Tensor, "n c h w"], chunk: int = 8192) -> MostAlike:
    """The image of the pool that correlates most with each x, exactly; `chunk` images at a time change nothing.

    Raises ValueError for an empty pool or images of another shape.
    """
    if not len(pool) or x.shape[1:] != pool.shape[1:]:
        raise ValueError(f"images of shape {tuple(x.shape)} among {tuple(pool.shape)}: expected a pool of images of the same shape")
    unit = _unit(x)
    tables = [(unit @ _unit(part).T).max(1) for part in pool.split(chunk)]
    best, first = torch.stack([table.values for table in tables], 1).max(1)
    places = torch.stack([table.indices for table in tables], 1).gather(1, first[:, None])[:, 0]
    return MostAlike(best, places + first * chunk)


def _unit(images: Tensor) -> Tensor:
    """Each image without its mean, of norm 1, flat; what rounding leaves of a flat image counts as nothing."""
    flat = images.flatten(1)
    centred = flat - flat.mean(1, keepdim=True)
    rounding = 8 * torch.finfo(flat.dtype).eps * flat.abs().amax(1, keepdim=True)
    return normalize(torch.where(centred.abs().amax(1, keepdim=True) > rounding, centred, 0), dim=1)
