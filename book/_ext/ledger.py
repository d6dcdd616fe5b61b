"""What the records say, as tables: claims, their score, runs, data sets, and the badge on each notebook's page.

Every page that uses one of these directives remembers a fingerprint of the records it was made from, and is made again as
soon as that changes: a record that is new, changed or gone. Imports that take long stand where they are used, since a build
with nothing to do must not wait for them.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import drawing
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from whence.resources import resource
from whence.runs.record import Record, book_records, committed_dir, published_dir, read_record, root

if TYPE_CHECKING:
    from whence.claims.table import Row

SEEN = "whence_records"


class FromRecords(SphinxDirective):
    """A directive whose output depends on the records; subclasses make nodes in `show`."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        self.env.metadata[self.env.docname][SEEN] = fingerprint()
        return self.show()

    def show(self) -> list[nodes.Node]:
        raise NotImplementedError

    def markdown(self, text: str) -> list[nodes.Node]:
        """Inline nodes of one paragraph of MyST, so that maths, citations and links work inside a table."""
        parsed = self.parse_text_to_nodes(text)
        return list(parsed[0].children) if len(parsed) == 1 and isinstance(parsed[0], nodes.paragraph) else parsed

    def page(self, notebook: str) -> str:
        """A MyST link to a notebook's page, or its name alone when the book does not hold it."""
        docname = f"studies/{notebook}"
        return f"{{doc}}`{notebook} </{docname}>`" if docname in self.env.found_docs else f"`{notebook}`"

    def table(self, name: str, headings: list[str], body: list[list[list[nodes.Node]]]) -> list[nodes.Node]:
        """A docutils table of rows of cells, each cell a list of inline nodes; an empty body says so in words."""
        if not body:
            return [nodes.paragraph(text="Nothing to show yet: no run is published.")]
        group = nodes.tgroup(cols=len(headings))
        group += [nodes.colspec(colwidth=1) for _ in headings]
        head, rest = nodes.thead(), nodes.tbody()
        head += _row([[nodes.Text(h)] for h in headings])
        rest += [_row(cells) for cells in body]
        group += [head, rest]
        return [nodes.table("", group, classes=["records", name])]


class ClaimsTable(FromRecords):
    """``{claims-table}``: every claim with what was published and what was measured; ``:study:`` for one study's."""

    option_spec: ClassVar = {"study": directives.unchanged_required}

    def show(self) -> list[nodes.Node]:
        from whence.claims.ledger import ledger
        from whence.claims.table import rows

        claims = ledger()
        found = _of_study(rows(claims, book_records()), self.options.get("study"))
        body = [self.line(row, (claims[row.id].test.low, claims[row.id].test.high)) for row in found]
        return self.table("claims-table", ["Verdict", "Claim and test", "Published", "Measured", "Run"], body)

    def line(self, row: Row, accept: tuple[float, float]) -> list[list[nodes.Node]]:
        source = self.markdown(f"{{cite:t}}`{row.source}`, {row.where}")
        test = [nodes.Text("Test: "), *self.markdown(row.measure), nodes.Text(" "), nodes.literal(text=row.test)]
        claim = [
            *self.markdown(row.statement),
            _block("source", source),
            _block("test", test),
            _block("claim-id", [nodes.literal(text=row.id)]),
        ]
        published = "–" if row.published is None else drawing.number(row.published)
        return [[_html(drawing.pill(row.verdict))], claim, [nodes.Text(published)], self.measured(row, accept), self.where(row)]

    def measured(self, row: Row, accept: tuple[float, float]) -> list[nodes.Node]:
        if row.value is None or row.low is None or row.high is None:
            return [nodes.Text("–")]
        words = f"<b>{drawing.number(row.value)}</b>"
        if (row.n_seeds or 0) > 1:
            words += f" [{drawing.number(row.low)}, {drawing.number(row.high)}]<br><small>n = {row.n_seeds} seeds</small>"
        else:
            words += "<br><small>exact, no seeds</small>"
        return [_html(f"{words}<br>{drawing.interval(row.value, row.low, row.high, accept, row.published)}")]

    def where(self, row: Row) -> list[nodes.Node]:
        if row.key is None:
            return self.markdown(self.page(row.notebook))
        return [*self.markdown(self.page(row.notebook)), _html(f"<br><small>{row.profile} · {row.dataset} · {row.device}</small>")]


