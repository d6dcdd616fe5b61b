"""How long, how fast and from which seed a network is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

WARM_UP = 0.05  # share of the steps in which the rate rises


@dataclass(frozen=True)
class Recipe:
    """How to train: Adam for `steps` steps on batches of `batch`, the rate rising over the first 5 % and falling as a cosine to 0.

    The network that comes out has averaged weights, with decay min(average, (1 + k) / (10 + k)) after step k. `clip` bounds the
    norm of the gradient. "bfloat16" lets a CUDA device compute the network's products in that precision while it trains.
    """

    steps: int
    batch: int = 64
    rate: float = 1e-3
    average: float = 0.999
    seed: int = 0
    clip: float = 1.0
    precision: str = "float32"

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1:
            raise ValueError(f"a recipe of {self.steps} steps on batches of {self.batch}: expected at least one of each")
        if not self.rate > 0 or not 0 <= self.average < 1 or not self.clip > 0:
            raise ValueError(f"{self}: expected rate > 0, 0 <= average < 1 and clip > 0")
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision is {self.precision!r}, expected 'float32' or 'bfloat16'")

    def share(self, step: int) -> float:
        """The learning rate in a step, counted from 0, as a share of `rate`."""
        rising = max(1, round(WARM_UP * self.steps))
        if step < rising:
            return (step + 1) / rising
        return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, self.steps - rising)))

    def decay(self, step: int) -> float:
        """The decay of the averaged weights after a step, counted from 1."""
        return min(self.average, (1 + step) / (10 + step))
