"""The best affine denoisers: from a sampled covariance (Wiener) and from a power spectrum (Circulant)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.linalg import Moments, eigh, moments
from whence.noise import per_sample

DEAD = 1e-12  # a pixel with less than this share of the largest variance is a constant


@dataclass(frozen=True)
class Wiener:
    """The minimiser of E|x - f(y)|^2 over affine f, for any law of x with this mean and covariance S (wiener1949).

        D(y) = mu + U diag(lambda / (lambda + sigma^2)) U^T (y - mu),   S = U diag(lambda) U^T

    One float64 eigenproblem serves every sigma. It knows two moments and nothing of convolution. Pixels in [-1, 1], VE sigma.
    `basis` has a row for each pixel and a column for each eigenvalue kept; the rows of dead pixels are exactly zero, so a
    dead pixel is answered by its mean at any sigma.
    """

    mean: Float[Tensor, "c h w"]
    eigenvalues: Float[Tensor, " r"]
    basis: Float[Tensor, "d r"]

    @classmethod
    def fit(cls, pool: Float[Tensor, "n c h w"], shrinkage: float | Literal["ledoit-wolf"] = 0.0) -> Wiener:
        """The Wiener denoiser of a pool, its covariance shrunk to (1 - rho) S + rho tr(S)/d I.

        `shrinkage` is rho in [0, 1], or "ledoit-wolf" for the rho of least expected squared error (ledoit2004shrinkage): with
        fewer images than pixels the plain covariance is singular and claims to know directions it has never seen.
        Raises ValueError for an empty pool or a shrinkage outside [0, 1].
        """
        if pool.ndim != 4 or pool.shape[0] < 1:
            raise ValueError(f"pool has shape {tuple(pool.shape)}, expected (n, c, h, w) with n >= 1")
        if shrinkage != "ledoit-wolf" and not (isinstance(shrinkage, int | float) and 0 <= shrinkage <= 1):
            raise ValueError(f"shrinkage is {shrinkage!r}, expected a number in [0, 1] or 'ledoit-wolf'")
        sample = moments(pool.flatten(1))
        variance = sample.covariance.diagonal()
        alive = variance > DEAD * variance.max()
        values, vectors = _spectrum(sample, alive, shrinkage)
        basis = vectors.new_zeros(variance.shape[0], values.shape[0])
        basis[alive] = vectors
        return cls(sample.mean.reshape(pool.shape[1:]), values, basis)

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y; sigma)."""
        level = per_sample(sigma, y).double().reshape(-1, 1)
        if y.shape[1:] != self.mean.shape:
            raise ValueError(f"y holds images of shape {tuple(y.shape[1:])}, this denoiser was fitted to {tuple(self.mean.shape)}")
        centred = (y.double() - self.mean).flatten(1)
        answer = (centred @ self.basis * self._gain(level)) @ self.basis.T
        return (answer.reshape(y.shape) + self.mean).to(y.dtype)

    def matrix(self, sigma: float) -> Float[Tensor, "d d"]:
        """W = S (S + sigma^2 I)^-1 in float64; row q is how much every input pixel counts for output pixel q."""
        return self.basis * self._gain(torch.tensor([[sigma]], dtype=torch.float64)) @ self.basis.T

    def jacobian(
        self, y: Float[Tensor, "b c h w"], sigma: float | Tensor, pixels: Int[Tensor, "q 2"]
    ) -> Float[Tensor, "b q c c h w"]:
        """Rows of dD/dy = W in closed form, axes: sample, output pixel, output channel, then the input image."""
        c, h, w = self.mean.shape
        level = per_sample(sigma, y).double().reshape(-1, 1, 1)
        rows = self.basis.reshape(c, h, w, -1)[:, pixels[:, 0], pixels[:, 1]].transpose(0, 1).flatten(0, 1)
        return (rows * self._gain(level) @ self.basis.T).reshape(y.shape[0], len(pixels), c, c, h, w).to(y.dtype)

    def _gain(self, level: Tensor) -> Tensor:
        return self.eigenvalues / (self.eigenvalues + level**2)


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
        b, c, h, w = y.shape
        level = per_sample(sigma, y).double()
        kernels = torch.fft.ifft2(self._gain(level)).real
        moved = torch.stack([kernels.roll((int(i), int(j)), (2, 3)) for i, j in pixels], 1)
        return (torch.eye(c, device=y.device)[..., None, None] * moved[:, :, :, None]).to(y.dtype)

    def _gain(self, level: Tensor) -> Tensor:
        return self.power.double() / (self.power.double() + level**2)


def _spectrum(sample: Moments, alive: Bool[Tensor, " d"], shrinkage: float | str) -> tuple[Tensor, Tensor]:
    """Eigenvalues > 0 and eigenvectors of the shrunk covariance of the living pixels."""
    covariance = sample.covariance[alive][:, alive]
    d = max(covariance.shape[0], 1)
    level = covariance.diagonal().sum() / d
    rho = _ledoit_wolf(covariance, sample) if shrinkage == "ledoit-wolf" else float(shrinkage)
    values, vectors = eigh((1 - rho) * covariance) if covariance.numel() else (covariance.diagonal(), covariance)
    values = values + rho * level
    # Rounding leaves eigenvalues of either sign where the covariance has none: they are zero, and must not act at low noise.
    keep = values > d * torch.finfo(torch.float64).eps * values.max() if values.numel() else values > 0
    return values[keep], vectors[:, keep]


def _ledoit_wolf(covariance: Float[Tensor, "d d"], sample: Moments) -> float:
    """rho = min(1, b^2 / d^2), b^2 = (E|x|^4 - |S|^2) / n, d^2 = |S - tr(S)/d I|^2 (ledoit2004shrinkage, section 3)."""
    size = covariance.square().sum()
    level = covariance.diagonal().mean()
    distance = size - covariance.shape[0] * level**2
    return float(((sample.fourth - size) / sample.n / distance).clamp(0, 1)) if distance > 0 else 0.0
