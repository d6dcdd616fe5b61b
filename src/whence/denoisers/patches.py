"""Patch posteriors: every square patch is inferred as a whole, and overlapping answers are averaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.denoisers.compiled import looped
from whence.denoisers.local import (
    LocalPosterior,
    by_blocks,
    check_pool,
    check_window,
    columns,
    coordinates,
    in_float32,
    levels,
    masked_jacobian,
    streamed,
    weights,
)
from whence.denoisers.overlap import averaged
from whence.denoisers.windows import box, inside, squares


@dataclass(frozen=True)
class PSPC:
    """The patch set posterior composite with square patches (niedoba2025pspc, section 4).

        D(y)[q] = mean over the patches P that hold q of sum_i w^P_i x_i[q],   w^P = softmax_i(-|y_P - x_i,P|^2 / (2 sigma^2))

    Patches are k x k, of all channels, in the same place of every image, and lie inside the image, so k may be even; with
    k = h = w it is `Optimal`. The posterior of a pixel is the even mixture of its patches' posteriors, and its entropy and
    heaviest image are the mixture's. Two passes over the pool: the softmaxes' totals, then their weights, spread over the
    patches' pixels.
    Pixels in [-1, 1], sigma in VE units; y's dtype outside, float64 inside, but that a processor takes weights in float32 where y
    is (see overlap.py; within 1e-6); differentiable in y and sigma (autograd then keeps every chunk, memory as the pool). Chunk is
    images of the pool at a time.
    Raises ValueError for an empty pool, a window that is < 1 or wider than the image, and a y not shaped like the pool's images.
    """

    pool: Float[Tensor, "n c h w"]
    window: int
    chunk: int = 128

    def __post_init__(self) -> None:
        check_pool(self.pool, self.chunk)
        check_window(self.window, min(self.pool.shape[2:]), "a patch lies inside the image", even=True)

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y; sigma)."""
        return self._answer(y, sigma, False).mean

    def posterior(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> LocalPosterior:
        """The posterior of every pixel, mixed from those of the patches that hold it."""
        return self._answer(y, sigma, True)

    def jacobian(
        self, y: Float[Tensor, "b c h w"], sigma: float | Tensor, pixels: Int[Tensor, "q 2"]
    ) -> Float[Tensor, "b q c c h w"]:
        """Rows of dD/dy in closed form: the mean over the pixel's patches of their covariances over sigma^2.

        Axes: sample, output pixel, output channel, then the input image; 0 beyond k - 1 pixels.
        """
        level, shape = levels(y, sigma, self.pool), y.shape[1:]
        outputs = coordinates(pixels, y.shape)
        masks = [self._holding(int(i), int(j), y) for i, j in pixels]
        rows = [
            torch.stack(
                [
                    masked_jacobian(self.pool, *one, mask, output.expand(len(mask), -1), self.chunk).mean(1)
                    for mask, output in zip(masks, outputs, strict=True)
                ],
                1,
            )
            for one in zip(y.split(1), level.split(1), strict=True)
        ]
        return torch.cat(rows).unflatten(-1, tuple(shape)).to(y.dtype)

    def _holding(self, i: int, j: int, y: Tensor) -> Float[Tensor, "s d"]:
        """Masks of the patches that hold pixel (i, j)."""
        rows, cols = self._windows(y)
        tall, wide = rows[rows[:, i] > 0], cols[cols[:, j] > 0]
        masks = tall[:, None, None, :, None] * wide[None, :, None, None, :]
        return masks.expand(-1, -1, y.shape[1], -1, -1).flatten(0, 1).flatten(1)

    def _windows(self, y: Tensor) -> tuple[Float[Tensor, "p h"], Float[Tensor, "r w"]]:
        return inside(y.shape[2], self.window, y.device), inside(y.shape[3], self.window, y.device)

    def _answer(self, y: Tensor, sigma: float | Tensor, detailed: bool) -> LocalPosterior:
        """Entropies and heaviest images mean nothing unless detailed."""
        level = levels(y, sigma, self.pool)
        if not detailed and looped(y.device) and in_float32(y, level):
            mean = averaged(self.pool, y, level.flatten(), self.window, self.chunk).to(y.dtype)
            return LocalPosterior(mean, torch.zeros_like(mean[:, :1]), torch.zeros_like(mean[:, :1], dtype=torch.int64))
        return by_blocks(partial(self._block, detailed=detailed), y, level, y[:1].numel() * min(self.chunk, len(self.pool)))

    def _block(self, y: Tensor, level: Tensor, detailed: bool) -> LocalPosterior:
        query, level, (rows, cols) = y.double(), level.flatten(1)[..., None], self._windows(y)
        count = rows.sum(0)[:, None] * cols.sum(0)
        total = streamed((start, x.new_zeros(x.shape[-1], 0), logits) for start, x, logits in self._logits(query, level)).total
        mean, entropy = torch.zeros_like(query), torch.zeros_like(query[:, 0])
        best, heaviest = torch.zeros_like(entropy), torch.zeros_like(entropy, dtype=torch.int64)
        for start, x, logits in self._logits(query, level):
            each = weights(logits, total).unflatten(1, (len(rows), len(cols)))
            share = box(each, rows.T, cols.T) / count[..., None]
            mean = mean + torch.einsum("bhwm,chwm->bchw", share, x)
            if not detailed:
                continue
            entropy = entropy - torch.xlogy(share, share).sum(-1)
            peak, index = share.detach().max(-1)
            heaviest = torch.where(peak > best, index + start, heaviest)
            best = torch.maximum(best, peak)
        return LocalPosterior(mean, entropy.clamp_min(0)[:, None], heaviest[:, None])

    def _logits(self, y: Tensor, level: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
        rows, cols = self._windows(y)
        for start, x in columns(self.pool, self.chunk):
            yield start, x, box(squares(y, x), rows / (-2 * level**2), cols).flatten(1, 2)
