"""Images of any registered data set, by one call: what a notebook with a parameter `dataset` needs."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d

from whence.data.entries import Dataset
from whence.data.fields import power_law
from whence.data.photos import crops, scale
from whence.data.registry import arrays, dataset
from whence.seeds import stream

FIELD_EXPONENT, FIELD_DEVIATION = 2.0, 0.5


class Labelled(NamedTuple):
    """Images in [-1, 1] and their classes as the data set numbers them."""

    x: Float[Tensor, "n c h w"]
    y: Int[Tensor, " n"]


def draw(name: str, split: str, n: int, seed: int, size: int | None = None, grey: bool = False) -> Float[Tensor, "n c h w"]:
    """n images of a split by the stream (seed, "data", name, split), float32 in [-1, 1]; a shorter draw begins a longer one.

    Photographs give random crops of `size` (32 when None); fields give a = 2 fields of `size` (32), pixel standard deviation 1/2,
    which alone are not confined to [-1, 1]. Stored sets give images in random order, none twice, at their own size or, where `size`
    divides it, averaged over whole blocks of pixels. Grey takes the luma of colour images and changes nothing else.
    Raises ValueError when the split holds fewer than n images or for a size there is not, DataError when the data are not here.
    """
    entry = dataset(name)
    entry.split(split)
    if n < 1:
        raise ValueError(f"{n} images of {name!r}: expected at least 1")
    generator = stream(seed, "data", name, split)
    if entry.format == "photographs":
        return crops(split, n, entry.shape[0] if size is None else size, generator, grey, name)
    if entry.format == "fields":
        side = entry.shape[0] if size is None else size
        return (FIELD_DEVIATION * power_law(n, side, FIELD_EXPONENT, generator)).to(torch.float32)
    return stored(name, split, _chosen(entry, split, n, generator), size, grey).x


def draw_labelled(name: str, split: str, n: int, seed: int, size: int | None = None, grey: bool = False) -> Labelled:
    """The images that `draw` gives, with their labels.

    Raises as `draw` does, and ValueError for a set without labels (photographs, fields).
    """
    entry = dataset(name)
    entry.split(split)
    if n < 1:
        raise ValueError(f"{n} images of {name!r}: expected at least 1")
    if not entry.arrays:
        raise ValueError(f"images of {name!r} have no labels: expected a set of stored images, such as 'digits'")
    return stored(name, split, _chosen(entry, split, n, stream(seed, "data", name, split)), size, grey)


def stored(name: str, split: str, places: Int[Tensor, " n"], size: int | None = None, grey: bool = False) -> Labelled:
    """The images at these places of a split of a stored set, in [-1, 1], with their labels; size and grey as for `draw`."""
    entry = dataset(name)
    block = _block(entry, size)
    images, labels = arrays(name, split)
    chosen = torch.from_numpy(images[places.numpy()]).permute(0, 3, 1, 2).contiguous()
    x = scale(chosen, entry.white, grey)
    return Labelled(avg_pool2d(x, block) if block > 1 else x, torch.from_numpy(labels[places.numpy()]).long())


def _chosen(entry: Dataset, split: str, n: int, generator: Generator) -> Int[Tensor, " n"]:
    count = entry.split(split).count
    if n > count:
        raise ValueError(f"{n} images asked of {entry.name!r} {split!r}, which holds {count}: draw at most {count}")
    return torch.randperm(count, generator=generator)[:n]


def _block(entry: Dataset, size: int | None) -> int:
    """How many pixels a side are averaged into one; only whole blocks, so that no pixel counts more than another."""
    side = entry.shape[0]
    if size is None:
        return 1
    if not 1 <= size <= side or side % size:
        sizes = [s for s in range(1, side + 1) if side % s == 0]
        raise ValueError(f"size {size} of {entry.name!r}, whose images are {side} x {side}: expected one of {sizes}")
    return side // size
