"""Digits laid over one of two grounds, each showing the sign of a latent cue: figure and ground, like birds over land or water."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from whence.data.availability import Availability
from whence.data.backdrops import backdrops
from whence.data.couples import Sample
from whence.data.dominoes import Half
from whence.data.sprites import paint
from whence.seeds import stream


@dataclass(frozen=True)
class Overlay:
    """A white figure of one of two kinds over a ground of one of two: the sign of one latent cue chooses each.

    The ground shows the shortcut and the figure the core, or the other way round where `exchanged`: the same images, of other
    labels' making. figure: images of a stored set. box: the side of the square that the figure fills, anywhere in the image;
    contrast in (0, 1]: how opaque it is. grounds: two kinds of `whence.data.backdrops.BACKDROPS`; ground_contrast in [0, 1].
    No knob moves a label or a latent. Only signs are shown, so the best rule goes by the more predictive cue wherever the two are
    at odds: its reliance on that is 1 and on the other 0.
    Raises ValueError for a box that is not from 1 to the side, or not two grounds; the figure, grounds and law raise as they do.
    """

    law: Availability = field(default_factory=lambda: Availability(d=2))
    figure: Half = field(default_factory=lambda: Half("digits", (0,), (1,)))
    box: int = 12
    contrast: float = 1.0
    grounds: tuple[str, str] = ("brick", "grass")
    ground_contrast: float = 1.0
    exchanged: bool = False
    side: int = 16

    def __post_init__(self) -> None:
        if not 1 <= self.box <= self.side:
            raise ValueError(f"a box of {self.box} pixels in an image of {self.side}: expected from 1 to {self.side}")
        if len(self.grounds) != 2:
            raise ValueError(f"grounds {self.grounds}: expected two, one for each sign of a cue")

    def draw(self, n: int, seed: int, split: str = "train") -> Sample:
        """n images; labels and latents are those of the law's own draw of this seed and split. Raises ValueError for n < 1."""
        _, y, z = self.law.draw(n, seed, split)
        return Sample(self.embed(z, seed, split), y, z)

    def embed(self, z: Float[Tensor, "m 2"], seed: int, split: str = "test") -> Float[Tensor, "m 3 side side"]:
        """Images of any latent cues: figures, places and grounds are of the split. Raises ValueError unless z has two columns."""
        if z.ndim != 2 or z.shape[1] != 2:
            raise ValueError(f"latent cues of shape {tuple(z.shape)}: expected (m, 2), shortcut first and core second")
        ground, figure = ((z > 0).long().flip(1) if self.exchanged else (z > 0).long()).unbind(1)
        x = backdrops(self.grounds, ground, self.side, seed, split, self.ground_contrast)
        return paint(x, self._ink(self.figure.draw(figure, seed, split), seed, split), torch.ones(len(z), 3), self.contrast)

    def _ink(self, image: Tensor, seed: int, split: str) -> Float[Tensor, "m side side"]:
        """How much of each pixel is written on, of figures shrunk or grown to the box and put where chance says."""
        grey = ((image + 1) / 2).mean(1, keepdim=True)
        small = interpolate(grey, (self.box, self.box), mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)[:, 0]
        free = self.side - self.box + 1
        place = torch.rand(len(image), 2, generator=stream(seed, "overlay", split, "place"), dtype=torch.float64)
        top, left = (place * free).long().unbind(1)
        ink, line = torch.zeros(len(image), self.side, self.side), torch.arange(self.box)
        rows, columns = (top[:, None] + line)[:, :, None], (left[:, None] + line)[:, None, :]
        ink[torch.arange(len(image))[:, None, None], rows, columns] = small
        return ink
