"""The engine of local posterior means: every output has its own softmax over candidates, and hears only part of the input.

    D(y)[q] = sum_c w_c c_q,   w = softmax_c(-sum_p M_qp (y_p - c_p)^2 / (2 sigma^2))

What the candidates c are, which inputs p the mask M lets output q hear, and how overlapping answers are combined, is data; the
members of the family (`LS`, `ELS`, `PSPC`, `PCALocality`) differ in nothing else (kamb2025analytic, niedoba2025pspc,
lukoianov2025locality). Here is what they share: the walk over the pool, the softmax, and the Jacobian. A y in
float64 is answered in float64, so that sigma = .01 is as exact as sigma = 80; one in float32 in float32 as far as that is certain
to be within 1e-4 of it (rounding.py has the bound), and in float64 where it is not, or where a derivative is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.denoisers.compiled import few
from whence.linalg import Softmax
from whence.noise import per_sample

# Numbers of one array held at once: batches of y are taken in blocks. On a processor what fits its cache is fastest.
FARTHEST = 128.0  # pixels are in [-1, 1]; whitened ones that few images light go to a hundred; bytes go to 255
SOME = 512  # images at a time, where all are looked at once
HELD = {"cpu": 2**20, "other": 2**26}


class LocalPosterior(NamedTuple):
    """The posterior at every output: its mean, its entropy in nats, and where its heaviest candidate comes from.

    k is 1 where the channels of a pixel share their weights and c where each has its own. `heaviest` is the index of a training
    image: which one gave this pixel. `place` is the row and column in that image, None where it is the pixel's own. With only the
    nearest candidates kept, `discarded` bounds the probability of all others: the mean is off by at most that times the range of
    the pixels.
    """

    mean: Float[Tensor, "b c h w"]
    entropy: Float[Tensor, "b k h w"]
    heaviest: Int[Tensor, "b k h w"]
    place: Int[Tensor, "b k h w 2"] | None = None
    discarded: Float[Tensor, "b k h w"] | None = None

    @property
    def effective(self) -> Float[Tensor, "b k h w"]:
        """Effective number of candidates, exp(entropy): 1 when one has all the weight."""
        return self.entropy.exp()


def check_pool(pool: Tensor, chunk: int) -> None:
    """Raise ValueError unless the pool is two or more images in [-1, 1], or not far out, and a chunk is at least one of them."""
    check_several(pool)
    check_range(pool, "pool")
    if chunk < 1:
        raise ValueError(f"chunk is {chunk}, expected at least one image at a time")


def check_several(pool: Tensor) -> None:
    """Raise ValueError unless the pool is a stack (n, c, h, w) of two or more images."""
    if pool.ndim != 4 or 0 in pool.shape:
        raise ValueError(f"pool has shape {tuple(pool.shape)}, expected images (n, c, h, w) with n >= 2")
    if len(pool) < 2:
        raise ValueError(
            "pool has 1 image, expected at least 2: of one image the posterior mean is that image whatever the question, and "
            "it has no covariance; draw more, and keep the first axis in a slice (pool[:n])"
        )


def check_range(images: Tensor, name: str) -> None:
    """Raise ValueError unless pixels are floating point, finite, and where images in [-1, 1] or Gaussian fields can be."""
    mend = "scale it to [-1, 1], as whence.data.images.draw does (bytes: images / 127.5 - 1)"
    if not images.is_floating_point():
        raise ValueError(f"{name} has dtype {images.dtype}, expected float32 or float64 pixels in [-1, 1]: {mend}")
    low, high = extremes(images)
    if not (high <= FARTHEST and low >= -FARTHEST):
        raise ValueError(f"{name} holds pixels from {low:g} to {high:g}, expected in [-1, 1], or not far out: {mend}")


def extremes(images: Tensor) -> tuple[float, float]:
    """The lowest and the highest pixel, nan if one is; by parts, since torch copies what it takes extremes of."""
    pairs = torch.stack([torch.stack(part.aminmax()) for part in images.detach().split(SOME)])
    return float(pairs[:, 0].min()), float(pairs[:, 1].max())


def reach(pool: Tensor) -> float:
    """The largest modulus of a pixel."""
    low, high = extremes(pool)
    return max(-low, high)


def check_nearest(nearest: int | None) -> None:
    """Raise ValueError unless the number of candidates to keep is a whole number from 1, or None for all."""
    if nearest is not None and (not isinstance(nearest, int) or isinstance(nearest, bool) or nearest < 1):
        raise ValueError(f"nearest is {nearest!r}, expected a whole number from 1, or None to average over all candidates")


def check_window(window: int, largest: int, why: str, even: bool = False) -> None:
    """Raise ValueError unless a window's side is a whole number from 1 to the largest with a meaning, odd if it has a centre."""
    whole = isinstance(window, int) and not isinstance(window, bool)
    if not whole or not 1 <= window <= largest or not (even or window % 2):
        kind = "a whole" if even else "an odd"
        raise ValueError(f"window is {window!r}, expected {kind} number from 1 to {largest}: {why}")


