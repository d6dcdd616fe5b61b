"""Examples of two classes, each of two subclasses, among features that say nothing of either, under high-dimensional noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.seeds import stream


class Sample(NamedTuple):
    """Views x of examples; of each view the class and the subclass, in {0, 1}, and the number of the example it is a view of."""

    x: Float[Tensor, "m d"]
    classes: Int[Tensor, " m"]
    subclasses: Int[Tensor, " m"]
    example: Int[Tensor, " m"]


@dataclass(frozen=True)
class Subclasses:
    """x = y a e_1 + s b e_2 + sum_k r_k c_k e_(k+2) + noise: class y, subclass s and irrelevant r_k are -1 or +1.

    a and b are `class_strength` and `subclass_strength`, the c_k are `irrelevant`. The noise is Gaussian in all `dimension`
    directions, of mean squared norm `noise`^2, drawn anew for each view of an example. In either class a share `majority` of the
    examples is of subclass 1, to the example, so that class and subclass are uncorrelated; the r_k are fair coins. The features
    lie along the axes: for encoders whose first weights are isotropic any rotation of all x gives the same.
    Raises ValueError for strengths below 0, a share outside (0, 1), or fewer dimensions than features.
    """

    class_strength: float = 1.0
    subclass_strength: float = 0.9
    irrelevant: tuple[float, ...] = ()
    noise: float = 2.0
    dimension: int = 2000
    majority: float = 0.7

    def __post_init__(self) -> None:
        if low := [v for v in (*self.strengths, self.noise) if not v >= 0]:
            raise ValueError(f"strength or noise {low[0]}: expected numbers >= 0")
        if not 0 < self.majority < 1:
            raise ValueError(f"majority {self.majority}: expected a share of the examples of a class, inside (0, 1), such as 0.7")
        if self.dimension < len(self.strengths):
            raise ValueError(f"{self.dimension} dimensions for {len(self.strengths)} features: expected at least one each")

    @property
    def strengths(self) -> tuple[float, ...]:
        """Of all features in the order of their axes: class, subclass, irrelevant ones."""
        return (self.class_strength, self.subclass_strength, *self.irrelevant)

    def draw(self, n: int, seed: int, split: str = "train", views: int = 1) -> Sample:
        """n examples, `views` views of each, by the streams (seed, "subclasses", split, ...); float32, in order of the classes.

        Labels depend on n alone, so that samples of several seeds can be stacked. Raises ValueError for an odd n, or where the
        share leaves a class without one of its subclasses.
        """
        if n % 2 or views < 1:
            raise ValueError(f"{n} examples in {views} views: expected as many of either class, so an even n, and at least 1 view")
        many = round(self.majority * n / 2)
        if not 0 < many < n // 2:
            raise ValueError(f"{n // 2} examples of a class at a majority of {self.majority} leave a subclass empty: draw more")
        classes = torch.arange(n) // (n // 2)
        subclasses = (torch.arange(n) % (n // 2) < many).long()
        coins = torch.randint(2, (n, len(self.irrelevant)), generator=stream(seed, "subclasses", split, "coins"))
        features = torch.cat([classes[:, None], subclasses[:, None], coins], 1) * 2.0 - 1
        x = torch.randn(n * views, self.dimension, generator=stream(seed, "subclasses", split, "noise"))
        x *= self.noise / self.dimension**0.5
        x[:, : features.shape[1]] += (features * torch.tensor(self.strengths)).repeat_interleave(views, 0)
        repeated = (part.repeat_interleave(views) for part in (classes, subclasses, torch.arange(n)))
        return Sample(x, *repeated)
