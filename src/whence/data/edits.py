"""Edits that leave some property of images alone and remove another."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.seeds import stream


def permutation(size: int, seed: int) -> Int[Tensor, " pixels"]:
    """A random order of the size x size pixel positions, by the stream (seed, "permutation", size)."""
    return torch.randperm(size * size, generator=stream(seed, "permutation", size))


def permute(images: Float[Tensor, "b c h w"], order: Int[Tensor, " pixels"]) -> Float[Tensor, "b c h w"]:
    """The same rearrangement of pixel positions in every image and channel: the new pixel i is the old pixel order[i].

    Raises ValueError when `order` is not a permutation of the pixels of these images.
    """
    pixels = images.shape[-2] * images.shape[-1]
    if order.shape != (pixels,) or not torch.equal(order.sort().values, torch.arange(pixels, device=order.device)):
        raise ValueError(
            f"order of shape {tuple(order.shape)} for images of shape {tuple(images.shape)}: expected each of the {pixels} pixel "
            f"positions once, as permutation({images.shape[-1]}, seed) gives"
        )
    return images.flatten(-2)[..., order.to(images.device)].reshape(images.shape)


def inverse(order: Int[Tensor, " pixels"]) -> Int[Tensor, " pixels"]:
    """The permutation that undoes `order`: permute(permute(x, order), inverse(order)) is x."""
    return torch.argsort(order)


def remove_mean(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Each image without its own mean level, channel by channel."""
    return images - images.mean((-2, -1), keepdim=True)
