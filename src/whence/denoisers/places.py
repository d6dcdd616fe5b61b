"""The equivariant local score machine: every pixel is inferred from the window around it, among windows of all places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from whence.denoisers.compiled import looped
from whence.denoisers.fast import Sums
from whence.denoisers.gemm import unrounded
from whence.denoisers.local import (
    SOME,
    LocalPosterior,
    by_blocks,
    check_pool,
    check_window,
    coordinates,
    in_float32,
    join,
    levels,
    reach,
    streamed,
    weights,
)
from whence.denoisers.rounding import doubtful
from whence.denoisers.scan import scan
from whence.denoisers.strips import Bands, strips
from whence.linalg import Softmax

LOGITS = 2**20
LOOPED = 16  # of a million numbers, how many there are to one of an image where a loop holds no logits
BAND = 8  # rows asked about together: few, since what is near their mean is soonest certain


@dataclass(frozen=True)
class ELS:
    """Every pixel inferred from the window around it, compared with all windows of all images (kamb2025analytic, eq. 9-10).

        D(y)[q] = sum_{i, r} w_ir x_i[r],   w = softmax_ir(-|y_Q(q) - x_i,Q(r)|^2 / (2 sigma^2)),   Q = k x k window, all channels

    The candidate's centre pixel r is the answer. `border` says what a window sees beyond the image: "zeros", as convolutions with
    zero padding do (candidates from another part of the border are then unlikely, not excluded as in the published
    boundary-broken machine), or "circular", a torus, on which this commutes with all shifts.
    As sigma grows it tends to `mean`, the mean colour. Cost per query: n (h w)^2 windows, of c k products and k sums
    each in float32 (see strips.py), of c k^2 products in float64.
    Pixels in [-1, 1], sigma in VE units; a float32 y is answered in float32 as far as that is certain to be within 1e-4, else in
    float64; differentiable in y and sigma (in float64, and autograd keeps every chunk). Chunk is images of the pool at a time, by
    default as many as give a band of rows a million logits.
    Raises ValueError for an empty pool, one not in the range of images, another border, a window that is even, < 1 or wider than
    what there is to see, and a y not shaped like the pool's images.
    """

    pool: Float[Tensor, "n c h w"]
    window: int
    border: Literal["zeros", "circular"] = "zeros"
    chunk: int | None = None

    def __post_init__(self) -> None:
        check_pool(self.pool, 1 if self.chunk is None else self.chunk)
        if self.border not in ("zeros", "circular"):
            raise ValueError(f"border is {self.border!r}, expected 'zeros' or 'circular'")
        h, w = self.pool.shape[2:]
        if self.border == "circular":
            check_window(self.window, min(h, w), "a wider one would see pixels of the torus twice")
        else:
            check_window(self.window, 2 * max(h, w) - 1, "a window that wide sees the whole image from every pixel")

    @property
    def mean(self) -> Float[Tensor, "c 1 1"]:
        """The answer to infinite noise: the mean of each channel over all images and places."""
        return self.pool.double().mean((0, 2, 3))[:, None, None]

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y; sigma)."""
        return self._answer(y, sigma, False).mean

    def posterior(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> LocalPosterior:
        """The posterior of every pixel, in one pass over the pool; `place` tells where in the heaviest image."""
        return self._answer(y, sigma, True)

    def jacobian(
        self, y: Float[Tensor, "b c h w"], sigma: float | Tensor, pixels: Int[Tensor, "q 2"]
    ) -> Float[Tensor, "b q c c h w"]:
        """Rows of dD/dy in closed form: Cov_w(candidate's centre, candidate's pixel) / sigma^2, laid around each output pixel.

        Axes: sample, output pixel, output channel, then the input image; 0 outside the window.
        """
        level = levels(y, sigma, self.pool)
        rows = [self._rows(*one, pixels) for one in zip(y.split(1), level.split(1), strict=True)]
        return torch.cat(rows).to(y.dtype)

    def _images(self, queries: int) -> int:
        """How many at a time, for so many windows asked about together."""
        return max(1, LOGITS // (queries * self.pool[0, 0].numel())) if self.chunk is None else self.chunk

    def _exactly(self, queries: int) -> int:
        """How many at a time in float64, where not only the logits but the candidates' windows, too, are to fit the cache.

        Six times fewer numbers than in float32, which are twice as long: measured, the memory then stays with the process.
        """
        return self._images(6 * max(queries, self.pool.shape[1] * self.window**2))

    def _answer(self, y: Tensor, sigma: float | Tensor, detailed: bool) -> LocalPosterior:
        level = levels(y, sigma, self.pool)
        if in_float32(y, level):
            with torch.no_grad(), unrounded():
                return join([self._rounded(*one, detailed) for one in zip(y.split(1), level.split(1), strict=True)], y.dtype)
        return by_blocks(self._block, y, level, y[0, 0].numel() ** 2 * min(self._exactly(y[0, 0].numel()), len(self.pool)))

    def _rounded(self, y: Float[Tensor, "1 c h w"], level: Tensor, detailed: bool) -> LocalPosterior:
        """One query in float32, the pixels in doubt in float64."""
        c, h, w = y.shape[1:]
        state, delta = self._online(y, float(level) ** 2, detailed)
        mean = state.sums[:, 1 : 1 + c] / state.total[:, None] + self._middle
        image, place = state.heaviest // (h * w), state.heaviest % (h * w)
        entropy, heaviest = state.entropy, image * h * w + place % h * w + place // h
        doubt = doubtful(delta, deviation(state), state.total, self._reach, detailed).nonzero().flatten()
        if len(doubt):
            exact = self._exact(self._windows(y)[:, doubt], level)
            mean = mean.index_copy(0, doubt, exact.mean[0])
            entropy = entropy.index_copy(0, doubt, exact.entropy[0])
            heaviest = heaviest.index_copy(0, doubt, exact.heaviest[0])
        return laid(mean[None], entropy[None], heaviest[None], y.shape)

    def _online(self, y: Float[Tensor, "1 c h w"], variance: float, detailed: bool) -> tuple[Sums, Float[Tensor, " q"]]:
        """The softmaxes of all windows over all candidates in float32, and what rounding may have done to their logits."""
        h, w = y.shape[2:]
        loop = looped(y.device)
        rows = 1 if loop else max(b for b in range(1, BAND + 1) if h % b == 0)
        bands = Bands.of(strips(y.double(), self.window, self._beyond)[:, 0], rows, self.window, variance)
        states: list[Sums] = []
        step = self._images(LOOPED if loop else rows * w)
        for start in range(0, len(self.pool), step):
            images, first = self.pool[start : start + step].float(), start * h * w
            if loop:
                found = scan(bands, pad(images, (self.window // 2,) * 4, self._beyond), self._middle, first)
            else:
                pixels = images.mT.flatten(2).transpose(0, 1) - self._middle
                found = bands.sums(strips(images, self.window, self._beyond), pixels, first, detailed)
            states = [states[0].merge(found)] if states else [found]
        columns = (*states[0], bands.delta(states[0], self._reach))
        *state, delta = (column.unflatten(0, (-1, w, rows)).transpose(1, 2).flatten(0, 2) for column in columns)
        return Sums(*state), delta

    @cached_property
    def _middle(self) -> float:
        """A level between the pool's pixels, and what a border of zeros shows."""
        total = sum(float(part.double().sum()) for part in self.pool.split(SOME))
        return float(torch.tensor(total / self.pool.numel(), dtype=torch.float32))

    @cached_property
    def _reach(self) -> float:
        return reach(self.pool) + abs(self._middle)

    def _block(self, y: Tensor, level: Tensor) -> LocalPosterior:
        state = self._exact(self._windows(y), level)
        return laid(state.mean, state.entropy, state.heaviest, y.shape)

    def _exact(self, query: Float[Tensor, "b q p"], level: Tensor) -> Softmax:
        """The softmaxes of some windows over all candidates, float64."""
        return streamed((start, centres, logits) for start, _, centres, logits in self._chunks(query, level))

    def _rows(self, y: Tensor, level: Tensor, pixels: Tensor) -> Float[Tensor, "1 q c c h w"]:
        c, k = y.shape[1], self.window
        query = self._windows(y)[:, coordinates(pixels, y.shape)[:, 0]]
        state = self._exact(query, level)
        rows = query.new_zeros(len(pixels), c, c * k * k)
        for _, windows, centres, logits in self._chunks(query, level):
            away = weights(logits, state.total)[0, :, None] * (centres.T - state.mean[0, ..., None])
            rows = rows + away @ windows.T
        rows = rows.unflatten(-1, (c, k, k)) / level.square()
        return torch.stack([self._laid(row, int(i), int(j), y) for row, (i, j) in zip(rows, pixels, strict=True)])[None]

    def _laid(self, window: Float[Tensor, "v c k k"], i: int, j: int, y: Tensor) -> Float[Tensor, "v c h w"]:
        """A window put around pixel (i, j) of an image of zeros."""
        (h, w), k, reach = y.shape[2:], self.window, self.window // 2
        if self.border == "circular":
            return pad(window, (0, w - k, 0, h - k)).roll((i - reach, j - reach), (-2, -1))
        return pad(window, (j - reach, w - 1 - j - reach, i - reach, h - 1 - i - reach))  # where negative, it is cut off

    def _windows(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b q p"]:
        """The window around every pixel, float64."""
        return self._around(images.double()).permute(3, 4, 5, 0, 1, 2).flatten(1, 2).flatten(2)

    def _around(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "c k k b h w"]:
        """What every pixel's window shows at each of its places: a view, of which a single copy makes what is needed."""
        (h, w), beyond = images.shape[2:], pad(images, (self.window // 2,) * 4, self._beyond)
        return beyond.unfold(2, h, 1).unfold(3, w, 1).permute(1, 2, 3, 0, 4, 5)

    @property
    def _beyond(self) -> str:
        """How `pad` calls the border."""
        return "constant" if self.border == "zeros" else "circular"

    def _chunks(self, query: Float[Tensor, "b q p"], level: Tensor) -> Iterator[tuple[int, Tensor, Tensor, Tensor]]:
        """Yield (index of the first candidate, candidates (p, m), their centres (m, c), logits (b, q, m)) over the pool.

        Logits are (y.c - |c|^2 / 2) / sigma^2: the squared distance but for |y|^2, which is the same for all candidates. One matrix
        product; in float64 its rounding stays below 1e-9 down to sigma = .01.
        """
        variance = level.flatten(1)[..., None] ** 2
        asked = torch.cat([query / variance, (-0.5 / variance).expand(-1, query.shape[1], -1)], 2)
        step = self._exactly(query.shape[1])
        for start in range(0, len(self.pool), step):
            around = self._around(self.pool[start : start + step].double())
            keys = around.new_empty(asked.shape[2], around[0, 0, 0].numel())
            windows = keys[:-1]
            windows.view(around.shape).copy_(around)
            keys[-1] = torch.linalg.vecdot(windows, windows, dim=0)
            centres = windows[self.window**2 // 2 :: self.window**2].T
            yield start * self.pool[0, 0].numel(), windows, centres, asked @ keys


def laid(
    mean: Float[Tensor, "b q c"], entropy: Float[Tensor, "b q"], heaviest: Int[Tensor, "b q"], shape: torch.Size
) -> LocalPosterior:
    """Answers to the windows of images of this shape as images; of the heaviest window, its image and where in it."""
    b, _, h, w = shape
    place = heaviest.reshape(b, 1, h, w) % (h * w)
    where = torch.stack((place // w, place % w), -1)
    image = mean.transpose(1, 2).reshape(shape)
    return LocalPosterior(image, entropy.reshape(b, 1, h, w), heaviest.reshape(b, 1, h, w) // (h * w), where)


def deviation(state: Sums) -> Float[Tensor, " q"]:
    """The largest of the channels' posterior deviations."""
    mean, square = (state.sums[:, 1:] / state.total[:, None]).chunk(2, 1)
    return (square - mean.square()).clamp_min(0).amax(1).sqrt() + 1e-3
