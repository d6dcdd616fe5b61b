"""Pictures of pixels: galleries of images and sensitivity fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm

from whence.figures.style import MUTED, WIDTH, Picture, canvas, svg
from whence.stats import array

GAP = 0.06  # between images, inches


def gallery(rows: Mapping[str, Any], alt: str, notes: Sequence[str] = ()) -> Picture:
    """Rows of images, each row (n, c, h, w) in [-1, 1] under its label; `notes` stand below the columns of the last row."""
    stacks = {name: _rgb(array(images)) for name, images in rows.items()}
    columns = max(len(stack) for stack in stacks.values())
    cell, gap, title = (WIDTH + GAP) / columns, GAP, 0.24  # inches
    height = len(rows) * (cell + title) + (0.18 if notes else 0)
    figure, grid = canvas(len(rows), columns, height=height, squeeze=False)
    figure.set_layout_engine("none")  # a label wider than its column would push the columns apart
    for i, (line, (name, stack)) in enumerate(zip(grid, stacks.items(), strict=True)):
        bottom = height - (i + 1) * (cell + title) + gap
        for j, axes in enumerate(line):
            axes.set_position((j * cell / WIDTH, bottom / height, (cell - gap) / WIDTH, (cell - gap) / height))
            axes.set_axis_off()
        for axes, image in zip(line, stack, strict=False):
            axes.imshow(image)
        line[0].set_title(name, fontsize=9.5, pad=4)
    for axes, note in zip(grid[-1], notes, strict=False):
        axes.text(0.5, -0.06, note, transform=axes.transAxes, ha="center", va="top", fontsize=8.5, color=MUTED)
    return svg(figure, alt)


def fields(maps: Mapping[str, Any], alt: str, columns: int = 3, decades: float = 3.0) -> Picture:
    """Sensitivity fields (h, w) side by side, each scaled to its own peak, on one logarithmic colour scale of `decades`."""
    rows = -(-len(maps) // columns)
    size = WIDTH / columns
    figure, grid = canvas(rows, columns, height=rows * (size + 0.12) + 0.35, squeeze=False)
    norm = LogNorm(10.0**-decades, 1, clip=True)
    colours = sns.color_palette("mako", as_cmap=True)
    for axes, (name, values) in zip(grid.flat, maps.items(), strict=False):
        field = array(values)
        axes.imshow(field / field.max(), norm=norm, cmap=colours)
        axes.set_title(name, fontsize=9.5)
    for axes in grid.flat:
        axes.set_axis_off()
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=grid, orientation="horizontal", shrink=0.5, aspect=40, pad=0.02)
    bar.set_label("weight, relative to the largest", fontsize=9)
    bar.outline.set_visible(False)
    return svg(figure, alt)


def _rgb(images: np.ndarray) -> np.ndarray:
    """(n, c, h, w) in [-1, 1] to (n, h, w, 3) in [0, 1]; one channel becomes grey."""
    shown = np.clip((images + 1) / 2, 0, 1).transpose(0, 2, 3, 1)
    return np.repeat(shown, 3, 3) if shown.shape[3] == 1 else shown
