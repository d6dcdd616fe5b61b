"""The best affine denoisers: from a sampled covariance (Wiener) and from a power spectrum (Circulant)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.denoisers.local import check_several
from whence.linalg import eigh, moments
from whence.noise import per_sample

DEAD = 1e-12  # a pixel with less than this share of the largest variance is a constant
# Where the covariance has no eigenvalue, rounding leaves one, some 1e-15 of the largest, which would act at low noise. Those below
# 1e-11 of the largest are dropped: far above rounding, and below the noise (2/255)^2/12 that storing any image in 8 bits adds.
ROUNDING = 1e-11


@dataclass(frozen=True)
class Wiener:
    """The minimiser of E|x - f(y)|^2 over affine f, for any law of x with this mean and covariance S (wiener1949).

        D(y) = mu + U diag(lambda / (lambda + sigma^2)) U^T (y - mu),   S = U diag(lambda) U^T

    One float64 eigenproblem serves every sigma. It knows two moments and nothing of convolution. Pixels in [-1, 1], VE sigma.
    `basis` holds the r eigenvectors kept, `rest` the eigenvalue shared by all other directions: 0 unless shrunk, and 0 at dead
    pixels, which are answered by their mean at any sigma.
    """

    mean: Float[Tensor, "c h w"]
    eigenvalues: Float[Tensor, " r"]
    basis: Float[Tensor, "d r"]
    rest: Float[Tensor, "c h w"]

    @classmethod
    def fit(cls, pool: Float[Tensor, "n c h w"], shrinkage: float | Literal["ledoit-wolf"] = 0.0) -> Wiener:
        """The Wiener denoiser of a pool, its covariance shrunk to (1 - rho) S + rho tr(S)/d I.

        `shrinkage` is rho in [0, 1], or "ledoit-wolf" for the rho of least expected squared error (ledoit2004shrinkage): with
        fewer images than pixels the plain covariance is singular and claims to know directions it has never seen.
        Costs one eigenproblem of size min(n, d). Raises ValueError for a pool of fewer than 2 images or a shrinkage outside [0, 1].
        """
        check_several(pool)
        if shrinkage != "ledoit-wolf" and not (isinstance(shrinkage, int | float) and 0 <= shrinkage <= 1):
            raise ValueError(f"shrinkage is {shrinkage!r}, expected a number in [0, 1] or 'ledoit-wolf'")
        flat = pool.flatten(1)
        found = _by_images(flat) if flat.shape[0] < flat.shape[1] else _by_pixels(flat)
        rho = _ledoit_wolf(found, len(flat)) if shrinkage == "ledoit-wolf" else float(shrinkage)
        level = rho * found.values.sum() / found.alive.sum().clamp_min(1)
        basis = found.vectors.new_zeros(len(found.alive), len(found.values))
        basis[found.alive] = found.vectors
        rest = (level * found.alive).reshape(pool.shape[1:])
        return cls(found.mean.reshape(pool.shape[1:]), (1 - rho) * found.values + level, basis, rest)

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y; sigma)."""
        level = per_sample(sigma, y).double().reshape(-1, 1)
        if y.shape[1:] != self.mean.shape:
            raise ValueError(f"y holds images of shape {tuple(y.shape[1:])}, this denoiser was fitted to {tuple(self.mean.shape)}")
        centred = (y.double() - self.mean).flatten(1)
        gain, rest = self._gains(level)
        answer = (centred @ self.basis * gain) @ self.basis.T + rest * centred
        return (answer.reshape(y.shape) + self.mean).to(y.dtype)

    def matrix(self, sigma: float) -> Float[Tensor, "d d"]:
        """W = S (S + sigma^2 I)^-1 in float64; row q is how much every input pixel counts for output pixel q."""
        gain, rest = self._gains(torch.tensor([[sigma]], dtype=torch.float64, device=self.basis.device))
        return self.basis * gain @ self.basis.T + rest.diag_embed()[0]

    def jacobian(
        self, y: Float[Tensor, "b c h w"], sigma: float | Tensor, pixels: Int[Tensor, "q 2"]
    ) -> Float[Tensor, "b q c c h w"]:
        """Rows of dD/dy = W in closed form, axes: sample, output pixel, output channel, then the input image."""
        c, h, w = self.mean.shape
        gain, rest = self._gains(per_sample(sigma, y).double().reshape(-1, 1))
        outputs = torch.arange(c * h * w, device=y.device).reshape(c, h, w)[:, pixels[:, 0], pixels[:, 1]].T.reshape(-1)
        rows = self.basis[outputs] * gain[:, None] @ self.basis.T
        rows[:, torch.arange(len(outputs)), outputs] += rest[:, outputs]
        return rows.reshape(y.shape[0], len(pixels), c, c, h, w).to(y.dtype)

    def _gains(self, level: Float[Tensor, "b 1"]) -> tuple[Float[Tensor, "b r"], Float[Tensor, "b d"]]:
        """lambda / (lambda + sigma^2) of the rest, and what the kept directions have above it."""
        rest = self.rest.flatten() / (self.rest.flatten() + level**2)
        shared = rest.amax(1, keepdim=True)
        return self.eigenvalues / (self.eigenvalues + level**2) - shared, rest


