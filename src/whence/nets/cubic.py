"""The network of a theory: filters that are shared by all patches, and their answers cubed and summed."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from whence.nets.embed import check_shape, check_sizes


class Cubic(nn.Module):
    """f(x) = sum over filters j and patches p of <w_j, x_p>^3, as logits (-f/2, f/2): after nguyen2024useful.

    Inputs are (1, p, d), their patches as rows; each of the `width` filters starts normal with deviation `scale`. A cube makes the
    growth along a feature faster the more there is of it already. Parameters and inputs may have a leading axis of seeds, see
    train.stack. Raises ValueError for inputs of more than one channel or a scale that is not positive.
    """

    VERSION: ClassVar[int] = 1
    STACKS: ClassVar[bool] = True
    seed: int | None = None

    def __init__(self, shape: tuple[int, int, int], *, width: int = 20, scale: float = 0.01) -> None:
        super().__init__()
        self.shape = check_shape(shape)
        self.options: dict[str, Any] = {"width": width, "scale": scale}
        check_sizes(width=width)
        if self.shape[0] != 1 or not scale > 0:
            raise ValueError(f"shape {self.shape} and scale {scale}, expected (1, patches, d) and a scale above 0")
        self.filters = nn.Parameter(scale * torch.randn(width, self.shape[2]))

    def forward(self, x: Float[Tensor, "*s b c p d"]) -> Float[Tensor, "*s b k"]:
        """The logits (b, 2)."""
        b, p, d = x.shape[-4], *x.shape[-2:]
        seen = x.reshape(*x.shape[:-4], b * p, d) @ self.filters.mT
        cubes = seen * seen * seen
        f = cubes.reshape(*cubes.shape[:-2], b, -1).sum(-1) / 2
        return torch.stack([-f, f], -1)
