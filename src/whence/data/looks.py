"""How six coordinates of a sprite become an image: colour, shape, scale, orientation, background, position, each in (0, 1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from whence.data.backdrops import BACKDROPS, backdrop, backdrops
from whence.data.sprites import colour, coverage, number, paint, room
from whence.seeds import stream

CUES = ("colour", "shape", "scale", "orientation", "background", "position")
ARC = 0.75  # of the circle of hues: its ends are different colours


@dataclass(frozen=True)
class Look:
    """What a sprite's six coordinates look like, and how easily each is seen: none of these numbers says what a cue predicts.

    side: of the image, in pixels. shapes: those that the coordinate "shape" goes through, in order. footprint: least and greatest
    share of the image that a sprite covers, the ends of "scale", with equal factors in between. saturation in [0, 1]: of the hues,
    which lie on an arc of equal luma; at 0 there is no colour. contrast in (0, 1]: of the sprite. background: one kind of
    `whence.data.backdrops.BACKDROPS`, or several that the coordinate "background" goes through; backdrop_contrast in [0, 1].
    Raises ValueError for values outside these ranges, an unknown shape or kind, or sprites that do not fit into the image.
    """

    side: int = 16
    shapes: tuple[str, ...] = ("ellipse", "triangle", "heart")
    footprint: tuple[float, float] = (0.03, 0.15)
    saturation: float = 1.0
    contrast: float = 1.0
    background: tuple[str, ...] = ("none",)
    backdrop_contrast: float = 1.0

    def __post_init__(self) -> None:
        if not self.shapes or not self.background or isinstance(self.shapes, str) or isinstance(self.background, str):
            raise ValueError(f"shapes {self.shapes!r}, background {self.background!r}: expected tuples of at least one name each")
        for shape in self.shapes:
            number(shape)
        if unknown := [kind for kind in self.background if kind not in BACKDROPS]:
            raise ValueError(f"background {unknown[0]!r}: expected one of {', '.join(BACKDROPS)}")
        if not 0 < self.footprint[0] <= self.footprint[1]:
            raise ValueError(f"footprint {self.footprint}: expected least and greatest share of the image, 0 < least <= greatest")
        if not (0 <= self.saturation <= 1 and 0 < self.contrast <= 1 and 0 <= self.backdrop_contrast <= 1):
            raise ValueError(
                f"saturation {self.saturation}, contrast {self.contrast}, backdrop_contrast {self.backdrop_contrast}: expected "
                "shares in [0, 1], the contrast above 0"
            )
        room(self.footprint[1], self.shapes)

    @property
    def room(self) -> float:
        """How far from the middle sprites lie at most, in units of the side: alike for all sizes, so no place tells a size."""
        return room(self.footprint[1], self.shapes)

    def options(self, cue: str) -> int | None:
        """How many values a cue has: of shapes and backgrounds as many as there are, of the others any number (None)."""
        return {"shape": len(self.shapes), "background": len(self.background)}.get(cue)

    def render(self, u: Float[Tensor, "n 6"], seed: int, split: str = "train") -> Float[Tensor, "n 3 side side"]:
        """Images of coordinates in (0, 1), columns as in CUES; heights and backdrops by (seed, "sprite", split) and its like.

        Shape and background number floor(m u) of their m; orientation a turn by u quarter turns; hue 3/4 u of a turn; footprint
        least^(1-u) greatest^u; position from the left end of the room to the right. Image i has the height i of its seed and
        split, whatever is rendered there.
        Raises ValueError for other shapes, or coordinates outside (0, 1).
        """
        if u.ndim != 2 or u.shape[1] != len(CUES) or not bool(((u > 0) & (u < 1)).all()):
            raise ValueError(f"coordinates of shape {tuple(u.shape)}: expected (n, {len(CUES)}) in (0, 1), for {', '.join(CUES)}")
        hue, shape, scale, turn, behind, right = u.double().unbind(1)
        least, greatest = self.footprint
        place = torch.stack([right, places(len(u), seed, split)[:, 1]], 1)
        kinds = torch.tensor([number(name) for name in self.shapes])
        cover = coverage(
            kinds[(shape * len(kinds)).long()],
            least * (greatest / least) ** scale,
            turn,
            self.room * (2 * place - 1),
            self.side,
        )
        return paint(self._behind(behind, seed, split), cover, colour(ARC * hue, self.saturation), self.contrast)

    def _behind(self, u: Tensor, seed: int, split: str) -> Tensor:
        options = (self.side, seed, split, self.backdrop_contrast)
        if len(self.background) == 1:
            return backdrop(self.background[0], len(u), *options)
        return backdrops(self.background, (u * len(self.background)).long(), *options)


def places(n: int, seed: int, split: str = "train") -> Float[Tensor, "n 2"]:
    """Where sprites lie if that says nothing: right and up, uniform in (0, 1), float64."""
    return torch.rand(n, 2, generator=stream(seed, "sprite", split, "place"), dtype=torch.float64)


def free(n: int, seed: int, split: str = "train") -> Float[Tensor, "n 6"]:
    """Coordinates that say nothing: each uniform in (0, 1), by a stream of its own, float64; a shorter draw begins a longer."""
    found = [torch.rand(n, generator=stream(seed, "sprite", split, cue), dtype=torch.float64) for cue in CUES[:-1]]
    return torch.stack([*found, places(n, seed, split)[:, 0]], 1).clamp(1e-9, 1 - 1e-9)


def at_level(level: Tensor, levels: int, within: Tensor, spread: float = 0.5) -> Tensor:
    """The coordinate of a level: the middle share `spread` of its bin of `levels`, `within` saying where there, in (0, 1)."""
    return (level + 0.5 + spread * (within - 0.5)) / levels
