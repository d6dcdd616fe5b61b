"""Two sprites that show the two latent cues of `whence.data.availability` as colours, each as easily seen as one likes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.data.availability import Availability
from whence.data.backdrops import backdrop
from whence.data.sprites import chroma, coverage, number, paint, room
from whence.seeds import stream

REACH = 4.0  # the latent at which a colour is as far from grey as it goes


class Sample(NamedTuple):
    """Images in [-1, 1], their labels, and the latent cues (float64) that they show: shortcut first, core second."""

    x: Float[Tensor, "n 3 h w"]
    y: Int[Tensor, " n"]
    z: Float[Tensor, "n 2"]


@dataclass(frozen=True)
class Couple:
    """Two sprites an image, one beside the other: the first shows the shortcut z_s, the second the core z_c, of a law.

    A sprite's colour is mid-grey plus z / 4 (at most 1) times the way along its own line of colours of equal luma, red to cyan or
    blue to yellow: the line tells which cue it shows. Without a background the mean colour of the image is then linear in z, and
    the best rule for the latents is one for the pixels. The half of the image that a sprite is in, its place and turn say nothing.

    Each pair is (shortcut, core). footprint: share of the image. contrast in (0, 1]: how opaque. saturation in (0, 1]: how far
    from grey the colours go. swapped: the two cues change their lines of colours, and nothing else: the control for which line is
    the easier. background, backdrop_contrast: as for `whence.data.backdrops.backdrop`. No knob moves a label or a latent.
    Raises ValueError for values outside these ranges, or sprites too large for half an image.
    """

    law: Availability = field(default_factory=lambda: Availability(d=2))
    footprint: tuple[float, float] = (0.05, 0.05)
    contrast: tuple[float, float] = (1.0, 1.0)
    saturation: tuple[float, float] = (1.0, 1.0)
    swapped: bool = False
    background: str = "none"
    backdrop_contrast: float = 1.0
    shape: str = "ellipse"
    side: int = 16

    def __post_init__(self) -> None:
        number(self.shape)
        for name, pair in (("footprint", self.footprint), ("contrast", self.contrast), ("saturation", self.saturation)):
            if len(pair) != 2 or not all(0 < value <= 1 for value in pair):
                raise ValueError(f"{name} {pair}: expected two shares in (0, 1], of the shortcut and of the core")
        for footprint in self.footprint:
            room(footprint, (self.shape,), 0.5)
        backdrop(self.background, 1, self.side, 0, contrast=self.backdrop_contrast)

    def draw(self, n: int, seed: int, split: str = "train") -> Sample:
        """n images; labels and latents are those of the law's own draw of this seed and split. Raises ValueError for n < 1."""
        _, y, z = self.law.draw(n, seed, split)
        return Sample(self.embed(z, seed, split), y, z)

    def embed(self, z: Float[Tensor, "m 2"], seed: int, split: str = "probe") -> Float[Tensor, "m 3 side side"]:
        """Images of any latent cues, such as a grid of them: image i has the places, turns and background i of its seed and split.

        Raises ValueError unless z has two columns.
        """
        if z.ndim != 2 or z.shape[1] != 2:
            raise ValueError(f"latent cues of shape {tuple(z.shape)}: expected (m, 2), shortcut first and core second")
        draw = torch.rand(len(z), 7, generator=stream(seed, "couple", split), dtype=torch.float64)
        half = torch.where(draw[:, 0] < 0.5, -0.25, 0.25)
        x = backdrop(self.background, len(z), self.side, seed, split, self.backdrop_contrast)
        for cue, where in enumerate((half, -half)):
            away, up, turn = draw[:, 1 + 3 * cue : 4 + 3 * cue].unbind(1)
            wide = room(max(self.footprint), (self.shape,), 0.5)
            centre = torch.stack([where + wide * (2 * away - 1), (0.25 + wide) * (2 * up - 1)], 1)
            kind = torch.full((len(z),), number(self.shape))
            cover = coverage(kind, torch.full_like(turn, self.footprint[cue]), 4 * turn, centre, self.side)
            x = paint(x, cover, self._colours(z[:, cue], cue), self.contrast[cue])
        return x

    def _colours(self, z: Tensor, cue: int) -> Tensor:
        line = chroma()[cue if not self.swapped else 1 - cue]
        along = (z.double() / REACH).clamp(-1, 1)
        return (self.saturation[cue] * along[:, None] * line).float()
