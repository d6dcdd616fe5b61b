"""Attention: by what tokens hold, and by what they hold or where they are, with a gate between; and what transformers share."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pixel_unshuffle

DEVIATION = 0.02  # of learned positions and class tokens at first, and of a gated head's queries and keys


class Content(nn.Module):
    """Self-attention by what the tokens hold: A = softmax(Q K^T / sqrt d) in each head, then one map of all heads' A V."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qk, self.v = nn.Linear(width, 2 * width, bias=False), nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width)

    def weights(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b heads n n"]:
        """A: how much each token (row) takes from every other (column); rows sum to 1."""
        q, k = (split(t, self.heads) for t in self.qk(tokens).chunk(2, -1))
        return scores(q, k).softmax(-1)

    def forward(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """What each token gathers from all."""
        return self.out(merge(self.weights(tokens) @ split(self.v(tokens), self.heads)))


class Gated(nn.Module):
    """Gated positional self-attention (dascoli2021convit): in each head, with s the sigmoid and one number lambda,

        A_ij = (1 - s(lambda)) softmax_j(q_i . k_j / sqrt d) + s(lambda) softmax_j(v_pos . r_ij),
        r_ij = (|delta|^2, delta_1, delta_2),  delta = place j - place i on the grid of patches.

    Rows sum to 1. At first, with `convolutional`, v_pos = -alpha (1, -2 D_1, -2 D_2): a bump of inverse variance 2 alpha around the
    offset D of the head, one of the sqrt(heads) x sqrt(heads) places of a kernel centred on the token (of two by two, D = +-1/2, as
    in the published code; the paper's figure has +-1), and the values are the tokens themselves.
    """

    relative: Tensor

    def __init__(self, width: int, heads: int, grid: tuple[int, int], alpha: float, gate: float, convolutional: bool) -> None:
        super().__init__()
        self.heads, self.grid = heads, grid
        self.qk, self.v = nn.Linear(width, 2 * width, bias=False), nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width)
        self.gate = nn.Parameter(torch.full((heads,), float(gate)))
        self.where = nn.Parameter(torch.randn(heads, 3) if not convolutional else convolution(heads, alpha))
        self.register_buffer("relative", relative(*grid), persistent=False)
        nn.init.normal_(self.qk.weight, std=DEVIATION)
        if convolutional:
            nn.init.eye_(self.v.weight)

    def places(self) -> Float[Tensor, "heads n n"]:
        """softmax_j(v_pos . r_ij): whom each head's tokens attend to whatever they hold."""
        return torch.einsum("hk,ijk->hij", self.where, self.relative).softmax(-1)

    def weights(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b heads n n"]:
        """A: how much each token (row) takes from every other (column); rows sum to 1."""
        q, k = (split(t, self.heads) for t in self.qk(tokens).chunk(2, -1))
        shut = self.gate.sigmoid()[:, None, None]
        return (1 - shut) * scores(q, k).softmax(-1) + shut * self.places()

    def forward(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """What each token gathers from all."""
        return self.out(merge(self.weights(tokens) @ split(self.v(tokens), self.heads)))


def relative(rows: int, columns: int) -> Float[Tensor, "n n 3"]:
    """(|delta|^2, delta_1, delta_2) with delta from place i to place j of a grid, in patches; n = rows columns, row by row."""
    place = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).float()
    delta = place[None] - place[:, None]
    return torch.cat([delta.square().sum(-1, keepdim=True), delta], -1)


def convolution(heads: int, alpha: float) -> Float[Tensor, "heads 3"]:
    """v_pos = -alpha (1, -2 D_1, -2 D_2) of each head, D the places of a square kernel around its centre, row by row."""
    side = math.isqrt(heads)
    line = torch.arange(side) - (side - 1) / 2
    offset = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2)
    return -alpha * torch.cat([torch.ones(heads, 1), -2 * offset], 1)


def split(tokens: Float[Tensor, "*b n d"], heads: int) -> Float[Tensor, "*b heads n e"]:
    """The width cut into heads, d = heads e, each with tokens of its own."""
    return tokens.unflatten(-1, (heads, -1)).transpose(-3, -2)


def merge(values: Float[Tensor, "*b heads n e"]) -> Float[Tensor, "*b n d"]:
    """The heads side by side again."""
    return values.transpose(-3, -2).flatten(-2)


def scores(q: Float[Tensor, "*b n e"], k: Float[Tensor, "*b n e"]) -> Float[Tensor, "*b n n"]:
    """q k^T / sqrt(e), before any softmax.

    Written out: the fused kernel can neither be stacked over seeds nor give a whole Jacobian at once.
    """
    return q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5


def patches(x: Float[Tensor, "b c h w"], patch: int) -> Float[Tensor, "b n p"]:
    """The pixels of each square of patch x patch, row by row: n = h w / patch^2 tokens of p = c patch^2 numbers."""
    return pixel_unshuffle(x, patch).flatten(2).transpose(1, 2)


def check_patch(shape: tuple[int, int, int], patch: int) -> None:
    """Raise ValueError for a patch that does not divide both sides of the images (c, h, w)."""
    if shape[1] % patch or shape[2] % patch:
        raise ValueError(f"patch is {patch}, expected a divisor of both sides of an image of {shape[1]} x {shape[2]} pixels")


def check_heads(width: int, heads: int) -> None:
    """Raise ValueError for heads that do not divide the width."""
    if width % heads:
        raise ValueError(f"width is {width}, expected a multiple of heads ({heads})")
