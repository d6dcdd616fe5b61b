"""Digits laid over one of two grounds, each showing the sign of a latent cue: figure and ground, like birds over land or water."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import interpolate

from whence.data.availability import Availability
from whence.data.backdrops import backdrops, cut
from whence.data.couples import Sample
from whence.data.dominoes import Half
from whence.data.registry import members
from whence.data.sprites import paint
from whence.seeds import stream

TEXTURES = ("brick", "grass")
DEER_AND_SHIPS = Half("cifar10", (4,), (8,))  # photographs of animals on land and of ships on water
GROUNDS: dict[str, tuple[str, str] | Half] = {"digits": TEXTURES, "mnist": TEXTURES, "mnist+cifar10": DEER_AND_SHIPS}


def named(dataset: str) -> tuple[Half, tuple[str, str] | Half]:
    """Figures and grounds made of these registered sets: 0 and 1 of the first, over textures or over photographs of the second.

    Raises ValueError with the names there are.
    """
    if dataset not in GROUNDS:
        raise ValueError(f"no digits over grounds of {dataset!r}: expected one of {', '.join(map(repr, GROUNDS))}")
    return Half(members(dataset)[0], (0,), (1,)), GROUNDS[dataset]


@dataclass(frozen=True)
class Overlay:
    """A white figure of one of two kinds over a ground of one of two: the sign of one latent cue chooses each.

    The ground shows the shortcut and the figure the core, or the other way round where `exchanged`: the same images, of other
    labels' making. figure: images of a stored set. box: the side of the square that the figure fills, anywhere in the image;
    contrast in (0, 1]: how opaque it is. grounds: two kinds of `whence.data.backdrops.BACKDROPS`, or a stored set's images of two
    classes, cut to the side, each split's of its own; ground_contrast in [0, 1] multiplies their deviation from mid-grey.
    No knob moves a label or a latent. Only signs are shown, so the best rule goes by the more predictive cue wherever the two are
    at odds: its reliance on that is 1 and on the other 0.
    Raises ValueError for a box that is not from 1 to the side, not two grounds, or a contrast of theirs outside [0, 1]; the figure,
    grounds and law raise as they do.
    """

    law: Availability = field(default_factory=lambda: Availability(d=2))
    figure: Half = field(default_factory=lambda: Half("digits", (0,), (1,)))
    box: int = 12
    contrast: float = 1.0
    grounds: tuple[str, str] | Half = TEXTURES
    ground_contrast: float = 1.0
    exchanged: bool = False
    side: int = 16

    def __post_init__(self) -> None:
        if not 1 <= self.box <= self.side:
            raise ValueError(f"a box of {self.box} pixels in an image of {self.side}: expected from 1 to {self.side}")
        if not isinstance(self.grounds, Half) and len(self.grounds) != 2:
            raise ValueError(f"grounds {self.grounds}: expected two, one for each sign of a cue")
        if not 0 <= self.ground_contrast <= 1:
            raise ValueError(f"grounds of contrast {self.ground_contrast}: expected from 0 to 1")

    def draw(self, n: int, seed: int, split: str = "train") -> Sample:
        """n images; labels and latents are those of the law's own draw of this seed and split. Raises ValueError for n < 1."""
        _, y, z = self.law.draw(n, seed, split)
        return Sample(self.embed(z, seed, split), y, z)

    def embed(self, z: Float[Tensor, "m 2"], seed: int, split: str = "test") -> Float[Tensor, "m 3 side side"]:
        """Images of any latent cues: figures, places and grounds are of the split. Raises ValueError unless z has two columns."""
        if z.ndim != 2 or z.shape[1] != 2:
            raise ValueError(f"latent cues of shape {tuple(z.shape)}: expected (m, 2), shortcut first and core second")
        ground, figure = ((z > 0).long().flip(1) if self.exchanged else (z > 0).long()).unbind(1)
        x = self._behind(ground, seed, split)
        return paint(x, self._ink(self.figure.draw(figure, seed, split), seed, split), torch.ones(len(z), 3), self.contrast)

    def _behind(self, which: Int[Tensor, " m"], seed: int, split: str) -> Float[Tensor, "m 3 side side"]:
        if not isinstance(self.grounds, Half):
            return backdrops(self.grounds, which, self.side, seed, split, self.ground_contrast)
        images = self.grounds.draw(which, seed, split, "ground")
        pieces = cut(images, self.side, stream(seed, "overlay", split, "ground"))
        return self.ground_contrast * pieces.expand(-1, 3, -1, -1)

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
