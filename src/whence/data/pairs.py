"""Inputs of independent bits that carry two binary features at once, one easy and one hard to compute."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.seeds import stream


class Rule(NamedTuple):
    """How many bits a feature reads, and which of their values (..., bits) in -1, +1 have it."""

    bits: int
    present: Callable[[Tensor], Tensor]


RULES: dict[str, Rule] = {
    "linear": Rule(1, lambda bits: bits[..., 0] > 0),
    "and": Rule(2, lambda bits: (bits > 0).all(-1)),
    "xor": Rule(2, lambda bits: bits.prod(-1) < 0),
    "two_of_four": Rule(4, lambda bits: bits.sum(-1) == 0),
    "parity_of_four": Rule(4, lambda bits: bits.prod(-1) < 0),
}


class Sample(NamedTuple):
    """Inputs of -1 and +1, and which features they have: 1 or 0, the easy one first."""

    x: Float[Tensor, "n d"]
    y: Int[Tensor, "n 2"]


@dataclass(frozen=True)
class Pairs:
    """Inputs of d bits: the first ones decide the easy feature, the next ones the hard one, the rest nothing.

    The features are names of `RULES`; they read different bits, so they are independent. A prevalence is the probability that an
    input has the feature; None leaves the bits uniform, where it is what the rule makes it (1/4 for "and", 3/8 for "two_of_four",
    else 1/2). Raises ValueError for an unknown rule, more bits read than there are, or a prevalence outside (0, 1).
    """

    easy: str = "linear"
    hard: str = "xor"
    d: int = 32
    easy_prevalence: float | None = None
    hard_prevalence: float | None = None

    def __post_init__(self) -> None:
        for name in (self.easy, self.hard):
            if name not in RULES:
                near = difflib.get_close_matches(name, RULES, 1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise ValueError(f"no feature {name!r}: {hint}there are {', '.join(RULES)}")
        read = RULES[self.easy].bits + RULES[self.hard].bits
        if read > self.d:
            raise ValueError(f"{self.easy} and {self.hard} read {read} bits of inputs of d = {self.d}: expected d >= {read}")
        for prevalence in (self.easy_prevalence, self.hard_prevalence):
            if prevalence is not None and not 0 < prevalence < 1:
                raise ValueError(
                    f"prevalence {prevalence!r}: expected a probability above 0 and below 1, or None for uniform bits; a feature "
                    "that all inputs have, or none, cannot be learnt"
                )

    def draw(self, n: int, seed: int, split: str = "train") -> Sample:
        """n independent inputs with their features, by the streams (seed, "pairs", split, ...).

        The bits of one seed and split are the same whatever the features are, but for those bits that a prevalence redraws.
        """
        x = torch.randint(0, 2, (n, self.d), generator=stream(seed, "pairs", split, "bits")).float() * 2 - 1
        y = torch.empty(n, 2, dtype=torch.int64)
        start = 0
        for i, (name, prevalence) in enumerate([(self.easy, self.easy_prevalence), (self.hard, self.hard_prevalence)]):
            read = slice(start, start := start + RULES[name].bits)
            if prevalence is not None:
                x[:, read] = _redrawn(RULES[name], n, prevalence, stream(seed, "pairs", split, ("easy", "hard")[i]))
            y[:, i] = RULES[name].present(x[:, read])
        return Sample(x, y)


def cells(rule: Rule) -> tuple[Float[Tensor, "c b"], Bool[Tensor, " c"]]:
    """All values that the bits of a rule can have, and which of them have the feature."""
    values = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=rule.bits)))
    return values, rule.present(values)


def _redrawn(rule: Rule, n: int, prevalence: float, generator: torch.Generator) -> Tensor:
    """Bits (n, b) that have the feature with that probability, and are otherwise uniform."""
    values, present = cells(rule)
    weights = torch.where(present, prevalence / present.sum(), (1 - prevalence) / (~present).sum())
    return values[torch.multinomial(weights, n, replacement=True, generator=generator)]
