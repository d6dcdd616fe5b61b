"""Two sets of training images that have no pixel in common, for two networks that must not have seen the same thing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from torch import Tensor

from whence.data.images import draw
from whence.data.photos import BLOCK, regions, scale, windows
from whence.data.registry import dataset
from whence.seeds import stream


def half(name: str, which: int, n: int, seed: int, size: int | None = None, grey: bool = False) -> Float[Tensor, "n c h w"]:
    """n images of half 0 or 1 of the training split, float32 in [-1, 1]; a shorter draw begins a longer one.

    Of a stored set or of fields, every other image that `whence.data.images.draw` gives: none is in both halves. Photographs are
    cut into stripes, alternately of one half and the other, at least twice as wide as a crop: crops of the two halves come from the
    same scenes and share no pixel. Raises as `draw` does, and ValueError for another half than 0 and 1.
    """
    if which not in (0, 1):
        raise ValueError(f"half {which!r}: expected 0 or 1")
    entry = dataset(name)
    if entry.format != "photographs":
        return draw(name, "train", 2 * n, seed, size, grey)[which::2]
    side = entry.shape[0] if size is None else size
    striped = [stripe for band in regions("train", name) for stripe in stripes(band, side)[which::2]]
    return scale(windows(striped, n, side, stream(seed, "data", name, "half", which)), 255, grey)


def stripes(band: np.ndarray, size: int) -> list[np.ndarray]:
    """A band cut across its longer side every 2 `size` pixels, rounded up to whole blocks of JPEG, less a last bit too narrow."""
    axis = int(band.shape[1] > band.shape[0])
    wide = -(-2 * size // BLOCK) * BLOCK
    parts = np.split(band, range(wide, band.shape[axis], wide), axis)
    return [part for part in parts if part.shape[axis] >= size]


def with_contrast(source: Callable[[int], Float[Tensor, "m c h w"]], n: int, contrast: float) -> Float[Tensor, "n c h w"]:
    """The first n images of a source whose pixels have a standard deviation of at least `contrast`.

    `source(m)` gives m images, a shorter draw beginning a longer one. Likeness of two images without their mean levels means
    nothing where next to nothing is left, as in crops of the sky. Raises ValueError when fewer than one in a hundred has enough,
    and what the source raises when it holds too few.
    """
    m = n
    while True:
        images = source(m)
        kept = images[images.flatten(1).std(1, correction=0) >= contrast]
        if len(kept) >= n:
            return kept[:n]
        if m >= 100 * n:
            raise ValueError(
                f"{len(kept)} of {m} images have a deviation of {contrast} or more, {n} are needed: ask for less contrast"
            )
        m = min(100 * n, int(1.05 * m * n / max(len(kept), n / 100)) + 8)
