"""A page that glues a number from a notebook is rebuilt when that notebook changes; Sphinx alone would leave it stale."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from myst_nb.ext.glue.utils import PendingGlueReference
from sphinx.application import Sphinx


def note_glued(app: Sphinx, doctree: nodes.document) -> None:
    """Make each notebook that this page glues from a dependency of the page."""
    for reference in doctree.findall(PendingGlueReference):
        app.env.note_dependency(app.env.doc2path(reference.refdoc, False))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", note_glued)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
