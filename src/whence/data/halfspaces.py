"""Two half-spaces to be told apart from few examples: one with a sparse normal, one with a dense normal and a wide margin."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from whence.seeds import stream


class Sample(NamedTuple):
    """Examples x and on which side of the plane each lies, -1 or +1."""

    x: Float[Tensor, "n d"]
    side: Float[Tensor, " n"]


def sparse(n: int, d: int, relevant: int, seed: int, split: str = "train") -> Sample:
    """Corners of the cube {-1, 1}^d, on the side of the sign of the sum of their first `relevant` coordinates; float32.

    A classifier of small l1 norm needs few examples for it, one of small l2 norm many. By the stream (seed, "sparse", split).
    Raises ValueError unless `relevant` is odd (an even sum can be 0, which lies on neither side) and at most d.
    """
    if relevant % 2 == 0 or not 0 < relevant <= d:
        raise ValueError(f"{relevant} relevant of {d} coordinates: expected an odd number of them, since an even sum can be 0")
    x = torch.randint(2, (n, d), generator=stream(seed, "sparse", split)) * 2.0 - 1
    return Sample(x, x[:, :relevant].sum(1).sign())


def dense(n: int, d: int, gap: float, seed: int, split: str = "train") -> Sample:
    """Gaussian examples on either side of a plane through the origin, each moved by gap / 2 away from it; float32.

    The unit normal is a random direction by the stream (seed, "dense", "normal"), the same for all splits: a classifier of small
    l2 norm finds it from few examples, one of small l1 norm does not. The empty slab between the sides is `gap` wide.
    Raises ValueError for a gap below 0.
    """
    if not gap >= 0:
        raise ValueError(f"gap {gap}: expected a width >= 0 of the empty slab between the two sides, such as 6")
    normal = torch.randn(d, generator=stream(seed, "dense", "normal"))
    normal /= normal.norm()
    x = torch.randn(n, d, generator=stream(seed, "dense", split))
    side = torch.where(x @ normal < 0, -1.0, 1.0)
    return Sample(x + gap / 2 * side[:, None] * normal, side)
