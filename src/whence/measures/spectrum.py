"""Power spectra of images and their exponents."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from whence.stats import slope

SOME = 1024  # images at a time


def radial_spectrum(images: Float[Tensor, "n c h h"]) -> tuple[Float[Tensor, " k"], Float[Tensor, " k"]]:
    """Mean power against radial frequency k = 1, 2, ... h/2 - 1 (cycles per image), over images and channels.

    Each image's mean is removed and a Hann window applied, since the borders of a crop do not meet and their step would add a
    spectrum f^-2 of its own; the window costs the lowest frequency some leakage. Power is per pixel: white noise of variance v
    reads v, but about .7 v at k = 1, which the window and the mean share.
    Raises ValueError for images that are not square or smaller than 8 pixels.
    """
    h, w = images.shape[-2:]
    if h != w or h < 8:
        raise ValueError(f"radial spectrum of images of {h} x {w}: expected square, at least 8 x 8")
    line = torch.hann_window(h, periodic=True, dtype=torch.float64, device=images.device)
    window = line[:, None] * line
    parts = [_power(part.double(), window) for part in images.split(SOME)]
    power = torch.stack(parts).sum(0) / (len(images) * images.shape[1])
    f = torch.fft.fftfreq(h, 1 / h, device=images.device)
    half = torch.arange(h // 2 + 1, device=images.device)
    both = torch.where((half == 0) | (2 * half == h), 1.0, 2.0).double().expand_as(power)  # the other half is its mirror image
    ring = torch.hypot(f[:, None], half).round().long().reshape(-1)
    total = power.new_zeros(h).scatter_add_(0, ring, (both * power).reshape(-1))
    count = power.new_zeros(h).scatter_add_(0, ring, both.reshape(-1))
    k = torch.arange(1, h // 2, device=images.device)
    return k.double(), total[k] / count[k]


def _power(images: Float[Tensor, "n c h h"], window: Float[Tensor, "h h"]) -> Float[Tensor, "h k"]:
    """Half the power spectrum of windowed images without their means, summed over images and channels."""
    apart = images - (images * window).sum((-2, -1), keepdim=True) / window.sum()
    half = torch.view_as_real(torch.fft.rfft2(apart.mul_(window)))
    return half.square().sum((0, 1, -1)) / window.square().sum()


def exponent(frequency: Float[Tensor, " k"], power: Float[Tensor, " k"], low: float, high: float) -> float:
    """a of the best P ~ f^-a between two frequencies, by least squares in log-log. Raises ValueError with fewer than 3 points."""
    window = (frequency >= low) & (frequency <= high)
    if int(window.sum()) < 3:
        raise ValueError(f"only {int(window.sum())} frequencies between {low} and {high}: expected at least 3")
    return -slope(frequency[window].log(), power[window].log())
