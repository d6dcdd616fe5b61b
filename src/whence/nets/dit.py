"""A transformer on patches: every patch may attend to every other, and nothing but fixed positions says which are near."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu, pixel_shuffle

from whence.nets.attention import check_patch, merge, patches, scores, split
from whence.nets.embed import NoiseEmbedding, check_batch, check_shape, check_sizes, zero


class DiT(nn.Module):
    """A diffusion transformer: `depth` blocks of attention and a two-layer network on patches of `patch` x `patch` pixels.

    The noise shifts, scales and gates every branch, and every gate starts at 0 (adaLN-Zero), as does the last layer: F = 0 before
    training. Positions are fixed sines and cosines of row and column. `conditioned=False` is blind to the noise. Normalised
    tokens do not scale with the image, so there is no version without additive constants.
    Raises ValueError for `bias=False`, a patch that does not divide the image, heads that do not divide the width, or a width that
    4 does not divide.
    """

    VERSION: ClassVar[int] = 1
    seed: int | None = None
    positions: Tensor

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        patch: int = 2,
        width: int = 64,
        depth: int = 4,
        heads: int = 4,
        bias: bool = True,
        conditioned: bool = True,
    ) -> None:
        super().__init__()
        self.shape = check_shape(shape)
        self.options: dict[str, Any] = {
            "patch": patch,
            "width": width,
            "depth": depth,
            "heads": heads,
            "bias": bias,
            "conditioned": conditioned,
        }
        check_sizes(patch=patch, width=width, depth=depth, heads=heads)
        _check(self.shape, patch, width, heads, bias)
        c, h, w = self.shape
        self.noise = NoiseEmbedding(width, conditioned)
        self.first = nn.Linear(c * patch**2, width)
        self.register_buffer("positions", positions(h // patch, w // patch, width), persistent=False)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.modulation = zero(nn.Linear(width, 2 * width))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.last = zero(nn.Linear(width, c * patch**2))

    def forward(self, y: Float[Tensor, "b c h w"], noise: Float[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
        """F(y; noise)."""
        check_batch(self.shape, y, noise)
        patch, features = self.options["patch"], self.noise(noise)
        tokens = self.first(patches(y, patch)) + self.positions
        for block in self.blocks:
            tokens = block(tokens, features)
        scale, shift = self.modulation(features)[:, None].chunk(2, -1)
        answer = self.last(self.norm(tokens) * (1 + scale) + shift)
        grid = (y.shape[-2] // patch, y.shape[-1] // patch)
        return pixel_shuffle(answer.transpose(1, 2).unflatten(2, grid), patch)


class Block(nn.Module):
    """Attention, then two layers on each token, both around a residual connection with a gate that starts closed."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.modulation = zero(nn.Linear(width, 6 * width))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, tokens: Float[Tensor, "b n d"], features: Float[Tensor, "b d"]) -> Float[Tensor, "b n d"]:
        """The tokens after the block."""
        scale1, shift1, gate1, scale2, shift2, gate2 = self.modulation(features)[:, None].chunk(6, -1)
        tokens = tokens + gate1 * self.attend(self.norm(tokens) * (1 + scale1) + shift1)
        inner = self.wide(self.norm(tokens) * (1 + scale2) + shift2)
        return tokens + gate2 * self.narrow(gelu(inner, approximate="tanh"))

    def attend(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """What each token gathers from all."""
        q, k, v = (split(t, self.heads) for t in self.qkv(tokens).chunk(3, -1))
        return self.out(merge(scores(q, k).softmax(-1) @ v))


def positions(rows: int, columns: int, width: int) -> Float[Tensor, "n width"]:
    """Sines and cosines of each token's row and column, at width / 4 frequencies from 1 down to 1 / 100 radians a token."""
    rate = 100 ** -torch.linspace(0, 1, width // 4, dtype=torch.float64)
    place = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).double()
    angle = (place[:, :, None] * rate).flatten(1)
    return torch.cat([angle.sin(), angle.cos()], 1).float()


def _check(shape: tuple[int, int, int], patch: int, width: int, heads: int, bias: bool) -> None:
    if not bias:
        raise ValueError(
            "bias is False, expected True: a transformer's normalisation forgets the image's scale; take another network"
        )
    check_patch(shape, patch)
    if width % heads or width % 4:
        raise ValueError(f"width is {width}, expected a multiple of heads ({heads}) and of 4")
