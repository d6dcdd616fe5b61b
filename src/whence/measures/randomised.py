"""What a classifier uses: its accuracy once some features are redrawn at random, whatever the label (shah2020pitfalls)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor


class Scores(NamedTuple):
    """Area under the ROC curve, and share of points whose score has the sign of their label; float64, nan where a score is nan."""

    auc: Float[Tensor, " *s"]
    accuracy: Float[Tensor, " *s"]


class Randomised(NamedTuple):
    """Scores on the same points as they are, with the subset redrawn, and with all other features redrawn instead."""

    standard: Scores
    subset: Scores
    complement: Scores


@torch.no_grad()
def randomised(
    score: Callable[[Tensor], Float[Tensor, "*s n"]],
    x: Float[Tensor, "*s n ..."],
    y: Int[Tensor, "*s n"],
    subset: Sequence[int] | Bool[Tensor, " ..."],
    generator: Generator,
    rotation: Float[Tensor, "*s d d"] | None = None,
) -> Randomised:
    """Scores with a set of features redrawn from its marginal: permuted over the points, jointly, by one permutation for all.

    `score` is positive for label 1, such as a difference of logits. `subset` lists coordinates of flat inputs, or is a mask of the
    shape of one input, such as (c, h, w). Features that are turned, x = z Q, are redrawn in z: then `rotation` is Q. A model that
    uses nothing but the subset falls to AUC 1/2 when it is redrawn, and does not move when all else is.
    `x` may hold other points for each of S networks, (S, n, ...), and then y (S, n) and Q (S, d, d) too.
    Raises ValueError for a subset that is no part of the input, or labels that are not both 0 and 1.
    """
    shape = x.shape[y.ndim :]
    mask = _mask(subset, shape, x.device)
    order = torch.randperm(y.shape[-1], generator=generator).to(x.device)
    other = x.index_select(y.ndim - 1, order)
    if rotation is None:
        subset_drawn, complement_drawn = torch.where(mask, other, x), torch.where(mask, x, other)
    else:
        share = (rotation.mT * mask.to(rotation)) @ rotation  # what projects x onto the subset
        change = ((other - x).to(rotation) @ share).to(x)
        subset_drawn, complement_drawn = x + change, other - change
    return Randomised(*(scores(score(points), y) for points in (x, subset_drawn, complement_drawn)))


def scores(score: Float[Tensor, "*s n"], y: Int[Tensor, "*s n"]) -> Scores:
    """Both scores over the last axis; a score of 0 is half right, and so is a tie in the AUC.

    Raises ValueError where labels are other than 0 and 1, or all the same.
    """
    label = y.expand(score.shape)
    if not bool(((y == 0) | (y == 1)).all()) or bool((y == y[..., :1]).all(-1).any()):
        raise ValueError(f"labels {sorted(set(y.flatten().tolist()))[:5]}: expected both 0 and 1 among the points, and no other")
    ordered = score.sort(-1).values
    values, ordered = score.contiguous(), ordered.contiguous()
    below, upto = (torch.searchsorted(ordered, values, right=right) for right in (False, True))
    rank = (below + upto + 1).double() / 2  # the mean rank of all that tie, counted from 1
    n, positive = score.shape[-1], label.sum(-1).double()
    auc = ((rank * label).sum(-1) - positive * (positive + 1) / 2) / (positive * (n - positive))
    right = torch.where(score == 0, 0.5, ((score > 0) == (label == 1)).double()).mean(-1)
    finite = ~score.isnan().any(-1)
    return Scores(auc.where(finite, torch.nan), right.where(finite, torch.nan))


def _mask(subset: Sequence[int] | Tensor, shape: Sequence[int], device: torch.device) -> Bool[Tensor, " ..."]:
    if isinstance(subset, Tensor) and subset.dtype == torch.bool:
        if subset.shape != torch.Size(shape):
            raise ValueError(f"a mask of shape {tuple(subset.shape)} for inputs of shape {tuple(shape)}: expected the same")
        return subset.to(device)
    places = [int(place) for place in subset]
    if len(shape) != 1 or not places or not all(0 <= place < shape[0] for place in places):
        raise ValueError(
            f"features {places} of inputs of shape {tuple(shape)}: expected at least one coordinate of a flat input, from 0 on; "
            "of images, a mask of the shape of one"
        )
    mask = torch.zeros(tuple(shape), dtype=torch.bool, device=device)
    mask[places] = True
    return mask
