"""Agreement of two sets of images, image by image: the companion of `whence.stats.agreement`, which pools all entries."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Agreement(NamedTuple):
    """R2, Pearson's r, r^2, cosine and mean squared error of each image, over all its channels and pixels; float64.

    `r2` is 1 - SSE / SST, SST about the mean of the target image over all its numbers; `pearson` is the cosine of the two images
    after each has lost that mean; `mse` is in squared pixel units. What a constant image leaves undefined is nan.
    """

    r2: Float[Tensor, "*b"]
    pearson: Float[Tensor, "*b"]
    pearson_squared: Float[Tensor, "*b"]
    cosine: Float[Tensor, "*b"]
    mse: Float[Tensor, "*b"]


def per_image(prediction: Float[Tensor, "*b c h w"], target: Float[Tensor, "*b c h w"]) -> Agreement:
    """How well each predicted image agrees with its target; take the mean or the median over images where a paper does.

    Pooling is another number: one mean for all images puts the differences between images into SST, so it is kinder.
    (The published R2 divides SST by n - 1 rather than n: 1 - R2 is smaller by 1 / n of itself, 3e-4 at 32 x 32 x 3.)
    Raises ValueError on unlike shapes, or for less than three axes.
    """
    if prediction.shape != target.shape or target.ndim < 3:
        raise ValueError(
            f"agreement of shapes {tuple(prediction.shape)} and {tuple(target.shape)}: expected the same, images as (c, h, w) last"
        )
    p, t = prediction.double().flatten(-3), target.double().flatten(-3)
    mse = (p - t).square().mean(-1)
    pearson = _cosine(_centred(p), _centred(t))
    variance = _centred(t).square().mean(-1)
    return Agreement(torch.where(variance > 0, 1 - mse / variance, torch.nan), pearson, pearson**2, _cosine(p, t), mse)


def _centred(a: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    constant = a.amax(-1, keepdim=True) == a.amin(-1, keepdim=True)  # the mean of equal numbers may be off by a rounding
    return torch.where(constant, 0.0, a - a.mean(-1, keepdim=True))


def _cosine(a: Float[Tensor, "*b d"], b: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
    norm = (a.square().sum(-1) * b.square().sum(-1)).sqrt()
    return torch.where(norm > 0, (a * b).sum(-1) / norm, torch.nan)
