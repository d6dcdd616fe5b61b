"""The local score machine: every pixel is inferred from the k x k window around it, among windows of the same place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.denoisers.local import (
    LocalPosterior,
    by_blocks,
    check_pool,
    check_window,
    columns,
    coordinates,
    levels,
    masked_jacobian,
    streamed,
)


def centred(n: int, window: int, device: torch.device) -> Float[Tensor, "n n"]:
    """The 0/1 matrix that sums a window around each of n places, cut off at the border."""
    place = torch.arange(n, device=device)
    return ((place[:, None] - place).abs() <= window // 2).double()


def inside(n: int, window: int, device: torch.device) -> Float[Tensor, "p n"]:
    """The 0/1 matrix that sums each of the p = n - window + 1 windows that lie inside n places."""
    ahead = torch.arange(n, device=device) - torch.arange(n - window + 1, device=device)[:, None]
    return ((ahead >= 0) & (ahead < window)).double()


def box(
    fields: Float[Tensor, "b h w m"], rows: Float[Tensor, "p h"] | Float[Tensor, "b p h"], cols: Float[Tensor, "r w"]
) -> Float[Tensor, "b p r m"]:
    """Window sums as two banded products: only sums of what is in the window, so nothing cancels as with integral images."""
    tall = (rows @ fields.flatten(2)).unflatten(2, fields.shape[2:])
    return cols @ tall


def squares(y: Float[Tensor, "b c h w"], x: Float[Tensor, "c h w m"]) -> Float[Tensor, "b h w m"]:
    """(y - x)^2 summed over channels, one channel at a time."""
    apart = [y[:, i, ..., None] - x[i] for i in range(len(x))]
    return reduce(lambda total, one: torch.addcmul(total, one, one), apart[1:], apart[0].square())


@dataclass(frozen=True)
class LS:
    """Every pixel inferred from the window around it, compared with the same window of all images (kamb2025analytic, eq. 7-8).

        D(y)[q] = sum_i w_i x_i[q],   w = softmax_i(-|y_Q - x_i,Q|^2 / (2 sigma^2)),   Q = k x k window of all channels around q

    The window is cut off at the border. With k >= 2 max(h, w) - 1 it is `Optimal`. Cost per query: n h w (h + w), whatever k.
    Pixels in [-1, 1], sigma in VE units; float64 inside, y's dtype outside; differentiable in y and sigma (autograd then keeps
    every chunk, memory as the pool). Chunk is images of the pool at a time.
    Raises ValueError for an empty pool, a window that is even, < 1 or wider than that, and a y not shaped like the pool's images.
    """

    pool: Float[Tensor, "n c h w"]
    window: int
    chunk: int = 128

    def __post_init__(self) -> None:
        check_pool(self.pool, self.chunk)
        check_window(self.window, 2 * max(self.pool.shape[2:]) - 1, "a window that wide sees the whole image from every pixel")

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y; sigma)."""
        return self.posterior(y, sigma).mean

    def posterior(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> LocalPosterior:
        """The posterior of every pixel, in one pass over the pool."""
        level = levels(y, sigma, self.pool)
        return by_blocks(self._block, y, level, y[:1].numel() * min(self.chunk, len(self.pool)))

    def jacobian(
        self, y: Float[Tensor, "b c h w"], sigma: float | Tensor, pixels: Int[Tensor, "q 2"]
    ) -> Float[Tensor, "b q c c h w"]:
        """Rows of dD/dy in closed form, axes: sample, output pixel, output channel, then the input image; 0 outside the window."""
        level, (c, h, w) = levels(y, sigma, self.pool), y.shape[1:]
        outputs = coordinates(pixels, y.shape)
        tall, wide = centred(h, self.window, y.device)[pixels[:, 0]], centred(w, self.window, y.device)[pixels[:, 1]]
        masks = (tall[:, None, :, None] * wide[:, None, None, :]).expand(-1, c, -1, -1).flatten(1)
        rows = [
            masked_jacobian(self.pool, *one, masks, outputs, self.chunk) for one in zip(y.split(1), level.split(1), strict=True)
        ]
        return torch.cat(rows).unflatten(-1, (c, h, w)).to(y.dtype)

    def _block(self, y: Tensor, level: Tensor) -> LocalPosterior:
        b, c, h, w = y.shape
        state = streamed(self._chunks(y.double(), level.flatten(1)[..., None]))
        mean = state.mean.transpose(1, 2).reshape(b, c, h, w)
        return LocalPosterior(mean, state.entropy.reshape(b, 1, h, w), state.heaviest.reshape(b, 1, h, w))

    def _chunks(self, y: Tensor, level: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
        rows, cols = (centred(n, self.window, y.device) for n in y.shape[2:])
        for start, x in columns(self.pool, self.chunk):
            logits = box(squares(y, x), rows / (-2 * level**2), cols)
            yield start, x.flatten(1, 2).permute(1, 2, 0), logits.flatten(1, 2)
