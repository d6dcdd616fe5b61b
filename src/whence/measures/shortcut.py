"""Which of two cues a classifier goes by, against which it should, and which it prefers at odds (hermann2024shortcut).

With t(z) = -1, 0 or 1 the decision at n points z = (z_s, z_c) of the latent cues, the reliance on a cue is its signed mean

    R_i = (1/n) sum t(z) sign(z_i),

in [-1, 1]: 1 for the sign of that cue, -1 for the contrary. On points that are symmetric in each cue |R_s| + |R_c| <= 1, so that
the differences |R_s| - |R_c| and R_s - R_c are in [-1, 1] too, and the biases, differences of them from an optimum, in [-2, 2].
(Divided by n/2 instead all would be doubled: published descriptions are not at one about it.)
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Reliance(NamedTuple):
    """Signed reliance on the shortcut and on the core, float64, each in [-1, 1]."""

    shortcut: Float[Tensor, "*s"]
    core: Float[Tensor, "*s"]

    @property
    def unsigned(self) -> Float[Tensor, "*s"]:
        """|R_s| - |R_c|, the published quantity: a cue that is read with the wrong sign counts as one that is read."""
        return self.shortcut.abs() - self.core.abs()

    @property
    def signed(self) -> Float[Tensor, "*s"]:
        """R_s - R_c: lower where the shortcut is subtracted, as an optimum does that removes the noise which the cues share."""
        return self.shortcut - self.core


class Bias(NamedTuple):
    """How much more a classifier goes by the shortcut than an optimum does, in [-2, 2]; 0 is the optimum's own share."""

    unsigned: Float[Tensor, "*s"]
    signed: Float[Tensor, "*s"]


def probe(means: Float[Tensor, " 2"], size: int = 100, reach: float = 3.0) -> Float[Tensor, "m 2"]:
    """size x size latent points, evenly over [-reach mu_i, reach mu_i] in each cue, float64: m = size^2, z_c fastest.

    With an even size no point has a cue of sign 0. Most points are far from any data: what is asked is which cue decides.
    Raises ValueError for a size below 2, means that are not two numbers > 0, or a reach that is not > 0.
    """
    if means.shape != (2,) or not bool((means > 0).all()):
        raise ValueError(f"means {means.tolist()}: expected two numbers > 0, of the shortcut and of the core")
    if size < 2 or not reach > 0:
        raise ValueError(f"a grid of {size} x {size} points that reaches {reach} means: expected at least 2 x 2, and a reach > 0")
    line = torch.linspace(-reach, reach, size, dtype=torch.float64, device=means.device)
    return torch.cartesian_prod(line, line) * means.double()


def reliance(score: Float[Tensor, "*s n"], z: Float[Tensor, "n 2"]) -> Reliance:
    """(1/n) sum sign(score) sign(z_i) over latent points, of scores that are positive for label 1; a score of 0 counts for neither.

    Leading axes of the score, such as seeds, stay; a network with a score that is nan has nan. Raises ValueError for other shapes.
    """
    if z.ndim != 2 or z.shape[1] != 2 or score.ndim < 1 or score.shape[-1] != len(z) or len(z) == 0:
        raise ValueError(
            f"scores of shape {tuple(score.shape)} at latent points of shape {tuple(z.shape)}: expected (..., n) at (n, 2)"
        )
    sign = score.double().sign().masked_fill(score.isnan(), torch.nan)  # the sign of nan is 0
    return Reliance(*(sign @ z.to(sign).sign() / len(z)).unbind(-1))


def linear_reliance(weights: Float[Tensor, "*s 2"], means: Float[Tensor, " 2"]) -> Reliance:
    """Reliance of the sign of z . weights in closed form, over the whole box [-c mu_i, c mu_i] instead of a grid in it.

    With q the lesser of |w_s| mu_s and |w_c| mu_c over the greater: 1 - q/2 on the greater and q/2 on the lesser, each with the
    sign of its weight, so that the unsigned difference is q - 1 or 1 - q. Of weights that are both 0 both are nan.
    """
    strength = weights.double().abs() * means.to(weights.device).double()
    share = strength / strength.amax(-1, keepdim=True)  # 1 for the greater, q for the lesser
    lesser = share.amin(-1, keepdim=True)
    return Reliance(*(weights.double().sign() * torch.where(share == 1, 1 - lesser / 2, lesser / 2)).unbind(-1))


def bias(found: Reliance, optimum: Reliance) -> Bias:
    """Shortcut bias: a classifier's reliance less the optimum's, on the same points; positive where the shortcut is overused.

    The unsigned one is the published measure. Where the optimum subtracts the shortcut the two differ: see both.
    """
    return Bias(found.unsigned - optimum.unsigned, found.signed - optimum.signed)


def follows(answers: Int[Tensor, "*s n"], levels: Int[Tensor, "n k"]) -> Float[Tensor, "*s k"]:
    """Share of all points where the answer is the level of each of k cues: each cue's accuracy, were it the label; float64.

    Chance is not one over the number of levels: levels that differ exclude each other. Raises ValueError for other shapes.
    """
    return _matches(answers, levels).double().mean(-2)


def preference(answers: Int[Tensor, "*s n"], levels: Int[Tensor, "n k"]) -> Float[Tensor, "*s k"]:
    """Shares of k cues in the answers that follow one, over the points where cues are at odds; they sum to 1, float64.

    An answer that follows several cues is one vote, split evenly between them; one that follows none is no vote. Of two cues this
    is, for shape and texture, the shape bias: shape / (shape + texture). Without any vote it is nan.
    Raises ValueError for other shapes, or where all cues agree at every point.
    """
    odd = (levels != levels[:, :1]).any(1)
    if not bool(odd.any()):
        raise ValueError(
            f"all cues agree at each of {len(levels)} points: expected points where they are at odds, off the diagonal"
        )
    matches = (_matches(answers, levels) & odd[:, None]).double()
    votes = (matches / matches.sum(-1, keepdim=True).clamp_min(1)).sum(-2)
    return votes / votes.sum(-1, keepdim=True)


def _matches(answers: Tensor, levels: Tensor) -> Tensor:
    if levels.ndim != 2 or answers.ndim < 1 or answers.shape[-1] != len(levels) or levels.numel() == 0:
        raise ValueError(
            f"answers of shape {tuple(answers.shape)} for levels of shape {tuple(levels.shape)}: expected (..., n) for (n, k), "
            "answers as numbers of levels and not as logits"
        )
    return answers[..., None] == levels
