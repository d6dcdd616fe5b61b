"""Coordinates that tell two classes apart by one cut, by many, or only now and then; and data made of several (shah2020pitfalls).

Labels are 0 and 1, each with probability 1/2; given the label the coordinates are independent, and each lies in [-width, width].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from whence.seeds import stream


def even_spread(k: int) -> tuple[float, ...]:
    """Each class evenly over its pairs of slabs: from k = 5 on, what tells the classes apart first is the second moment."""
    pairs = _pairs(k)
    return tuple(1 / len(range(j % 2, pairs, 2)) for j in range(pairs))


def matched_spread(k: int) -> tuple[float, ...]:
    """Probabilities for which both classes have the same variance, so that the fourth moment is the first to differ.

    The class without the outermost slabs is spread evenly. The other mixes an even spread with its innermost slabs, in the share
    that makes the second moments equal: (3/4, 1, 1/4) for k = 5 and (1/2, 7/8, 1/2, 1/8) for k = 7, as published. Three slabs
    cannot be matched: both classes have one distance from the centre only.
    """
    spread, outer = list(even_spread(k)), (_pairs(k) - 1) % 2
    second = [sum(spread[j] * j**2 for j in range(c, len(spread), 2)) for c in (0, 1)]
    if k == 3:
        return tuple(spread)
    share = (second[1 - outer] - outer) / (second[outer] - outer)
    for j in range(outer, len(spread), 2):
        spread[j] = share * spread[j] + (1 - share) * (j == outer)
    return tuple(spread)


def binomial_spread(k: int) -> tuple[float, ...]:
    """Probabilities proportional to the binomial coefficients of k - 1: all moments below the (k - 1)th agree, as many as can.

    A difference of order k - 1 gives 0 on every polynomial of lower degree, and its weights alternate in sign as the slabs do.
    """
    pairs = _pairs(k)
    return tuple(math.comb(k - 1, pairs - 1 + j) * (1 + (j > 0)) / 2 ** (k - 2) for j in range(pairs))


@dataclass(frozen=True)
class Linear:
    """One cut tells the classes apart: x = s (margin + (width - margin) u), s = 2 y - 1 and u uniform in [0, 1].

    Of a share `noise` of the points, round(noise n) of n, the coordinate says nothing: it is uniform in [-margin, margin]. With
    `flip` it says the contrary instead: s is negated. Raises ValueError for a margin outside [0, width) or a noise outside [0, 1].
    """

    margin: float = 0.1
    width: float = 1.0
    noise: float = 0.0
    flip: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.margin < self.width < math.inf:
            raise ValueError(f"margin {self.margin} of a linear coordinate of width {self.width}: expected 0 <= margin < width")
        if not 0 <= self.noise <= 1:
            raise ValueError(f"noise {self.noise}: expected a share of the points, in [0, 1]")

    def draw(self, y: Int[Tensor, " n"], generator: Generator) -> Float[Tensor, " n"]:
        """The coordinate of points with these labels, float64."""
        sign = 2 * _labels(y) - 1
        size = self.margin + (self.width - self.margin) * torch.rand(len(y), generator=generator, dtype=torch.float64)
        x = sign * size
        if wrong := round(self.noise * len(y)):
            hit = torch.randperm(len(y), generator=generator)[:wrong]
            other = self.margin * (2 * torch.rand(wrong, generator=generator, dtype=torch.float64) - 1)
            x[hit] = -x[hit] if self.flip else other
        return x

    def moment(self, order: int, label: int) -> float:
        """E[x^order | y = label]."""
        low, high, r = self.margin, self.width, order
        sign = (2 * _label(label) - 1) ** r
        told = sign * (high ** (r + 1) - low ** (r + 1)) / ((r + 1) * (high - low))
        silent = low**r / (r + 1) if r % 2 == 0 else 0.0
        return (1 - self.noise) * told + self.noise * ((-1) ** r * told if self.flip else silent)

    def accuracy(self) -> float:
        """The best accuracy from this coordinate alone: 1 - noise/2, or the larger of noise and 1 - noise when it flips."""
        return max(self.noise, 1 - self.noise) if self.flip else 1 - self.noise / 2

    def tells(self, x: Float[Tensor, " n"], y: Int[Tensor, " n"]) -> Bool[Tensor, " n"]:
        """Whether each point's coordinate carries its label, being on its side of the margin."""
        return (2 * _labels(y) - 1) * x >= self.margin


