"""One look for every figure: a palette safe for colour blindness, readable on light and dark pages and at phone width.

Figures are SVG on a transparent ground. The book swaps each colour for its dark twin (`DARK`), so draw in these colours only.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns
from cycler import cycler
from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1f2430", "#5d6575", "#d9dce3", "#fdfdfe"
BLUE, ORANGE, GREEN, PURPLE, RED, GREY = "#3573be", "#bc5802", "#0a7d66", "#7e4793", "#b63449", "#6a7688"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, RED, GREY)
DARK = {
    INK: "#e6e9f0",
    MUTED: "#a3abba",
    GRID: "#3a4152",
    PAPER: "#14171f",
    BLUE: "#78b8fb",
    ORANGE: "#f1a151",
    GREEN: "#4ac6a4",
    PURPLE: "#ba85d3",
    RED: "#f2828d",
    GREY: "#9ba6b6",
}

# Inches. A phone shows 4.6 in at about its natural size, so that 9 pt is legible there; wide pages scale figures up.
WIDTH, HEIGHT = 4.6, 3.0


@dataclass(frozen=True)
class Picture:
    """A drawn figure as SVG with its alternative text: what a notebook cell ends with."""

    svg: str
    alt: str

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        return {"image/svg+xml": self.svg, "text/plain": self.alt}, {"image/svg+xml": {"alt": self.alt}}


def canvas(rows: int = 1, columns: int = 1, width: float = WIDTH, height: float = HEIGHT, **grid: Any) -> tuple[Figure, Any]:
    """A figure and its axes in the house style; width and height in inches, further arguments as for `plt.subplots`.

    The style stays on, as after `plt.style.use`: what is drawn on the axes later takes its colours from there.
    """
    mpl.rcParams.update(_rc())
    return plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **grid)


def svg(figure: Figure, alt: str) -> Picture:
    """The figure as a Picture, closed afterwards; the same figure always gives the same bytes.

    Raises ValueError for an empty alternative text: who cannot see the figure must be told what it shows.
    """
    if len(alt.split()) < 5:
        raise ValueError(f"alt text {alt!r}: expected a sentence that says what the figure shows")
    buffer = io.StringIO()
    with mpl.rc_context(_rc()):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = buffer.getvalue()
    return Picture(text[text.index("<svg") :], " ".join(alt.split()))


def _rc() -> Any:  # matplotlib types each key as a literal
    return {
        **sns.axes_style("ticks"),
        **sns.plotting_context("notebook", font_scale=0.85),
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.labelsize": 10,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "patch.facecolor": BLUE,
        "patch.edgecolor": INK,
        "patch.force_edgecolor": False,
        "hatch.color": INK,
        "legend.frameon": False,
        **{f"boxplot.{part}props.color": INK for part in ("box", "cap", "flier", "whisker")},
        "boxplot.flierprops.markeredgecolor": INK,
        "grid.color": GRID,
        "lines.linewidth": 1.8,
        "axes.prop_cycle": cycler(color=SERIES),
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.dpi": 144,
        "svg.fonttype": "path",
        "svg.hashsalt": "whence",
        "image.interpolation": "nearest",
    }
