"""Which pixels a classifier takes together: how what it makes of one of them changes with another.

A classifier has no output pixel to look around. But a denoiser's Jacobian is a second derivative, D = y + sigma^2 grad log p, so
its sensitivity field around q is the row q of the Hessian of log p; and a score f, a log odds, has the same:

    I_q(p) = E_x ( df/dx_p (x with pixel q moved) - df/dx_p (x) )^2 .

The move is finite, since a ReLU network's Hessian is zero wherever it exists. A sum of functions of single pixels has I = 0; one of
functions of windows has I_q(p) = 0 unless a window holds both; a quadratic form x^T A x / 2 has the squared row q of A.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.measures.sensitivity import side

ROUNDING = 1e-10  # of a gradient's squared norm: a smaller change is one of rounding, and counts as none


def interactions(
    score: Callable[[Tensor], Float[Tensor, "*s b"]],
    x: Float[Tensor, "*s b c h w"],
    pixels: Int[Tensor, "q 2"],
    move: float = 1.0,
) -> Float[Tensor, "*s q h w"]:
    """The field I_q(p) of each pixel q (row, column), averaged over the b images, summed over the channels of p.

    Pixel q is moved by `move` in all channels, away from the nearer end of [-1, 1]: up where it is negative, down elsewhere. The
    score must treat images independently (a network in evaluation mode does); leading axes, such as seeds, stay. One pass for the
    images, and one for each pixel. Raises ValueError for a pixel outside the image, or a move that is not positive.
    """
    h, w = x.shape[-2:]
    inside = (pixels >= 0) & (pixels < torch.tensor([h, w], device=pixels.device))
    if not bool(inside.all()) or not move > 0:
        wrong = pixels[~inside.all(1)].tolist()
        raise ValueError(f"pixels {wrong} outside an image of {h} x {w}, move {move}: expected pixels inside, and a move > 0")
    before = _gradient(score, x)
    least = ROUNDING * before.square().sum((-3, -2, -1)).mean(-1)
    found = []
    for i, j in pixels.tolist():
        moved = x.clone()
        moved[..., i, j] -= move * torch.where(x[..., i, j] < 0, -1.0, 1.0).to(x)
        change = (_gradient(score, moved) - before).square().sum(-3).mean(-3)
        found.append(torch.where((change.sum((-2, -1)) > least)[..., None, None], change, 0))
    return torch.stack(found, -3)


def reach(fields: Float[Tensor, "*s q h w"], pixels: Int[Tensor, "q 2"], fraction: float = 0.5) -> Float[Tensor, "*s"]:
    """Side, in pixels, of the square around a pixel that holds a fraction of its field, averaged over those that have one.

    The square's side is that of `whence.measures.sensitivity.side`. 0 where no pixel has a field: a score that adds pixels up.
    """
    flat = fields.reshape(-1, *fields.shape[-2:])
    sides = side(flat, pixels.repeat(len(flat) // len(pixels), 1), fraction)
    return sides.reshape(fields.shape[:-2]).nanmean(-1).nan_to_num(0.0)


def _gradient(score: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with torch.enable_grad():
        state = x.detach().requires_grad_(True)
        return torch.autograd.grad(score(state).sum(), state, materialize_grads=True)[0]
