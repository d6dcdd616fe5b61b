"""A small decoder of the kind of GPT-2, to be looked at before any training: what would it say?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from whence.nets.attention import check_heads, merge, scores, split
from whence.nets.embed import check_sizes
from whence.nets.perceptron import ACTIVATIONS
from whence.seeds import derive

DEVIATION = 0.02  # of GPT-2's first weights; those that write into the residual stream are smaller, by sqrt(2 depth)


class GPT(nn.Module):
    """A pre-norm transformer decoder over `vocabulary` tokens, at most `shape[0]` of them, with GPT-2's first weights.

    `depth` blocks of causal attention and of two layers with the given activation; the last layer shares the weights of the
    tokens' embedding. `gain` multiplies what every layer normalisation gives: the size of all that the blocks hear.
    Raises ValueError for another shape or activation, sizes below 1, heads that do not divide the width, or a gain that is not > 0.
    """

    VERSION: ClassVar[int] = 1
    seed: int | None = None

    def __init__(
        self,
        shape: tuple[int],
        *,
        vocabulary: int = 256,
        width: int = 64,
        depth: int = 6,
        heads: int = 4,
        activation: str = "gelu",
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.shape = _check(shape, activation, gain)
        self.options: dict[str, Any] = {
            "vocabulary": vocabulary,
            "width": width,
            "depth": depth,
            "heads": heads,
            "activation": activation,
            "gain": gain,
        }
        check_sizes(vocabulary=vocabulary, width=width, depth=depth, heads=heads)
        check_heads(width, heads)
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(self.shape[0], width)
        self.blocks = nn.ModuleList(Block(width, heads, activation) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.apply(lambda module: _initialise(module, depth, gain))

    def forward(self, tokens: Int[Tensor, "b n"]) -> Float[Tensor, "b n v"]:
        """Logits of the token that follows each, which hear that token and those before it."""
        n = tokens.shape[-1]
        if tokens.ndim != 2 or not 1 <= n <= self.shape[0]:
            raise ValueError(f"tokens of shape {tuple(tokens.shape)}, expected (b, n) with n from 1 to {self.shape[0]}")
        h = self.tokens(tokens) + self.places.weight[:n]
        for block in self.blocks:
            h = block(h)
        return self.norm(h) @ self.tokens.weight.T


class Block(nn.Module):
    """Attention to what came before, then two layers on each token, both normalised first and added to what there was."""

    def __init__(self, width: int, heads: int, activation: str) -> None:
        super().__init__()
        self.heads, self.act = heads, ACTIVATIONS[activation]
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.qkv, self.wide = nn.Linear(width, 3 * width), nn.Linear(width, 4 * width)
        self.attended, self.narrow = Out(width, width), Out(4 * width, width)

    def forward(self, h: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """The tokens after the block."""
        h = h + self.attended(self.attend(self.norms[0](h)))
        return h + self.narrow(self.act(self.wide(self.norms[1](h))))

    def attend(self, h: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """What each token gathers from itself and those before it."""
        q, k, v = (split(t, self.heads) for t in self.qkv(h).chunk(3, -1))
        found = scores(q, k)
        later = torch.ones(found.shape[-2:], dtype=torch.bool, device=h.device).triu(1)
        return merge(found.masked_fill(later, -math.inf).softmax(-1) @ v)


class Out(nn.Linear):
    """A layer that writes into the residual stream."""


def untrained(shape: tuple[int], seed: int, **options: Any) -> GPT:
    """A GPT on the CPU, its weights drawn from the stream (seed, "init"); the global random state is neither read nor moved."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "init"))
        network = GPT(shape, **options)
    network.seed = seed
    return network


@torch.no_grad()
def greedy(network: Callable[[Tensor], Tensor], prompt: Int[Tensor, "*s b n"], more: int) -> Int[Tensor, "*s b m"]:
    """The prompt and `more` tokens, each the likeliest after those before it; for a Stack, prompts of (S, b, n)."""
    said = prompt
    for _ in range(more):
        said = torch.cat([said, network(said)[..., -1:, :].argmax(-1)], -1)
    return said


def _initialise(module: nn.Module, depth: int, gain: float) -> None:
    if isinstance(module, nn.LayerNorm):
        nn.init.constant_(module.weight, gain)
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=DEVIATION / math.sqrt(2 * depth) if isinstance(module, Out) else DEVIATION)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def _check(shape: tuple[int], activation: str, gain: float) -> tuple[int]:
    found = tuple(shape)
    if len(found) != 1 or not isinstance(found[0], int) or found[0] < 1:
        raise ValueError(f"shape is {found}, expected (n,), the longest sequence, such as (100,)")
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation is {activation!r}, expected one of {', '.join(ACTIVATIONS)}")
    if not gain > 0:
        raise ValueError(f"gain is {gain}, expected > 0: at 0 the blocks hear nothing")
    return found
