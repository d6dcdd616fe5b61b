"""Masks cut into tiles: outputs that hear nearly the same inputs are answered together, and the other inputs are not read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from whence.seeds import stream

# What a tile costs beside its product of T outputs, U inputs, b queries and m images, in multiplications per image of the pool:
# U inputs to gather and square, and a dozen calls, where threads wait for one another, which weigh the less the more images a call
# has. Measured on one and two cores.
GATHER, CALLS = 64, 12000
SIDES = (2, 4, 8, 16)


class Tile(NamedTuple):
    """Some outputs, the inputs that at least one of them hears, and which hears which."""

    outputs: Int[Tensor, " t"]
    inputs: Int[Tensor, " u"]
    rows: Bool[Tensor, "t u"]

    def product(self, b: int) -> int:
        """Multiplications per image of the pool and b queries."""
        return b * self.rows.numel() + GATHER * len(self.inputs) + CALLS * torch.get_num_threads()


def squares(shape: torch.Size, side: int, apart: bool = False) -> Iterator[Int[Tensor, " t"]]:
    """The coordinates of an image (c, h, w) in squares, of all channels or with each channel apart."""
    index = torch.arange(shape.numel()).reshape(shape)
    for part in index.split(1 if apart else len(index)):
        for rows in part.split(side, 1):
            for square in rows.split(side, 2):
                yield square.flatten()


def cut(mask: Bool[Tensor, "d d"], outputs: Int[Tensor, " t"]) -> Tile:
    """The tile of these outputs; its inputs are shuffled, so that sums over them wander rather than drift (see fast.py)."""
    chosen = outputs.to(mask.device)
    rows = mask[chosen]
    inputs = rows.any(0).nonzero().flatten()
    inputs = inputs[torch.randperm(len(inputs), generator=stream(0, "inputs")).to(mask.device)]
    return Tile(chosen, inputs, rows[:, inputs])


def tiling(mask: Bool[Tensor, "d d"], shape: torch.Size, b: int) -> list[Tile]:
    """All outputs of an image in the tiles that cost b queries least: small ones for narrow masks, and for many queries."""
    sides = [side for side in SIDES if side < max(shape[1:])]
    kinds = [(side, apart) for side in (*sides, max(shape[1:])) for apart in (True, False)]
    options = ([cut(mask, outputs) for outputs in squares(shape, *kind)] for kind in kinds)
    return min(options, key=lambda tiles: sum(tile.product(b) for tile in tiles))
