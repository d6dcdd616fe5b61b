"""How little it takes to mislead a classifier: perturbations of single points, universal ones, and where their norm lies.

A score maps points x (n, *shape) to logits (n, k), or to (S, n, k) when it is a stack of S networks; a stack also takes points of
its own for each network, (S, n, *shape). Labels y are (n,) for shared points and (S, n) for own ones: their shape says which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.linalg import eigh

Score = Callable[[Tensor], Tensor]
NORMS = ("l2", "linf")


def margin(logits: Float[Tensor, "*s n k"], y: Int[Tensor, "*r n"]) -> Float[Tensor, "*s n"]:
    """By how much a point's own class wins: f_y - log sum_(j != y) exp f_j; of two classes simply f_y - f_other.

    The cross-entropy is log(1 + exp(-margin)), so the two have the same gradient but for a positive factor. In float32 that factor
    is 0 once the margin is past 104, and an attack on the loss then stands still; one on the margin does not.
    Raises ValueError for fewer than two classes, and for labels that are not whole numbers in 0..k-1.
    """
    k = logits.shape[-1]
    if k < 2:
        raise ValueError(f"logits of shape {tuple(logits.shape)}: expected two or more classes on the last axis")
    if y.is_floating_point() or (y.numel() > 0 and not 0 <= int(y.min()) <= int(y.max()) < k):
        raise ValueError(
            f"labels of {y.dtype} from {y.min().item()} to {y.max().item()}: expected whole numbers in 0..{k - 1}; "
            "signs s become labels by (s > 0).long()"
        )
    chosen = y.expand(logits.shape[:-1])[..., None]
    own = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, chosen, True)
    return logits.gather(-1, chosen)[..., 0] - logits.masked_fill(own, -torch.inf).logsumexp(-1)


@torch.no_grad()
def accuracy(score: Score, x: Float[Tensor, "*r n ..."], y: Int[Tensor, "*r n"]) -> Float[Tensor, "*s"]:
    """The share of points whose own class has the largest logit, one for each network of a stack; a tie is lost."""
    logits = score(x)
    own = logits.gather(-1, y.expand(logits.shape[:-1])[..., None])
    return ((logits >= own).sum(-1) == 1).double().mean(-1)


def gradients(score: Score, x: Float[Tensor, "*r n ..."], y: Int[Tensor, "*r n"]) -> Float[Tensor, "*s n ..."]:
    """The derivative of every point's margin by that point, for each network of a stack; nothing reaches the parameters' `grad`.

    The score must treat points independently (evaluation mode). Raises ValueError when y does not label each point of x.
    """
    points, labels = _each(score, x, y)
    at = points.clone().requires_grad_()
    (found,) = torch.autograd.grad(margin(score(at), labels).sum(), at)
    return found


def pgd(
    score: Score,
    x: Float[Tensor, "*r n ..."],
    y: Int[Tensor, "*r n"],
    epsilon: float | Float[Tensor, " s"],
    norm: str = "l2",
    steps: int = 20,
    step: float | None = None,
    start: Tensor | None = None,
    bounds: tuple[float, float] | None = None,
) -> Float[Tensor, "*s n ..."]:
    """Perturbations of norm ("l2" or "linf") at most epsilon that make each point's margin small: projected gradient descent.

    `epsilon` may be one number for each network of a stack, (S,): each is then attacked as if alone.
    Each step goes `step` (2.5 epsilon / steps unless given) against the gradient, taken to length 1 or to its sign, and back into
    the ball and, with `bounds`, into the pixels' range. It begins at `start`, 0 unless given. madry2018robust.
    Raises ValueError for an unknown norm, a negative epsilon or another number of them than networks, no steps, or points outside
    of the bounds.
    """
    if norm not in NORMS:
        raise ValueError(f"norm {norm!r}: expected one of {', '.join(NORMS)}")
    if not bool((torch.as_tensor(epsilon) >= 0).all()) or steps < 1:
        raise ValueError(f"epsilon {epsilon} in {steps} steps: expected epsilon >= 0 and at least one step")
    if bounds and not bounds[0] <= x.min() <= x.max() <= bounds[1]:
        raise ValueError(f"points from {x.min():g} to {x.max():g} with bounds {bounds}: expected the points to lie inside of them")
    points, labels = _each(score, x, y)
    epsilon = _radius(epsilon, labels)
    lead, stride = labels.ndim, 2.5 * epsilon / steps if step is None else step

    def back(delta: Tensor) -> Tensor:
        inside = _project(delta.flatten(lead), epsilon, norm).reshape(points.shape)
        return (points + inside).clamp(*bounds) - points if bounds else inside

    delta = back(torch.zeros_like(points) if start is None else start.expand_as(points))
    for _ in range(steps):
        slope = gradients(score, points + delta, labels).flatten(lead)
        delta = back(delta - (stride * _steepest(slope, norm)).reshape(points.shape))
    return delta


def singular_directions(gradients: Float[Tensor, "*s n d"], rank: int = 1) -> Float[Tensor, "*s r d"]:
    """The leading right singular vectors of the gradients of n points, each taken to length 1 so that every point counts alike.

    Orthonormal, found in float64, of a sign that agrees with most of the gradients. With gradients for one class at all points
    these are the directions along which that class's margin grows. Points without a gradient do not count; flatten images first.
    Raises ValueError for a rank outside of 1..min(n, d), and where no point has a gradient.
    """
    n, d = gradients.shape[-2:]
    if not 1 <= rank <= min(n, d):
        raise ValueError(f"{rank} directions of {n} gradients of {d} entries: expected between 1 and {min(n, d)}")
    rows = _unit(gradients.double())
    if not bool((rows != 0).any(-1).any(-1).all()):
        raise ValueError("no point has a gradient: the score does not depend on its input there (is every unit dead?)")
    found = [eigh(one.T @ one)[1][:, :rank].T for one in rows.reshape(-1, n, d)]
    vectors = torch.stack(found).reshape(*rows.shape[:-2], rank, d)
    votes = (rows @ vectors.mT).sign().sum(-2)  # of the points, for each direction
    return (vectors * torch.where(votes < 0, -1.0, 1.0)[..., None]).to(gradients)


def mean_sign(gradients: Float[Tensor, "*s n d"]) -> Float[Tensor, "*s d"]:
    """The mean over points of the sign of each entry of their gradients, taken to length 1."""
    return _unit(gradients.double().sign().mean(-2)).to(gradients)


def signed(direction: Float[Tensor, "*s d"], y: Int[Tensor, "*r n"], epsilon: float) -> Float[Tensor, "*s n d"]:
    """A universal perturbation that knows the label: +epsilon along the direction for class 0, -epsilon for class 1.

    With a direction along which class 1 grows, every point moves towards the other class. Raises ValueError for other labels.
    """
    if y.is_floating_point() or not bool(((y == 0) | (y == 1)).all()):
        raise ValueError(f"labels of {y.dtype} up to {y.max().item()}: a perturbation signed by the label needs classes 0 and 1")
    return epsilon * (1 - 2 * y)[..., None].to(direction) * direction[..., None, :]


def label_free(
    score: Score, x: Float[Tensor, "*r n d"], y: Int[Tensor, "*r n"], direction: Float[Tensor, "*s d"], epsilon: float
) -> Float[Tensor, "*s 1 d"]:
    """One and the same perturbation for all points: epsilon along the direction, or against it, whichever costs more accuracy.

    The sign is chosen on the points given, which should be training points. Of two classes of equal size no such perturbation
    can bring the accuracy of a network that follows the direction alone below one half.
    """
    shift = (epsilon * direction[..., None, :]).to(x)
    up, down = accuracy(score, x + shift, y), accuracy(score, x - shift, y)
    return torch.where(up < down, 1.0, -1.0).to(shift)[..., None, None] * shift


def block_shares(
    delta: Float[Tensor, "*b d"], blocks: Sequence[Sequence[int]], rotation: Float[Tensor, "*c d d"] | None = None
) -> Float[Tensor, "*b k"]:
    """The share of a perturbation's squared norm that lies in each block of coordinates; nan for a perturbation of 0.

    `rotation` Q is the one the data were turned by, x = z Q, so that the blocks are coordinates of delta Q^T. The root of a share
    is the block's part of the norm itself. Shares sum to 1 when the blocks cover everything.
    """
    turned = delta.double() if rotation is None else delta.double() @ rotation.to(delta.device).double().mT
    energy = turned.square()
    return torch.stack([energy[..., list(block)].sum(-1) for block in blocks], -1) / energy.sum(-1, keepdim=True)


def _each(score: Score, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Points (*s, n, *shape) and labels (*s, n): one copy of shared points for each network of a stack."""
    if x.shape[: y.ndim] != y.shape or x.ndim == y.ndim:
        raise ValueError(f"points of shape {tuple(x.shape)} with labels of shape {tuple(y.shape)}: expected one label a point")
    if y.ndim > 1:  # each network has its own already
        return x.detach(), y
    with torch.no_grad():
        lead = score(x[:1]).shape[:-2]
    return x.detach().expand(*lead, *x.shape), y.expand(*lead, *y.shape)


