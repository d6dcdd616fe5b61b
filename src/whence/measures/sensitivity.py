"""Sensitivity fields: which input pixels an output pixel of a denoiser listens to."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor


def jacobian_rows(
    denoiser: Callable[[Tensor, float | Tensor], Tensor],
    y: Float[Tensor, "b c h w"],
    sigma: float | Tensor,
    pixels: Int[Tensor, "q 2"],
) -> Float[Tensor, "b q c c h w"]:
    """Rows of dD/dy for chosen output pixels of any denoiser, by vector-Jacobian products.

    `pixels` are (row, column). Axes of the answer: sample, output pixel, output channel, then the input image. The denoiser must
    treat samples independently (a network in eval mode does; batch statistics do not).
    Raises ValueError for a pixel outside the image.
    """
    b, c, h, w = y.shape
    inside = (pixels >= 0) & (pixels < torch.tensor([h, w], device=pixels.device))
    if not bool(inside.all()):
        raise ValueError(f"pixels {pixels[~inside.all(1)].tolist()} lie outside an image of {h} x {w}")
    with torch.enable_grad():
        state = y.detach().requires_grad_(True)
        outputs = denoiser(state, sigma)[:, :, pixels[:, 0], pixels[:, 1]].sum(0).T.reshape(-1)  # q c, samples do not mix
        rows = [torch.autograd.grad(output, state, retain_graph=True)[0] for output in outputs]
    return torch.stack(rows, 1).reshape(b, len(pixels), c, c, h, w)


def field(rows: Float[Tensor, "b q c c h w"], power: float = 1.0) -> Float[Tensor, "q h w"]:
    """The sensitivity field S_q(p) = E_b sum_channels |dD_q / dy_p|^power.

    power 1 is the published measure (niedoba2025pspc eq. 8); power 2 does not let thousands of tiny entries, the noise of a
    sampled covariance, outweigh the few that matter.
    """
    return rows.abs().pow(power).sum((2, 3)).mean(0)


def sensitivity(
    denoiser: Callable[[Tensor, float | Tensor], Tensor],
    y: Float[Tensor, "b c h w"],
    sigma: float | Tensor,
    pixels: Int[Tensor, "q 2"],
    power: float = 1.0,
) -> Float[Tensor, "q h w"]:
    """The sensitivity field of any denoiser at noisy images y: `field(jacobian_rows(...))`."""
    return field(jacobian_rows(denoiser, y, sigma, pixels), power)


def side(
    fields: Float[Tensor, "q h w"], pixels: Int[Tensor, "q 2"], fraction: float = 0.5, torus: bool = False
) -> Float[Tensor, " q"]:
    """Side, in pixels, of the square centred on each output pixel that holds a fraction of its field's mass.

    The mass inside odd squares 1, 3, 5, ... (cut off at the border, or wrapped round on a torus, no wider than it)
    is interpolated linearly, so the side is a continuous number: 1 pixel holding everything gives side `fraction`. A field
    without mass (a dead pixel) gives nan.
    Raises ValueError for a fraction outside (0, 1].
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction is {fraction}, expected in (0, 1], such as 0.5")
    q, h, w = fields.shape
    ring = _ring(h, w, pixels, torus).reshape(q, -1)
    mass = torch.zeros(q, max(h, w), dtype=torch.float64, device=fields.device)
    mass.scatter_add_(1, ring, fields.reshape(q, -1).double())
    inside = torch.nn.functional.pad(mass.cumsum(1), (1, 0))
    sides = torch.cat([torch.zeros(1), 2 * torch.arange(max(h, w)) + 1]).double().to(fields.device)
    sides = sides.clamp(max=max(h, w)) if torus else sides
    target = fraction * inside[:, -1:]
    upper = torch.searchsorted(inside, target).clamp(1, inside.shape[1] - 1)
    before, after = inside.gather(1, upper - 1), inside.gather(1, upper)
    share = (target - before) / (after - before)
    found = (sides[upper - 1] + share * (sides[upper] - sides[upper - 1])).squeeze(1)
    return torch.where(inside[:, -1] > 0, found, torch.nan)


def _ring(h: int, w: int, pixels: Int[Tensor, "q 2"], torus: bool) -> Int[Tensor, "q h w"]:
    """Chebyshev distance of every input pixel to each output pixel."""
    grid = torch.stack(torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij"), -1).to(pixels.device)
    apart = (grid - pixels[:, None, None]).abs()
    if torus:
        apart = torch.minimum(apart, torch.tensor([h, w], device=pixels.device) - apart)
    return apart.amax(-1)