@dataclass(frozen=True)
class Slab:
    """k slabs of equal width with gaps of 2 margin, the centre one of class 0, then alternately: k - 1 cuts, k odd, at least 3.

    `probabilities[j]`, j = 0 ... (k-1)/2, is that of lying in slab +j or -j (as likely) for a point of the class that owns it,
    j even being class 0: those with even j sum to 1, those with odd j too. None is `matched_spread(k)`.
    Raises ValueError for an even k, a margin that leaves the slabs no width, or probabilities that are none.
    """

    k: int
    margin: float = 0.1
    width: float = 1.0
    probabilities: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        pairs = _pairs(self.k)
        if not (0 <= self.margin < self.width / (self.k - 1) and self.width < math.inf):
            raise ValueError(
                f"margin {self.margin} of {self.k} slabs within [-{self.width:g}, {self.width:g}]: expected at least 0 and below "
                f"width/(k-1) = {self.width / (self.k - 1):.4g}, since the k - 1 gaps of 2 margin leave the slabs the rest"
            )
        if len(p := self.spread) != pairs:
            raise ValueError(f"{len(p)} probabilities {p} for {self.k} slabs: expected {pairs}, one for each distance 0, 1, ...")
        sums = sum(p[0::2]), sum(p[1::2])
        if not (all(0 <= share <= 1 for share in p) and all(math.isclose(total, 1, abs_tol=1e-9) for total in sums)):
            raise ValueError(
                f"probabilities {p} of {self.k} slabs: expected numbers in [0, 1] that sum to 1 in each class; "
                f"class 0 (even places) has {sums[0]:g}, class 1 (odd places) {sums[1]:g}"
            )

    @property
    def spread(self) -> tuple[float, ...]:
        """The probabilities in force."""
        return matched_spread(self.k) if self.probabilities is None else tuple(self.probabilities)

    @property
    def thickness(self) -> float:
        """The width of one slab."""
        return (2 * self.width - 2 * (self.k - 1) * self.margin) / self.k

    @property
    def centres(self) -> tuple[float, ...]:
        """Where the slabs 0, 1, ..., (k-1)/2 lie."""
        return tuple(j * (self.thickness + 2 * self.margin) for j in range(len(self.spread)))

    def draw(self, y: Int[Tensor, " n"], generator: Generator) -> Float[Tensor, " n"]:
        """The coordinate of points with these labels, float64."""
        label = _labels(y)
        which, side, place = torch.rand(3, len(y), generator=generator, dtype=torch.float64)
        spread, index = torch.tensor(self.spread, dtype=torch.float64), torch.arange(len(self.spread))
        steps = torch.stack([torch.where(index % 2 == owner, spread, 0).cumsum(0) for owner in (0, 1)])
        # Rounding may leave the last sum just below 1, and `which` beyond it: then the outermost slab of the point's own class.
        outermost = len(spread) - 1 - (len(spread) - 1 - label) % 2
        j = torch.minimum((which[:, None] >= steps[label]).sum(1), outermost)
        centre = torch.tensor(self.centres, dtype=torch.float64)[j]
        return torch.where(side < 0.5, -1, 1) * centre + self.thickness * (place - 0.5)

    def moment(self, order: int, label: int) -> float:
        """E[x^order | y = label]; 0 for odd orders."""
        if order % 2:
            _label(label)
            return 0.0
        r, half = order + 1, self.thickness / 2
        within = [((c + half) ** r - (c - half) ** r) / (2 * half * r) for c in self.centres]
        return sum(p * m for p, m in list(zip(self.spread, within, strict=True))[_label(label) :: 2])

    def order(self) -> int:
        """The first moment that tells the classes apart, between 2 and k - 1."""
        orders = range(2, self.k, 2)
        return next(r for r in orders if not math.isclose(self.moment(r, 0), self.moment(r, 1), rel_tol=1e-9))

    def accuracy(self) -> float:
        """The best accuracy from this coordinate alone."""
        return 1.0


@dataclass(frozen=True)
class Gaussian:
    """A coordinate that says nothing of the label: normal with mean 0. Raises ValueError for a deviation that is not positive."""

    deviation: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.deviation < math.inf:
            raise ValueError(f"deviation {self.deviation}: expected a finite number > 0")

    def draw(self, y: Int[Tensor, " n"], generator: Generator) -> Float[Tensor, " n"]:
        """The coordinate of as many points, float64."""
        return self.deviation * torch.randn(len(_labels(y)), generator=generator, dtype=torch.float64)

    def moment(self, order: int, label: int) -> float:
        """E[x^order], whatever the label."""
        _label(label)
        return 0.0 if order % 2 else self.deviation**order * math.prod(range(1, order, 2))

    def accuracy(self) -> float:
        """Chance."""
        return 0.5


