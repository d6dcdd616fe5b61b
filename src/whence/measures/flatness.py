"""How wide a solution is, by radii without units: noise relative to each layer, what training falls back to, curves between two.

Weights are named tensors with a first axis of S networks, such as `train.stack.Stack.weights`; a loss maps them to (S,), and no
network's loss depends on another's weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

Weights = Mapping[str, Tensor]
Loss = Callable[[Weights], Tensor]
BY = ("layer", "filter")


def direction(weights: Weights, generators: Sequence[Generator], by: str = "layer") -> dict[str, Tensor]:
    """A random direction as long as the weights themselves: normal numbers, scaled to the norm of each tensor of each network.

    Two layers of a ReLU network may be scaled against each other without any change of its answers. Noise of one size does not
    survive that, noise relative to the layer does. With `by="filter"` the norms are those of the rows of each tensor instead
    (li2018landscape). What is 0 stays 0. A generator a network, so that one draws alike alone or in a stack.
    Raises ValueError for another `by`, or another number of generators.
    """
    s = len(next(iter(weights.values())))
    if by not in BY or len(generators) != s:
        raise ValueError(
            f"by {by!r} with {len(generators)} generators for {s} networks: expected one of {', '.join(BY)}, and one generator each"
        )
    return {name: _drawn(t.detach(), generators, 1 if by == "layer" else 2) for name, t in weights.items()}


def moved(weights: Weights, along: Weights, radius: float) -> dict[str, Tensor]:
    """w + r d: with d of `direction`, a step of r times the length of each layer."""
    return {name: t.detach() + radius * along[name] for name, t in weights.items()}


@torch.no_grad()
def rise(
    loss: Loss, weights: Weights, radii: Sequence[float], generators: Sequence[Generator], draws: int = 8, by: str = "layer"
) -> Float[Tensor, "s draws r"]:
    """How much the loss rises at relative radii r: (L(w + r d) + L(w - r d)) / 2 - L(w) for random directions d.

    Both ways along a direction, so that a slope drops out: of a quadratic loss this is r^2 d^T H d / 2. One direction serves all
    radii. A change of units between the layers of a ReLU network leaves it as it is. Raises ValueError for no draws, or for
    radii that are none or negative.
    """
    if draws < 1 or not radii or not min(radii) >= 0:
        raise ValueError(f"{draws} draws at radii {list(radii)}: expected at least one draw, and radii >= 0")
    here = loss(weights)

    def one(along: Weights, radius: float) -> Tensor:
        return (loss(moved(weights, along, radius)) + loss(moved(weights, along, -radius))) / 2 - here

    directions = (direction(weights, generators, by) for _ in range(draws))
    return torch.stack([torch.stack([one(d, r) for r in radii], -1) for d in directions], 1)


def returned(
    weights: Weights,
    radii: Sequence[float],
    generators: Sequence[Generator],
    train: Callable[[dict[str, Tensor]], Weights],
    judge: Callable[[Weights], Tensor],
    by: str = "layer",
) -> Float[Tensor, "s r ..."]:
    """What a solution has become, by `judge`, when it was moved by each relative radius and trained again.

    `train` takes weights and gives trained ones, `judge` makes (S, ...) of weights, such as the accuracy on each of several cues.
    All radii go along one direction. Radius 0 is the control: what the training alone does.
    """
    along = direction(weights, generators, by)
    return torch.stack([judge(train(moved(weights, along, r))) for r in radii], 1)


@dataclass(frozen=True)
class Bezier:
    """The curve (1 - t)^2 start + 2 t (1 - t) bend + t^2 end, t in [0, 1] (garipov2018connectivity).

    Fit it by training `bend` on the loss at random t; the ends stay.
    """

    start: Weights
    bend: dict[str, Tensor]  # leaves
    end: Weights

    @staticmethod
    def between(start: Weights, end: Weights) -> Bezier:
        """The straight line between two solutions, its bend a leaf to train. Raises ValueError where names or shapes differ."""
        shapes = [{name: tuple(t.shape) for name, t in weights.items()} for weights in (start, end)]
        if shapes[0] != shapes[1]:
            odd = sorted(set(shapes[0].items()) ^ set(shapes[1].items()))
            raise ValueError(f"ends that differ in {odd[0]}: expected two solutions of one architecture, as many networks each")
        first, last = ({name: t.detach() for name, t in weights.items()} for weights in (start, end))
        return Bezier(first, {name: ((t + last[name]) / 2).requires_grad_() for name, t in first.items()}, last)

    def at(self, t: float | Float[Tensor, " s"]) -> dict[str, Tensor]:
        """The weights at t, one for all networks or one each; differentiable in the bend."""

        def point(a: Tensor, bend: Tensor, b: Tensor) -> Tensor:
            u = t.to(a).reshape(-1, *(1 for _ in a.shape[1:])) if isinstance(t, Tensor) else t
            return (1 - u) ** 2 * a + 2 * u * (1 - u) * bend + u**2 * b

        return {name: point(a, self.bend[name], self.end[name]) for name, a in self.start.items()}


@torch.no_grad()
def along(loss: Loss, curve: Bezier, points: int = 11) -> Float[Tensor, "s t"]:
    """The loss at evenly spaced t from 0 to 1 of a curve. Raises ValueError for fewer than 3 points."""
    if points < 3:
        raise ValueError(f"{points} points along a curve: expected at least 3, two of them its ends")
    return torch.stack([loss(curve.at(i / (points - 1))) for i in range(points)], -1)


def barrier(losses: Float[Tensor, "s t"]) -> Float[Tensor, " s"]:
    """How high a path climbs above the straight line between the losses of its ends; 0 where it never does."""
    t = torch.linspace(0, 1, losses.shape[-1], dtype=losses.dtype, device=losses.device)
    return (losses - (1 - t) * losses[..., :1] - t * losses[..., -1:]).amax(-1)


def _drawn(t: Tensor, generators: Sequence[Generator], axes: int) -> Tensor:
    """Normal numbers with the norms of t over all but its first `axes` axes; of a vector a network, over all of it."""
    drawn = torch.stack([torch.randn(t.shape[1:], generator=g, dtype=torch.float64) for g in generators]).to(t)
    rest = tuple(range(min(axes, t.ndim - 1), t.ndim))
    size = drawn.norm(dim=rest, keepdim=True) if rest else drawn.abs()
    return drawn / size.clamp_min(torch.finfo(t.dtype).tiny) * (t.norm(dim=rest, keepdim=True) if rest else t.abs())
