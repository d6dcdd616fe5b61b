"""Whether gradients agree on where to go, whatever their length."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def direction_variance(gradients: Float[Tensor, "*s m p"]) -> Float[Tensor, "*s"]:
    """Mean cosine distance (1 - cos) over the pairs of m gradients: 0 where all point alike, 1 where they have nothing in common.

    Raises ValueError for fewer than two gradients or one of zeros, which has no direction.
    """
    m, norms = gradients.shape[-2], gradients.double().norm(dim=-1, keepdim=True)
    if m < 2 or not bool((norms > 0).all()):
        raise ValueError(f"{m} gradients, the shortest of norm {norms.min().item():.3g}: expected at least two, none of zeros")
    together = (gradients.double() / norms).sum(-2).square().sum(-1)  # m plus twice the cosines of all pairs
    return 1 - (together - m) / (m * (m - 1))
