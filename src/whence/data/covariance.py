"""Edits of the covariance as a whole: images with nothing but a pool's mean and covariance, and images without a covariance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from whence.linalg import Moments, eigh, moments
from whence.seeds import stream


@dataclass(frozen=True)
class Gaussian:
    """The normal law with the mean and the covariance S = R R^T of a pool: the same second moments and nothing above them."""

    mean: Float[Tensor, "c h w"]
    root: Float[Tensor, "d r"]

    @classmethod
    def fit(cls, pool: Float[Tensor, "n c h w"]) -> Gaussian:
        """The normal law of a pool, in float64; one eigenproblem where it holds at least as many images as numbers per image.

        With fewer images S has their rank, and the images themselves are a root. Raises ValueError for fewer than 2 images.
        """
        _at_least_two(pool)
        flat = pool.flatten(1)
        n, d = flat.shape
        if n < d:
            exact = flat.double()
            mean = exact.mean(0)
            return cls(mean.reshape(pool.shape[1:]), (exact - mean).T / n**0.5)
        values, vectors, mean = _spectrum(moments(flat))
        return cls(mean.reshape(pool.shape[1:]), vectors * values.sqrt())

    def __call__(self, n: int, seed: int, dtype: torch.dtype = torch.float32) -> Float[Tensor, "n c h w"]:
        """n independent images by the stream (seed, "gaussian"), on the device of the fit; pixels may leave [-1, 1].

        A shorter draw begins a longer one. Raises ValueError for fewer than 1.
        """
        if n < 1:
            raise ValueError(f"{n} Gaussian images: expected at least 1")
        generator = stream(seed, "gaussian")
        images = torch.empty(n, *self.mean.shape, dtype=dtype, device=self.root.device)
        for part in images.split(1024):
            white = [torch.randn(self.root.shape[1], generator=generator, dtype=torch.float64) for _ in part]
            drawn = torch.stack(white).to(self.root) @ self.root.T
            part.copy_(drawn.reshape(part.shape) + self.mean)
        return images


@dataclass(frozen=True)
class Whitening:
    """A change of basis after which no two pixels are correlated, of all such the one that moves images least (ZCA).

        z = S^(-1/2) (x - mu),   inverse  x = S^(1/2) z + mu

    Every pixel has mean 0 and variance 1 over the fitted pool, except where the pool has no variance to speak of: eigenvalues of S
    below `floor` times the largest count as that floor in both directions, so the inverse is exact, rounding and dead pixels are
    not amplified, and along those directions the variance stays below 1.
    """

    mean: Float[Tensor, "c h w"]
    root: Float[Tensor, "d d"]
    inverse_root: Float[Tensor, "d d"]

    @classmethod
    def fit(cls, pool: Float[Tensor, "n c h w"], floor: float = 1e-8) -> Whitening:
        """The whitening of a pool, in float64: one eigenproblem of the size of an image.

        Give it several times more images than numbers per image: fewer leave directions unseen, which are floored. Raises
        ValueError for fewer than 2 images, a floor outside (0, 1], or a pool without variance.
        """
        _at_least_two(pool)
        if not 0 < floor <= 1:
            raise ValueError(f"floor is {floor}, expected in (0, 1]: the least eigenvalue, as a share of the largest, such as 1e-8")
        values, vectors, mean = _spectrum(moments(pool.flatten(1)))
        if not values[0] > 0:
            raise ValueError(f"all {len(pool)} images of the pool are equal: expected some variance to whiten")
        deviation = values.clamp_min(floor * values[0]).sqrt()
        return cls(mean.reshape(pool.shape[1:]), vectors * deviation @ vectors.T, vectors / deviation @ vectors.T)

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """White images, in the dtype and on the device of the images."""
        self._check(images)
        centred = (images.double() - self.mean.to(images.device)).flatten(1)
        return (centred @ self.inverse_root.to(images.device)).reshape(images.shape).to(images.dtype)

    def inverse(self, white: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The images that whiten to these; in the dtype and on the device given."""
        self._check(white)
        back = (white.double().flatten(1) @ self.root.to(white.device)).reshape(white.shape)
        return (back + self.mean.to(white.device)).to(white.dtype)

    def _check(self, images: Tensor) -> None:
        if images.shape[1:] != self.mean.shape:
            raise ValueError(f"images of shape {tuple(images.shape[1:])}, but the whitening was fitted to {tuple(self.mean.shape)}")


def _spectrum(found: Moments) -> tuple[Float[Tensor, " d"], Float[Tensor, "d d"], Float[Tensor, " d"]]:
    """Eigenvalues, none negative, and eigenvectors of a covariance, and the mean."""
    values, vectors = eigh(found.covariance)
    return values.clamp_min(0), vectors, found.mean


def _at_least_two(pool: Tensor) -> None:
    if pool.ndim != 4 or pool.shape[0] < 2:
        raise ValueError(f"pool has shape {tuple(pool.shape)}, expected (n, c, h, w) with n >= 2: one image has no covariance")
