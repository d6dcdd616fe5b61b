"""A network that can do nothing but what is affine in its input: what it learns owes nothing to convolution or nonlinearity."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from whence.nets.embed import Film, NoiseEmbedding, check_batch, check_shape, check_sizes, zero


class Linear(nn.Module):
    """An affine map at every noise level: into `rank` directions, each with a gain that depends on the noise, and out again.

        F(y; noise) = V diag(g(noise)) U y + b(noise)

    With full rank (None, the default: as many as there are pixels and channels) this can be the Wiener filter of any data. Gains
    and b are learned functions of the noise; V and b start at 0, so that F = 0 before training. `bias=False` leaves out b: F is
    linear. `conditioned=False` is blind: one affine map for all noise levels.
    """

    VERSION: ClassVar[int] = 1
    seed: int | None = None

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        rank: int | None = None,
        bias: bool = True,
        conditioned: bool = True,
        features: int = 64,
    ) -> None:
        super().__init__()
        self.shape = check_shape(shape)
        self.options: dict[str, Any] = {"rank": rank, "bias": bias, "conditioned": conditioned, "features": features}
        size = math.prod(self.shape)
        rank = size if rank is None else rank
        check_sizes(rank=rank, features=features)
        self.noise = NoiseEmbedding(features, conditioned)
        self.into = nn.Linear(size, rank, bias=False)
        self.gain = Film(features, rank, shift=False)
        self.out = zero(nn.Linear(rank, size, bias=False))
        self.constant = zero(nn.Linear(features, size)) if bias else None

    def forward(self, y: Float[Tensor, "b c h w"], noise: Float[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
        """F(y; noise)."""
        check_batch(self.shape, y, noise)
        features = self.noise(noise)
        answer = self.out(self.gain(self.into(y.flatten(1)), features))
        if self.constant is not None:
            answer = answer + self.constant(features)
        return answer.reshape(y.shape)
