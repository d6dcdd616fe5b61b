"""A pattern written into the covariance of images, far from anything that images or networks would suggest by themselves."""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from whence.seeds import stream

STROKES = ((0.08, 0.15), (0.29, 0.85), (0.5, 0.3), (0.71, 0.85), (0.92, 0.15))  # corners of a W, (column, row) of a unit square
SMALLEST = 8  # pixels a side: below, the strokes of the letter run into each other


def pattern(size: int) -> Float[Tensor, "size size"]:
    """A letter W of size x size pixels: one positive value on its strokes, 0 elsewhere, norm 1, its own mirror image; float64.

    Raises ValueError below 8 x 8 pixels.
    """
    if size < SMALLEST:
        raise ValueError(f"a W of {size} x {size} pixels: expected at least {SMALLEST} x {SMALLEST}, smaller strokes are none")
    centre = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    place = torch.stack(torch.meshgrid(centre, centre, indexing="xy"), -1)
    corners = torch.tensor(STROKES, dtype=torch.float64)
    away = torch.stack([_distance(place, a, b) for a, b in pairwise(corners)]).amin(0) * size
    ink = (away <= max(0.61, 0.045 * size) + 1e-9).double()
    ink = torch.maximum(ink, ink.flip(1))  # rounding decides pixels that lie on the rim: alike on both sides
    return ink / ink.norm()


def write_pattern(
    images: Float[Tensor, "n c h w"], pattern: Float[Tensor, "h w"], strength: float, seed: int
) -> Float[Tensor, "n c h w"]:
    """x + a xi w: a pattern w in every image, at random strength and sign, xi ~ N(0, 1) from the stream (seed, "pattern").

    One xi serves all channels of an image, so the covariance of the pixels gains a^2 v v^T, v being w repeated over the channels
    (|v|^2 = c |w|^2), and nothing else that two moments see; the mean stays. The first images of a longer pool get the xi that
    they get alone. Pixels may leave [-1, 1]. Same dtype and device as the images.
    Raises ValueError when the pattern has another shape than the images, or for a strength below 0 or not finite.
    """
    if pattern.shape != images.shape[-2:]:
        raise ValueError(
            f"a pattern of shape {tuple(pattern.shape)} on images of shape {tuple(images.shape)}: expected "
            f"{tuple(images.shape[-2:])}, as pattern({images.shape[-1]}) gives for square images"
        )
    if not 0 <= strength < float("inf"):
        raise ValueError(f"strength is {strength}, expected a finite number >= 0: the standard deviation of w's coefficient")
    generator = stream(seed, "pattern")
    xi = torch.empty(len(images), 1, 1, 1, dtype=torch.float64)
    for one in xi:  # one by one: randn does not give a prefix of a longer draw for every length
        one.normal_(generator=generator)
    return images + (strength * xi * pattern.double().cpu()).to(images)


def _distance(place: Float[Tensor, "h w 2"], start: Float[Tensor, " 2"], end: Float[Tensor, " 2"]) -> Float[Tensor, "h w"]:
    """From every place to the nearest point of a segment."""
    along = end - start
    share = (((place - start) @ along) / (along @ along)).clamp(0, 1)
    return (place - start - share[..., None] * along).norm(dim=-1)
