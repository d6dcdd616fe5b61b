"""A pair of networks that cannot use the same thing: what the first one listens to is taken out of the second one's input.

After morwani2023simplicity: find the directions by `whence.measures.perturbation.singular_directions` of the first network's input
gradients on training points, train a second one on `without(x, directions)`, and ask both by `together`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Score = Callable[[Tensor], Tensor]


def without(x: Float[Tensor, "*b"], directions: Float[Tensor, "*s r d"], axes: int = 1) -> Float[Tensor, "*c"]:
    """The points less their part along r orthonormal directions: x - V^T V x, in the shape and precision of x.

    A point is the last `axes` axes of x: 1 for vectors, 3 for images. Directions (r, d) serve all points; with (S, r, d) each
    network of a stack has its own, and points (n, *shape) or (S, n, *shape) become (S, n, *shape).
    Raises ValueError for directions that are not orthonormal, and for points that do not have d numbers.
    """
    _check(directions)
    flat, shape = x.flatten(-axes), x.shape[-axes:]
    if flat.ndim < 2 or flat.shape[-1] != directions.shape[-1]:
        raise ValueError(
            f"points of shape {tuple(x.shape)}, {axes} axes each, for directions of {directions.shape[-1]} numbers: "
            "expected as many numbers a point (of images, axes = 3)"
        )
    v = directions.to(flat)
    left = flat - (flat @ v.mT) @ v
    return left.reshape(*left.shape[:-1], *shape)


def deprived(score: Score, directions: Float[Tensor, "*s r d"], axes: int = 1) -> Score:
    """A score that never sees these directions of its input; `axes` as for `without`."""
    _check(directions)
    return lambda x: score(without(x, directions, axes))


def together(*scores: Score) -> Score:
    """The ensemble of the scores: the mean of their logits. Raises ValueError for none."""
    if not scores:
        raise ValueError("an ensemble of no scores: expected at least one")
    return lambda x: torch.stack([score(x) for score in scores]).mean(0)


def _check(directions: Tensor) -> None:
    if directions.ndim not in (2, 3):
        raise ValueError(f"directions of shape {tuple(directions.shape)}: expected (r, d), or (S, r, d) for a stack of S networks")
    exact = directions.double()
    gram = exact @ exact.mT
    off = (gram - torch.eye(gram.shape[-1], device=gram.device, dtype=gram.dtype)).abs().max()
    if not off < 1e-4:
        raise ValueError(
            f"directions whose products are off those of an orthonormal set by {off:.2g}: they cannot be projected out; "
            "take them from singular_directions, or torch.linalg.qr of their transpose"
        )
