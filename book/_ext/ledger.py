"""What the records say, as tables: claims, their score, runs, data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import drawing
from badge import commit
from docutils import nodes
from docutils.parsers.rst import directives
from fresh import SEEN, FromRecords, claims, fingerprint, html, on_record, verdicts
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

from whence.runs.record import Record

if TYPE_CHECKING:
    from whence.claims.ledger import Claim
    from whence.claims.table import Row


class ClaimsTable(FromRecords):
    """``{claims-table}``: every claim with what was published and what was measured; ``:study:`` for one study's.

    ``:filter:`` makes room above it where a reader with scripts may choose by study, verdict and paper.
    """

    option_spec: ClassVar = {"study": directives.unchanged_required, "filter": directives.flag}

    def show(self) -> list[nodes.Node]:
        found = _of_study(verdicts(), self.options.get("study"))
        first = {row.id: row for row in reversed(found)}  # only there is the whole claim told
        body = [self.line(row, claims()[row.id], row is first[row.id]) for row in found]
        headings = ["Verdict", "Claim and test", "Published", "Measured", "Run"]
        shown = self.table("claims-table", headings, body, [_marks(row) for row in found])
        return [html('<div class="claims-filter" hidden></div>'), *shown] if "filter" in self.options else shown

    def line(self, row: Row, written: Claim, whole: bool) -> list[list[nodes.Node]]:
        claim = self.claim(row, written) if whole else [_block("source", [nodes.Text(row.statement)])]
        claim.append(_block("claim-id", [nodes.literal(text=row.id)]))
        accept = (written.test.low, written.test.high)
        published = "–" if row.published is None else drawing.number(row.published)
        note = "<br><small>test amended</small>" if _test_changed(written) else ""
        return [
            [html(drawing.pill(row.verdict) + note)],
            claim,
            [nodes.Text(published)],
            self.measured(row, accept),
            self.where(row),
        ]

    def claim(self, row: Row, written: Claim) -> list[nodes.Node]:
        source = self.markdown(f"{{cite:t}}`{row.source}`, {row.where}")
        test = [nodes.Text("Test: "), *self.markdown(row.measure), nodes.Text(" "), nodes.literal(text=row.test)]
        return [
            *self.markdown(row.statement),
            _block("source", source),
            _block("test", test),
            *(_block("amended", [nodes.Text(f"Amended {change['on']}: {change['reason']}")]) for change in written.amended),
        ]

    def measured(self, row: Row, accept: tuple[float, float]) -> list[nodes.Node]:
        if row.value is None or row.low is None or row.high is None:
            return [nodes.Text("–")]
        words = f"<b>{drawing.number(row.value)}</b>"
        if (row.n_seeds or 0) > 1:
            words += f" [{drawing.number(row.low)}, {drawing.number(row.high)}]<br><small>n = {row.n_seeds} seeds</small>"
        else:
            words += "<br><small>exact, no seeds</small>"
        return [html(f"{words}<br>{drawing.interval(row.value, row.low, row.high, accept, row.published)}")]

    def where(self, row: Row) -> list[nodes.Node]:
        if row.key is None:
            return self.markdown(self.page(row.notebook))
        return [*self.markdown(self.page(row.notebook)), html(f"<br><small>{row.profile} · {row.dataset} · {row.device}</small>")]


class ClaimsScore(FromRecords):
    """``{claims-score}``: how many claims hold, fail, are undecided, not run; ``:study:`` for one study's."""

    option_spec: ClassVar = {"study": directives.unchanged_required}

    def show(self) -> list[nodes.Node]:
        from whence.claims.table import score

        found = _of_study(verdicts(), self.options.get("study"))
        return [html(drawing.score(score(found)))]


