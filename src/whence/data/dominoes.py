"""Two images in one, a simple one above a harder one, each enough to tell the classes apart (shah2020pitfalls)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad

from whence.data.images import stored
from whence.data.registry import arrays
from whence.seeds import stream


class Sample(NamedTuple):
    """Stacked images in [-1, 1] and the label, 0 or 1, that both halves carry."""

    x: Float[Tensor, "n c h w"]
    y: Int[Tensor, " n"]


@dataclass(frozen=True)
class Half:
    """Images of a stored data set: those of the classes `zero` for label 0, of `one` for label 1.

    Raises ValueError when either is empty or a class is in both.
    """

    dataset: str
    zero: tuple[int, ...]
    one: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.zero or not self.one or set(self.zero) & set(self.one):
            raise ValueError(f"classes {self.zero} and {self.one} of {self.dataset!r}: expected two sets that share no class")

    def draw(self, y: Int[Tensor, " n"], seed: int, split: str, place: str = "top") -> Float[Tensor, "n c h w"]:
        """An image for each label, by streams of this place. Those of a label are gone through in random order, then in a new one.

        Raises ValueError for a label outside 0 and 1, or a class of which the split holds no image.
        """
        if y.ndim != 1 or not bool(((y == 0) | (y == 1)).all()):
            raise ValueError(f"labels {y.unique().tolist()[:5]} of shape {tuple(y.shape)}: expected 0 and 1, of shape (n,)")
        classes = torch.tensor(arrays(self.dataset, split)[1].tolist())
        chosen = torch.empty(len(y), dtype=torch.long)
        for label, wanted in enumerate((self.zero, self.one)):
            if absent := sorted(set(wanted) - set(classes.tolist())):
                there = sorted(set(classes.tolist()))
                raise ValueError(f"no image of class {absent[0]} in {self.dataset!r} {split!r}: there are {there}")
            mine = torch.isin(classes, torch.tensor(wanted)).nonzero()[:, 0]
            count, generator = int((y == label).sum()), stream(seed, "dominoes", split, place, label)
            rounds = [torch.randperm(len(mine), generator=generator) for _ in range(-(-count // len(mine)))]
            chosen[y == label] = mine[torch.cat([torch.empty(0, dtype=torch.long), *rounds])[:count]]
        return stored(self.dataset, split, chosen).x


@dataclass(frozen=True)
class Dominoes:
    """One half above another, one label for both; the smaller is framed in black, and repeated over the channels of the other."""

    top: Half
    bottom: Half

    def draw(self, n: int, seed: int, split: str = "train") -> Sample:
        """n dominoes of a split, float32, each label with probability 1/2; but for the label, chance says which images meet.

        Raises ValueError for n < 1, for halves whose sides differ by an odd number of pixels, and as the halves do; DataError when
        their data are not here.
        """
        if n < 1:
            raise ValueError(f"{n} dominoes: expected at least 1")
        y = torch.randint(2, (n,), generator=stream(seed, "dominoes", split, "label"))
        return Sample(stack(self.top.draw(y, seed, split), self.bottom.draw(y, seed, split, "bottom")), y)


DIGITS = Dominoes(
    Half("digits", (0,), (1,)), Half("digits", (2, 4, 6, 8), (3, 5, 7, 9))
)  # digits 0 and 1 above the parity of others
MNIST_CIFAR = Dominoes(Half("mnist", (0,), (1,)), Half("cifar10", (1,), (9,)))  # digits 0 and 1 above cars and trucks
DOMINOES = {"digits": DIGITS, "mnist+cifar10": MNIST_CIFAR}  # by the registered sets that they are made of


def named(dataset: str) -> Dominoes:
    """The dominoes made of these registered sets. Raises ValueError with the names there are."""
    if dataset not in DOMINOES:
        raise ValueError(f"no dominoes of {dataset!r}: expected one of {', '.join(map(repr, DOMINOES))}")
    return DOMINOES[dataset]


def stack(top: Float[Tensor, "n a p p"], bottom: Float[Tensor, "n b q q"]) -> Float[Tensor, "n c h w"]:
    """Each image above its partner. Raises ValueError when the sides differ by an odd number, or channels cannot be repeated."""
    side = max(top.shape[-1], bottom.shape[-1])
    channels = max(top.shape[1], bottom.shape[1])
    return torch.cat([_framed(half, side).expand(-1, channels, -1, -1) for half in (top, bottom)], 2)


def upper(x: Float[Tensor, "n c h w"]) -> Bool[Tensor, "c h w"]:
    """True where the top half of such dominoes lies: the simple features, as a mask."""
    mask = torch.zeros(x.shape[1:], dtype=torch.bool)
    mask[:, : x.shape[2] // 2] = True
    return mask


def _framed(x: Float[Tensor, "n c p p"], side: int) -> Float[Tensor, "n c side side"]:
    missing = side - x.shape[-1]
    if missing % 2:
        raise ValueError(f"halves of {x.shape[-1]} and {side} pixels: expected sides that differ by an even number, to be centred")
    return pad(x, [missing // 2] * 4, value=-1.0)
