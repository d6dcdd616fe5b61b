"""Labelled sprites: cues of equal value and at odds (scimeca2022shortcut), and a spurious cue of any correlation."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.data.looks import CUES, Look, at_level, free
from whence.data.sprites import SYMMETRY
from whence.seeds import stream


class Levels(NamedTuple):
    """Images in [-1, 1], the label, and the level of each cue, columns in the order of the design's cues."""

    x: Float[Tensor, "n 3 h w"]
    y: Int[Tensor, " n"]
    levels: Int[Tensor, "n k"]


class Spurious(NamedTuple):
    """Images in [-1, 1], and of each: label (level of the core cue), level of the spurious cue, and environment."""

    x: Float[Tensor, "n 3 h w"]
    y: Int[Tensor, " n"]
    spurious: Int[Tensor, " n"]
    environment: Int[Tensor, " n"]

    @property
    def group(self) -> Int[Tensor, " n"]:
        """Label x spurious cue, as 2 y + spurious: 0 and 3 are those where they agree."""
        return 2 * self.y + self.spurious


def floor(levels: int, cues: int) -> float:
    """(L^(K-1) - L) / (L^K - L): how often a network that goes by one cue alone is right about another, off the diagonal.

    Of the L^K cells the L with all levels equal are on the diagonal. Two given cues agree in L^(K-1), and off it in L fewer: so it
    is not 1 / L, which counts the diagonal in, and it is 0 for two cues. The cue that is used scores 1.
    Raises ValueError for fewer than two levels or cues.
    """
    if levels < 2 or cues < 2:
        raise ValueError(f"{levels} levels of {cues} cues: expected at least 2 of either, or no two cues can be at odds")
    return (levels ** (cues - 1) - levels) / (levels**cues - levels)


@dataclass(frozen=True)
class Equal:
    """K cues of L levels each: on the diagonal all levels are the label, and any one cue is enough; off it they are at odds.

    cues: from `whence.data.looks.CUES`; those not named say nothing and are drawn over their whole range. A level of colour, scale,
    orientation or position is the middle half of one of L equal parts of its range, of shape and background one of the look's.
    Raises ValueError for unknown or repeated cues, fewer than two cues or levels, a cue with another number of values than L,
    colour without saturation, or orientation of a shape that a quarter turn takes into itself, such as the square.
    """

    cues: tuple[str, ...] = ("colour", "shape", "scale", "orientation")
    levels: int = 3
    look: Look = field(default_factory=Look)

    def __post_init__(self) -> None:
        floor(self.levels, len(self.cues))
        if len(set(self.cues)) != len(self.cues):
            raise ValueError(f"cues {self.cues}: expected each once")
        for cue in self.cues:
            check_cue(cue, self.levels, self.look)

    @property
    def floor(self) -> float:
        """What the accuracy on one cue is of a network that goes by another, off the diagonal."""
        return floor(self.levels, len(self.cues))

    @property
    def off(self) -> Int[Tensor, "m k"]:
        """The L^K - L cells off the diagonal, each as the level of every cue."""
        cells = torch.cartesian_prod(*[torch.arange(self.levels)] * len(self.cues))
        return cells[(cells != cells[:, :1]).any(1)]

    def diagonal(self, n: int, seed: int, split: str = "train") -> Levels:
        """n images with all cues at the label's level, labels in random order, each as often as another (but for one).

        Raises ValueError for fewer images than levels.
        """
        y = _deal(n, self.levels, seed, split, "diagonal")
        return self._sample(y, y[:, None].expand(n, len(self.cues)), seed, split)

    def off_diagonal(self, n: int, seed: int, split: str = "test", cue: str | None = None) -> Levels:
        """n images of the cells off the diagonal, each cell as often as another (but for one); the label is the level of `cue`.

        By default the first. To score all cues read `levels`: `whence.measures.shortcut.follows` does.
        Raises ValueError for fewer images than cells, or a cue that is not one of the design's.
        """
        if cue is not None and cue not in self.cues:
            raise ValueError(f"cue {cue!r}: expected one of this design's, {', '.join(self.cues)}")
        cells = self.off
        found = cells[_deal(n, len(cells), seed, split, "off")]
        return self._sample(found[:, self.cues.index(cue) if cue else 0], found, seed, split)

    def at(self, levels: Int[Tensor, "n k"], seed: int, split: str = "test") -> Float[Tensor, "n 3 h w"]:
        """Images of any levels of the cues, at the places and with the other properties of this seed and split."""
        u = free(len(levels), seed, split)
        for k, cue in enumerate(self.cues):
            column = CUES.index(cue)
            u[:, column] = at_level(levels[:, k], self.levels, u[:, column])
        return self.look.render(u, seed, split)

    def _sample(self, y: Tensor, levels: Tensor, seed: int, split: str) -> Levels:
        return Levels(self.at(levels, seed, split), y, levels)


