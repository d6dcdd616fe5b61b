"""How a network hears the noise level, and what every network refuses."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

FREQUENCIES = 16  # of the noise coordinate, from LOWEST to HIGHEST radians per unit
LOWEST, HIGHEST = 0.5, 32.0


class NoiseEmbedding(nn.Module):
    """Features of the noise coordinate: sines and cosines at fixed frequencies, then two layers.

    Not conditioned, it hears 0 whatever the noise is: the features are then learned constants, and the network is blind.
    """

    frequencies: Tensor

    def __init__(self, features: int, conditioned: bool = True) -> None:
        super().__init__()
        self.conditioned = conditioned
        ratio = torch.linspace(0, 1, FREQUENCIES, dtype=torch.float64)
        self.register_buffer("frequencies", (LOWEST * (HIGHEST / LOWEST) ** ratio).float(), persistent=False)
        self.layers = nn.Sequential(nn.Linear(2 * FREQUENCIES, features), nn.SiLU(), nn.Linear(features, features), nn.SiLU())

    def forward(self, noise: Float[Tensor, " b"]) -> Float[Tensor, "b features"]:
        """The features of each sample's noise."""
        heard = noise if self.conditioned else torch.zeros_like(noise)
        angle = heard[:, None] * self.frequencies
        return self.layers(torch.cat([angle.sin(), angle.cos()], 1))


class Film(nn.Module):
    """h (1 + scale) + shift, one of each per channel, linear in the noise features; the identity at first.

    Without `shift` it only multiplies, and keeps a homogeneous network homogeneous.
    """

    def __init__(self, features: int, channels: int, shift: bool = True) -> None:
        super().__init__()
        self.linear = zero(nn.Linear(features, channels * (1 + shift)))
        self.shift = shift

    def forward(self, h: Float[Tensor, "b c *space"], features: Float[Tensor, "b f"]) -> Float[Tensor, "b c *space"]:
        """The modulated channels."""
        change = self.linear(features)
        change = change.reshape(*change.shape, *(1 for _ in h.shape[2:]))
        if not self.shift:
            return h * (1 + change)
        scale, shift = change.chunk(2, 1)
        return torch.addcmul(shift, h, 1 + scale)


def zero(layer: nn.Module) -> nn.Module:
    """The layer with all its parameters 0."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def check_shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """The shape (c, h, w) as plain integers; raises ValueError unless it is three numbers >= 1."""
    found = tuple(shape)
    if len(found) != 3 or not all(isinstance(n, int) and n >= 1 for n in found):
        raise ValueError(f"shape is {found}, expected (c, h, w) of the images, such as tuple(pool.shape[1:])")
    return found[0], found[1], found[2]


def check_sizes(**sizes: int) -> None:
    """Raise ValueError for a size of a network that is not a whole number >= 1."""
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ValueError(f"{name} is {size!r}, expected a whole number >= 1")


def check_batch(shape: tuple[int, int, int], y: Tensor, noise: Tensor) -> None:
    """Raise ValueError unless y is a batch of images of this shape and noise has one number for each."""
    if y.ndim != 4 or tuple(y.shape[1:]) != shape:
        raise ValueError(
            f"y has shape {tuple(y.shape)}, this network was made for (b, {', '.join(map(str, shape))}): "
            "build one for these images, or give it images of that shape"
        )
    if noise.shape != y.shape[:1]:
        raise ValueError(f"noise has shape {tuple(noise.shape)}, expected ({y.shape[0]},): one number per image")
