"""What stands behind a sprite or a digit: nothing, photographs, textures that come with scikit-image, or pieces of any images."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d

from whence.data.photos import regions, scale, windows
from whence.seeds import stream

TEXTURES = ("brick", "grass", "gravel")  # in the registry's order
BACKDROPS = ("none", "photos", "textures", *TEXTURES)
SEEN = 64  # pixels of a photograph that a backdrop shows, about, whatever its own size
AT_ONCE = 256


def backdrop(
    kind: str, n: int, side: int, seed: int, split: str = "train", contrast: float = 1.0
) -> Float[Tensor, "n 3 side side"]:
    """n backdrops of one kind, float32 in [-1, 1], by the stream (seed, "backdrop", split); a shorter draw begins a longer one.

    "none" is mid-grey, 0. Of photographs or textures a crop of about 64 pixels is averaged down to the side (of 64 and more: as it
    is), so that what is seen does not depend on the resolution. Textures have their mean level taken off: no texture is the
    brighter. "textures" are all three, each as often. `contrast` multiplies the deviation from mid-grey, in [0, 1].
    Raises ValueError for a kind there is not, or a contrast outside [0, 1], and as `whence.data.photos.crops` does.
    """
    if kind not in BACKDROPS or not 0 <= contrast <= 1:
        raise ValueError(f"backdrop {kind!r} of contrast {contrast}: expected one of {', '.join(BACKDROPS)}, and from 0 to 1")
    if kind == "none":
        return torch.zeros(n, 3, side, side)
    bands = regions(split, "photos" if kind == "photos" else "textures")
    chosen = [bands[TEXTURES.index(kind)]] if kind in TEXTURES else bands
    block, generator = max(1, SEEN // side), stream(seed, "backdrop", split)
    level = 0.0 if kind == "photos" else float(np.mean([band.mean() for band in chosen])) / 127.5 - 1
    found = torch.empty(n, 3, side, side)
    for part in found.split(AT_ONCE):
        crops = scale(windows(chosen, len(part), block * side, generator), 255, grey=False)
        part.copy_(contrast * (avg_pool2d(crops, block) - level).clamp(-1, 1))
    return found


def backdrops(
    kinds: tuple[str, ...], which: Int[Tensor, " n"], side: int, seed: int, split: str = "train", contrast: float = 1.0
) -> Float[Tensor, "n 3 side side"]:
    """For each image a backdrop of the kind kinds[which]: a background that can go with the label.

    Raises ValueError for a number that is no kind, and as `backdrop` does.
    """
    if not bool(((which >= 0) & (which < len(kinds))).all()):
        raise ValueError(f"backdrops {which.unique().tolist()} of {kinds}: expected numbers from 0 to {len(kinds) - 1}")
    found = torch.empty(len(which), 3, side, side)
    for k, kind in enumerate(kinds):
        if bool((mine := which == k).any()):
            found[mine] = backdrop(kind, len(which), side, seed, split, contrast)[mine]
    return found


def cut(images: Float[Tensor, "n c h w"], side: int, generator: Generator) -> Float[Tensor, "n c side side"]:
    """A square of each image, put where chance says and averaged down to the side: the largest that is whole pixels in each of its.

    Of 32 pixels to a side of 16 that is all of the image, to one of 12 a square of 24. Places are uniform; those of a shorter
    stack begin those of a longer one. Raises ValueError for a side below 1, or images that are smaller than it.
    """
    h, w = images.shape[-2:]
    if not 1 <= side <= min(h, w):
        raise ValueError(f"a piece of {side} x {side} of images of {h} x {w}: expected a side from 1 to {min(h, w)}")
    block = min(h, w) // side
    wide = block * side
    place = torch.rand(len(images), 2, generator=generator, dtype=torch.float64)
    top, left = (place * torch.tensor([h - wide + 1, w - wide + 1])).long().unbind(1)
    line, each = torch.arange(wide), torch.arange(len(images))[:, None, None]
    pieces = images[each, :, (top[:, None] + line)[:, :, None], (left[:, None] + line)[:, None, :]]
    return avg_pool2d(pieces.permute(0, 3, 1, 2), block)
