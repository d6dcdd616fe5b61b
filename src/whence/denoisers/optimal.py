"""The optimal denoiser of a finite training set: the exact posterior mean, which can only ever answer with what it has seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.linalg import Softmax, squared_distances
from whence.noise import per_sample


class Posterior(NamedTuple):
    """p(x_i | y) over the pool, summed up: its mean, its entropy in nats, and the index of its heaviest image."""

    mean: Float[Tensor, "b c h w"]
    entropy: Float[Tensor, " b"]
    heaviest: Int[Tensor, " b"]

    @property
    def effective(self) -> Float[Tensor, " b"]:
        """Effective number of images, exp(entropy): 1 when one image has all the weight, n when all weigh alike."""
        return self.entropy.exp()


@dataclass(frozen=True)
class Optimal:
    """The posterior mean when x is drawn evenly from a pool of images.

        D(y) = sum_i w_i x_i,   w = softmax_i(-|y - x_i|^2 / (2 sigma^2))

    The minimiser of E|x - D(y)|^2 over all functions, given only the pool (robbins1956empirical, efron2011tweedie).
    Pixels in [-1, 1], sigma in VE units. Logits and sums are float64 and stream over chunks of the pool, so that neither
    the chunk's size nor the pool's order matters; the answer has y's dtype and is differentiable in y and sigma. A float64
    pool costs twice the memory and spares the conversion of each chunk at each call.
    Raises ValueError for an empty pool and for a y whose images are not shaped like the pool's.
    """

    pool: Float[Tensor, "n c h w"]
    chunk: int = 4096

    def __post_init__(self) -> None:
        if self.pool.ndim != 4 or self.pool.shape[0] < 1:
            raise ValueError(f"pool has shape {tuple(self.pool.shape)}, expected (n, c, h, w) with n >= 1")
        if self.chunk < 1:
            raise ValueError(f"chunk is {self.chunk}, expected at least one image at a time")

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y; sigma)."""
        return self.posterior(y, sigma).mean

    def posterior(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Posterior:
        """The posterior over the pool, in one streaming pass."""
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
        state = self._state(y, sigma)
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
        return torch.cat([part.flatten(1).double().square().sum(1) for part in self.pool.split(self.chunk)])

    def _state(self, y: Tensor, sigma: float | Tensor) -> Softmax:
        return reduce(Softmax.merge, (Softmax.start(logits, x, start) for start, x, logits in self._logits(y, sigma)))

    def _logits(self, y: Tensor, sigma: float | Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (index of the chunk's first image, the chunk's images (m, d), logits (b, m)) over the pool, all float64."""
        level = per_sample(sigma, y).double().reshape(-1, 1)
        if y.shape[1:] != self.pool.shape[1:]:
            raise ValueError(
                f"y holds images of shape {tuple(y.shape[1:])}, the pool of shape {tuple(self.pool.shape[1:])}: "
                "draw both from the same data set at the same size"
            )
        for start in range(0, self.pool.shape[0], self.chunk):
            x = self.pool[start : start + self.chunk].flatten(1).double()
            yield start, x, -squared_distances(y.flatten(1), x, self._square[start : start + self.chunk]) / (2 * level**2)
