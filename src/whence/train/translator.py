"""Debiasing with a translator: a function that moves the bias of an example and leaves what it is.

Each example gets a twin with another colour, or another background. Both have its label, and embeddings of twins are pulled
together while all pairs are pushed apart. No example needs to conflict with the bias: where it goes with the label without
exception, nothing in the data tells the two apart, and the translator does. The published method learns its translator, which
takes to the bias by itself because that is what is easy (jung2023fire); here it is *known*, a toy analogue and the largest of all
label budgets. Only that method's abstract was at hand.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.train.supervised import cross_entropy


def twins(x: Float[Tensor, "n ..."], translate: Callable[[Tensor], Tensor]) -> Float[Tensor, "n ..."]:
    """The twin of each example, `translate(x)`, checked.

    Raises ValueError where it changes the shape, gives numbers that are not finite, or moves nothing of some example.
    """
    moved = translate(x)
    if moved.shape != x.shape or not bool(moved.isfinite().all()):
        raise ValueError(
            f"the translator made {tuple(moved.shape)} of {tuple(x.shape)}{'' if moved.isfinite().all() else ', not all finite'}: "
            "expected a twin of each example, of its shape and finite"
        )
    still = (moved == x).flatten(1).all(1)
    if bool(still.any()):
        raise ValueError(
            f"the translator leaves {int(still.sum())} of {len(x)} examples as they are, expected to move the bias of each: "
            "a twin that is a copy adds nothing to labels and makes the contrast of views trivial"
        )
    return moved


def views_apart(first: Float[Tensor, "*s b p"], second: Float[Tensor, "*s b p"]) -> Float[Tensor, " *s"]:
    """The spectral contrastive loss of 2b views, positives being the pairs of twins, each with itself included.

    |F^T F / 2b|^2 - (1 / 2b) sum |f_i + f_i'|^2, F both views' embeddings: that of `train.contrastive.spectral`, in O(b p^2).
    """
    views = torch.cat([first, second], -2)
    n = views.shape[-2]
    return (views.mT @ views / n).square().sum((-2, -1)) - (first + second).square().sum((-2, -1)) / n


def translated(
    logits: tuple[Float[Tensor, "*s b k"], Float[Tensor, "*s b k"]],
    embeddings: tuple[Float[Tensor, "*s b p"], Float[Tensor, "*s b p"]],
    y: Int[Tensor, "*s b"],
    weight: float | Float[Tensor, " *s"],
) -> Float[Tensor, " *s"]:
    """The mean cross-entropy of both views and weight x `views_apart` of their embeddings; weight 0 is labels alone.

    Raises ValueError for a weight that is negative or not finite.
    """
    weights = torch.as_tensor(weight)
    if not bool(((weights >= 0) & weights.isfinite()).all()):
        raise ValueError(f"contrast weight {weight}: expected a finite number >= 0; 0 is the labels of both views alone")
    supervised = (cross_entropy(logits[0], y) + cross_entropy(logits[1], y)) / 2
    return supervised + weights.to(supervised) * views_apart(*embeddings)
