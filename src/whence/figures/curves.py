"""Curves over a parameter with their intervals over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from whence.figures.style import GREY, MUTED, SERIES, Picture, canvas, svg
from whence.stats import array, bootstrap


def curves(
    x: Any,
    series: Mapping[str, Any],
    xlabel: str,
    ylabel: str,
    alt: str,
    logx: bool = True,
    logy: bool = False,
    dashed: Sequence[Any] = (),
    marks: Sequence[tuple[float, str]] = (),
    levels: Sequence[tuple[float, str]] = (),
    ylim: tuple[float, float] | None = None,
) -> Picture:
    """Means over seeds with their bootstrap intervals as bands, each curve labelled at its right end.

    `x` is (X,), each series (S, X) or (X,); nan values leave a gap. `dashed` are reference curves (X,), each in the colour of the
    series of the same position and named by the caption; `marks` are vertical lines at x with a word, `levels` horizontal ones.
    """
    figure, axes = canvas()
    axes.set(xlabel=xlabel, ylabel=ylabel, xscale="log" if logx else "linear", yscale="log" if logy else "linear")
    at = array(x)
    ends: list[tuple[float, str, str, float]] = []  # height, name, colour, place
    short: list[tuple[float, str, str, float]] = []
    for (name, values), colour in zip(series.items(), SERIES, strict=False):
        mean, low, high = _bands(array(values))
        axes.plot(at, mean, color=colour)
        if array(values).ndim > 1:
            axes.fill_between(at, low, high, color=colour, alpha=0.22, linewidth=0)
        last = np.flatnonzero(np.isfinite(mean))[-1]
        (ends if last == len(at) - 1 else short).append((mean[last], name, colour, at[last]))
    for values, colour in zip(dashed, SERIES, strict=False):
        axes.plot(at, array(values), color=colour, linestyle=(0, (3, 2)), linewidth=1.3)
    for place, word in marks:
        axes.axvline(place, color=GREY, linewidth=1, linestyle=(0, (1, 2)))
        axes.annotate(word, (place, 1), xycoords=("data", "axes fraction"), xytext=(3, -2), textcoords="offset points",
                      color=MUTED, fontsize=9, va="top")  # fmt: skip
    for place, word in levels:
        axes.axhline(place, color=GREY, linewidth=1, linestyle=(0, (1, 2)))
        axes.annotate(word, (0, place), xycoords=("axes fraction", "data"), xytext=(4, 3), textcoords="offset points",
                      color=MUTED, fontsize=9)  # fmt: skip
    if ylim:
        axes.set_ylim(*ylim)
    for axis, log in ((axes.xaxis, logx), (axes.yaxis, logy)):
        if log:
            plain_log(axis)
    _label_ends(figure, axes, ends)
    for rank, (y, name, colour, place) in enumerate(sorted(short)):  # a curve that stops short is named where it stops
        axes.annotate(name, (place, y), xytext=(4, 9 * (rank - (len(short) - 1) / 2)), textcoords="offset points",
                      color=colour, va="center", fontsize=9, annotation_clip=False)  # fmt: skip
    return svg(figure, alt)


def plain_log(axis: Any) -> None:
    """Ticks of a log axis as plain numbers (0.1, 1, 10) where they are short, as powers of ten where they are not."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if high < 100 * low else (1,), numticks=9))
    axis.set_major_formatter(FuncFormatter(_tick))
    axis.set_minor_formatter(NullFormatter())


def _tick(value: float, _: int) -> str:
    if 0.0005 <= value < 5e4:
        return f"{value:g}"
    return f"$10^{{{round(np.log10(value))}}}$"


def _bands(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if values.ndim == 1:
        return values, values, values
    whole = np.isfinite(values).all(0)
    bands = np.full((3, values.shape[1]), np.nan)
    for i in np.flatnonzero(whole):
        interval = bootstrap(values[:, i], resamples=2000)
        bands[:, i] = interval.value, interval.low, interval.high
    return bands[0], bands[1], bands[2]


def _label_ends(figure: Any, axes: Any, ends: list[tuple[float, str, str, float]], gap: float = 13.0) -> None:
    """Write each name at the height of its curve's end, pushed apart to `gap` points; colours tie them to the curves."""
    figure.canvas.draw()
    base, top = (axes.transAxes.transform((0, y))[1] for y in (0, 1))
    points = 72 / figure.dpi
    order = sorted(ends)
    heights = [(axes.transData.transform((1, y))[1] - base) * points for y, *_ in order]
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + gap)
    ceiling = (top - base) * points - gap / 2  # the first name stays inside the frame
    for i in reversed(range(len(heights))):
        heights[i] = min(heights[i], ceiling)
        ceiling = heights[i] - gap
    for height, (_, name, colour, _) in zip(heights, order, strict=True):
        axes.annotate(name, (1, 0), xycoords="axes fraction", xytext=(5, height), textcoords="offset points",
                      color=colour, va="center", fontsize=9, annotation_clip=False)  # fmt: skip
