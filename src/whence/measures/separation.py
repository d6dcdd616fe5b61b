"""How far apart the groups of a representation lie, and whether a linear probe finds them."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot


def separation(features: Float[Tensor, "*s n p"], classes: Int[Tensor, " n"], subclasses: Int[Tensor, " n"]) -> Float[Tensor, "*s"]:
    """Distance between the subclass means of a class over that between class means: 0 is class collapse."""
    apart, subclasses_apart = distances(features, classes, subclasses)
    return subclasses_apart / apart


def distances(
    features: Float[Tensor, "*s n p"], classes: Int[Tensor, " n"], subclasses: Int[Tensor, " n"]
) -> tuple[Float[Tensor, "*s"], Float[Tensor, "*s"]]:
    """Distances between class means, and between the subclass means of a class, averaged over pairs.

    A class mean is that of its subclass means, so that unequal subclasses do not move it. Subclasses are numbered within their
    class. Raises ValueError unless there are two classes or more and two subclasses or more, each with an example in every class.
    """
    k, m = int(classes.max()) + 1, int(subclasses.max()) + 1
    members = one_hot(classes * m + subclasses, k * m).T.to(features)
    counts = members.sum(1, keepdim=True)
    if k < 2 or m < 2 or not bool((counts > 0).all()):
        raise ValueError(
            f"{counts[:, 0].int().tolist()} examples of {k} classes with {m} subclasses: expected two or more, none empty"
        )
    means = (members @ features / counts).unflatten(-2, (k, m))
    return _apart(means.mean(-2)), _apart(means).mean(-1)


def probe(
    train: Float[Tensor, "*s n p"],
    labels: Int[Tensor, " n"],
    test: Float[Tensor, "*s m p"],
    truth: Int[Tensor, " m"],
    ridge: float = 1e-6,
) -> Float[Tensor, "*s"]:
    """Accuracy on test features of the linear classifier fitted to the training features by least squares on one-hot labels.

    `ridge` is a share of the features' mean square: it decides nothing but what is degenerate. In float64, with an intercept.
    Raises ValueError when the training labels are all the same.
    """
    k = int(labels.max()) + 1
    if labels.unique().numel() < 2:
        raise ValueError(f"a probe of labels that are all {labels[0].item()}: expected at least two kinds in the training data")
    mean = train.double().mean(-2, keepdim=True)
    x, target = train.double() - mean, one_hot(labels, k).double()
    gram = x.mT @ x
    level = gram.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None]
    eye = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    weights = torch.linalg.solve(gram + ridge * level * eye, x.mT @ (target - target.mean(0)))
    answer = (test.double() - mean) @ weights + target.mean(0)
    return (answer.argmax(-1) == truth).double().mean(-1)


def _apart(means: Float[Tensor, "*s k p"]) -> Float[Tensor, "*s"]:
    """Mean distance over the pairs of k points."""
    i, j = torch.triu_indices(means.shape[-2], means.shape[-2], 1)
    return (means[..., i, :] - means[..., j, :]).norm(dim=-1).mean(-1)
