"""The optimal denoiser of a finite training set: the exact posterior mean, which can only ever answer with what it has seen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.denoisers.average import average
from whence.denoisers.compiled import looped
from whence.denoisers.gemm import in_blocks, product, unrounded
from whence.denoisers.local import check_nearest, check_pool, in_float32, levels, reach
from whence.denoisers.rounding import NATS, UNIT, blocked, doubtful
from whence.denoisers.shortlist import Shortlist
from whence.linalg import Softmax, squared_distances
from whence.noise import per_sample

BLOCK = 256  # products summed in float32 before float64 takes over
KEPT = 32  # images that a query in doubt is answered from in float64, where no other can matter
NEGLIGIBLE = 1e-6  # probability of all other images
FAST = 2048  # images at a time in float32 on an accelerator


class Posterior(NamedTuple):
    """p(x_i | y) over the pool, summed up: its mean, its entropy in nats, and the index of its heaviest image.

    With `nearest` images kept, `discarded` bounds the probability of all others: the mean is off by at most that much times the
    range of the pixels.
    """

    mean: Float[Tensor, "b c h w"]
    entropy: Float[Tensor, " b"]
    heaviest: Int[Tensor, " b"]
    discarded: Float[Tensor, " b"] | None = None

    @property
    def effective(self) -> Float[Tensor, " b"]:
        """Effective number of images, exp(entropy): 1 when one image has all the weight, n when all weigh alike."""
        return self.entropy.exp()


def both(a: tuple[Softmax, Shortlist], b: tuple[Softmax, Shortlist]) -> tuple[Softmax, Shortlist]:
    """Softmax and shortlist of two pools."""
    return a[0].merge(b[0]), a[1].merge(b[1], KEPT)


@dataclass(frozen=True)
class Optimal:
    """The posterior mean when x is drawn evenly from a pool of images.

        D(y) = sum_i w_i x_i,   w = softmax_i(-|y - x_i|^2 / (2 sigma^2))

    The minimiser of E|x - D(y)|^2 over all functions, given only the pool (robbins1956empirical, efron2011tweedie).
    Pixels in [-1, 1], sigma in VE units. Logits and sums stream over chunks of the pool, so that neither the chunk's size
    nor the pool's order matters; the answer has y's dtype and is differentiable in y and sigma. A y in float64 is answered in
    float64; a float64 pool then costs twice the memory and spares the conversion of each chunk at each call.

    A float32 y is answered in float32 as far as that is certain to be within 1e-4 (see rounding.py), and queries in doubt in
    float64. With `nearest` = k only the k nearest images are averaged, and the posterior bounds what all others may weigh: of 5,000
    CIFAR-10 images 32 are certain to 1e-10 up to sigma 1; at sigma 5 the bound is idle. It spares the weighted sums, which at low
    noise all images do as well, since those without weight are passed over.
    Raises ValueError for an empty pool, one of integers or not within [-1, 1] or so, and for a y not shaped like the pool's images.
    """

    pool: Float[Tensor, "n c h w"]
    chunk: int = 4096
    nearest: int | None = None

    def __post_init__(self) -> None:
        check_pool(self.pool, self.chunk)
        check_nearest(self.nearest)

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y; sigma)."""
        return self.posterior(y, sigma).mean

    def posterior(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Posterior:
        """The posterior over the pool, in one streaming pass; or over the nearest images, with what the others may amount to."""
        if self.nearest is not None:
            return self._among(y, levels(y, sigma, self.pool), self.nearest)
        state = self._state(y, sigma)
        return Posterior(state.mean.to(y.dtype).reshape(y.shape), state.entropy.to(y.dtype), state.heaviest)

    def jacobian(
        self, y: Float[Tensor, "b c h w"], sigma: float | Tensor, pixels: Int[Tensor, "q 2"]
    ) -> Float[Tensor, "b q c c h w"]:
        """Rows of dD/dy in closed form: the posterior covariance over sigma^2 (miyasawa1961, kadkhodaie2024generalization eq. 9).

            dD(y)_q / dy_p = Cov_w(x_q, x_p) / sigma^2

        Axes: sample, output pixel, output channel, then the input image. Symmetric and positive semi-definite as a whole.
        """
        b, c, h, w = y.shape
        state = self._exact(y, sigma)
        mean, total = state.mean, state.m + state.s.log()
        covariance = y.new_zeros((b, len(pixels) * c, c * h * w), dtype=torch.float64)
        for _, x, logits in self._logits(y, sigma):
            weights = (logits - total[:, None]).exp()
            away = x - mean[:, None]  # from the posterior mean, so that nothing cancels: (b, m, d)
            outputs = away.reshape(b, -1, c, h, w)[..., pixels[:, 0], pixels[:, 1]].transpose(2, 3).flatten(2)
            covariance = covariance + (weights[..., None] * outputs).transpose(1, 2) @ away
        level = per_sample(sigma, y).double().reshape(b, 1, 1)
        return (covariance / level**2).reshape(b, len(pixels), c, c, h, w).to(y.dtype)

    @cached_property
    def _square(self) -> Float[Tensor, " n"]:
        found = self.pool.new_empty(len(self.pool), dtype=torch.float64)
        step = min(self.chunk, FAST)
        for start in range(0, len(found), step):
            x = self.pool[start : start + step].flatten(1).double()
            found[start : start + step] = torch.linalg.vecdot(x, x)
        return found

    @cached_property
    def _reach(self) -> tuple[float, float]:
        """The largest squared norm of an image and the largest modulus of a pixel."""
        return float(self._square.max()), reach(self.pool)

    def _state(self, y: Tensor, sigma: float | Tensor) -> Softmax:
        level = levels(y, sigma, self.pool)
        if not in_float32(y, level):
            return self._exact(y, sigma)
        with torch.no_grad(), unrounded():
            state, chosen = reduce(both, self._rounded(y.flatten(1), level.reshape(-1, 1)))
            doubt = self._doubtful(y.flatten(1), level.flatten(), state).nonzero().flatten()
            if len(doubt):
                better = self._surely(y[doubt], level[doubt], Shortlist(*(column[doubt] for column in chosen)))
                state = Softmax(*(old.index_copy(0, doubt, new) for old, new in zip(state, better, strict=True)))
        return state

    def _surely(self, y: Tensor, level: Tensor, chosen: Shortlist) -> Softmax:
        """In float64: from a shortlist where it is certain that no other image matters, else from the whole pool."""
        state, discarded = self._kept(y, level, chosen)
        rest = (discarded > NEGLIGIBLE).nonzero().flatten()
        if len(rest):
            whole = self._exact(y[rest], level.flatten()[rest])
            state = Softmax(*(old.index_copy(0, rest, new) for old, new in zip(state, whole, strict=True)))
        return state

    def _among(self, y: Tensor, level: Tensor, k: int) -> Posterior:
        with torch.no_grad(), unrounded():
            chosen = self._shortlist(y.detach().flatten(1), level.detach().reshape(-1, 1), k)
        state, discarded = self._kept(y, level, chosen)
        return Posterior(
            state.mean.to(y.dtype).reshape(y.shape), state.entropy.to(y.dtype), state.heaviest, discarded.to(y.dtype).detach()
        )

    def _kept(self, y: Tensor, level: Tensor, chosen: Shortlist) -> tuple[Softmax, Float[Tensor, " b"]]:
        """The softmax over a shortlist's images, float64, and a bound on the probability of all others.

        The shortlist's logits are short of the true ones by no more than float32 may have hidden: a sum of B products is off by at
        most (B + 1) u sum|y_p c_p| <= (B + 1) u |y| |c|, whatever its order.
        """
        own = y.detach().double().flatten(1).square().sum(1).sqrt()
        slack = (BLOCK + 3) * UNIT * own * self._reach[0] ** 0.5 / level.detach().flatten() ** 2
        pool, parts = self.pool.flatten(1), list[Softmax]()
        for one, noise, images in zip(y.double().flatten(1), level.flatten(), chosen.images, strict=True):  # so few stay near
            x = pool[images].double()
            parts.append(Softmax.start((one - x).square().sum(1)[None] / (-2 * noise**2), x))
        state = Softmax(*(torch.cat(column) for column in zip(*parts, strict=True)))
        state = state._replace(heaviest=chosen.images.gather(1, state.heaviest[:, None])[:, 0])
        return state, chosen.discarded(len(self.pool), state.total.detach(), slack)

    def _shortlist(self, y: Float[Tensor, "b d"], level: Float[Tensor, "b 1"], k: int) -> Shortlist:
        if looped(y.device):
            parts = (chosen for _, chosen in self._looped(y, level, k, False))
        else:
            parts = (Shortlist.chunk(logits, start, k) for start, _, logits in self._coarse(y, level))
        return reduce(lambda a, b: a.merge(b, k), parts)

    def _looped(
        self, y: Float[Tensor, "b d"], level: Float[Tensor, "b 1"], k: int, averaged: bool
    ) -> Iterator[tuple[Softmax, Shortlist]]:
        """What the compiled loop finds: in one pass, or chunk by chunk where images have to be copied first."""
        audible, as_is = NATS + math.log(len(self.pool)), self.pool.dtype == torch.float32 and self.pool.is_contiguous()
        step = len(self.pool) if as_is else self.chunk
        for start in range(0, len(self.pool), step):
            x, square = (whole[start : start + step] for whole in (self.pool, self._square))
            yield average(y, level, x.flatten(1), square, start, BLOCK, audible, k, averaged)

    def _coarse(self, y: Float[Tensor, "b d"], level: Float[Tensor, "b 1"]) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (index of the chunk's first image, images (m, d) in float32, logits (b, m) from products in float32)."""
        own = y.double().square().sum(1, keepdim=True)
        chunk = min(self.chunk, FAST)
        for start in range(0, len(self.pool), chunk):
            x = self.pool[start : start + chunk].flatten(1).float()
            yield start, x, (2 * in_blocks(y.float(), x, BLOCK) - own - self._square[start : start + chunk]) / (2 * level**2)

    def _exact(self, y: Tensor, sigma: float | Tensor) -> Softmax:
        return reduce(Softmax.merge, (Softmax.start(logits, x, start) for start, x, logits in self._logits(y, sigma)))

    def _rounded(self, y: Float[Tensor, "b d"], level: Float[Tensor, "b 1"]) -> Iterator[tuple[Softmax, Shortlist]]:
        """The softmax over each chunk from products in float32, and the images to answer from where that will not do."""
        if looped(y.device):
            yield from self._looped(y, level, KEPT, True)
            return
        best = level.new_full((len(y),), -math.inf)
        for start, x, logits in self._coarse(y, level):
            m, index = logits.max(1)
            below = logits - m[:, None]
            w = below.clamp_min(-80).float().exp_()  # exp is slow where it underflows
            best = torch.maximum(best, m)
            heard = (logits > best[:, None] - NATS - math.log(len(self.pool))).any(0).nonzero().flatten()
            v = product(w, x) if len(heard) > len(x) // 4 else product(w[:, heard], x[heard])
            state = Softmax(m, w.sum(1).double(), v.double(), torch.linalg.vecdot(w.double(), below), index + start)
            yield state, Shortlist.chunk(logits, start, KEPT)

    def _doubtful(self, y: Float[Tensor, "b d"], level: Float[Tensor, " b"], state: Softmax) -> Bool[Tensor, " b"]:
        """Whose answer float32 may have moved by more than the tolerance; no pixel deviates more than 2 reach sqrt(1 - w_max)."""
        largest, span = self._reach
        delta = blocked(y, -2 * level**2 * state.m, largest, span, BLOCK, level)
        return doubtful(delta, span * (2 * (1 - 1 / state.s).clamp_min(0).sqrt()).clamp_max(1), state.s, span, True)

    def _logits(self, y: Tensor, sigma: float | Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (index of the chunk's first image, the chunk's images (m, d), logits (b, m)) over the pool, all float64."""
        level = levels(y, sigma, self.pool).reshape(-1, 1)
        for start in range(0, self.pool.shape[0], self.chunk):
            x = self.pool[start : start + self.chunk].flatten(1).double()
            yield start, x, -squared_distances(y.flatten(1), x, self._square[start : start + self.chunk]) / (2 * level**2)