class Measured(SphinxRole):
    """``{measured}`ID DATASET```: what the run with most seeds measured for a claim, with its interval."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        from whence.claims.table import quoted

        self.env.metadata[self.env.docname][SEEN] = fingerprint()
        name, _, dataset = self.text.partition(" ")
        row = quoted(verdicts(), name, dataset)
        if row is None:
            message = self.inliner.reporter.error(f"no run on record measured {name!r} on {dataset!r}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        value, low, high = (drawing.number(number) for number in (row.value, row.low, row.high) if number is not None)
        seeds = f" [{low}, {high}; n\u00a0=\u00a0{row.n_seeds}]" if (row.n_seeds or 0) > 1 else ""
        return [nodes.strong(text=value), nodes.Text(seeds)], []


class RunTable(FromRecords):
    """``{run-table}``: every run the book speaks of, with what it cost and on what."""

    def show(self) -> list[nodes.Node]:
        headings = [
            "Notebook",
            "Profile",
            "Data",
            "Run key",
            "Commit",
            "Device",
            "Threads",
            "Wall time",
            "Peak memory",
            "Finished (UTC)",
        ]
        return self.table("run-table", headings, [self.line(record) for record in on_record()])

    def line(self, record: Record) -> list[list[nodes.Node]]:
        texts = [
            record.device,
            str(record.threads),
            drawing.duration(record.wall_s),
            f"{record.peak_mib:,.0f} MiB",
            record.finished[:16].replace("T", " "),
        ]
        return [
            self.markdown(self.page(record.notebook)),
            [nodes.Text(record.profile)],
            [nodes.Text(record.dataset)],
            [nodes.literal(text=record.key[:12])],
            [nodes.literal(text=commit(record))],
            *([nodes.Text(text)] for text in texts),
        ]


class DataTable(FromRecords):
    """``{data-table}``: every data set of the registry."""

    def show(self) -> list[nodes.Node]:
        from whence.data.registry import registry

        return self.table(
            "data-table", ["Name", "What", "Splits", "Download", "Licence", "Cite"], [self.line(d) for d in registry().values()]
        )

    def line(self, dataset: Any) -> list[list[nodes.Node]]:
        shape = "×".join(map(str, dataset.shape[:2])) + (" colour" if dataset.shape[2] == 3 else " grey")
        unit = "\u00a0%" if dataset.format == "photographs" else ""
        splits = [f"{name}\u00a0{split.count:,}{unit}" if split.count else name for name, split in dataset.splits.items()]
        fetch = {"bundled": "none, bundled", "procedural": "none, computed"}.get(dataset.kind, drawing.size(dataset.bytes))
        return [
            [nodes.literal(text=dataset.name)],
            [nodes.strong(text=dataset.title), nodes.Text(f", {shape}. "), *self.markdown(" ".join(dataset.note.split()))],
            [html("<br>".join(splits))],
            [nodes.Text(fetch)],
            [nodes.Text(dataset.licence)],
            self.markdown(f"{{cite:t}}`{dataset.citation}`") if dataset.citation else [nodes.Text("–")],
        ]


def _block(name: str, parts: list[nodes.Node]) -> nodes.inline:
    return nodes.inline("", "", *parts, classes=[name])


def _test_changed(claim: Claim) -> bool:
    """Whether an amendment replaced the test itself, not only what is measured or how it is said."""
    from whence.claims.ledger import Test

    return any(Test.parse(change["test"]) != claim.test for change in claim.amended)


def _marks(row: Row) -> list[str]:
    """Classes of a row of the table, which the filter reads."""
    return [f"study-{row.id.split('/')[0]}", f"is-{row.verdict.replace(' ', '-')}", f"paper-{row.source}"]


def _of_study(table: list[Row], study: str | None) -> list[Row]:
    return [row for row in table if study is None or row.id.startswith(f"{study}/")]


def setup(app: Sphinx) -> dict[str, Any]:
    for name, directive in {
        "claims-table": ClaimsTable,
        "claims-score": ClaimsScore,
        "run-table": RunTable,
        "data-table": DataTable,
    }.items():
        app.add_directive(name, directive)
    app.add_role("measured", Measured())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