def _unit(rows: Tensor) -> Tensor:
    """Rows of length 1; a row of zeros stays."""
    length = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    return torch.where(length > 0, rows / length, 0)


def _steepest(slope: Tensor, norm: str) -> Tensor:
    return slope.sign() if norm == "linf" else _unit(slope)


def _radius(epsilon: float | Tensor, labels: Tensor) -> float | Tensor:
    """A radius for all, or one for each network in the shape (S, 1, 1) that goes with flat points (S, n, d)."""
    if not isinstance(epsilon, Tensor) or epsilon.ndim == 0:
        return epsilon
    if labels.ndim != 2 or epsilon.shape != labels.shape[:1]:
        raise ValueError(
            f"epsilon of shape {tuple(epsilon.shape)} for labels of shape {tuple(labels.shape)}: expected a number, or one for "
            "each network of a stack"
        )
    return epsilon.to(labels.device)[:, None, None]


def _project(delta: Tensor, epsilon: float | Tensor, norm: str) -> Tensor:
    """The nearest point of the ball."""
    if norm == "linf":
        bound = torch.as_tensor(epsilon, dtype=delta.dtype, device=delta.device)
        return delta.clamp(-bound, bound)
    length = torch.linalg.vector_norm(delta, dim=-1, keepdim=True)
    return delta * (epsilon / length.clamp_min(torch.finfo(delta.dtype).tiny)).clamp(max=1)
