"""What a selection rule would report: the values of the candidate that scores best by it (gulrajani2021domainbed)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def selected(values: Float[Tensor, "s m ..."], score: Float[Tensor, "s m"]) -> Float[Tensor, "s ..."]:
    """Of m candidates the values of the one with the highest score, each seed by itself; of equals, their mean.

    What is scored and what is reported are separate: pass scores on validation data, and values on test data. Scores on few data
    are often equal, and the mean is what a draw among equals gives on average: it depends on no order of candidates.
    Raises ValueError for other shapes, no candidates, or a score that is not finite.
    """
    if score.ndim != 2 or values.shape[:2] != score.shape or score.shape[1] < 1 or not bool(score.isfinite().all()):
        raise ValueError(
            f"values {tuple(values.shape)} with scores {tuple(score.shape)}: expected (seeds, candidates, ...) with finite "
            "(seeds, candidates), at least one candidate; a candidate that diverged scores low, not nan"
        )
    best = (score == score.amax(1, keepdim=True)).to(values)
    return torch.einsum("sm...,sm->s...", values, best) / best.sum(1).reshape(-1, *[1] * (values.ndim - 2))
