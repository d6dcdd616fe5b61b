"""Inputs of patches that hold a fast feature, a slow one, and noise: the two-feature model of nguyen2024useful."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.seeds import stream

SLOW, FAST = 0, 1  # the axes of the two features, also the patches they lie in


class Patched(NamedTuple):
    """Inputs with their patches as rows, labels, and which of them have the fast feature."""

    x: Float[Tensor, "n 1 p d"]
    y: Int[Tensor, " n"]
    fast: Bool[Tensor, " n"]


@dataclass(frozen=True)
class Patches:
    """With s = 2 y - 1: one patch is `slow` s e_0 always, one is `fast` s e_1 in a share of the inputs and 0 in the others.

    The other patches are normal noise of deviation `noise` / sqrt(d), orthogonal to both. The directions are axes, which no
    network with isotropic first weights can tell. round(share n) of n inputs have the fast feature.
    Raises ValueError unless 0 < slow, 0 < fast, 0 <= share <= 1, noise >= 0, d >= 3 and patches >= 2.
    """

    slow: float = 0.4
    fast: float = 1.0
    share: float = 0.9
    noise: float = 0.5
    d: int = 50
    patches: int = 3

    def __post_init__(self) -> None:
        right = 0 < self.slow < math.inf and 0 < self.fast < math.inf and 0 <= self.share <= 1 and 0 <= self.noise < math.inf
        if not (right and self.d >= 3 and self.patches >= 2):
            raise ValueError(
                f"{self}: expected slow and fast above 0, a share in [0, 1], noise >= 0, d >= 3 (two features and what is "
                "orthogonal to them) and at least 2 patches"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(1, patches, d): the shape of an input, for whence.nets."""
        return 1, self.patches, self.d

    def draw(self, n: int, seed: int, split: str = "train") -> Patched:
        """n inputs of a split, x float32. Raises ValueError for n < 1."""
        if n < 1:
            raise ValueError(f"{n} inputs: expected at least 1")
        generator = stream(seed, "patches", split)
        y = torch.randint(2, (n,), generator=generator)
        fast = torch.zeros(n, dtype=torch.bool)
        fast[torch.randperm(n, generator=generator)[: round(self.share * n)]] = True
        x = torch.randn(n, 1, self.patches, self.d, generator=generator) * self.noise / math.sqrt(self.d)
        x[..., :2] = 0  # noise is orthogonal to the features
        x[:, :, :2] = 0
        sign = 2.0 * y - 1
        x[:, 0, SLOW, SLOW] = self.slow * sign
        x[:, 0, FAST, FAST] = self.fast * sign * fast
        return Patched(x, y, fast)
