"""The same few things measured by several rulers: a small dot plot for each ruler, the rows shared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from whence.figures.dots import dot, name_series, refer
from whence.figures.style import GRID, INK, SERIES, Picture, canvas, svg
from whence.stats import array

ROW, FRAME, LEGEND = 0.24, 0.62, 0.25  # inches: a row, what stands above and below the rows of a panel, the names of the series


def panels(
    rulers: Mapping[str, Mapping[str, Mapping[str, Any]]],
    alt: str,
    references: Mapping[str, tuple[float, str]] | None = None,
    columns: int = 2,
) -> Picture:
    """A panel for each ruler: title -> row -> series -> values (S,), as dots with 95 % bootstrap intervals and a tick a seed.

    Rows are those of the first panel, in its order, named at the left alone; every panel has a scale of its own. A series has one
    colour in all panels and is named once, above; those of a row lie a little apart, the first on top. What holds a nan is left
    out, and a row that a panel lacks stays empty. `references` are a vertical line with a word for a panel.
    Raises ValueError for no panels, more series than colours, a row the first panel has not, or a reference of no panel.
    """
    rows = list(next(iter(rulers.values()), {}))
    series = list(dict.fromkeys(name for panel in rulers.values() for row in panel.values() for name in row))
    strange = [row for panel in rulers.values() for row in panel if row not in rows]
    if not rows or not series or len(series) > len(SERIES) or strange or set(references or {}) - set(rulers):
        raise ValueError(
            f"{len(rulers)} panels of {len(series)} series, rows beyond the first panel's {strange}, references for "
            f"{list(references or {})}: expected at least one panel and series, at most {len(SERIES)} series, the same rows in all"
        )
    lines = -(-len(rulers) // columns)
    height = LEGEND * (len(series) > 1) + lines * (FRAME + ROW * len(rows))
    figure, grid = canvas(lines, columns, height=height, squeeze=False, sharey=True)
    for axes, (title, panel) in zip(grid.flat, rulers.items(), strict=False):
        axes.set_title(title, fontsize=9.5, pad=17 if references else 5)  # room for a word between title and axes
        for name, values in panel.items():
            for i in reversed([series.index(key) for key in values]):
                apart = 0.22 * (i - (len(series) - 1) / 2) if len(series) > 1 else 0.0
                dot(axes, array(values[series[i]]).reshape(-1), -rows.index(name) - apart, SERIES[i])
        if title in (references or {}):
            refer(axes, *(references or {})[title])
        _tidy(axes, rows)
    for axes in grid.flat[len(rulers) :]:
        axes.set_axis_off()
    if len(series) > 1:
        name_series(figure, grid.flat[0], series)
    return svg(figure, alt)


def _tidy(axes: Any, rows: list[str]) -> None:
    axes.set_yticks(-np.arange(len(rows)), rows)
    axes.set_ylim(0.5 - len(rows), 0.5)
    axes.tick_params("y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    for i in range(len(rows) - 1):
        axes.axhline(-i - 0.5, color=GRID, linewidth=0.6, zorder=0)
