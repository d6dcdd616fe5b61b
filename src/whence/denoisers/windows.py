"""The local score machine: every pixel is inferred from the k x k window around it, among windows of the same place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.denoisers.boxes import CHUNK, Boxes, Local, local
from whence.denoisers.gemm import unrounded
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
    reach,
    streamed,
)
from whence.linalg import Softmax


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


def check_side(window: int, pool: Tensor) -> None:
    """Raise ValueError for a window without a centre, or wider than what there is to see."""
    check_window(window, 2 * max(pool.shape[2:]) - 1, "a window that wide sees the whole image from every pixel")


@dataclass(frozen=True)
class LS:
    """Every pixel inferred from the window around it, compared with the same window of all images (kamb2025analytic, eq. 7-8).

        D(y)[q] = sum_i w_i x_i[q],   w = softmax_i(-|y_Q - x_i,Q|^2 / (2 sigma^2)),   Q = k x k window of all channels around q

    The window is cut off at the border. With k >= 2 max(h, w) - 1 it is `Optimal`. Cost per query: n h w (h + w), whatever k.
    Pixels in [-1, 1], sigma in VE units; a float32 y is answered in float32 as far as that is certain to be within 1e-4, else in
    float64; differentiable in y and sigma (in float64, and autograd keeps every chunk, memory as the pool). Chunk is images of
    the pool at a time; several windows at once are `sizes`.
    Raises ValueError for an empty pool, one not in the range of images, a window that is even, < 1 or wider than that, and a y not
    shaped like the pool's images.
    """

    pool: Float[Tensor, "n c h w"]
    window: int
    chunk: int = 128

    def __post_init__(self) -> None:
        check_pool(self.pool, self.chunk)
        check_side(self.window, self.pool)

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y; sigma)."""
        return self._answer(y, sigma, False).mean

    def posterior(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> LocalPosterior:
        """The posterior of every pixel, in one pass over the pool."""
        return self._answer(y, sigma, True)

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

    def _answer(self, y: Tensor, sigma: float | Tensor, detailed: bool) -> LocalPosterior:
        level = levels(y, sigma, self.pool)
        if in_float32(y, level):
            return rounded(self.pool, [self.window], y, level, self.chunk, detailed)[0]
        return by_blocks(self._block, y, level, y[:1].numel() * min(self.chunk, len(self.pool)))

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


def sizes(
    pool: Float[Tensor, "n c h w"], windows: Sequence[int], y: Float[Tensor, "b c h w"], sigma: float | Tensor
) -> Float[Tensor, "s b c h w"]:
    """The answers of `LS` with each of several windows, for a float32 y in one pass over the pool: little more than one costs."""
    check_pool(pool, CHUNK)
    for window in windows:
        check_side(window, pool)
    if not windows:
        raise ValueError("windows is empty, expected at least one side")
    level = levels(y, sigma, pool)
    if in_float32(y, level):
        return torch.stack([found.mean for found in rounded(pool, windows, y, level, CHUNK, False)])
    return torch.stack([LS(pool, window)(y, sigma) for window in windows])


def rounded(
    pool: Float[Tensor, "n c h w"], windows: Sequence[int], y: Tensor, level: Tensor, chunk: int, detailed: bool
) -> list[LocalPosterior]:
    """The posterior for each window in float32, and in float64 where that may be off by more than 1e-4."""
    h, w = y.shape[2:]
    tall, wide = (torch.stack([centred(n, k, y.device).float() for k in windows]) for n in (h, w))
    boxes = Boxes(tall, wide, list(windows))
    span = reach(pool)
    with torch.no_grad(), unrounded():
        scales = (0.5 / level.double().flatten() ** 2).tolist()
        found = local(pool, y, scales, boxes, min(chunk, len(pool)), detailed)
        parts = [_checked(pool, boxes, *one, span, detailed) for one in zip(y.split(1), level.split(1), found, strict=True)]
    return [
        LocalPosterior(
            torch.stack([part.mean[i] for part in parts]).unflatten(1, (h, w)).permute(0, 3, 1, 2).to(y.dtype),
            torch.stack([part.entropy[i] for part in parts]).unflatten(1, (h, w))[:, None].to(y.dtype),
            torch.stack([part.heaviest[i] for part in parts]).unflatten(1, (h, w))[:, None],
        )
        for i in range(len(windows))
    ]


def _checked(pool: Tensor, boxes: Boxes, y: Tensor, level: Tensor, found: Local, span: float, detailed: bool) -> Local:
    """One query's softmaxes, those in doubt done again in float64."""
    size, place = found.doubtful(boxes, span, detailed).nonzero().unbind(1)
    if len(size) == 0:
        return found
    w = y.shape[3]
    tall, wide = boxes.tall.double()[size, place // w], boxes.wide.double()[size, place % w]
    state = _among(pool, y, level, (tall[:, :, None] * wide[:, None]).flatten(1), place)
    mean, entropy, heaviest = (column.clone() for column in (found.mean, found.entropy, found.heaviest))
    mean[size, place], entropy[size, place], heaviest[size, place] = state.mean[0], state.entropy[0], state.heaviest[0]
    return found._replace(mean=mean, entropy=entropy, heaviest=heaviest)


def _among(pool: Tensor, y: Tensor, level: Tensor, masks: Float[Tensor, "p q"], places: Int[Tensor, " p"]) -> Softmax:
    """The softmaxes of chosen pixels in float64, from direct squares."""
    heard = masks.any(0).nonzero().flatten()
    rows, query = masks[:, heard] / (-2 * level.flatten() ** 2), y.double().flatten(2)[..., heard]

    def chunks() -> Iterator[tuple[int, Tensor, Tensor]]:
        for start in range(0, len(pool), CHUNK):
            x = pool[start : start + CHUNK].flatten(2)
            apart = (query - x[..., heard].double()).square_().sum(1)
            yield start, x[..., places].permute(2, 0, 1).double(), (rows @ apart.T)[None]

    return streamed(chunks())
