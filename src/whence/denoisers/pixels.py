"""Local posterior means at some pixels only: an error is estimated better from a part of many images than from a few whole ones."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.denoisers.fast import Masked
from whence.denoisers.gemm import unrounded
from whence.denoisers.local import check_pool, coordinates, levels
from whence.denoisers.tiles import cut
from whence.denoisers.wiener import Wiener
from whence.denoisers.windows import check_side

CHUNK = 1024  # images of the pool at a time, unless told


def masked(
    pool: Float[Tensor, "n c h w"],
    y: Float[Tensor, "b c h w"],
    sigma: float,
    pixels: Int[Tensor, "q 2"],
    mask: Bool[Tensor, "q c d"],
    chunk: int = CHUNK,
) -> Float[Tensor, "b q c"]:
    """The answers of a masked softmax at some pixels, (row, column), the same for all images (lukoianov2025locality, eq. 8).

        D(y)[q] = sum_i w_i x_i[q],   w = softmax_i(-sum_p M_qp (y_p - x_ip)^2 / (2 sigma^2))

    Row M_q says which of the d = c h w inputs an output hears, each channel of a pixel its own: those of `linked` make this
    `PCALocality` there, those of `windows` make it `LS`. Cost per image: outputs times inputs heard times pool.
    Pixels in [-1, 1], VE units; to within 1e-4 whatever y's dtype, which is that of the answer. Not differentiable.
    Raises ValueError for an empty pool, one not in the range of images, a sigma that is not one positive number, a y not shaped
    like the pool's images, pixels outside of them, and a mask of another shape.
    """
    check_pool(pool, chunk)
    level = levels(y, float(sigma), pool)
    c, d = y.shape[1], pool[0].numel()
    if mask.shape != (len(pixels), c, d):
        raise ValueError(
            f"mask has shape {tuple(mask.shape)}, expected a row for each channel of each pixel: {(len(pixels), c, d)}"
        )
    outputs = coordinates(pixels, y.shape)
    heard = torch.zeros(d, d, dtype=torch.bool, device=y.device)
    heard[outputs.flatten()] = mask.to(y.device).flatten(0, 1)
    flat = pool.flatten(1)
    centre = flat.double().mean(0).float()
    reach = max(float((part - centre).abs().max()) for part in flat.split(chunk))
    asked = Masked(flat, y.float().flatten(1), centre, reach, float(level[0]) ** 2, chunk, False)
    with torch.no_grad(), unrounded():
        state = asked.solved([cut(heard, pixel) for pixel in outputs], heard)
    return (state.mean + centre[outputs.flatten()]).unflatten(1, tuple(outputs.shape)).to(y.dtype)


def linked(wiener: Wiener, sigma: float, pixels: Int[Tensor, "q 2"], threshold: float) -> Bool[Tensor, "q c d"]:
    """The masks of `PCALocality` at some pixels: an output hears what the Wiener filter weighs at least threshold times itself.

        M_qp = 1[|W_qp| >= threshold W_qq]

    Raises ValueError for a threshold outside [0, 1], and as `wiener` does.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold}, expected in [0, 1]: 0 hears everything")
    shape = wiener.mean.shape
    anywhere = torch.zeros(1, *shape, dtype=torch.float64, device=wiener.mean.device)
    weights = wiener.jacobian(anywhere, sigma, pixels)[0].flatten(2).abs()
    own = weights.gather(2, coordinates(pixels, anywhere.shape)[..., None])
    return weights >= threshold * torch.where(own > 0, own, 1.0)


def windows(shape: torch.Size, window: int, pixels: Int[Tensor, "q 2"]) -> Bool[Tensor, "q c d"]:
    """The masks of `LS` at some pixels of images of a shape (c, h, w): the k x k window around each, cut off at the border.

    Raises ValueError for a window that is even, < 1, or wider than there is to see.
    """
    c, h, w = shape
    check_side(window, torch.empty(1, *shape))
    near_row = (pixels[:, :1] - torch.arange(h, device=pixels.device)).abs() <= window // 2
    near_column = (pixels[:, 1:] - torch.arange(w, device=pixels.device)).abs() <= window // 2
    heard = near_row[:, :, None] & near_column[:, None]
    return heard[:, None, None].expand(-1, c, c, -1, -1).flatten(2)
