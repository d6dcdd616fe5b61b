"""Many sensitivity fields on one scale: a row for each kind of data, a column for each denoiser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import seaborn as sns
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.patches import Rectangle

from whence.figures.style import MUTED, ORANGE, WIDTH, Picture, canvas, svg
from whence.stats import array

GAP, TITLE, HEAD, SCALE = 0.05, 0.22, 0.2, 0.55  # inches: between maps, above a row, above the columns, for the colour scale


def atlas(
    rows: Mapping[str, Mapping[str, Any]],
    alt: str,
    marks: Mapping[str, tuple[int, int]] | None = None,
    decades: float = 2.0,
) -> Picture:
    """Fields (h, w), each relative to its own largest value, on one logarithmic colour scale of `decades`.

    Columns are named once, in the order in which the rows first name them; a row without one of them leaves its place empty.
    `marks` outlines an output pixel (row, column) in all fields of a row. Raises ValueError for no fields, or a mark that names no
    row.
    """
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    if not columns or set(marks or {}) - set(rows):
        raise ValueError(f"{len(columns)} columns, rows {list(rows)} and marks of {list(marks or {})}: expected fields to show")
    cell = (WIDTH + GAP) / len(columns)
    height = HEAD + len(rows) * (cell + TITLE) + SCALE
    figure, grid = canvas(len(rows), len(columns), height=height, squeeze=False)
    figure.set_layout_engine("none")  # the maps sit where they are put
    norm, colours = LogNorm(10.0**-decades, 1, clip=True), sns.color_palette("mako", as_cmap=True)
    for i, (line, (name, row)) in enumerate(zip(grid, rows.items(), strict=True)):
        bottom = height - HEAD - (i + 1) * (cell + TITLE) + GAP
        figure.text(0, (bottom + cell - GAP + 0.05) / height, name, fontsize=9.5, ha="left", va="bottom")
        for j, (axes, column) in enumerate(zip(line, columns, strict=True)):
            axes.set_position((j * cell / WIDTH, bottom / height, (cell - GAP) / WIDTH, (cell - GAP) / height))
            axes.set_axis_off()
            if row.get(column) is not None:
                _map(axes, array(row[column]), (marks or {}).get(name), norm, colours)
    for j, column in enumerate(columns):
        figure.text((j * cell + (cell - GAP) / 2) / WIDTH, 1, column, fontsize=8.5, color=MUTED, ha="center", va="top")
    bar = figure.colorbar(
        ScalarMappable(norm, colours), cax=figure.add_axes((0.25, 0.42 / height, 0.5, 0.07 / height)), orientation="horizontal"
    )
    bar.set_label("weight, relative to the largest", fontsize=9, labelpad=1)
    bar.outline.set_visible(False)
    return svg(figure, alt)


def _map(axes: Any, field: Any, mark: tuple[int, int] | None, norm: Any, colours: Any) -> None:
    axes.imshow(field / field.max(), norm=norm, cmap=colours)
    if mark:
        axes.add_patch(Rectangle((mark[1] - 0.5, mark[0] - 0.5), 1, 1, fill=False, edgecolor=ORANGE, linewidth=1))
