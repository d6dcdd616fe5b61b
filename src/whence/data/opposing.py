"""Examples of which a few share a large feature that says nothing of the label: two groups of outliers that pull apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.seeds import stream


class Sample(NamedTuple):
    """Examples x, labels -1 or +1, and groups: 0 without the large feature, 1 with it and label -1, 2 with it and label +1."""

    x: Float[Tensor, "n d"]
    y: Float[Tensor, " n"]
    group: Int[Tensor, " n"]


@dataclass(frozen=True)
class Opposing:
    """Gaussian x in `dimension` coordinates, label sign(x_0); a share of `outliers` has x_1 = `strength`, its label by group.

    Half of the outliers have either label, whatever their other coordinates: a step that helps one half hurts the other.
    Raises ValueError for fewer than two dimensions or a share outside [0, 1].
    """

    dimension: int = 20
    outliers: float = 0.02
    strength: float = 20.0

    def __post_init__(self) -> None:
        if self.dimension < 2 or not 0 <= self.outliers <= 1:
            raise ValueError(
                f"{self.dimension} dimensions, a share {self.outliers} of outliers: expected at least 2, and a share in [0, 1]"
            )

    def draw(self, n: int, seed: int, split: str = "train") -> Sample:
        """n examples by the stream (seed, "opposing", split), the outliers last, as many of either group; float32."""
        x = torch.randn(n, self.dimension, generator=stream(seed, "opposing", split))
        y, group = torch.where(x[:, 0] < 0, -1.0, 1.0), torch.zeros(n, dtype=torch.long)
        for k, label in ((1, -1.0), (2, 1.0)):
            half = round(self.outliers * n / 2)
            those = slice(n - k * half, n - (k - 1) * half)
            x[those, 1], y[those], group[those] = self.strength, label, k
        return Sample(x, y, group)
