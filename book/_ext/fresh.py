"""Directives that show records: their pages are made again as soon as a record is new, changed or gone.

Every such page remembers a fingerprint of the records it was made from. Records and claims are read once a build. Imports that take
long stand where they are used, since a build with nothing to do must not wait for them.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from whence.resources import resource
from whence.runs.record import Record, book_records, committed_dir, published_dir, root

if TYPE_CHECKING:
    from whence.claims.ledger import Claim
    from whence.claims.table import Row

SEEN = "whence_records"


class FromRecords(SphinxDirective, ABC):
    """A directive whose output depends on the records; subclasses make nodes in `show`."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        self.env.metadata[self.env.docname][SEEN] = fingerprint()
        return self.show()

    @abstractmethod
    def show(self) -> list[nodes.Node]:
        """The nodes to put on the page."""

    def markdown(self, text: str) -> list[nodes.Node]:
        """Inline nodes of one paragraph of MyST, so that maths, citations and links work inside a table."""
        parsed = self.parse_text_to_nodes(text)
        return list(parsed[0].children) if len(parsed) == 1 and isinstance(parsed[0], nodes.paragraph) else parsed

    def page(self, notebook: str) -> str:
        """A MyST link to a notebook's page, or its name alone when the book does not hold it."""
        docname = f"studies/{notebook}"
        return f"{{doc}}`{notebook} </{docname}>`" if docname in self.env.found_docs else f"`{notebook}`"

    def table(
        self, name: str, headings: list[str], body: list[list[list[nodes.Node]]], marks: list[list[str]] | None = None
    ) -> list[nodes.Node]:
        """A docutils table of rows of cells, each cell a list of inline nodes; an empty body says so in words.

        `marks` are the classes of each row.
        """
        if not body:
            return [nodes.paragraph(text="Nothing to show yet: no run is published.")]
        group = nodes.tgroup(cols=len(headings))
        group += [nodes.colspec(colwidth=1) for _ in headings]
        head, rest = nodes.thead(), nodes.tbody()
        head += row([[nodes.Text(h)] for h in headings])
        rest += [row(cells) for cells in body]
        for line, classes in zip(rest, marks or [], strict=False):
            line["classes"] += classes
        group += [head, rest]
        return [nodes.table("", group, classes=["records", name])]


def html(text: str) -> nodes.raw:
    """A piece of HTML as a node."""
    return nodes.raw("", text, format="html")


def row(cells: list[list[nodes.Node]]) -> nodes.row:
    """A table row of cells, each a list of inline nodes."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


@cache
def on_record() -> list[Record]:
    """The records the book speaks of."""
    return book_records()


@cache
def claims() -> dict[str, Claim]:
    """All claims by id."""
    from whence.claims.ledger import ledger

    return ledger()


@cache
def verdicts() -> list[Row]:
    """What each claim comes to in each run."""
    from whence.claims.table import rows

    return rows(claims(), on_record())


def forget(app: Sphinx) -> None:
    """Read everything again: another build begins."""
    for once in (on_record, claims, verdicts, fingerprint):
        once.cache_clear()


@cache
def fingerprint() -> str:
    """A digest of everything the tables are made from: published and committed records, the ledger, the data registry."""
    runs = [*published_dir().glob("*/*.json"), *committed_dir().rglob("run.json")]
    paths = [*runs, *(root() / "notebooks").glob("*/claims.toml"), resource("data/registry.toml")]
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


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", forget)
    app.connect("env-get-outdated", stale)
    return {"env_version": extension_version(), "parallel_read_safe": True, "parallel_write_safe": True}
