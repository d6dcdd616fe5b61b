"""Images whose best possible denoising is known: C^alpha images with C^alpha contours, and discs.

A C^alpha image (kadkhodaie2024generalization, algorithm 2) is two smooth backgrounds on either side of a smooth contour, a graph
over the columns. As the noise falls, the output PSNR on the worst images of the class grows at most alpha / (alpha + 1) times as
fast as the input PSNR. A basis of oscillations along the contours reaches that, one fixed in advance does not.

The decay. A random Fourier series in d dimensions with amplitudes |f|^-b has alpha = b - d/2 derivatives (E|x(t+h) - x(t)|^2 ~
h^(2 alpha) where alpha < 1), so contours take b = alpha + 1/2 and backgrounds b = alpha + 1. The released generator takes b = alpha
for both: its contours have alpha - 1/2 derivatives and its backgrounds alpha - 1, none at all at alpha = 1. `decay` chooses.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d

FINE = 2  # rendered at twice the size, then averaged over 2 x 2: the contour is sharp to a pixel, without a staircase
SWING = 0.125  # standard deviation of a contour, in images
SMALLEST = 8  # pixels a side

Decay = Literal["regular", "released"]


def calpha(n: int, size: int, alpha: float, generator: Generator, decay: Decay = "regular") -> Float[Tensor, "n 1 size size"]:
    """n grey C^alpha images in [-1, 1], float32; with the same stream a shorter draw begins a longer one.

    One background fills a range [-1, u], the other [v, 1], u < v drawn per image, either on top: they never touch. Contour and
    backgrounds close on themselves at the borders. `decay` is "regular" (alpha derivatives everywhere but across the contour) or
    "released" (as in the authors' generator, half a derivative less in contours, one in backgrounds).
    Raises ValueError for a size below 8, an alpha that is not positive and finite, or another decay.
    """
    _check(n, size)
    if not 0 < alpha < math.inf or decay not in ("regular", "released"):
        raise ValueError(f"alpha {alpha}, decay {decay!r}: expected a finite alpha > 0 and 'regular' or 'released'")
    extra = 1.0 if decay == "regular" else 0.0
    fine = FINE * size
    images = torch.empty(n, 1, size, size)
    for part in images.split(64):  # so few stay near the processor
        line, sheets, levels, top = _draw(len(part), fine, generator)
        low, high = levels.sort(1).values[..., None, None].unbind(1)
        first, second = _stretch(_series(sheets, alpha + extra, 2)).unbind(1)
        dark, bright = low * first, high + (1 - high) * second  # in [0, low] and [high, 1]
        below = _below(contour(line, alpha + extra / 2))
        share = torch.where(top[:, None, None], 1 - below, below)
        part.copy_(2 * avg_pool2d((share * dark + (1 - share) * bright)[:, None], FINE) - 1)
    return images.clamp_(-1, 1)  # rounding may leave an extreme 1e-7 beyond


def contour(white: Float[Tensor, "n w"], decay: float) -> Float[Tensor, "n w"]:
    """Heights of contours over the columns, as a share of the image from its top: white noise with amplitudes |f|^-decay.

    The mean height varies like the slowest wave; in all the standard deviation is an eighth of the image whatever the decay,
    about one half, so that one in some ten thousand columns leaves the image.
    """
    waves = torch.fft.fftfreq(white.shape[1], 1 / white.shape[1], dtype=torch.float64).abs().clamp_min(1)
    deviation = ((waves ** (-2 * decay)).mean() / 12).sqrt()  # uniform noise has variance 1 / 12
    return 0.5 + SWING * _series(white, decay, 1) / deviation


def discs(n: int, size: int, generator: Generator) -> Float[Tensor, "n 1 size size"]:
    """n grey images of one disc each, float32 in [-1, 1]: a family of five numbers (place, radius, level of disc and of ground).

    All five are uniform: levels in [-1, 1], the radius from an eighth to three eighths of the image, the place such that the disc
    lies inside. The rim is smoothed over one pixel, so that images change smoothly with all five, and at low noise a denoiser can
    reach an error of 5 sigma^2 in all, a PSNR slope of 1. With the same stream a shorter draw begins a longer one.
    Raises ValueError for a size below 8.
    """
    _check(n, size)
    drawn = torch.stack([torch.rand(5, generator=generator, dtype=torch.float64) for _ in range(n)]) if n else torch.empty(0, 5)
    return disc(drawn, size).to(torch.float32)


def disc(numbers: Float[Tensor, "n 5"], size: int) -> Float[Tensor, "n 1 size size"]:
    """The discs of five numbers in [0, 1] each: row, column, radius, level of the disc, level of the ground."""
    row, column, radius, inside, outside = numbers[..., None, None].unbind(1)
    radius = size * (1 + 2 * radius) / 8
    row, column = (radius + share * (size - 2 * radius) for share in (row, column))
    centre = torch.arange(size, dtype=numbers.dtype, device=numbers.device) + 0.5
    away = torch.hypot(centre[:, None] - row, centre - column)
    covered = (radius - away + 0.5).clamp(0, 1)
    return (2 * (outside + (inside - outside) * covered) - 1)[:, None]


def _draw(n: int, fine: int, generator: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What images are made of: white noise for contours and both backgrounds, two levels, which background is on top.

    The numbers of one image follow one another, so that a shorter draw begins a longer one.
    """
    sizes = (fine, 2 * fine**2, 2, 1)
    rows = torch.rand(n, sum(sizes), generator=generator, dtype=torch.float64)
    line, sheets, levels, top = rows.split(sizes, 1)
    return line - 0.5, sheets.unflatten(1, (2, fine, fine)) - 0.5, levels, top[:, 0] < 0.5


def _frequency(shape: torch.Size) -> Float[Tensor, "*half"]:
    """|f| in cycles per image on the grid of rfftn; the mean counts as the slowest wave."""
    axes = [torch.fft.fftfreq(k, 1 / k, dtype=torch.float64) for k in shape[:-1]]
    axes.append(torch.fft.rfftfreq(shape[-1], 1 / shape[-1], dtype=torch.float64))
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).norm(dim=0).clamp_min(1)


def _series(white: Float[Tensor, "*n grid"], decay: float, dimensions: int) -> Float[Tensor, "*n grid"]:
    """White noise over the last axes, its Fourier amplitudes multiplied by |f|^-decay."""
    axes, shape = tuple(range(-dimensions, 0)), white.shape[-dimensions:]
    return torch.fft.irfftn(_frequency(shape) ** -decay * torch.fft.rfftn(white, dim=axes), s=shape, dim=axes)


def _stretch(sheets: Float[Tensor, "n k h w"]) -> Float[Tensor, "n k h w"]:
    """Each sheet from its lowest to its highest value onto [0, 1]."""
    low, high = sheets.amin((-2, -1), keepdim=True), sheets.amax((-2, -1), keepdim=True)
    return (sheets - low) / (high - low)


def _below(height: Float[Tensor, "n w"]) -> Float[Tensor, "n w w"]:
    """How much of each pixel lies below the contour, exactly along a column."""
    size = height.shape[1]
    lower = torch.arange(1, size + 1, dtype=height.dtype)[:, None]
    return (lower - size * height[:, None]).clamp(0, 1)


def _check(n: int, size: int) -> None:
    if n < 1 or size < SMALLEST:
        raise ValueError(f"{n} images of {size} x {size} pixels: expected at least 1 image, of at least {SMALLEST} x {SMALLEST}")
