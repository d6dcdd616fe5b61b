"""How alike two sensitivity fields are, and how much of one is the pixel itself."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def row_likeness(found: Float[Tensor, "q h w"], wanted: Float[Tensor, "q h w"], pixels: Int[Tensor, "q 2"]) -> Float[Tensor, " q"]:
    """Pearson's r, over the input pixels, of what two rows say of each output pixel, the pixel itself left out; float64.

    A pixel hears itself the most whatever the data: with it, any two rows are alike. Signed rows, such as means of
    `jacobian_rows`, or differences of two; a row that is constant elsewhere gives nan.
    Raises ValueError for rows of unlike shapes, or when there is not one for each pixel.
    """
    if found.shape != wanted.shape or len(pixels) != len(found):
        raise ValueError(
            f"rows of shapes {tuple(found.shape)} and {tuple(wanted.shape)} of {len(pixels)} pixels: expected one row (h, w) "
            "of each for every pixel"
        )
    others = ~itself(found, pixels)
    a, b = (rows.double().masked_fill(~others, 0).flatten(1) for rows in (found, wanted))
    n = others[0].sum()
    a, b = (torch.where(others.flatten(1), rows - rows.sum(1, keepdim=True) / n, 0) for rows in (a, b))
    return (a * b).sum(1) / (a.square().sum(1) * b.square().sum(1)).sqrt()


def own_share(fields: Float[Tensor, "q h w"], pixels: Int[Tensor, "q 2"]) -> Float[Tensor, " q"]:
    """The share of each field's mass that lies on the output pixel itself: 1 where a denoiser treats every pixel alone."""
    return fields.masked_fill(~itself(fields, pixels), 0).sum((1, 2)) / fields.sum((1, 2))


def itself(fields: Float[Tensor, "q h w"], pixels: Int[Tensor, "q 2"]) -> Bool[Tensor, "q h w"]:
    """True at each field's own output pixel (row, column)."""
    mine = torch.zeros_like(fields, dtype=torch.bool)
    mine[torch.arange(len(pixels)), pixels[:, 0], pixels[:, 1]] = True
    return mine
