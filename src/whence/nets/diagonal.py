"""The diagonal linear network: a linear classifier whose weights are u^2 - v^2, the smallest one with an implicit bias."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Diagonal(nn.Module):
    """f(x) = (u^2 - v^2) . x for a stack of `copies` data sets times several first scales: parameters (copies, d, scales).

    All start at f = 0 with u = v = scale / sqrt(2 d), so that `scale` is the norm of the parameters; no chance is involved.
    Raises ValueError for a scale that is not above 0, from which no gradient leads away.
    """

    def __init__(self, d: int, scales: Sequence[float], copies: int = 1) -> None:
        super().__init__()
        if not scales or min(scales) <= 0:
            raise ValueError(f"first scales {list(scales)}: expected numbers above 0, since at u = v = 0 the gradient is 0")
        first = torch.tensor(scales, dtype=torch.float32) / (2 * d) ** 0.5
        self.u = nn.Parameter(first.expand(copies, d, -1).clone())
        self.v = nn.Parameter(self.u.detach().clone())

    @property
    def weights(self) -> Float[Tensor, "copies d scales"]:
        """u^2 - v^2."""
        return self.u.square() - self.v.square()

    def forward(self, x: Float[Tensor, "copies n d"]) -> Float[Tensor, "copies n scales"]:
        """The scores of n points of each data set, for each first scale."""
        return x @ self.weights
