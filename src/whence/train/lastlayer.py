"""Deep feature reweighting: a new last layer on a trained network's features, from a few balanced examples (kirichenko2023dfr)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from whence.seeds import stream
from whence.train.groups import counts

STRENGTHS = (1.0, 0.7, 0.3, 0.1, 0.07, 0.03, 0.01)  # the published grid: inverse weights of the l1 penalty


@dataclass(frozen=True)
class Head:
    """score = ((features - mean) / deviation) . weight + bias, positive for label 1; float64. `strength` is the one chosen."""

    mean: Float[Tensor, " w"]
    deviation: Float[Tensor, " w"]
    weight: Float[Tensor, " w"]
    bias: float
    strength: float

    def __call__(self, features: Float[Tensor, "*s n w"]) -> Float[Tensor, "*s n"]:
        """The scores of examples, by the features of the network that the head was made for."""
        standard = (features.detach().cpu().double() - self.mean) / self.deviation
        return standard @ self.weight + self.bias


def refit(
    features: Float[Tensor, "n w"],
    y: Int[Tensor, " n"],
    group: Int[Tensor, " n"] | None,
    groups: int,
    seed: int,
    strengths: tuple[float, ...] = STRENGTHS,
    rounds: int = 20,
) -> Head:
    """A logistic head of two classes with an l1 penalty, from these examples alone: the label budget is what is passed here.

    One half of each group chooses the strength: heads are fitted to a balanced draw of the other half, and the best worst-group
    accuracy wins, the strongest penalty where several do. The head is then the mean of `rounds` heads, each fitted to a balanced
    draw of all the examples: as many of every group as the smallest has. Draws are by (seed, "lastlayer", ...); features are
    standardised once, by the mean and deviation of a balanced whole: every group counts alike, and no training feature is used.
    Raises ValueError as `train.groups.counts` does, for a group of fewer than two, labels that are not both 0 and 1, no strength.
    """
    found = counts(group, groups)
    assert group is not None
    _check(features, y, found, strengths, rounds)
    x, y, group = features.detach().cpu().double(), y.cpu(), group.cpu()
    weight = 1 / found.cpu().double()[group] / groups
    mean = weight @ x
    deviation = (weight @ (x - mean).square()).sqrt()
    deviation = torch.where(deviation > 1e-12, deviation, 1.0)  # a unit that is dead on these examples
    standard = (x - mean) / deviation
    chosen = _strength(standard, y, group, groups, seed, strengths)
    everyone = [(group == g).nonzero()[:, 0] for g in range(groups)]
    fits = [_fit(standard, y, _balanced(everyone, seed, "round", r), chosen) for r in range(rounds)]
    weights, biases = torch.stack([w for w, _ in fits]), torch.tensor([b for _, b in fits], dtype=torch.float64)
    return Head(mean, deviation, weights.mean(0), float(biases.mean()), chosen)


def _strength(x: Tensor, y: Tensor, group: Tensor, groups: int, seed: int, strengths: tuple[float, ...]) -> float:
    members = [(group == g).nonzero()[:, 0] for g in range(groups)]
    mixed = [m[torch.randperm(len(m), generator=stream(seed, "lastlayer", "halves", g))] for g, m in enumerate(members)]
    index = _balanced([m[: len(m) // 2] for m in mixed], seed, "tune", 0)
    others = [m[len(m) // 2 :] for m in mixed]

    def worst(strength: float) -> float:
        weight, bias = _fit(x, y, index, strength)
        right = ((x @ weight + bias > 0) == (y == 1)).double()
        return min(float(right[m].mean()) for m in others)

    return max(sorted(strengths), key=worst)  # max takes the first of equals: the smallest C


def _balanced(members: list[Tensor], seed: int, what: str, number: int) -> Int[Tensor, " m"]:
    """As many members of each group as the smallest has, drawn without repetition."""
    least = min(len(m) for m in members)
    drawn = (torch.randperm(len(m), generator=stream(seed, "lastlayer", what, number, g)) for g, m in enumerate(members))
    return torch.cat([m[order[:least]] for m, order in zip(members, drawn, strict=True)])


def _fit(x: Tensor, y: Tensor, index: Tensor, strength: float) -> tuple[Tensor, float]:
    model = LogisticRegression(C=strength, l1_ratio=1, solver="liblinear", random_state=0)
    model.fit(x[index].numpy(), y[index].numpy())
    return torch.from_numpy(model.coef_[0].copy()), float(model.intercept_[0])


def _check(features: Tensor, y: Tensor, found: Tensor, strengths: tuple[float, ...], rounds: int) -> None:
    n = int(found.sum())
    if features.ndim != 2 or len(features) != n or y.shape != (n,) or set(y.unique().tolist()) != {0, 1}:
        raise ValueError(
            f"features {tuple(features.shape)} and labels {tuple(y.shape)} of values {y.unique().tolist()[:5]} for {n} group "
            "labels: expected (n, w), and (n,) of both 0 and 1; of a stack, one network at a time"
        )
    if int(found.min()) < 2:
        raise ValueError(f"groups of {found.tolist()} examples: expected at least 2 each, one to fit and one to choose by")
    if not strengths or min(strengths) <= 0 or rounds < 1:
        raise ValueError(
            f"strengths {strengths} in {rounds} rounds: expected numbers > 0 such as {STRENGTHS}, and at least 1 round"
        )