class ClaimsScore(FromRecords):
    """``{claims-score}``: how many claims hold, fail, are undecided, not run; ``:study:`` for one study's."""

    option_spec: ClassVar = {"study": directives.unchanged_required}

    def show(self) -> list[nodes.Node]:
        from whence.claims.ledger import ledger
        from whence.claims.table import rows, score

        found = _of_study(rows(ledger(), book_records()), self.options.get("study"))
        return [_html(drawing.score(score(found)))]


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
        return self.table("run-table", headings, [self.line(record) for record in book_records()])

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
            [nodes.literal(text=_commit(record))],
            *([nodes.Text(text)] for text in texts),
        ]


class RunBadge(FromRecords):
    """``{run-badge} study/name``: profile, key, commit, device, time and date of the run that a notebook's page shows."""

    required_arguments = 1

    def show(self) -> list[nodes.Node]:
        path = published_dir() / f"{self.arguments[0]}.json"
        try:
            record = read_record(path)
        except ValueError as error:
            raise self.error(
                f"{error}. The badge needs the run's record beside the notebook: publish it with `whence book`."
            ) from error
        facts = {
            "profile": record.profile,
            "data": record.dataset,
            "run": record.key[:12],
            "commit": _commit(record),
            "device": record.device,
            "took": drawing.duration(record.wall_s),
            "on": record.finished[:10],
        }
        up = "../" * self.env.docname.count("/")
        return [_html(drawing.chips(facts, f'<li class="rerun"><a href="{up}rerun.html">run it with your own parameters</a></li>'))]


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
            [_html("<br>".join(splits))],
            [nodes.Text(fetch)],
            [nodes.Text(dataset.licence)],
            self.markdown(f"{{cite:t}}`{dataset.citation}`") if dataset.citation else [nodes.Text("–")],
        ]


def fingerprint() -> str:
    """A digest of everything the tables are made from: published and committed records, the ledger, the data registry."""
    records = [*published_dir().glob("*/*.json"), *committed_dir().rglob("run.json")]
    paths = [*records, *(root() / "notebooks").glob("*/claims.toml"), resource("data/registry.toml")]
    digest = hashlib.sha256()
    for path in sorted(p for p in paths if p.is_file()):
        digest.update(f"{path.relative_to(root())}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def stale(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """The pages made from records other than those there now."""
    now = fingerprint()
    return [docname for docname, data in env.metadata.items() if data.get(SEEN, now) != now]


def extension_version() -> int:
    """Changes with any of the book's extensions, so that Sphinx then reads every page anew."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return int(hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12], 16)


def insert_badge(app: Sphinx, docname: str, source: list[str]) -> None:
    """Show the run's badge after the title cell of a notebook's page, without touching the notebook that readers download."""
    if not docname.startswith("studies/") or Path(app.env.doc2path(docname)).suffix != ".ipynb":
        return
    notebook = json.loads(source[0])
    cell = {
        "cell_type": "markdown",
        "id": "run-badge",
        "metadata": {},
        "source": f"```{{run-badge}} {docname.removeprefix('studies/')}\n```",
    }
    notebook["cells"].insert(1, cell)
    source[0] = json.dumps(notebook)


def _row(cells: list[list[nodes.Node]]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


def _block(name: str, parts: list[nodes.Node]) -> nodes.inline:
    return nodes.inline("", "", *parts, classes=[name])


def _html(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def _commit(record: Record) -> str:
    """The short commit, marked when the tree held changes to it; outside of version control there is none."""
    known = record.commit not in ("", "unknown")
    return record.commit[:7] + ("" if record.clean else " + changes") if known else "none"


def _of_study(table: list[Row], study: str | None) -> list[Row]:
    return [row for row in table if study is None or row.id.startswith(f"{study}/")]


def setup(app: Sphinx) -> dict[str, Any]:
    for name, directive in {
        "claims-table": ClaimsTable,
        "claims-score": ClaimsScore,
        "run-table": RunTable,
        "run-badge": RunBadge,
        "data-table": DataTable,
    }.items():
        app.add_directive(name, directive)
    app.connect("env-get-outdated", stale)
    app.connect("source-read", insert_badge)
    return {"env_version": extension_version(), "parallel_read_safe": True, "parallel_write_safe": True}
