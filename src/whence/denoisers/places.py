"""The equivariant local score machine: every pixel is inferred from the window around it, among windows of all places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad, unfold

from whence.denoisers.fast import BITS, Sums, Weighed
from whence.denoisers.gemm import product, unrounded
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
from whence.denoisers.rounding import doubtful, expanded
from whence.seeds import stream

LOGITS = 2**20
GROUP = 512  # windows of one brightness


@dataclass(frozen=True)
class ELS:
    """Every pixel inferred from the window around it, compared with all windows of all images (kamb2025analytic, eq. 9-10).

        D(y)[q] = sum_{i, r} w_ir x_i[r],   w = softmax_ir(-|y_Q(q) - x_i,Q(r)|^2 / (2 sigma^2)),   Q = k x k window, all channels

    The candidate's centre pixel r is the answer. `border` says what a window sees beyond the image: "zeros", as convolutions with
    zero padding do (candidates from another part of the border are then unlikely, not excluded as in the published
    boundary-broken machine), or "circular", a torus, on which this commutes with all shifts.
    As sigma grows it tends to `mean`, the mean colour. Cost per query: n (h w)^2 windows of c k^2 numbers.
    Pixels in [-1, 1], sigma in VE units; a float32 y is answered in float32 as far as that is certain to be within 1e-4, else in
    float64; differentiable in y and sigma (in float64, and autograd keeps every chunk). Chunk is images of the pool at a time, by
    default as many as give a query a million logits.
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

    @property
    def _step(self) -> int:
        return self._images(self.pool[0, 0].numel())

    def _images(self, queries: int) -> int:
        """How many at a time, for so many windows asked about together."""
        return max(1, LOGITS // (queries * self.pool[0, 0].numel())) if self.chunk is None else self.chunk

    def _answer(self, y: Tensor, sigma: float | Tensor, detailed: bool) -> LocalPosterior:
        level = levels(y, sigma, self.pool)
        if in_float32(y, level):
            with torch.no_grad(), unrounded():
                return join([self._rounded(*one, detailed) for one in zip(y.split(1), level.split(1), strict=True)], y.dtype)
        return by_blocks(self._block, y, level, y[0, 0].numel() ** 2 * min(self._step, len(self.pool)))

    def _rounded(self, y: Float[Tensor, "1 c h w"], level: Tensor, detailed: bool) -> LocalPosterior:
        """One query in float32, the pixels in doubt in float64."""
        (_, c, h, w), query, variance = y.shape, self._windows(y)[0], float(level) ** 2
        state, delta = self._online(query, variance, torch.float32, detailed)
        doubt = doubtful(delta, deviation(state), state.total, self._reach, detailed).nonzero().flatten()
        if len(doubt):
            better, _ = self._online(query[doubt], variance, torch.float64, detailed)
            state = Sums(*(old.to(new.dtype).index_copy(0, doubt, new) for old, new in zip(state, better, strict=True)))
        place, mean = state.heaviest % (h * w), state.sums[:, 1 : 1 + c] / state.total[:, None] + self._middle
        where = torch.stack((place // w, place % w), 1)
        entropy, heaviest = (one.reshape(1, 1, h, w) for one in (state.entropy, state.heaviest // (h * w)))
        return LocalPosterior(mean.T.reshape(1, c, h, w), entropy, heaviest, where.reshape(1, 1, h, w, 2))

    def _online(
        self, query: Float[Tensor, "q p"], variance: float, dtype: torch.dtype, detailed: bool
    ) -> tuple[Sums, Float[Tensor, " q"]]:
        """The softmaxes of some windows over all candidates, logits of this dtype, and what rounding may have done to them.

        Windows of one brightness are taken together, and their mean taken from them and the candidates: those that matter are near.
        """
        query = query[:, torch.randperm(query.shape[1], generator=stream(0, "inputs")).to(query.device)]  # see rounding.py
        groups = query.mean(1).argsort().split(GROUP)
        centres = [query[group].mean(0).float().double() for group in groups]
        apart = [(query[group] - centre).to(dtype) for group, centre in zip(groups, centres, strict=True)]
        states: list[Sums] = []
        step = self._images(GROUP)
        for start in range(0, len(self.pool), step):
            windows, values = self._candidates(self.pool[start : start + step].to(dtype))
            first = start * self.pool[0, 0].numel()
            for i, (asked, centre) in enumerate(zip(apart, centres, strict=True)):
                keys = windows - torch.cat((centre, centre.new_zeros(1))).to(dtype)[:, None]
                scaled = torch.cat((asked * (BITS / variance), asked.new_zeros(len(asked), 1)), 1)
                if start == 0:
                    states.append(one(scaled, keys, values, variance, first, detailed, None))
                else:
                    states[i] = states[i].merge(one(scaled, keys, values, variance, first, detailed, states[i].peak))
        spans = [reach(self.pool) + float(centre.abs().max()) for centre in centres]
        deltas = [
            expanded(*sizes_of(asked), float(query.shape[1]), state.peak / BITS, state.largest, span, variance)
            for asked, state, span in zip(apart, states, spans, strict=True)
        ]
        back = torch.cat(groups).argsort()
        return Sums(*(torch.cat(column)[back] for column in zip(*states, strict=True))), torch.cat(deltas)[back]

    def _candidates(self, images: Float[Tensor, "n c h w"]) -> tuple[Float[Tensor, "p m"], Float[Tensor, "m k"]]:
        """Windows of a chunk of images, their pixels shuffled as the queries' are, then 1; and 1, their centres and squares."""
        windows = self._unfolded(images).movedim(1, 0).flatten(1)
        centres = windows[self.window**2 // 2 :: self.window**2].float() - self._middle
        order = torch.randperm(len(windows), generator=stream(0, "inputs")).to(windows.device)
        ones = torch.ones_like(windows[:1])
        values = torch.cat((ones.float(), centres, centres.square()))
        return torch.cat((windows.index_select(0, order), ones)), values.T.contiguous()

    @cached_property
    def _middle(self) -> float:
        """A level between the pool's pixels, and what a border of zeros shows."""
        total = sum(float(part.double().sum()) for part in self.pool.split(SOME))
        return float(torch.tensor(total / self.pool.numel(), dtype=torch.float32))

    @cached_property
    def _reach(self) -> float:
        return reach(self.pool) + abs(self._middle)

    def _block(self, y: Tensor, level: Tensor) -> LocalPosterior:
        b, c, h, w = y.shape
        state = streamed((start, centres, logits) for start, _, centres, logits in self._chunks(self._windows(y), level))
        place = state.heaviest.reshape(b, 1, h, w) % (h * w)
        mean, entropy = state.mean.transpose(1, 2).reshape(b, c, h, w), state.entropy.reshape(b, 1, h, w)
        heaviest = state.heaviest.reshape(b, 1, h, w) // (h * w)
        return LocalPosterior(mean, entropy, heaviest, torch.stack([place // w, place % w], -1))

    def _rows(self, y: Tensor, level: Tensor, pixels: Tensor) -> Float[Tensor, "1 q c c h w"]:
        c, k = y.shape[1], self.window
        query = self._windows(y)[:, coordinates(pixels, y.shape)[:, 0]]
        state = streamed((start, centres, logits) for start, _, centres, logits in self._chunks(query, level))
        rows = query.new_zeros(len(pixels), c, c * k * k)
        for _, windows, centres, logits in self._chunks(query, level):
            away = weights(logits, state.total)[0, :, None] * (centres.T - state.mean[0, ..., None])
            rows = rows + away @ windows
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
        return self._unfolded(images.double()).transpose(1, 2)

    def _unfolded(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b p q"]:
        mode = "constant" if self.border == "zeros" else "circular"
        return unfold(pad(images, (self.window // 2,) * 4, mode), self.window)

    def _chunks(self, query: Float[Tensor, "b q p"], level: Tensor) -> Iterator[tuple[int, Tensor, Tensor, Tensor]]:
        """Yield (index of the first candidate, candidates (m, p), their centres (m, c), logits (b, q, m)) over the pool.

        Logits are (y.c - |c|^2 / 2) / sigma^2: the squared distance but for |y|^2, which is the same for all candidates. One matrix
        product; in float64 its rounding stays below 1e-9 down to sigma = .01.
        """
        variance = level.flatten(1)[..., None] ** 2
        asked = torch.cat([query / variance, (-0.5 / variance).expand(-1, query.shape[1], -1)], 2)
        for start in range(0, len(self.pool), self._step):
            windows = self._windows(self.pool[start : start + self._step])
            every, candidates = windows.shape[1], windows.flatten(0, 1)
            centres = candidates[:, self.window**2 // 2 :: self.window**2]
            keys = torch.cat([candidates, candidates.square().sum(1, keepdim=True)], 1)
            yield start * every, candidates, centres, asked @ keys.T


def one(
    asked: Float[Tensor, "q p"],
    keys: Float[Tensor, "p m"],
    values: Float[Tensor, "m k"],
    variance: float,
    first: int,
    detailed: bool,
    known: Float[Tensor, " q"] | None,
) -> Sums:
    """A group's softmaxes over one chunk: sums of the weights times each of the values. The last of the keys is 1."""
    norms = torch.linalg.vecdot(keys[:-1], keys[:-1], dim=0)
    bias = norms * (-BITS / (2 * variance))
    if known is None or detailed:
        found = Weighed.of(product(asked, keys, bias), first, detailed)
    else:
        found = Weighed.above(known, asked, keys, bias)
    return found.sums(found.weights @ values, norms.max().expand(len(asked)))


def sizes_of(query: Float[Tensor, "q p"]) -> tuple[Float[Tensor, " q"], Float[Tensor, " q"]]:
    """The largest modulus and the squared norm of each."""
    return query.abs().amax(1), query.square().sum(1)


def deviation(state: Sums) -> Float[Tensor, " q"]:
    """The largest of the channels' posterior deviations."""
    mean, square = (state.sums[:, 1:] / state.total[:, None]).chunk(2, 1)
    return (square - mean.square()).clamp_min(0).amax(1).sqrt() + 1e-3
