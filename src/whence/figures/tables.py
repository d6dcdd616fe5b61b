"""Small tables of a notebook: numbers under numbers, readable without the book and at phone width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from whence.stats import Interval

Cell = str | float | Interval | None
NONE = "–"  # nothing was measured here
SHORT = 30  # letters of a cell that is not broken into lines: an interval, a few words
MINUS = str.maketrans("-", "−")  # of the width of a plus, so that signs stand under signs


@dataclass(frozen=True)
class Table:
    """A header and rows of written cells with what the table shows: what a notebook cell ends with."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str
    numeric: tuple[bool, ...]

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = [self._line(row, widths) for row in (self.header, *self.rows)]
        return "\n".join([self.caption, "", lines[0], "  ".join("-" * width for width in widths), *lines[1:]])

    def html(self) -> str:
        """The caption, and the table in a box that scrolls by itself, by touch or by key; the first column names its rows."""
        head = "".join(self._cell(name, j, "col") for j, name in enumerate(self.header))
        body = "\n".join(
            "<tr>" + "".join(self._cell(text, j, "" if j else "row") for j, text in enumerate(row)) + "</tr>" for row in self.rows
        )
        label = f'role="region" tabindex="0" aria-label="{escape(self.caption)}"'
        return (
            f'<div>\n<p style="margin: 0">{escape(self.caption, quote=False)}</p>\n'
            f'<div class="pst-scrollable-table-container" style="overflow-x: auto" {label}>\n'
            '<table class="table" style="font-variant-numeric: tabular-nums">\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>\n</div>"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": str(self)}

    def _cell(self, text: str, column: int, scope: str) -> str:
        """A cell, or the name of a row or a column where it has a scope."""
        look = "text-align: right" if self.numeric[column] else "text-align: left"
        look += "; white-space: nowrap" if len(text) <= SHORT else ""
        tag, name = ("th", f' scope="{scope}"') if scope else ("td", "")
        return f'<{tag}{name} style="{look}">{escape(text, quote=False)}</{tag}>'

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        pairs = zip(row, widths, self.numeric, strict=True)
        return "  ".join(text.rjust(width) if right else text.ljust(width) for text, width, right in pairs).rstrip()


def table(header: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str, digits: str | Sequence[str] = ".2f") -> Table:
    """A table of words, numbers and intervals over seeds, each row beginning with its name.

    Numbers are written by the format `digits`, one for all columns or one a column (that of the names too), whole numbers as they
    are; an `Interval` as "0.81 [0.74, 0.88]", None and nan as a dash. A column that holds nothing but numbers is set flush right.
    Words are shown as they are, markup included. Raises ValueError for no rows, rows of another length than the header, as many
    formats, or a caption that does not say what the table shows.
    """
    formats = [digits] * len(header) if isinstance(digits, str) else list(digits)
    if not rows or any(len(row) != len(header) for row in [*rows, formats]):
        raise ValueError(
            f"a table of {len(header)} columns with rows of {[len(row) for row in rows]} cells and {len(formats)} formats: "
            "expected at least one row, and as many cells as names in the header"
        )
    if len(caption.split()) < 3:
        raise ValueError(f"caption {caption!r}: expected a sentence that says what the table shows")
    written = tuple(tuple(write(cell, spec) for cell, spec in zip(row, formats, strict=True)) for row in rows)
    numeric = tuple(j > 0 and not any(isinstance(row[j], str) for row in rows) for j in range(len(header)))
    return Table(tuple(header), written, " ".join(caption.split()), numeric)


def write(cell: Cell, digits: str) -> str:
    """A cell as text: words as they are, numbers by the format `digits`, intervals with their ends, a dash for nothing."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Interval):
        if cell.n == 1:
            return write(cell.value, digits)
        return f"{write(cell.value, digits)} [{write(cell.low, digits)}, {write(cell.high, digits)}]"
    if cell is None or math.isnan(cell):
        return NONE
    return (f"{cell:,}" if isinstance(cell, int) else f"{float(cell):{digits}}").translate(MINUS)
