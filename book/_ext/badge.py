"""The badge under a notebook's title: profile, key, commit, device, time and date of the run that the page shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import drawing
from docutils import nodes
from fresh import FromRecords, html
from sphinx.application import Sphinx

from whence.runs.record import Record, published_dir, read_record


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
            "commit": commit(record),
            "device": record.device,
            "took": drawing.duration(record.wall_s),
            "on": record.finished[:10],
        }
        up = "../" * self.env.docname.count("/")
        return [html(drawing.chips(facts, f'<li class="rerun"><a href="{up}rerun.html">run it with your own parameters</a></li>'))]


def commit(record: Record) -> str:
    """The short commit, marked when the tree held changes to it; outside of version control there is none."""
    known = record.commit not in ("", "unknown")
    return record.commit[:7] + ("" if record.clean else " + changes") if known else "none"


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


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("run-badge", RunBadge)
    app.connect("source-read", insert_badge)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
