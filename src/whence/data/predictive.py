"""One sprite whose cues each say the label as often as one likes: colour, shape, scale, orientation, background, position."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import logsigmoid

from whence.data.designs import Equal, Levels
from whence.data.looks import Look
from whence.seeds import stream


@dataclass(frozen=True)
class Predictive:
    """K cues of two levels: each is at the level of the label with a probability of its own, given the label by itself.

    cues: as for `whence.data.designs.Equal`. predictivity: P(level = label), one a cue, in (.5, 1). How easily a cue is seen is a
    matter of the look, which moves no label and no level.
    Raises ValueError for another number of predictivities than cues, one outside (.5, 1), and as `Equal` does.
    """

    cues: tuple[str, ...] = ("colour", "shape", "scale", "orientation")
    predictivity: tuple[float, ...] = (0.85, 0.9, 0.8, 0.7)
    look: Look = field(default_factory=lambda: Look(shapes=("ellipse", "triangle")))

    def __post_init__(self) -> None:
        Equal(self.cues, 2, self.look)
        if len(self.predictivity) != len(self.cues):
            raise ValueError(f"predictivities {self.predictivity} of {self.cues}: expected as many, one a cue")
        for cue, rho in zip(self.cues, self.predictivity, strict=True):
            if not 0.5 < rho < 1:
                raise ValueError(
                    f"predictivity {rho} of {cue}: expected a probability in (.5, 1), not in percent; a cue that says nothing is "
                    "left off the cues, one that says all is the core of `Correlated`"
                )

    @property
    def weights(self) -> Float[Tensor, " k"]:
        """log(rho / (1 - rho)), float64: with levels as -1 and 1, the log odds of label 1 are levels . weights, Bayes' rule."""
        rho = torch.tensor(self.predictivity, dtype=torch.float64)
        return rho.log() - (1 - rho).log()

    @property
    def accuracy(self) -> float:
        """Of Bayes' rule, exact: the sum over all 2^K cells of the larger of the two labels' shares."""
        cells = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * len(self.cues))
        shares = logsigmoid(cells * self.weights).sum(1).exp()  # of a cell, given label 1
        return float(torch.maximum(shares, shares.flip(0)).sum() / 2)  # flipped, given label 0

    def draw(self, n: int, seed: int, split: str = "train") -> Levels:
        """n images, labels by chance; a shorter draw begins a longer one. Raises ValueError for n < 1.

        Designs of one seed share labels, places and all else: a higher predictivity only turns levels of its cue to the label.
        """
        if n < 1:
            raise ValueError(f"{n} images: expected at least 1")
        y = torch.randint(2, (n,), generator=stream(seed, "predictive", split, "label"))
        columns = [self._level(y, cue, rho, seed, split) for cue, rho in zip(self.cues, self.predictivity, strict=True)]
        levels = torch.stack(columns, 1)
        return Levels(Equal(self.cues, 2, self.look).at(levels, seed, split), y, levels)

    def _level(self, y: Int[Tensor, " n"], cue: str, rho: float, seed: int, split: str) -> Int[Tensor, " n"]:
        kept = torch.rand(len(y), generator=stream(seed, "predictive", split, cue), dtype=torch.float64) < rho
        return torch.where(kept, y, 1 - y)