@dataclass(frozen=True)
class Correlated:
    """Two cues of two levels: the label is that of `core`, and `spurious` goes with it as often as each environment says.

    correlations: P(spurious level = label), one an environment, in [0, 1]; at 1 nothing in the data tells the two cues apart.
    Raises ValueError for one cue twice, a correlation outside [0, 1], no environment, and as `Equal` does.
    """

    core: str = "shape"
    spurious: str = "background"
    correlations: tuple[float, ...] = (0.98,)
    look: Look = field(default_factory=lambda: Look(shapes=("ellipse", "triangle"), background=("brick", "grass")))

    def __post_init__(self) -> None:
        Equal((self.core, self.spurious), 2, self.look)
        if not self.correlations or not all(0 <= c <= 1 for c in self.correlations):
            raise ValueError(
                f"correlations {self.correlations}: expected at least one share in [0, 1], of images whose {self.spurious} goes "
                "with the label, not in percent"
            )

    def draw(self, n: int, seed: int, split: str = "train") -> Spurious:
        """n images, dealt to the environments in turn; of each environment half the labels are 1 (but for one).

        Samples that differ in a correlation alone share labels, places, and all else; a higher one only turns spurious levels
        towards the label. Raises ValueError for fewer images than two an environment.
        """
        count = len(self.correlations)
        if n < 2 * count:
            raise ValueError(f"{n} images for {count} environments of 2 labels: expected at least {2 * count}, one a cell")
        y = _deal(-(-n // count), 2, seed, split, "label").repeat_interleave(count)[:n]
        environment = torch.arange(n) % count
        kept = torch.tensor(self.correlations, dtype=torch.float64)[environment]
        agrees = torch.rand(n, generator=stream(seed, "sprite", split, "agrees"), dtype=torch.float64) < kept
        spurious = torch.where(agrees, y, 1 - y)
        x = Equal((self.core, self.spurious), 2, self.look).at(torch.stack([y, spurious], 1), seed, split)
        return Spurious(x, y, spurious, environment)


def check_cue(cue: str, levels: int, look: Look) -> None:
    """Raises ValueError unless a look can show that many levels of a cue, each unlike another."""
    if cue not in CUES:
        near = difflib.get_close_matches(cue, CUES, 1)
        raise ValueError(f"no cue {cue!r}: {f'did you mean {near[0]!r}? ' if near else ''}there are {', '.join(CUES)}")
    if (there := look.options(cue)) is not None and there != levels:
        names = look.shapes if cue == "shape" else look.background
        raise ValueError(f"{levels} levels of {cue}, but the look has {there}, {names}: expected as many, one a level")
    if cue == "colour" and look.saturation == 0:
        raise ValueError("colour as a cue with saturation 0: expected above 0, or there is no colour; take it off the cues")
    if cue == "orientation" and (same := [shape for shape in look.shapes if SYMMETRY[shape] < 2]):
        raise ValueError(
            f"orientation as a cue of {same[0]!r}, which a quarter turn takes into itself: the first and last levels are then "
            f"neighbours; expected shapes among {', '.join(s for s, k in SYMMETRY.items() if k > 1)}"
        )


def _deal(n: int, cells: int, seed: int, split: str, name: str) -> Int[Tensor, " n"]:
    """Numbers of cells, in rounds that go through all of them in random order; a shorter deal begins a longer one."""
    if n < cells:
        raise ValueError(f"{n} images for {cells} cells: expected at least one each; draw {cells} or more, or take fewer cues")
    rounds = torch.rand(-(-n // cells), cells, generator=stream(seed, "sprite", split, name), dtype=torch.float64)
    return rounds.argsort(1).flatten()[:n]
