"""Transformers on patches that classify: plain attention, and attention that may begin as a convolution and unlearn it."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu

from whence.nets.attention import DEVIATION, Content, Gated, check_heads, check_patch, patches
from whence.nets.embed import check_shape, check_sizes

POOLS = ("mean", "token")


class ViT(nn.Module):
    """A vision transformer (dosovitskiy2021vit): `depth` pre-norm blocks of attention and of two layers on patches of the image.

    Patches of `patch` x `patch` pixels become tokens by one linear map; a learned vector of each place is added unless `positions`
    is false: then no order of the patches is another. What is read at the end is the normalised tokens' mean, or, with
    `pool="token"`, a token of its own. Linear maps have torch's own first weights.
    Raises ValueError for another shape or pool, sizes below 1, a patch that does not divide the image, or heads that do not divide
    the width.
    """

    VERSION: ClassVar[int] = 1
    seed: int | None = None

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        outputs: int = 2,
        patch: int = 4,
        width: int = 32,
        depth: int = 2,
        heads: int = 4,
        pool: str = "mean",
        positions: bool = True,
    ) -> None:
        super().__init__()
        self.shape = check_shape(shape)
        self.options: dict[str, Any] = {
            "outputs": outputs,
            "patch": patch,
            "width": width,
            "depth": depth,
            "heads": heads,
            "pool": pool,
            "positions": positions,
        }
        check_sizes(outputs=outputs, patch=patch, width=width, depth=depth, heads=heads)
        if pool not in POOLS:
            raise ValueError(f"pool is {pool!r}, expected one of {', '.join(POOLS)}")
        check_patch(self.shape, patch)
        check_heads(width, heads)
        blocks = [Block(width, Content(width, heads)) for _ in range(depth)]
        self.trunk = Trunk(self.shape, patch, width, blocks, positions, 0 if pool == "token" else None)
        self.last = nn.Linear(width, outputs)

    def features(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b f"]:
        """The normalised tokens' mean, or the class token, (b, width)."""
        return self.trunk(x)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """The outputs, (b, outputs): logits, not probabilities."""
        return self.last(self.features(x))


class GatedViT(nn.Module):
    """A `ViT` whose first `depth - plain` blocks attend by content and by place, each head with a gate between (dascoli2021convit).

    With lambda = `gate` at first and v_pos at the convolution of strength `alpha` (see `Gated`), heads begin as the pixels of a
    square kernel of patches and are free to leave it. `convolutional=False` draws v_pos, and the values' map, at random instead.
    A class token joins after the last gated block. The learned vector of each place is the same as in a `ViT`.
    Raises ValueError as `ViT` does, for heads that are no square number, an alpha that is not >= 0, a `plain` outside 0..depth, and
    a class token without a plain block to hear it.
    """

    VERSION: ClassVar[int] = 1
    seed: int | None = None

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        outputs: int = 2,
        patch: int = 4,
        width: int = 32,
        depth: int = 2,
        heads: int = 4,
        pool: str = "mean",
        positions: bool = True,
        plain: int = 0,
        alpha: float = 1.0,
        gate: float = 1.0,
        convolutional: bool = True,
    ) -> None:
        super().__init__()
        self.shape = check_shape(shape)
        self.options: dict[str, Any] = {
            "outputs": outputs,
            "patch": patch,
            "width": width,
            "depth": depth,
            "heads": heads,
            "pool": pool,
            "positions": positions,
            "plain": plain,
            "alpha": alpha,
            "gate": gate,
            "convolutional": convolutional,
        }
        check_sizes(outputs=outputs, patch=patch, width=width, depth=depth, heads=heads)
        check_patch(self.shape, patch)
        check_heads(width, heads)
        _check_gated(heads, alpha, depth, plain, pool)
        grid = (self.shape[1] // patch, self.shape[2] // patch)
        gated = [Block(width, Gated(width, heads, grid, alpha, gate, convolutional)) for _ in range(depth - plain)]
        blocks = gated + [Block(width, Content(width, heads)) for _ in range(plain)]
        self.trunk = Trunk(self.shape, patch, width, blocks, positions, depth - plain if pool == "token" else None)
        self.last = nn.Linear(width, outputs)

    def features(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b f"]:
        """The normalised tokens' mean, or the class token, (b, width)."""
        return self.trunk(x)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """The outputs, (b, outputs): logits, not probabilities."""
        return self.last(self.features(x))


class Trunk(nn.Module):
    """Patches to tokens, blocks on them, and one vector at the end; a class token joins before block number `joins`, if any."""

    def __init__(
        self, shape: tuple[int, int, int], patch: int, width: int, blocks: list[Block], positions: bool, joins: int | None
    ) -> None:
        super().__init__()
        self.shape, self.patch, self.joins = shape, patch, joins
        n = (shape[1] // patch) * (shape[2] // patch)
        self.first = nn.Linear(shape[0] * patch**2, width)
        self.places = nn.Parameter(DEVIATION * torch.randn(n, width)) if positions else None
        self.token = None if joins is None else nn.Parameter(DEVIATION * torch.randn(1, width))
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(width)

    def tokens(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b n d"]:
        """What the first block hears."""
        if x.ndim != 4 or tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"x has shape {tuple(x.shape)}, this network was made for (b, {', '.join(map(str, self.shape))})")
        tokens = self.first(patches(x, self.patch))
        return tokens if self.places is None else tokens + self.places

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
        """The mean of the normalised tokens, or the class token."""
        tokens = self.tokens(x)
        for i, block in enumerate(self.blocks):
            if i == self.joins and self.token is not None:
                tokens = torch.cat([self.token.expand(len(tokens), 1, -1), tokens], 1)
            tokens = block(tokens)
        tokens = self.norm(tokens)
        return tokens.mean(1) if self.token is None else tokens[:, 0]


class Block(nn.Module):
    """Attention, then two layers on each token, both of what was normalised first, and added to what there was."""

    def __init__(self, width: int, attention: Content | Gated) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attention = attention
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """The tokens after the block."""
        tokens = tokens + self.attention(self.norms[0](tokens))
        return tokens + self.narrow(gelu(self.wide(self.norms[1](tokens))))


def _check_gated(heads: int, alpha: float, depth: int, plain: int, pool: str) -> None:
    if math.isqrt(heads) ** 2 != heads:
        raise ValueError(f"heads is {heads}, expected a square number such as 4 or 9: one for each place of a square kernel")
    if not 0 <= alpha < math.inf:
        raise ValueError(f"alpha is {alpha}, expected a number >= 0: at 0 a head looks everywhere alike, at 2 at one patch or so")
    if not isinstance(plain, int) or not 0 <= plain <= depth:
        raise ValueError(f"plain is {plain!r}, expected how many of the {depth} blocks, the last, have no gate")
    if pool not in POOLS:
        raise ValueError(f"pool is {pool!r}, expected one of {', '.join(POOLS)}")
    if pool == "token" and plain == 0:
        raise ValueError(
            "pool is 'token' and plain 0: a class token has no place for a gated block; leave a plain one, or take 'mean'"
        )
