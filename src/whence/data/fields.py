"""Gaussian random fields with power spectrum f^-a: images whose covariance is known exactly.

Convention. F is the two-dimensional discrete Fourier transform over a torus of size x size pixels and P the spectrum on its grid.
The covariance matrix of a field's pixels is F^-1 diag(P) F: P holds the eigenvalues of the covariance, its mean over the grid,
sum(P) / size^2, is the pixel variance, 1, and the expected periodogram is E |fft2(x)|^2 = size^2 P.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor


def spectrum(size: int, exponent: float) -> Float[Tensor, "size size"]:
    """P = |f|^-exponent on the grid of torch.fft.fft2 (f in cycles per image), 0 at f = 0, normalised to mean 1; float64.

    Raises ValueError when size is below 2 or the exponent is not finite.
    """
    if size < 2:
        raise ValueError(f"a field of {size} x {size} pixels: expected at least 2 x 2, the zero frequency carries no power")
    if not math.isfinite(exponent):
        raise ValueError(f"spectrum exponent {exponent}: expected a finite number, such as 2 (natural images)")
    f = torch.fft.fftfreq(size, d=1 / size, dtype=torch.float64)
    radius = torch.hypot(f[:, None], f[None, :])
    radius[0, 0] = 1  # any finite value: its power is set to 0 below
    power = radius**-exponent
    power[0, 0] = 0
    return power / power.mean()


def power_law(
    n: int, size: int, exponent: float, generator: Generator, dtype: torch.dtype = torch.float64
) -> Float[Tensor, "n 1 size size"]:
    """n independent, exactly stationary (circulant) Gaussian fields with that spectrum, zero mean over each, pixel variance 1.

    Drawn and filtered in float64, then rounded to `dtype`. The first k of n fields are the k fields that the same stream gives.
    """
    gain = spectrum(size, exponent).sqrt()
    fields = torch.empty(n, 1, size, size, dtype=dtype)
    for field in fields:  # one by one: randn does not give a prefix of a longer draw for every length
        white = torch.randn(size, size, generator=generator, dtype=torch.float64)
        field[0] = torch.fft.ifft2(gain * torch.fft.fft2(white)).real
    return fields