@dataclass(frozen=True)
class Circulant:
    """The Wiener denoiser of a stationary field on a torus, a diagonal in Fourier space, channel by channel.

        D(y) = mu + F^-1 [ P / (P + sigma^2) F (y - mu) ]

    `power` holds the eigenvalues P(f) >= 0 of the field's covariance on the grid of `torch.fft.fft2`; for Gaussian fields this is
    the exact posterior mean. Raises ValueError for a negative power or one of odd symmetry (P(f) != P(-f)).
    """

    power: Float[Tensor, "h w"]
    mean: float = 0.0

    def __post_init__(self) -> None:
        mirrored = self.power.flip((0, 1)).roll((1, 1), (0, 1))
        if not bool((self.power >= 0).all()) or not torch.allclose(self.power, mirrored, rtol=1e-6):
            raise ValueError("power must be non-negative and symmetric, P(f) = P(-f): it is the spectrum of a real covariance")

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y; sigma)."""
        level = per_sample(sigma, y).double()
        if y.shape[2:] != self.power.shape:
            raise ValueError(f"y holds images of {tuple(y.shape[2:])} pixels, the power spectrum is of {tuple(self.power.shape)}")
        wave = torch.fft.fft2(y.double() - self.mean)
        return (torch.fft.ifft2(self._gain(level) * wave).real + self.mean).to(y.dtype)

    def kernel(self, sigma: float) -> Float[Tensor, "h w"]:
        """The row of W for pixel (0, 0), float64: F^-1 [ P / (P + sigma^2) ]."""
        return torch.fft.ifft2(self._gain(torch.tensor(sigma, dtype=torch.float64))).real

    def jacobian(
        self, y: Float[Tensor, "b c h w"], sigma: float | Tensor, pixels: Int[Tensor, "q 2"]
    ) -> Float[Tensor, "b q c c h w"]:
        """Rows of dD/dy in closed form: the kernel moved to each output pixel, no channel reading another."""
        level = per_sample(sigma, y).double()
        kernels = torch.fft.ifft2(self._gain(level)).real
        moved = torch.stack([kernels.roll((int(i), int(j)), (2, 3)) for i, j in pixels], 1)
        return (torch.eye(y.shape[1], device=y.device)[..., None, None] * moved[:, :, :, None]).to(y.dtype)

    def _gain(self, level: Tensor) -> Tensor:
        return self.power.double() / (self.power.double() + level**2)


class _Spectrum(NamedTuple):
    """Eigenvalues > 0 (descending) and eigenvectors of the covariance of the living pixels, and E|x - mu|^4."""

    mean: Float[Tensor, " d"]
    alive: Bool[Tensor, " d"]
    values: Float[Tensor, " r"]
    vectors: Float[Tensor, "a r"]
    fourth: Float[Tensor, ""]


def _by_pixels(flat: Float[Tensor, "n d"]) -> _Spectrum:
    """From the d x d covariance: for n >= d."""
    sample = moments(flat)
    variance = sample.covariance.diagonal()
    alive = variance > DEAD * variance.max()
    values, vectors = eigh(sample.covariance[alive][:, alive])
    keep = values > ROUNDING * values[:1]
    return _Spectrum(sample.mean, alive, values[keep], vectors[:, keep], sample.fourth)


def _by_images(flat: Float[Tensor, "n d"]) -> _Spectrum:
    """From the n x n products of the images, which have the same eigenvalues: for n < d. S = A^T A / n, A A^T v = n lambda v."""
    exact = flat.double()
    mean = exact.mean(0)
    centred = exact - mean
    variance = centred.square().mean(0)
    alive = variance > DEAD * variance.max()
    rows = centred[:, alive]
    values, vectors = eigh(rows @ rows.T / len(rows))
    keep = values > ROUNDING * values[:1]
    scaled = rows.T @ vectors[:, keep] / (len(rows) * values[keep]).sqrt()
    return _Spectrum(mean, alive, values[keep], scaled, rows.square().sum(1).square().mean())


def _ledoit_wolf(found: _Spectrum, n: int) -> float:
    """rho = min(1, b^2 / d^2), b^2 = (E|x|^4 - |S|^2) / n, d^2 = |S - tr(S)/d I|^2 (ledoit2004shrinkage, section 3)."""
    size = found.values.square().sum()
    distance = size - found.values.sum() ** 2 / found.alive.sum().clamp_min(1)
    return float(((found.fourth - size) / n / distance).clamp(0, 1)) if distance > 0 else 0.0
