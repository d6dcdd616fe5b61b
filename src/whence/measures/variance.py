"""How much of a representation a feature takes up, and how alike two representations are."""

from __future__ import annotations

import scipy.stats
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize


def explained(
    feature: Float[Tensor, "*s n k"],
    hidden: Float[Tensor, "*s n w"],
    new_feature: Float[Tensor, "*s m k"],
    new_hidden: Float[Tensor, "*s m w"],
    total: Float[Tensor, "*s"] | None = None,
) -> Float[Tensor, "*s"]:
    """The share of the variance of a representation that a feature explains on new items; float64.

    phi are the activations of w units less their mean over the first items, f the k columns of the feature less theirs. The map
    W = argmin E |W f - phi|^2 is fitted on the first items; on the new ones the share is (E |phi|^2 - E |W f - phi|^2) / E |phi|^2,
    with the same means, so that neither side profits from another centre. Rotating, shifting or scaling the representation, or
    the columns of the feature, changes nothing; of features that are independent the shares add up to at most 1.
    `total` replaces the denominator: along a training pass `total_variance` at its end, and the shares are amounts that can grow.
    A representation that does not vary has a share of nan. Raises ValueError for shapes that do not fit, fewer than two items, or
    a column of the feature that is constant over the first items.
    """
    _check(feature, hidden, new_feature, new_hidden)
    f, phi = _centred(feature, feature), _centred(hidden, hidden)
    _refuse_constant(feature)
    new_f, new_phi = _centred(new_feature, feature), _centred(new_hidden, hidden)
    found = new_phi.square().sum(-1).mean(-1)
    left = (new_f @ (torch.linalg.pinv(f) @ phi) - new_phi).square().sum(-1).mean(-1)
    whole = found if total is None else total.double()
    return torch.where(whole > 0, (found - left) / whole, torch.nan)


def total_variance(hidden: Float[Tensor, "*s n w"], new_hidden: Float[Tensor, "*s m w"]) -> Float[Tensor, "*s"]:
    """E |phi|^2 over the new items, phi less its mean over the first: what the shares of `explained` are shares of; float64."""
    return _centred(new_hidden, hidden).square().sum(-1).mean(-1)


def dissimilarity(hidden: Float[Tensor, "*s n w"], cosine: bool = False) -> Float[Tensor, "*s p"]:
    """1 - correlation over the units of every two of n items: the p = n (n - 1) / 2 pairs, row by row of the upper triangle.

    With `cosine`, 1 - cosine after each unit has lost its mean over the items. The difference is a pitfall: a correlation takes
    the units' mean off each item, so a rotation of the representation changes it; the cosine does not care for the basis.
    An item whose units are all alike has no direction and is given similarity 0. Raises ValueError for fewer than three items.
    """
    if hidden.ndim < 2 or hidden.shape[-2] < 3:
        raise ValueError(f"representation of shape {tuple(hidden.shape)}: expected (..., items, units) of at least 3 items")
    exact = hidden.double()
    unit = normalize(exact - exact.mean(-2 if cosine else -1, keepdim=True), dim=-1)
    rows, columns = torch.triu_indices(exact.shape[-2], exact.shape[-2], 1, device=hidden.device)
    return 1 - (unit @ unit.mT)[..., rows, columns]


def rsa(a: Float[Tensor, "*s n w"], b: Float[Tensor, "*s n v"], cosine: bool = False) -> Float[Tensor, "*s"]:
    """Representational similarity of the same n items in two networks: Spearman's rho of their dissimilarities, -1 to 1; float64.

    Ties share their mean rank. nan where all items of a representation are equally unlike. Raises ValueError when the items or
    the leading axes differ.
    """
    if a.shape[:-1] != b.shape[:-1]:
        raise ValueError(
            f"representations of shapes {tuple(a.shape)} and {tuple(b.shape)}: expected the same items in both, only the number of "
            "units may differ; pass the same inputs through both networks"
        )
    ranks = (_ranks(dissimilarity(hidden, cosine)) for hidden in (a, b))
    p, q = (rank - rank.mean(-1, keepdim=True) for rank in ranks)
    return (p * q).sum(-1) / (p.square().sum(-1) * q.square().sum(-1)).sqrt()


def _ranks(values: Tensor) -> Tensor:
    """Ranks along the last axis, ties averaged; what differs by rounding alone is a tie."""
    return torch.from_numpy(scipy.stats.rankdata(values.round(decimals=12).cpu().numpy(), axis=-1)).to(values.device)


def _centred(values: Tensor, first: Tensor) -> Tensor:
    return values.double() - first.double().mean(-2, keepdim=True)


def _check(feature: Tensor, hidden: Tensor, new_feature: Tensor, new_hidden: Tensor) -> None:
    shapes = [tuple(t.shape) for t in (feature, hidden, new_feature, new_hidden)]
    fits = min(map(len, shapes)) >= 2 and min(feature.shape[-2], new_feature.shape[-2]) >= 2
    fits = fits and feature.shape[:-1] == hidden.shape[:-1] and new_feature.shape[:-1] == new_hidden.shape[:-1]
    fits = fits and (*feature.shape[:-2], feature.shape[-1]) == (*new_feature.shape[:-2], new_feature.shape[-1])
    if not (fits and hidden.shape[-1] == new_hidden.shape[-1]):
        raise ValueError(
            f"feature and representation of shapes {shapes[0]} and {shapes[1]}, new ones {shapes[2]} and {shapes[3]}: expected "
            "(..., items, columns) and (..., items, units) with as many items, 2 or more; a feature of one number takes [..., None]"
        )


def _refuse_constant(feature: Tensor) -> None:
    constant = feature.amax(-2) == feature.amin(-2)
    if constant.any():
        where = constant.nonzero()[0].tolist()
        value = float(feature[(*where[:-1], 0, where[-1])])
        raise ValueError(
            f"column {where[-1]} of the feature is {value:g} for all {feature.shape[-2]} items: expected both values of it, as "
            "a constant explains nothing; draw more items or leave the column out"
        )
