"""A convolutional network that looks at several scales: residual blocks on the way down, and up again beside what was seen."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu, silu

from whence.nets.embed import Film, NoiseEmbedding, check_batch, check_shape, check_sizes, zero

GROUPS = 8  # of channels that are normalised together, or fewer where that does not divide them


class UNet(nn.Module):
    """A UNet without attention (after ho2020ddpm): two residual blocks a scale, four at the coarsest.

    Scale i has `width * multipliers[i]` channels; 2 x 2 averages lead down, nearest neighbours up. The default has 0.8 million
    parameters for images of 3 x 32 x 32. Its last layer starts at 0, so that F = 0 before training.
    `norm` normalises groups of channels. `bias=False` leaves no additive constant: no normalisation, ReLU, and the noise only
    multiplies, so F(a y) = a F(y) for a > 0. `conditioned=False` is blind to the noise.
    Raises ValueError for sizes that the scales do not divide.
    """

    VERSION: ClassVar[int] = 1
    seed: int | None = None

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        width: int = 32,
        multipliers: tuple[int, ...] = (1, 2, 2),
        norm: bool = True,
        bias: bool = True,
        conditioned: bool = True,
    ) -> None:
        super().__init__()
        self.shape = check_shape(shape)
        self.options = {
            "width": width,
            "multipliers": tuple(multipliers),
            "norm": norm and bias,
            "bias": bias,
            "conditioned": conditioned,
        }
        check_sizes(width=width, **{f"multipliers[{i}]": m for i, m in enumerate(multipliers)})
        _check_scales(self.shape, len(multipliers))
        features, c, norm = 2 * width, self.shape[0], norm and bias
        channels = [width * m for m in multipliers]
        self.noise = NoiseEmbedding(features, conditioned)
        self.first = nn.Conv2d(c, width, 3, padding=1, bias=bias)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for before, here in zip([width, *channels], channels, strict=False):
            self.down.append(Pair(before, here, features, norm, bias))
        self.middle = Pair(channels[-1], channels[-1], features, norm, bias)
        for here, below in zip(channels[-2::-1], channels[:0:-1], strict=True):
            self.up.append(Pair(below + here, here, features, norm, bias))
        self.norm = _norm(channels[0], norm)
        self.last = zero(nn.Conv2d(channels[0], c, 3, padding=1, bias=bias))
        self.act = silu if bias else relu

    def forward(self, y: Float[Tensor, "b c h w"], noise: Float[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
        """F(y; noise)."""
        check_batch(self.shape, y, noise)
        features, seen = self.noise(noise), []
        h = self.first(y)
        for pair in self.down[:-1]:
            h = pair(h, features)
            seen.append(h)
            h = avg_pool2d(h, 2)
        h = self.middle(self.down[-1](h, features), features)
        for pair in self.up:
            h = pair(torch.cat([interpolate(h, scale_factor=2, mode="nearest"), seen.pop()], 1), features)
        return self.last(self.act(self.norm(h)))


class Block(nn.Module):
    """h + conv(act(film(norm(conv(act(norm(h))))))): the identity (or a 1 x 1 convolution) at first."""

    def __init__(self, before: int, after: int, features: int, norm: bool, bias: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = _norm(before, norm), _norm(after, norm)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1, bias=bias)
        self.conv2 = zero(nn.Conv2d(after, after, 3, padding=1, bias=bias))
        self.film = Film(features, after, shift=bias)
        self.skip = nn.Conv2d(before, after, 1, bias=bias) if before != after else nn.Identity()
        self.act = silu if bias else relu

    def forward(self, h: Float[Tensor, "b c h w"], features: Float[Tensor, "b f"]) -> Float[Tensor, "b d h w"]:
        """The block's answer."""
        inner = self.film(self.norm2(self.conv1(self.act(self.norm1(h)))), features)
        return self.skip(h) + self.conv2(self.act(inner))


class Pair(nn.Module):
    """Two blocks in a row."""

    def __init__(self, before: int, after: int, features: int, norm: bool, bias: bool) -> None:
        super().__init__()
        self.one = Block(before, after, features, norm, bias)
        self.two = Block(after, after, features, norm, bias)

    def forward(self, h: Float[Tensor, "b c h w"], features: Float[Tensor, "b f"]) -> Float[Tensor, "b d h w"]:
        """The second block's answer to the first's."""
        return self.two(self.one(h, features), features)


def _norm(channels: int, norm: bool) -> nn.Module:
    return nn.GroupNorm(math.gcd(GROUPS, channels), channels) if norm else nn.Identity()


def _check_scales(shape: tuple[int, int, int], scales: int) -> None:
    block = 2 ** (scales - 1)
    if scales < 1 or shape[1] % block or shape[2] % block:
        raise ValueError(
            f"images of {shape[1]} x {shape[2]} pixels, expected both divisible by {block}: {scales} multipliers halve the image "
            f"{scales - 1} times; take fewer multipliers, or images of another size"
        )