Block = Linear | Slab | Gaussian


class Sample(NamedTuple):
    """Points, their labels, and whether every linear coordinate of theirs carries the label."""

    x: Float[Tensor, "n d"]
    y: Int[Tensor, " n"]
    clean: Bool[Tensor, " n"]


@dataclass(frozen=True)
class Slabs:
    """Data with one coordinate for each block, in their order, turned by an orthogonal matrix unless `rotated` is False."""

    blocks: tuple[Block, ...]
    rotated: bool = True

    def __post_init__(self) -> None:
        if not self.blocks:
            raise ValueError("data of 0 blocks: expected at least one coordinate, such as (Linear(), Slab(5))")

    def draw(self, n: int, seed: int, split: str = "train") -> Sample:
        """n points of a split, x float32: splits of one seed share the rotation and no number else. Raises ValueError for n < 1."""
        if n < 1:
            raise ValueError(f"{n} points: expected at least 1")
        y = torch.randint(2, (n,), generator=stream(seed, "slabs", split, "label"))
        columns = [block.draw(y, stream(seed, "slabs", split, i)) for i, block in enumerate(self.blocks)]
        clean = torch.ones(n, dtype=torch.bool)
        for block, column in zip(self.blocks, columns, strict=True):
            if isinstance(block, Linear):
                clean &= block.tells(column, y)
        return Sample((torch.stack(columns, 1) @ self.rotation(seed)).float(), y, clean)

    def rotation(self, seed: int) -> Float[Tensor, "d d"]:
        """Q of x = z Q, z the coordinates of the blocks, hence x Q^T = z; float64, Haar distributed, or the identity."""
        d = len(self.blocks)
        if not self.rotated:
            return torch.eye(d, dtype=torch.float64)
        gaussian = torch.randn(d, d, generator=stream(seed, "slabs", "rotation"), dtype=torch.float64)
        q, r = torch.linalg.qr(gaussian)
        return q * r.diagonal().sign()


def lms(k: int, d: int, margin: float = 0.1) -> Slabs:
    """LMS-k: one linear coordinate and d - 1 of k slabs."""
    return noisy_lms(k, d, 0.0, margin)


def noisy_lms(k: int, d: int, noise: float, margin: float = 0.1) -> Slabs:
    """LMS-k whose linear coordinate says nothing on a share `noise` of the points."""
    return Slabs((Linear(margin, noise=noise), *[Slab(k, margin)] * _rest(d, 1)))


def ms(a: int, b: int, d: int, margin: float = 0.1) -> Slabs:
    """MS-(a, b): one coordinate of a slabs and d - 1 of b slabs; ms(7, 7, d) is MS-7."""
    return Slabs((Slab(a, margin), *[Slab(b, margin)] * _rest(d, 1)))


def lsn(d: int, margin: float = 0.1, deviation: float = 1.0) -> Slabs:
    """LSN: one linear coordinate, one of three slabs, and d - 2 that say nothing."""
    return Slabs((Linear(margin), Slab(3, margin), *[Gaussian(deviation)] * _rest(d, 2)))


def _rest(d: int, first: int) -> int:
    if d < first:
        raise ValueError(f"d = {d} coordinates: expected at least {first}")
    return d - first


def _pairs(k: int) -> int:
    """How many distances from the centre k slabs have."""
    if isinstance(k, bool) or not isinstance(k, int) or k < 3 or k % 2 == 0:
        raise ValueError(f"{k!r} slabs: expected an odd number, at least 3, since classes alternate outwards from the centre slab")
    return (k + 1) // 2


def _labels(y: Tensor) -> Tensor:
    if y.ndim != 1 or y.is_floating_point() or not bool(((y == 0) | (y == 1)).all()):
        found = f"shape {tuple(y.shape)}" if y.ndim != 1 else f"values {sorted(set(y.tolist()))[:5]}"
        raise ValueError(
            f"labels with {found} ({y.dtype}): expected whole numbers 0 and 1 of shape (n,); of signs take (s + 1) // 2"
        )
    return y.long()


def _label(label: int) -> int:
    if label not in (0, 1):
        raise ValueError(f"label {label!r}: expected 0 or 1")
    return int(label)
