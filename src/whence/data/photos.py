"""Crops of the photographs that come with scikit-image and scikit-learn: images to work on without a network.

Each photograph is cut across its longer side into one band for each split, at multiples of 16 pixels, so that the bands share
neither a pixel nor a JPEG block. Known limits: there are seven scenes, so crops of one split overlap (ten thousand crops are far
from ten thousand independent images), and neighbouring bands show the same scene; JPEG compression and the demosaicing of the
camera have smoothed the finest scale, so a measured spectrum falls off near the pixel frequency; pixels are gamma-encoded.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Generator, Tensor

from whence.data.entries import Source, Split
from whence.data.registry import dataset
from whence.data.storage import packaged_file

BLOCK = 16  # the largest block of JPEG (with its colour at half resolution), in pixels
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def crops(
    split: str, n: int, size: int, generator: Generator, grey: bool = False, name: str = "photos"
) -> Float[Tensor, "n c size size"]:
    """n square crops of `size` pixels from a split's band of the photographs, float32 in [-1, 1]; one channel if grey, else three.

    `name` is a registered set of photographs: "photos" or "textures".
    Every possible position in every photograph is equally likely. With the same stream a shorter draw begins a longer one.
    Raises ValueError for an unknown split and for a size that does not fit into every band, with the largest that does.
    """
    bands = regions(split, name)
    largest = min(min(band.shape[:2]) for band in bands)
    if not 1 <= size <= largest:
        raise ValueError(
            f"crops of {size} x {size} from the {split!r} bands of the photographs: expected a size from 1 to {largest}"
        )
    return scale(windows(bands, n, size, generator), 255, grey)


def windows(bands: list[UInt8[np.ndarray, "h w 3"]], n: int, size: int, generator: Generator) -> UInt8[Tensor, "n 3 size size"]:
    """n square windows from images of any sizes, every possible position in every image equally likely; each must hold one."""
    views = [np.lib.stride_tricks.sliding_window_view(band, (size, size), axis=(0, 1)) for band in bands]
    ends = np.cumsum([w.shape[0] * w.shape[1] for w in views])
    position = torch.randint(int(ends[-1]), (n,), generator=generator).numpy()
    which = np.searchsorted(ends, position, side="right")
    chosen = np.empty((n, bands[0].shape[2], size, size), np.uint8)
    for i, (view, end) in enumerate(zip(views, ends, strict=True)):
        mine = which == i
        row, column = np.divmod(position[mine] - (end - view.shape[0] * view.shape[1]), view.shape[1])
        chosen[mine] = view[row, column]
    return torch.from_numpy(chosen)


def regions(split: str, name: str = "photos") -> list[UInt8[np.ndarray, "h w 3"]]:
    """The band of each photograph that belongs to a split, in the registry's order. Raises DataError for a damaged photograph."""
    entry = dataset(name)
    return [_band(_photograph(source), entry.split(split)) for source in entry.sources]


def scale(images: UInt8[Tensor, "n c h w"], white: int, grey: bool) -> Float[Tensor, "n k h w"]:
    """Stored values 0..white to float32 in [-1, 1]; grey takes the luma 0.299 R + 0.587 G + 0.114 B first, without rounding it."""
    values = images.to(torch.float32)
    if grey and values.shape[1] == 3:
        values = torch.einsum("nchw,c->nhw", values, torch.tensor(LUMA))[:, None]
    return (values * (2 / white) - 1).clamp_(-1, 1)  # rounding may leave a white luma 1e-7 beyond


def _band(photograph: np.ndarray, split: Split) -> np.ndarray:
    axis = int(photograph.shape[1] >= photograph.shape[0])
    length = photograph.shape[axis]
    start, stop = (length if percent == 100 else length * percent // 100 // BLOCK * BLOCK for percent in (split.start, split.stop))
    return photograph[:, start:stop] if axis else photograph[start:stop]


@cache
def _photograph(source: Source) -> np.ndarray:
    with Image.open(packaged_file(source)) as image:
        pixels = np.array(image.convert("RGB"))
    pixels.flags.writeable = False
    return pixels
