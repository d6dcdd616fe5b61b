"""A network that does not know where its pixels are: every one is connected to all, so a shuffled image is as good as any."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu, silu

from whence.nets.embed import Film, NoiseEmbedding, check_batch, check_shape, check_sizes, zero


class MLP(nn.Module):
    """A multilayer perceptron: `depth` hidden layers of `width` units, each scaled and shifted by the noise.

    The last layer starts at 0, so that F = 0 before training. `bias=False` leaves no additive constant: ReLU, and the noise only
    multiplies, so F(a y) = a F(y) for a > 0. `conditioned=False` is blind to the noise.
    """

    VERSION: ClassVar[int] = 1
    seed: int | None = None

    def __init__(
        self, shape: tuple[int, int, int], *, width: int = 256, depth: int = 2, bias: bool = True, conditioned: bool = True
    ) -> None:
        super().__init__()
        self.shape = check_shape(shape)
        self.options: dict[str, Any] = {"width": width, "depth": depth, "bias": bias, "conditioned": conditioned}
        check_sizes(width=width, depth=depth)
        size, features = math.prod(self.shape), max(64, width // 4)
        self.noise = NoiseEmbedding(features, conditioned)
        self.layers = nn.ModuleList(nn.Linear(size if i == 0 else width, width, bias=bias) for i in range(depth))
        self.films = nn.ModuleList(Film(features, width, shift=bias) for _ in range(depth))
        self.last = zero(nn.Linear(width, size, bias=bias))
        self.act = silu if bias else relu

    def forward(self, y: Float[Tensor, "b c h w"], noise: Float[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
        """F(y; noise)."""
        check_batch(self.shape, y, noise)
        features, h = self.noise(noise), y.flatten(1)
        for layer, film in zip(self.layers, self.films, strict=True):
            h = self.act(film(layer(h), features))
        return self.last(h).reshape(y.shape)
