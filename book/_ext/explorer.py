"""``{explorer} STUDY/NAME TABLE``: a table that runs have kept, as a figure with sliders; a plain table where there is no script.

Everything is computed here, from records: means over seeds with their bootstrap intervals. The page carries them, and asks for
nothing when a slider moves.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from html import escape
from typing import Any, ClassVar

import drawing
from docutils import nodes
from docutils.parsers.rst import directives
from fresh import SEEN, fingerprint, html, on_record
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from whence.claims.numbers import table
from whence.runs.record import Record
from whence.stats import bootstrap

log = logging.getLogger(__name__)
Point = tuple[float, float, float, int]  # mean, interval, number of seeds


class Explorer(SphinxDirective):
    """A figure with a slider for each column of ``:sliders:``, values of ``:value:`` over ``:x:``, a line for each ``:lines:``.

    Columns are named as in the table; `dataset` is the one of the run, and brings together the book's runs on all of them.
    ``:words:`` says what a reader calls a column, `n = training points; noise = share of noise`; ``:only:`` which values of one
    are shown, and in which order, `denoiser = Wiener, LS`; with ``:dots:`` neighbours are not joined, with ``:log:`` values
    stand on a logarithmic axis. The content is the caption.
    """

    required_arguments = 2
    has_content = True
    option_spec: ClassVar = {
        "x": directives.unchanged_required,
        "value": directives.unchanged_required,
        "sliders": directives.unchanged_required,
        "lines": directives.unchanged_required,
        "words": directives.unchanged_required,
        "only": directives.unchanged_required,
        "dots": directives.flag,
        "log": directives.flag,
        "name": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        self.env.metadata[self.env.docname][SEEN] = fingerprint()
        notebook, name = self.arguments
        records = largest(notebook, name)
        if not records:
            log.warning(f"no run on record kept a table {name!r} of {notebook!r}", location=(self.env.docname, self.lineno))
            return []
        column, _, values = self.options.get("only", "").partition("=")
        only = {column.strip(): [value.strip() for value in values.split(",")]} if values else {}
        axes = [*self.options["sliders"].split(), *([self.options["lines"]] if "lines" in self.options else []), self.options["x"]]
        points = averaged(records, name, axes, self.options["value"], only)
        return [self.figure(html(panel(points, axes, only, self.words(), self.options, records)))]

    def words(self) -> dict[str, str]:
        pairs = (pair.partition("=") for pair in self.options.get("words", "").split(";") if pair.strip())
        return {name.strip(): word.strip() for name, _, word in pairs}

    def figure(self, drawn: nodes.Node) -> nodes.figure:
        figure = nodes.figure("", drawn)
        figure += [nodes.caption("", "", *part.children) for part in self.parse_content_to_nodes()]
        self.set_source_info(figure)
        self.add_name(figure)
        return figure


def largest(notebook: str, name: str) -> list[Record]:
    """For each data set the book's run of a notebook that kept most rows of a table, the later of equals."""
    found: dict[str, Record] = {}
    for record in sorted(on_record(), key=lambda record: (len(_kept(record, name)), record.finished)):
        if record.notebook == notebook and name in record.numbers:
            found[record.dataset] = record
    return [found[dataset] for dataset in sorted(found)]


def averaged(
    records: Sequence[Record], name: str, axes: Sequence[str], value: str, only: dict[str, list[str]]
) -> dict[tuple[Any, ...], Point]:
    """For each setting of the axes the mean of a column over its rows, one a seed, with its interval."""
    groups = defaultdict(list)
    for record in records:
        kept = table(record.numbers[name])
        columns = [[record.dataset] * len(kept.rows) if axis == "dataset" else kept.column(axis) for axis in axes]
        for *setting, measured in zip(*columns, kept.column(value), strict=True):
            wanted = all(_text(v) in only[axis] for axis, v in zip(axes, setting, strict=True) if axis in only)
            if measured is not None and wanted:
                groups[tuple(setting)].append(float(measured))
    intervals = {setting: (bootstrap(values), len(values)) for setting, values in groups.items()}
    return {setting: (i.value, i.low, i.high, n) for setting, (i, n) in intervals.items()}


def panel(
    points: dict[tuple[Any, ...], Point],
    axes: Sequence[str],
    only: dict[str, list[str]],
    words: dict[str, str],
    options: dict[str, Any],
    records: Sequence[Record],
) -> str:
    """The numbers twice: as data for the script, and as a table for everyone."""
    levels = [_ordered({setting[i] for setting in points}, only.get(axis)) for i, axis in enumerate(axes)]
    names, value = [words.get(name, name) for name in axes], words.get(options["value"], options["value"])
    rows = sorted(
        (tuple(level.index(v) for level, v in zip(levels, setting, strict=True)), point) for setting, point in points.items()
    )
    plain = {
        "sliders": len(options["sliders"].split()),
        "lines": "lines" in options,
        "dots": "dots" in options,
        "log": "log" in options,
        "axes": [{"name": name, "levels": list(map(_text, level))} for name, level in zip(names, levels, strict=True)],
        "value": value,
        "points": [[*places, *(float(f"{number:.4g}") for number in point[:3])] for places, point in rows],
    }
    told = [([_text(level[i]) for level, i in zip(levels, places, strict=True)], point) for places, point in rows]
    data = json.dumps(plain, ensure_ascii=False).replace("</", "<\\/")
    runs = "; ".join(_run(record) for record in records)
    return (
        f'<div class="explorer"><script type="application/json">{data}</script><div class="explorer-panel" hidden></div>'
        f"<details open><summary>The numbers as a table</summary>{_rows(told, names, value)}</details>"
        f'<p class="explorer-run">{escape(runs)}</p></div>'
    )


def _rows(told: Sequence[tuple[list[str], Point]], names: Sequence[str], value: str) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in (*names, value, "interval", "seeds"))
    lines = []
    for setting, (mean, low, high, n) in told:
        cells = [*setting, drawing.number(mean), f"{drawing.number(low)} to {drawing.number(high)}", str(n)]
        lines.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    return (
        '<div class="pst-scrollable-table-container"><table class="table explorer-table">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _run(record: Record) -> str:
    """Which run it was; its settings are in the table of runs."""
    data = "" if record.dataset == "-" else f"{record.dataset}: "
    return f"{data}{record.profile.split(' ')[0]}, run {record.key[:12]}"


def _kept(record: Record, name: str) -> list[Any]:
    return record.numbers.get(name, {}).get("rows", [])


def _ordered(values: set[Any], only: list[str] | None) -> list[Any]:
    """As `only` has them; else numbers by size, then texts by name."""
    if only:
        return sorted(values, key=lambda v: only.index(_text(v)))
    return sorted(values, key=lambda v: (isinstance(v, str), v))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else f"{value:g}"


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("explorer", Explorer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