def levels(y: Tensor, sigma: float | Tensor, pool: Tensor) -> Float[Tensor, "b 1 1 1"]:
    """Sigma per sample in float64; raises ValueError for a bad sigma and for images unlike the pool's in shape or range."""
    if not y.is_floating_point():
        raise ValueError(f"y has dtype {y.dtype}, expected float32 or float64 pixels in [-1, 1] plus noise: images / 127.5 - 1")
    level = per_sample(sigma, y).double()
    if len(y) == 0:
        raise ValueError(f"y has shape {tuple(y.shape)}, expected at least one image to denoise")
    if y.shape[1:] != pool.shape[1:]:
        raise ValueError(
            f"y holds images of shape {tuple(y.shape[1:])}, the pool of shape {tuple(pool.shape[1:])}: "
            "draw both from the same data set at the same size"
        )
    farthest = torch.cat([part.abs().amax(1) for part in few(y.detach().flatten(1))])
    if not bool((farthest <= FARTHEST + 10 * level.detach().flatten()).all()):
        raise ValueError(
            f"y holds pixels as far as {float(farthest.max()):g} at sigma {float(level.min()):g}, expected images in [-1, 1] plus "
            "noise: scale them like the pool (bytes: images / 127.5 - 1), and add no more noise than sigma says"
        )
    return level


def in_float32(y: Tensor, level: Tensor) -> bool:
    """Whether to answer in float32: for a y in float32 of which no derivative is wanted."""
    return y.dtype == torch.float32 and not (torch.is_grad_enabled() and (y.requires_grad or level.requires_grad))


def columns(pool: Tensor, chunk: int) -> Iterator[tuple[int, Tensor]]:
    """Yield (index of the first image, m images in float64) over the pool (n, ...), the images along the last axis (..., m).

    Sums over images are then sums over contiguous numbers.
    """
    for start in range(0, len(pool), chunk):
        yield start, pool[start : start + chunk].movedim(0, -1).contiguous().double()


def streamed(chunks: Iterable[tuple[int, Tensor, Tensor]]) -> Softmax:
    """The softmax average over chunks of (index of the first candidate, values (m, k) or (q, m, k), logits (b, q, m))."""
    return reduce(Softmax.merge, (Softmax.start(logits, values, start) for start, values, logits in chunks))


def weights(logits: Float[Tensor, "b q m"], total: Float[Tensor, "b q"]) -> Float[Tensor, "b q m"]:
    """exp(logits - total), never quite 0: exp is slow, and its logarithm has no gradient, where it underflows."""
    return (logits - total[..., None]).clamp_min(-700).exp()


def by_blocks(answer: Callable[[Tensor, Tensor], LocalPosterior], y: Tensor, level: Tensor, each: int) -> LocalPosterior:
    """The answers to blocks of the batch, so small that arrays of `each` numbers per sample do not exceed HELD."""
    size = max(1, HELD.get(y.device.type, HELD["other"]) // each)
    return join([answer(*part) for part in zip(y.split(size), level.split(size), strict=True)], y.dtype)


def join(parts: list[LocalPosterior], dtype: torch.dtype) -> LocalPosterior:
    """Posteriors of consecutive samples as one."""
    mean, entropy, heaviest, place, discarded = zip(*parts, strict=True)
    where = None if place[0] is None else torch.cat(place)
    rest = None if discarded[0] is None else torch.cat(discarded).to(dtype)
    return LocalPosterior(torch.cat(mean).to(dtype), torch.cat(entropy).to(dtype), torch.cat(heaviest), where, rest)


def coordinates(pixels: Int[Tensor, "q 2"], shape: torch.Size) -> Int[Tensor, "q c"]:
    """Index, in a flattened image of this shape (..., c, h, w), of every channel of chosen pixels (row, column).

    Raises ValueError for a pixel outside the image.
    """
    c, h, w = shape[-3:]
    inside = (pixels >= 0) & (pixels < torch.tensor([h, w], device=pixels.device))
    if not bool(inside.all()):
        raise ValueError(f"pixels {pixels[~inside.all(1)].tolist()} lie outside an image of {h} x {w}")
    return (pixels[:, 0] * w + pixels[:, 1])[:, None] + h * w * torch.arange(c, device=pixels.device)


def masked_jacobian(
    pool: Float[Tensor, "n c h w"],
    y: Float[Tensor, "b c h w"],
    level: Float[Tensor, "b 1 1 1"],
    masks: Float[Tensor, "s d"],
    outputs: Int[Tensor, "s v"],
    chunk: int,
) -> Float[Tensor, "b s v d"]:
    """Rows of dD/dy for softmaxes s with masks M_s over images of the pool in their own place, each answering `outputs`.

    dD(y)_q / dy_p = M_sp Cov_{w^s}(x_q, x_p) / sigma^2
    """
    query, variance, flat = y.double().flatten(1)[..., None], level.flatten(1)[..., None] ** 2, pool.flatten(1)

    def chunks() -> Iterator[tuple[int, Tensor, Tensor, Tensor]]:
        for start, x in columns(flat, chunk):
            yield start, x, x[outputs], -(masks @ (query - x).square()) / (2 * variance)

    state = streamed((start, values.transpose(1, 2), logits) for start, _, values, logits in chunks())
    rows = query.new_zeros(len(y), outputs.numel(), flat.shape[1])
    for _, x, values, logits in chunks():
        away = weights(logits, state.total)[:, :, None] * (values - state.mean[..., None])
        rows = rows + away.flatten(1, 2) @ x.T
    return rows.unflatten(1, tuple(outputs.shape)) * masks[:, None] / variance[..., None]
