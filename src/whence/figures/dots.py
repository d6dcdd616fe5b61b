"""Means over seeds as dots with their intervals, one row for each thing compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from whence.figures.curves import plain_log
from whence.figures.style import GREY, GRID, INK, MUTED, SERIES, Picture, canvas, svg
from whence.stats import array, bootstrap

ROW, BETWEEN, FRAME = 0.2, 0.12, 0.75  # inches: a dot with its interval, between rows, and what stands above and below them


def dots(
    groups: Mapping[str, Any],
    xlabel: str,
    alt: str,
    reference: tuple[float, str] | None = None,
    logx: bool = False,
    xlim: tuple[float, float] | None = None,
) -> Picture:
    """A row for each name: the mean over seeds, its 95 % bootstrap interval as a line, and every seed as a tick.

    A row is (S,) values, or a mapping of series to values (S,): the same series has the same colour in every row and is named
    once, above. Rows run downwards in their order. What holds a nan is left out: a row without any value keeps its place and its
    name. `reference` is a vertical line at a value with a word, such as (1, "as before"). Raises ValueError for no rows, or for
    more series than there are colours.
    """
    rows = {name: values if isinstance(values, Mapping) else {"": values} for name, values in groups.items()}
    series = list(dict.fromkeys(name for row in rows.values() for name in row))
    if not rows or len(series) > len(SERIES):
        raise ValueError(f"{len(rows)} rows of {len(series)} series: expected at least one row and at most {len(SERIES)} series")
    named = series != [""]
    height = FRAME + 0.25 * named + sum(ROW * len(row) + BETWEEN for row in rows.values())
    figure, axes = canvas(height=height)
    axes.set(xlabel=xlabel, xscale="log" if logx else "linear")
    if reference:
        refer(axes, *reference)
    centres, top = [], 0.0
    for row in rows.values():
        for i, (name, values) in enumerate(row.items()):
            dot(axes, array(values).reshape(-1), -(top + (i + 0.5) * ROW), SERIES[series.index(name)])
        centres.append(-(top + len(row) * ROW / 2))
        top += len(row) * ROW + BETWEEN
        axes.axhline(BETWEEN / 2 - top, color=GRID, linewidth=0.6, zorder=0)
    axes.set_yticks(centres, rows)
    axes.tick_params("y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(BETWEEN / 2 - top, BETWEEN / 2)
    if xlim:
        axes.set_xlim(*xlim)
    if logx:
        plain_log(axes.xaxis)
    if named:
        name_series(figure, axes, series)
    return svg(figure, alt)


def name_series(figure: Any, axes: Any, series: list[str]) -> None:
    """The names of all series in their colours, above everything."""
    handles = [axes.plot([], [], "o", color=SERIES[i], markersize=5, label=name)[0] for i, name in enumerate(series)]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(series), labelcolor="linecolor", fontsize=9,
                  handletextpad=0.1, columnspacing=1.0, borderaxespad=0)  # fmt: skip


def dot(axes: Any, values: np.ndarray, height: float, colour: str) -> None:
    """The mean of values (S,) at a height of the axes, its interval, and a tick for each; nothing where one is nan."""
    if values.size == 0 or not np.isfinite(values).all():
        return
    interval = bootstrap(values, resamples=2000)
    axes.plot(values, np.full(len(values), height), "|", color=colour, markersize=8, markeredgewidth=1.2, alpha=0.6)
    axes.plot([interval.low, interval.high], [height, height], color=colour, linewidth=1.8, solid_capstyle="butt")
    axes.plot(interval.value, height, "o", color=colour, markersize=6)


def refer(axes: Any, value: float, word: str) -> None:
    """A dotted vertical line at a value, its word above the axes."""
    axes.axvline(value, color=GREY, linewidth=1, linestyle=(0, (1, 2)), zorder=0.5)
    axes.annotate(word, (value, 1), xycoords=("data", "axes fraction"), xytext=(0, 3), textcoords="offset points",
                  color=MUTED, fontsize=9, ha="center", va="bottom", annotation_clip=False)  # fmt: skip
