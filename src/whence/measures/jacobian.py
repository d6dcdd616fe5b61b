"""The Jacobian of a denoiser at one image: what it keeps, in which basis, and how many directions of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from whence.linalg import eigh
from whence.measures.sensitivity import jacobian_rows


def jacobian(
    denoiser: Callable[[Tensor, float | Tensor], Tensor], y: Float[Tensor, "b c h w"], sigma: float | Tensor
) -> Float[Tensor, "b d d"]:
    """All of dD/dy at every image: entry (i, j) is the derivative of output number i by input number j, as y.flatten(1) counts.

    One backward pass for each of the d = c h w outputs, all images at once: for images up to some 32 x 32. The denoiser must treat
    samples independently, as in `whence.measures.sensitivity.jacobian_rows`.
    """
    b, c, h, w = y.shape
    pixels = torch.cartesian_prod(torch.arange(h, device=y.device), torch.arange(w, device=y.device))
    return jacobian_rows(denoiser, y, sigma, pixels).transpose(1, 2).reshape(b, c * h * w, c * h * w)


def asymmetry(jacobian: Float[Tensor, "*b d d"]) -> Float[Tensor, "*b"]:
    """|J - J^T| / |J| in the Frobenius norm, from 0 (symmetric, as every posterior mean's is) to 2 (antisymmetric).

    About sqrt(2) where the two triangles have nothing to do with each other.
    """
    return torch.linalg.matrix_norm(jacobian - jacobian.mT) / torch.linalg.matrix_norm(jacobian)


def effective_dimension(jacobian: Float[Tensor, "*b d d"]) -> Float[Tensor, "*b"]:
    """tr J: how many directions the denoiser keeps. Of a posterior mean, sigma^2 tr J is the expected squared error at y."""
    return jacobian.diagonal(dim1=-2, dim2=-1).sum(-1)


class Basis(NamedTuple):
    """Eigenvalues of a Jacobian's symmetric part, descending, and its eigenvectors as images of norm 1, in float64."""

    values: Float[Tensor, "b d"]
    images: Float[Tensor, "b d c h w"]


def harmonic_basis(jacobian: Float[Tensor, "b d d"], shape: tuple[int, int, int]) -> Basis:
    """The basis in which a denoiser works at each image: it keeps the share `values[k]` of what lies along `images[k]`.

    Exactly so when J is symmetric and D(y) = J y, as for a bias-free network; `asymmetry` tells how far it is from symmetric. The
    sign of an eigenvector is fixed by its largest entry. `shape` is that of an image, (c, h, w).
    Raises ValueError when it does not hold d numbers.
    """
    b, d, _ = jacobian.shape
    if torch.Size(shape).numel() != d:
        raise ValueError(f"images of shape {tuple(shape)} for a Jacobian of {d} x {d}: expected (c, h, w) with c h w = {d}")
    found = [eigh((one + one.T) / 2) for one in jacobian.double()]
    values, vectors = (torch.stack(parts) for parts in zip(*found, strict=True))
    return Basis(values, vectors.mT.reshape(b, d, *shape))


def mean_frequency(images: Float[Tensor, "*b c h w"]) -> Float[Tensor, "*b"]:
    """Mean radial frequency of each image's power, in cycles per image (per the longer side's pixels, if it is not square).

    0 for a constant image, about .38 of the side for white noise, nan for an image of zeros.
    """
    h, w = images.shape[-2:]
    side = max(h, w)
    rows, columns = (torch.fft.fftfreq(k, 1 / side, dtype=torch.float64, device=images.device) for k in (h, w))
    power = torch.fft.fft2(images.double()).abs().square().sum(-3)
    return (power * torch.hypot(rows[:, None], columns)).sum((-2, -1)) / power.sum((-2, -1))


def near_edges(images: Float[Tensor, "b k c h w"], scene: Float[Tensor, "b c h w"], share: float = 0.2) -> Float[Tensor, "b k"]:
    """How much of each image's energy lies where its scene changes most: on the `share` of pixels with the steepest gradient.

    The gradient of the scene (clean) is by central differences, summed over channels. An image that ignores edges has about
    `share` of its energy there. Raises ValueError for a share outside (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"share is {share}, expected in (0, 1), such as 0.2")
    down, right = torch.gradient(scene.double(), dim=(-2, -1))
    steep = (down.square() + right.square()).sum(1).flatten(1)
    chosen = steep.topk(max(1, round(share * steep.shape[1])), dim=1).indices
    energy = images.double().square().sum(2).flatten(2)
    inside = energy.gather(2, chosen[:, None].expand(-1, energy.shape[1], -1)).sum(2)
    return inside / energy.sum(2)
