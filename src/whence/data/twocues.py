"""Two images in one, each a cue of the label: how well it predicts and how much contrast it has are set apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.data.dominoes import Half, stack
from whence.seeds import stream

BLACK = -1.0


class Sample(NamedTuple):
    """Stacked images, their labels 0 and 1, and what the two cues say, -1 for 0 and 1 for 1: those above first."""

    x: Float[Tensor, "n c h w"]
    y: Int[Tensor, " n"]
    z: Float[Tensor, "n 2"]


@dataclass(frozen=True)
class TwoCues:
    """One image above another; given the label, each says it with probability `predictivity`, by itself, else the contrary.

    `contrast` is what the brightness of each half above black is multiplied by, in (0, 1]. The best rule is that of the more
    predictive cue alone, whatever the contrasts. Predictivities of 1/2 each make all four combinations equally frequent, as when
    one asks which cue a classifier goes by.
    Raises ValueError for a predictivity outside [.5, 1] or a contrast outside (0, 1].
    """

    top: Half
    bottom: Half
    predictivity: tuple[float, float] = (0.85, 0.9)
    contrast: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        if not all(0.5 <= p <= 1 for p in self.predictivity):
            raise ValueError(f"predictivity {self.predictivity}: expected probabilities in [.5, 1], of the cue above and below")
        if not all(0 < c <= 1 for c in self.contrast):
            raise ValueError(f"contrast {self.contrast}: expected shares in (0, 1]; at 0 a cue could not be seen at all")

    def draw(self, n: int, seed: int, split: str = "train") -> Sample:
        """n images of a split, float32. Raises ValueError for n < 1, and as the halves do.

        Labels, which images say the contrary, and images come from streams of their own: designs of one seed that differ in
        contrast alone share all else. Raising a predictivity only turns cues towards the label.
        """
        if n < 1:
            raise ValueError(f"{n} images: expected at least 1")
        y = torch.randint(2, (n,), generator=stream(seed, "two cues", split, "label"))
        wrong = torch.rand(n, 2, generator=stream(seed, "two cues", split, "cues"), dtype=torch.float64)
        right = wrong < torch.tensor(self.predictivity, dtype=torch.float64)
        shown = torch.where(right, y[:, None], 1 - y[:, None])
        halves = [
            BLACK + contrast * (half.draw(shown[:, i], seed, split, place) - BLACK)
            for i, (half, place, contrast) in enumerate(zip((self.top, self.bottom), ("top", "bottom"), self.contrast, strict=True))
        ]
        return Sample(stack(*halves), y, 2.0 * shown - 1)
