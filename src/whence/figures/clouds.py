"""Clouds of points in a plane, side by side: how groups of examples lie to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from whence.figures.style import MUTED, SERIES, WIDTH, Picture, canvas, svg
from whence.stats import array

MARKS = ("o", "^", "s", "D", "v", "P")


def clouds(
    panels: Mapping[str, Any], groups: Any, names: Sequence[str], xlabel: str, ylabel: str, alt: str, columns: int = 2
) -> Picture:
    """Points (n, 2) of each panel under its title, all to one scale; the group of each point is its colour and its mark.

    `groups` (n,) are numbers from 0, shared by the panels, named above them by `names`. Raises ValueError for points that are no
    pairs, or for more groups than names or marks.
    """
    shown, group = {title: array(points) for title, points in panels.items()}, array(groups).astype(int)
    if bad := [p.shape for p in shown.values() if p.shape != (len(group), 2)]:
        raise ValueError(f"points of shape {bad[0]} in {len(group)} groups: expected ({len(group)}, 2)")
    if not 0 <= group.max() < min(len(names), len(MARKS)):
        raise ValueError(f"group {group.max()} of {len(names)} names: expected at most {len(MARKS)} groups, each with its name")
    rows = -(-len(shown) // columns)
    figure, grid = canvas(rows, columns, height=0.35 + rows * WIDTH / columns, sharex=True, sharey=True, squeeze=False)
    for axes, (title, points) in zip(grid.flat, shown.items(), strict=False):
        for k, name in enumerate(names):
            those = points[group == k]
            axes.scatter(*those.T, s=14, marker=MARKS[k], color=SERIES[k], alpha=0.7, linewidths=0, label=name)
        axes.set_title(title, fontsize=9.5)
    for axes in grid.flat[len(shown) :]:
        axes.set_axis_off()
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(names), fontsize=9, handletextpad=0.1, borderaxespad=0)
    figure.supxlabel(xlabel, fontsize=10, color=MUTED)
    figure.supylabel(ylabel, fontsize=10, color=MUTED)
    return svg(figure, alt)
