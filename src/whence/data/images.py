"""Images of any registered data set, by one call: what a notebook with a parameter `dataset` needs."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d

from whence.data.entries import Dataset
from whence.data.fields import power_law
from whence.data.photos import crops, scale
from whence.data.registry import arrays, dataset
from whence.seeds import stream

FIELD_EXPONENT, FIELD_DEVIATION = 2.0, 0.5


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
        return crops(split, n, entry.shape[0] if size is None else size, generator, grey)
    if entry.format == "fields":
        side = entry.shape[0] if size is None else size
        return (FIELD_DEVIATION * power_law(n, side, FIELD_EXPONENT, generator)).to(torch.float32)
    block = _block(entry, size)
    images = scale(_subset(entry, split, n, generator), entry.white, grey)
    return avg_pool2d(images, block) if block > 1 else images


def _subset(entry: Dataset, split: str, n: int, generator: Generator) -> Tensor:
    count = entry.split(split).count
    if n > count:
        raise ValueError(f"{n} images asked of {entry.name!r} {split!r}, which holds {count}: draw at most {count}")
    chosen = torch.randperm(count, generator=generator)[:n]
    return torch.from_numpy(arrays(entry.name, split)[0][chosen.numpy()]).permute(0, 3, 1, 2).contiguous()


def _block(entry: Dataset, size: int | None) -> int:
    """How many pixels a side are averaged into one; only whole blocks, so that no pixel counts more than another."""
    side = entry.shape[0]
    if size is None:
        return 1
    if not 1 <= size <= side or side % size:
        sizes = [s for s in range(1, side + 1) if side % s == 0]
        raise ValueError(f"size {size} of {entry.name!r}, whose images are {side} x {side}: expected one of {sizes}")
    return side // size
