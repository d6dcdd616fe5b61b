"""Locality read off the data: every coordinate is inferred from those that the Wiener filter would let it hear."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.denoisers.compiled import looped
from whence.denoisers.fast import Masked, Sums
from whence.denoisers.gemm import unrounded
from whence.denoisers.heard import SOME, Heard
from whence.denoisers.local import (
    HELD,
    LocalPosterior,
    by_blocks,
    check_nearest,
    check_pool,
    coordinates,
    in_float32,
    join,
    levels,
    masked_jacobian,
    streamed,
)
from whence.denoisers.optimal import Optimal
from whence.denoisers.shortlist import Shortlist
from whence.denoisers.tiles import Tile, cut, squares, tiling
from whence.denoisers.wiener import Wiener
from whence.linalg import Softmax

Scale = Literal["row", "global", "correlation"]
SIDE = 8  # of the squares of outputs that the exact path takes together
EXACT, FAST = 128, 1024  # images of the pool at a time, unless told
NAMES = ("mean", "entropy", "total", "heaviest")
KEPT = 16  # masks kept, one per noise level
SUMS = 16  # numbers that lists hold for an output of a query


def binarised(matrix: Float[Tensor, "d d"], threshold: float, scale: Scale = "row") -> Bool[Tensor, "d d"]:
    """M_qp = 1 where a Wiener matrix W, positive semi-definite, lets output q hear input p.

        "row": |W_qp| >= threshold W_qq, against the output's own weight;

        "global": |W_qp| / W_qq >= threshold max_mn |W_mn| / W_mm, the same against the largest in the whole matrix;

        "correlation": |W_qp| >= threshold sqrt(W_qq W_pp), symmetric, and blind to the pixels' contrasts.

    An output whose W_qq is 0 (a dead pixel; with "global" below 1e-6, as released) counts as 1: it hears nothing unless the
    threshold is 0, when all hear everything. Where pixels differ much in variance the largest entry of "global" is far above 1
    and set by the least certain pixel, so that its threshold does not carry over from one data set to another.
    """
    diagonal = matrix.diagonal()
    floor = 1e-6 if scale == "global" else 0.0
    own = torch.where(diagonal > floor, diagonal, 1.0)
    if scale == "correlation":
        return matrix.abs() >= threshold * (own[:, None] * own).sqrt()
    relative = matrix.abs() / own[:, None]
    return relative >= threshold * (relative.max() if scale == "global" else 1.0)


@dataclass(frozen=True)
class PCALocality:
    """Every coordinate (pixel and channel) inferred from those that the Wiener matrix W links it to (lukoianov2025locality, eq. 8).

        D(y)[q] = sum_i w_i x_i[q],   w = softmax_i(-sum_p M_qp (y_p - x_ip)^2 / (2 sigma^2)),   M = binarised(W(sigma), threshold)

    The mask knows two moments of the data and nothing of convolution. It moves with sigma: the identity at no noise, broad at
    much. Where every output hears everything, as at threshold 0 or at high noise, this is `Optimal`. The other options are what
    separates the formula from the released code:

    - `scale` is where the threshold's unit is taken, see `binarised`. The released code has "global".
    - `transposed` gives output q column q of the mask instead of its row, as in the released code: it hears the inputs whose own
      rows hold q. It makes no difference with "correlation", which is symmetric.
    - `softmax` is "exact" over the pool; or "tempered", with logits divided by `temperature`; or "batched", one softmax for each
      `batch` consecutive images and the plain average of the answers, as in the released code. That depends on the order of the
      pool and is blurred like an ensemble of smaller pools: it is here so that its effect can be measured.

    With `nearest` = k each output is averaged over its k nearest candidates only, and the posterior's `discarded` bounds what all
    others weigh. That tells how few an answer rests on; it does not make it faster: to know an output's nearest candidates all
    its logits are needed, there is no cheaper score that narrow masks have in common, and the logits are the work.

    A float32 y is answered in float32 as far as that is certain to be within 1e-4 (see rounding.py), outputs in doubt in float64.
    Samples may have different sigmas; those that share one share its mask, and masks of the last noise levels are kept. The mask
    is piecewise constant in sigma, and the derivative by sigma is that at a constant mask. Pixels in [-1, 1], VE units; y's dtype
    outside; differentiable (in float64 then, and autograd keeps every chunk). Chunk is images of the pool at a time.
    Raises ValueError for an empty pool, one not in the range of images, a `wiener` without covariance or fitted to other shapes, a
    threshold outside [0, 1], a temperature <= 0, or one that is not 1 where no temperature is used, a batch or `nearest` < 1,
    unknown options, and a y not shaped like the pool's images.
    """

    pool: Float[Tensor, "n c h w"]
    wiener: Wiener
    threshold: float
    scale: Scale = "row"
    transposed: bool = False
    softmax: Literal["exact", "tempered", "batched"] = "exact"
    temperature: float = 1.0
    batch: int = 512
    chunk: int | None = None
    nearest: int | None = None
    _masks: dict[float, Tensor] = field(default_factory=dict, init=False, repr=False, compare=False)
    _tiles: dict[tuple[float, int], list[Tile]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _heard: dict[float, Heard | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_pool(self.pool, 1 if self.chunk is None else self.chunk)
        check_nearest(self.nearest)
        if self.wiener.mean.shape != self.pool.shape[1:]:
            raise ValueError(
                f"wiener was fitted to images of shape {tuple(self.wiener.mean.shape)}, the pool has {tuple(self.pool.shape[1:])}: "
                "fit it to the pool, or to images of its kind"
            )
        if self.threshold > 0 and not bool((self.wiener.eigenvalues > 0).any()):
            raise ValueError(
                "wiener has no covariance, expected one fitted to two different images at least: its masks would hear nothing; "
                "fit it to the pool: Wiener.fit(pool)"
            )
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}, expected in [0, 1]: 0 hears everything")
        if self.scale not in ("row", "global", "correlation"):
            raise ValueError(f"scale is {self.scale!r}, expected 'row', 'global' or 'correlation'")
        if self.softmax not in ("exact", "tempered", "batched"):
            raise ValueError(f"softmax is {self.softmax!r}, expected 'exact', 'tempered' or 'batched'")
        if not self.temperature > 0 or (self.temperature != 1 and self.softmax != "tempered"):
            raise ValueError(
                f"temperature is {self.temperature}, expected > 0, and 1 unless softmax is 'tempered' (it is {self.softmax!r})"
            )
        if self.nearest is not None and self.softmax == "batched":
            raise ValueError(f"nearest is {self.nearest} and softmax 'batched', expected one of the two: batches have no shortlist")
        if self.batch < 1:
            raise ValueError(f"batch is {self.batch}, expected at least one image")

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y; sigma)."""
        return self._answer(y, sigma, False).mean

    def mask(self, sigma: float) -> Bool[Tensor, "d d"]:
        """M at a noise level: row q holds the inputs that output q hears (after transposition, if any)."""
        if sigma not in self._masks:
            found = binarised(self.wiener.matrix(sigma), self.threshold, self.scale)
            while len(self._masks) >= KEPT:
                self._masks.pop(next(iter(self._masks)))
            self._masks[sigma] = found.T.contiguous() if self.transposed else found
        return self._masks[sigma]

    def posterior(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> LocalPosterior:
        """The posterior of every coordinate, in one pass over the pool; each channel has its own entropy and heaviest image."""
        return self._answer(y, sigma, True)

    def jacobian(
        self, y: Float[Tensor, "b c h w"], sigma: float | Tensor, pixels: Int[Tensor, "q 2"]
    ) -> Float[Tensor, "b q c c h w"]:
        """Rows of dD/dy in closed form, axes: sample, output pixel, output channel, then the input image; 0 outside the mask."""
        level, shape = levels(y, sigma, self.pool), y.shape[1:]
        outputs = coordinates(pixels, y.shape).flatten()
        rows = []
        for one, noise in zip(y.split(1), level.split(1), strict=True):
            masks, tempered = self.mask(float(noise.detach()))[outputs].double(), noise * self.temperature**0.5
            parts = [
                masked_jacobian(pool, one, tempered, masks, outputs[:, None], self.chunk or EXACT)
                for _, pool in self._batches(self.pool)
            ]
            rows.append(torch.stack(parts).mean(0))
        return torch.cat(rows).reshape(len(y), len(pixels), shape[0], *shape).to(y.dtype)

    def _answer(self, y: Tensor, sigma: float | Tensor, detailed: bool) -> LocalPosterior:
        """Samples by their noise level; entropies and heaviest images mean nothing unless detailed."""
        level = levels(y, sigma, self.pool)
        values, which = level.detach().flatten().unique(return_inverse=True)
        groups = [(which == i).nonzero().flatten() for i in range(len(values))]
        if in_float32(y, level) and self.nearest is None:
            with torch.no_grad(), unrounded():
                parts = [self._fast(y[group], float(value), detailed) for group, value in zip(groups, values, strict=True)]
        else:
            each = y[:1].numel() * min(self.chunk or EXACT, len(self.pool))
            parts = [by_blocks(self._block, y[group], level[group], each) for group in groups]
        together, back = join(parts, y.dtype), torch.cat(groups).argsort()
        rest = None if together.discarded is None else together.discarded[back]
        return LocalPosterior(together.mean[back], together.entropy[back], together.heaviest[back], None, rest)

    def _batches(self, pool: Tensor) -> Iterator[tuple[int, Tensor]]:
        size = self.batch if self.softmax == "batched" else len(pool)
        return ((start, pool[start : start + size]) for start in range(0, len(pool), size))

    @cached_property
    def _centre(self) -> tuple[Float[Tensor, " d"], float]:
        """The pool's mean, rounded, and how far its pixels go from there."""
        flat, chunk = self.pool.flatten(1), self.chunk or FAST
        centre = (sum(part.double().sum(0) for part in flat.split(chunk)) / len(flat)).float()
        return centre, max(float((part - centre).abs().max()) for part in flat.split(chunk))

    def _tiling(self, sigma: float, b: int) -> list[Tile]:
        """The tiles that suit b queries; made once for a noise level."""
        if (sigma, b) not in self._tiles:
            while len(self._tiles) >= KEPT:
                self._tiles.pop(next(iter(self._tiles)))
            self._tiles[sigma, b] = tiling(self.mask(sigma), self.pool.shape[1:], b)
        return self._tiles[sigma, b]

    def _lists(self, sigma: float) -> Heard | None:
        """What outputs hear as lists, where there are loops for them and they hear few; made once for a noise level."""
        if sigma not in self._heard:
            while len(self._heard) >= KEPT:
                self._heard.pop(next(iter(self._heard)))
            self._heard[sigma] = Heard.of(self.mask(sigma)) if looped(self.pool.device) else None
        return self._heard[sigma]

    def _fast(self, y: Float[Tensor, "b c h w"], sigma: float, detailed: bool) -> LocalPosterior:
        """In float32, where that is certain to do."""
        if not detailed and self._plain and bool(self.mask(sigma).all()):
            return self._whole(y, sigma)
        if (lists := self._lists(sigma)) is not None:
            size = max(1, HELD["cpu"] // (SUMS * y[0].numel()))
            return join([self._solve(part, sigma, lists, self.chunk or SOME, detailed) for part in y.split(size)], y.dtype)
        chunk = min(self.chunk or FAST, len(self.pool))
        tiles = self._tiling(sigma, len(y))
        size = max(1, HELD.get(y.device.type, HELD["other"]) // (chunk * max(len(tile.outputs) for tile in tiles)))
        parts = [self._solve(part, sigma, tiles, chunk, detailed) for part in y.split(size)]
        return join(parts, y.dtype)

    @property
    def _plain(self) -> bool:
        """Whether `Optimal` takes the pool, or each batch of it, and the noise that goes with the temperature."""
        return self.temperature >= 1 and all(len(part) > 1 for _, part in self._batches(self.pool))

    @cached_property
    def _optimal(self) -> list[Optimal]:
        """The posterior mean over the pool, or over each batch."""
        return [Optimal(part) for _, part in self._batches(self.pool)]

    def _whole(self, y: Float[Tensor, "b c h w"], sigma: float) -> LocalPosterior:
        """Where every output hears everything, and no details are wanted: one softmax for all of them, or one for each batch."""
        mean = torch.stack([member(y, sigma * self.temperature**0.5) for member in self._optimal]).mean(0)
        return LocalPosterior(mean, torch.zeros_like(y), torch.zeros_like(y, dtype=torch.int64))

    def _solve(self, y: Tensor, sigma: float, parts: list[Tile] | Heard, chunk: int, detailed: bool) -> LocalPosterior:
        mixtures: list[Sums] = []
        for _, pool in self._batches(self.pool.flatten(1)):
            masked = Masked(pool, y.flatten(1), *self._centre, self.temperature * sigma**2, chunk, detailed)
            mask = self.mask(sigma)
            mixtures.append(masked.listed(parts, mask) if isinstance(parts, Heard) else masked.solved(parts, mask))
        starts = [start for start, _ in self._batches(self.pool)]
        back = slice(None) if isinstance(parts, Heard) else torch.cat([tile.outputs for tile in parts]).argsort()
        means, entropies, totals, images = (torch.stack([getattr(state, name) for state in mixtures])[..., back] for name in NAMES)
        images = images + torch.tensor(starts, device=y.device)[:, None, None]
        mean = means.mean(0) + self._centre[0]
        entropy, heaviest = entropies.mean(0) + math.log(len(starts)), images.gather(0, totals.argmin(0)[None])[0]
        return LocalPosterior(mean.reshape(y.shape), entropy.reshape(y.shape), heaviest.reshape(y.shape))

    def _block(self, y: Tensor, level: Tensor) -> LocalPosterior:
        mask, order = self.mask(float(level[0].detach())), []
        parts = []
        for square in squares(y.shape[1:], SIDE):
            tile = cut(mask, square)
            order.append(tile.outputs)
            parts.append(self._tile(y.double().flatten(1), level.flatten(1)[..., None], tile))
        back = torch.cat(order).argsort()
        mean, entropy, heaviest, *rest = (torch.cat(column, 1)[:, back].reshape(y.shape) for column in zip(*parts, strict=True))
        return LocalPosterior(mean, entropy, heaviest, None, *rest)

    def _tile(self, y: Tensor, level: Tensor, tile: Tile) -> tuple[Tensor, ...]:
        """Mean, entropy, heaviest image, and what `nearest` discards, (b, t); only the inputs that an output hears are read."""
        if self.nearest is not None:
            return self._among(y, level, tile, self.nearest)
        parts = self._batches(self.pool.flatten(1))
        return mixed([streamed(self._chunks(y, level, tile, *part)) for part in parts])

    def _chunks(self, y: Tensor, level: Tensor, tile: Tile, start: int, part: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (index of the first image, the tile's outputs (t, m, 1), logits (b, t, m)) over a part of the pool, float64."""
        rows, query, chunk = tile.rows.double(), y[:, tile.inputs, None], self.chunk or EXACT
        for first in range(0, len(part), chunk):
            x = part[first : first + chunk]
            logits = -(rows @ (query - x[:, tile.inputs].T.double()).square()) / (2 * self.temperature * level**2)
            yield start + first, x[:, tile.outputs].T[..., None].double(), logits

    def _among(self, y: Tensor, level: Tensor, tile: Tile, k: int) -> tuple[Tensor, ...]:
        """The same over the k nearest candidates of each output, and a bound on the probability of the others."""
        pool = self.pool.flatten(1)
        lists = (Shortlist.chunk(logits, start, k) for start, _, logits in self._chunks(y, level, tile, 0, pool))
        best = reduce(lambda a, b: a.merge(b, k), lists)
        values = pool[best.images, tile.outputs[:, None]].double()
        weights, total = best.logits.softmax(-1), best.logits.logsumexp(-1)
        entropy = -torch.special.xlogy(weights, weights).sum(-1)
        rest = best.discarded(len(pool), total).detach()
        return (weights * values).sum(-1), entropy, best.images[..., 0], rest


def mixed(states: list[Softmax]) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, entropy and heaviest candidate of the even mixture of softmaxes over disjoint candidates."""
    mean = torch.stack([state.mean[..., 0] for state in states]).mean(0)
    entropy = torch.stack([state.entropy for state in states]).mean(0) + math.log(len(states))
    peak = torch.stack([state.s for state in states]).argmin(0)  # the largest weight of each is 1 / s
    return mean, entropy, torch.stack([state.heaviest for state in states]).gather(0, peak[None])[0]
