"""Edits in Fourier space: another power spectrum with the phases kept, other phases with the power spectrum kept.

The Fourier transform takes an image for one tile of an endless wall. The borders of a crop do not meet, and the step between them
is part of its spectrum here, unlike in a windowed measurement of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from whence.data.fields import spectrum
from whence.seeds import stream

SILENT = 1e-13  # a frequency with less than this share of the mean power is rounding, and would be amplified into a texture


@dataclass(frozen=True)
class Recolouring:
    """A fixed linear filter that gives a pool the power spectrum f^-exponent, and leaves every image its Fourier phases.

        x' = mu + F^-1 [ g F (x - mu) ],   g(f) = sqrt(P'(f) / P(f)),   P(f) = E |F (x - mu)|^2 / pixels

    The mean image mu, the mean level of each image and the variance of the pixels about it, averaged over pixels and images, stay.
    An image keeps its own deviation from the mean spectrum too: the edit is linear, so the covariance S becomes exactly G S G^T
    with G the filter, and its average over all places (what a torus would have) exactly that of f^-exponent, without any
    preference for a direction. One filter serves all channels, so that their correlations stay. `power` is P', in the convention
    of `whence.data.fields`; at f = 0 it holds the variance of the images' mean levels times the number of pixels.
    """

    mean: Float[Tensor, "c h h"]
    gain: Float[Tensor, "h h"]
    power: Float[Tensor, "h h"]

    @classmethod
    def fit(cls, pool: Float[Tensor, "n c h h"], exponent: float) -> Recolouring:
        """The filter that recolours this pool; apply it to training and held-out images alike.

        Raises ValueError for fewer than 2 images, images that are not square or have nothing at some frequency.
        """
        if pool.ndim != 4 or pool.shape[0] < 2 or pool.shape[2] != pool.shape[3]:
            raise ValueError(f"a pool of shape {tuple(pool.shape)}: expected at least 2 square images, to measure a spectrum on")
        wanted = spectrum(pool.shape[-1], exponent).to(pool.device)  # refuses an exponent that is none
        mean, found = _mean_periodogram(pool)
        away = wanted > 0
        if silent := int((found[away] <= SILENT * found.mean()).sum()):
            raise ValueError(
                f"the pool has no power at {silent} of {int(away.sum())} frequencies, so no filter gives it any: add noise below "
                "one grey level, or use a pool with detail at every scale"
            )
        power = torch.where(away, wanted * (found[away].sum() / wanted.sum()), found)
        gain = torch.where(away, (power / found).sqrt(), 1.0)
        return cls(mean, gain, power)

    def __call__(self, images: Float[Tensor, "n c h h"]) -> Float[Tensor, "n c h h"]:
        """Recoloured images, in the dtype and on the device of the images; pixels may leave [-1, 1]."""
        if images.shape[1:] != self.mean.shape:
            raise ValueError(f"images of shape {tuple(images.shape[1:])}, but the filter was fitted to {tuple(self.mean.shape)}")
        mean, gain = self.mean.to(images.device), self.gain.to(images.device)
        wave = torch.fft.fft2(images.double() - mean)
        return (torch.fft.ifft2(gain * wave).real + mean).to(images.dtype)


def scramble_phases(images: Float[Tensor, "n c h w"], seed: int) -> Float[Tensor, "n c h w"]:
    """Every image with random Fourier phases added: its own amplitudes and mean level stay, edges and objects go.

    The phases are those of white noise, drawn per image from the stream (seed, "phases") and shared by its channels, so that the
    correlations of the channels stay. The covariance becomes the one that depends on the offset of two pixels on the torus alone
    (of crops whose borders do not meet it is another than before: to keep the covariance, draw from
    `whence.data.covariance.Gaussian`). The first images of a longer pool get the phases that they get alone. Same dtype and device.
    """
    generator = stream(seed, "phases")
    turned = torch.empty_like(images)
    for image, answer in zip(images, turned, strict=True):  # one by one: a prefix for every n
        white = torch.fft.fft2(torch.randn(images.shape[-2:], generator=generator, dtype=torch.float64))
        turn = white / white.abs()
        turn[0, 0] = 1  # the mean level keeps its sign
        answer.copy_(torch.fft.ifft2(turn.to(images.device) * torch.fft.fft2(image.double())).real)
    return turned


def _mean_periodogram(pool: Float[Tensor, "n c h w"], chunk: int = 4096) -> tuple[Float[Tensor, "c h w"], Float[Tensor, "h w"]]:
    """The mean image, and |F (x - mu)|^2 / pixels averaged over images and channels: eigenvalues of a covariance on the torus."""
    parts, (n, c, h, w) = pool.split(chunk), pool.shape
    mean = torch.stack([part.double().sum(0) for part in parts]).sum(0) / n
    power = [torch.fft.fft2(part.double() - mean).abs().square().sum((0, 1)) for part in parts]
    return mean, torch.stack(power).sum(0) / (n * c * h * w)
