"""One picture for each study's question, drawn from generated data: the book's first page shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from whence.figures.style import BLUE, GREY, GRID, INK, MUTED, ORANGE, Picture, canvas, svg

SIZE = (3.6, 2.5)  # inches: three side by side, or one at phone width


def neighbours() -> Picture:
    """Which input pixels one output pixel of the best linear denoiser listens to, at three noise levels."""
    spectrum, field = _natural_field(96, seed=3)
    figure, axes = canvas(2, 3, *SIZE)
    for column, sigma in enumerate((0.2, 0.6, 2.0)):
        noisy = field + sigma * np.random.default_rng(1).standard_normal(field.shape)
        crop = (slice(31, 52), slice(31, 52))
        axes[0, column].imshow(noisy[crop], cmap="gray", vmin=-2.4, vmax=2.4, interpolation="nearest")
        kernel = np.fft.fftshift(np.fft.ifft2(spectrum / (spectrum + sigma**2)).real)[38:59, 38:59]
        _weights(axes[1, column], (np.abs(kernel) / kernel.max()) ** 0.35)
        axes[0, column].set_title(f"σ = {sigma:g}", loc="center", fontsize=9, color=MUTED)
        for ax in axes[:, column]:
            ax.plot(10, 10, marker="s", ms=6, mfc="none", mec=ORANGE, mew=1.6)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(True)
            ax.spines[:].set_color(GRID)
    axes[0, 0].set_ylabel("input", fontsize=9)
    axes[1, 0].set_ylabel("weights", fontsize=9)
    return svg(
        figure,
        "Top: a random field with the spectrum of photographs, under little, medium and much noise, one pixel marked. "
        "Bottom: the weights by which the best linear denoiser makes that pixel from the input; they spread as noise grows.",
    )


def slabs() -> Picture:
    """Two coordinates that both tell the classes apart: one needs a single cut, the other four."""
    rng = np.random.default_rng(0)
    label = np.repeat([-1, 1], 170)
    linear = label * (0.1 + 0.9 * rng.random(label.size))
    slab = _five_slabs(label, rng)
    figure, axes = canvas(1, 1, *SIZE)
    _panel(axes, linear, slab, label)
    axes.axvline(0, color=INK, lw=1.6)
    for cut in (-0.66, -0.22, 0.22, 0.66):
        axes.axhline(cut, color=GREY, lw=1.2, ls=(0, (3, 3)))
    axes.set(xlabel="linear coordinate: one cut", ylabel="5-slab coordinate: four cuts")
    return svg(
        figure,
        "Points of two classes. A single vertical line separates them by their horizontal coordinate; by their vertical "
        "coordinate they lie in five alternating bands, so that four horizontal lines are needed.",
    )


def latents() -> Picture:
    """A predictive latent and an available one: the same points in latent space and as a network meets them."""
    rng = np.random.default_rng(0)
    label = np.repeat([-1, 1], 110)
    mean = np.array([1.04, 1.28])  # signs right with probability 0.85 and 0.90
    noise = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], label.size)
    latent = label[:, None] * mean + noise
    figure, axes = canvas(1, 2, *SIZE)
    for ax, scale, title in ((axes[0], 1.0, "what predicts"), (axes[1], 3.5, "what is easy to see")):
        _panel(ax, scale * latent[:, 0], latent[:, 1], label)
        ax.axhline(0, color=INK, lw=1.2)
        ax.axvline(0, color=GREY, lw=1.2, ls=(0, (3, 3)))
        ax.set(xlim=(-11, 11), ylim=(-4.6, 4.6), xlabel="shortcut latent")
        ax.set_title(title, loc="center", fontsize=9, color=MUTED)
    axes[0].set_ylabel("core latent")
    return svg(
        figure,
        "Two classes drawn from two correlated latents. Left: by their latents, of which the core one, vertical, predicts the "
        "class better. Right: the shortcut latent, horizontal, is amplified, so that it dominates the distances between points.",
    )


DRAW: dict[str, Callable[[], Picture]] = {"neighbours": neighbours, "slabs": slabs, "latents": latents}


def _panel(axes: Any, x: np.ndarray, y: np.ndarray, label: np.ndarray) -> None:
    """Points of two classes, told apart by colour and by shape."""
    for sign, colour, marker in ((-1, BLUE, "o"), (1, ORANGE, "^")):
        axes.scatter(x[label == sign], y[label == sign], s=10, c=colour, marker=marker, alpha=0.85, linewidths=0)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color(GRID)


def _natural_field(side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A power spectrum f^-2 with unit variance on a torus, and one Gaussian field with it."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    spectrum = np.where(frequency > 0, np.maximum(frequency, 1 / side) ** -2.0, 0)
    spectrum /= spectrum.mean()
    white = np.fft.fft2(np.random.default_rng(seed).standard_normal((side, side)))
    return spectrum, np.fft.ifft2(np.sqrt(spectrum) * white).real


def _five_slabs(label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Five bands of width 0.24 with gaps of 0.2: the centre and the outer two of class -1, the two between of class +1."""
    centre = np.where(label > 0, 0.44, np.where(rng.random(label.size) < 0.75, 0.0, 0.88))
    side = np.where(rng.random(label.size) < 0.5, -1, 1)
    return side * centre + 0.24 * (rng.random(label.size) - 0.5)


def _weights(axes: Any, values: np.ndarray) -> None:
    """Values in [0, 1] as an image in one hue whose opacity is the value, so that it reads on light and on dark paper."""
    red, green, blue = (int(BLUE[i : i + 2], 16) / 255 for i in (1, 3, 5))
    image = np.full((*values.shape, 4), (red, green, blue, 1.0))
    image[..., 3] = np.clip(values, 0, 1)
    axes.imshow(image, interpolation="nearest")
