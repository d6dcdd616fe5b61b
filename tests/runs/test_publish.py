"""What reaches the book: only notebooks that ran to the end, each figure with caption and alternative text."""

import json
import os
from pathlib import Path

import pytest

from whence.runs.publish import BookError, publish
from whence.runs.record import Record
from whence.runs.store import finished

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="3" fill="#2f6db5"/></svg>'
CAPTION = {"mystnb": {"figure": {"caption": "A disc.", "name": "fig-disc"}}}
RECORD = Record(
    "shapes/disc", {"seed": 0}, "smoke", "k" * 16, "c" * 40, True, {}, "cpu", 1, 1.0, 100.0, "2026-01-01T00:00:00+00:00"
)


def figure(alt: str | None = "A blue disc on nothing.", metadata: dict | None = None, copies: int = 1) -> dict:
    output = {"output_type": "display_data", "data": {"image/svg+xml": SVG}, "metadata": {}}
    if alt is not None:
        output["metadata"] = {"image/svg+xml": {"alt": alt}}
    metadata = CAPTION if metadata is None else metadata
    return {"cell_type": "code", "metadata": json.loads(json.dumps(metadata)), "source": "draw()", "outputs": [output] * copies}


def notebook(*cells: dict, papermill: dict | None = None) -> dict:
    title = {"cell_type": "markdown", "metadata": {}, "source": "# Disc"}
    return {"cells": [title, *cells], "metadata": {"papermill": papermill or {}}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    for folder in ("notebooks/shapes", "data", "_build/html/studies/shapes"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("_config.yml", "data/registry.toml", "notebooks/shapes/disc.py"):
        (tmp_path / file).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ran(project):
    def make(content: dict) -> Path:
        folder = project / "_build/runs/shapes/disc/kkkk"
        RECORD.write(folder)
        (folder / "notebook.ipynb").write_text(json.dumps(content))
        return folder

    return make


def test_notebook_and_record_land_side_by_side_with_the_alternative_text_where_the_book_looks_for_it(project, ran):
    folder = ran(notebook(figure()))
    assert publish([folder]) == [project / "book/studies/shapes/disc.ipynb"]
    cell = json.loads((project / "book/studies/shapes/disc.ipynb").read_text())["cells"][1]
    assert cell["metadata"]["mystnb"] == {"figure": CAPTION["mystnb"]["figure"], "image": {"alt": "A blue disc on nothing."}}
    assert (project / "book/studies/shapes/disc.json").read_bytes() == (folder / "run.json").read_bytes()


def test_publishing_the_same_run_again_touches_no_file(project, ran):
    folder = ran(notebook(figure()))
    publish([folder])
    files = [project / "book/studies/shapes/disc.ipynb", project / "book/studies/shapes/disc.json"]
    for file in files:
        os.utime(file, (1, 1))
    publish([folder])
    assert [file.stat().st_mtime for file in files] == [1, 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (notebook(figure(alt=None)), "shapes/disc, cell 2: a figure without alternative text"),
        (notebook(figure(alt="  ")), "shapes/disc, cell 2: a figure without alternative text"),
        (notebook(figure(metadata={})), "shapes/disc, cell 2: a figure without caption"),
        (notebook(figure(copies=2)), "shapes/disc, cell 2: 2 figures in one cell"),
        (notebook(papermill={"exception": True}), "its run failed"),
        (
            notebook({"cell_type": "code", "metadata": {}, "source": "1/0", "outputs": [{"output_type": "error"}]}),
            "its run failed",
        ),
    ],
)
def test_a_failed_run_or_a_figure_that_not_everyone_can_read_is_refused_by_place_and_leaves_the_old_page(
    project, ran, content, message
):
    publish([ran(notebook(figure()))])
    before = (project / "book/studies/shapes/disc.ipynb").read_bytes()
    with pytest.raises(BookError, match=message):
        publish([ran(content)])
    assert (project / "book/studies/shapes/disc.ipynb").read_bytes() == before


def test_a_truncated_notebook_is_refused_with_the_folder_to_delete_so_that_the_same_command_makes_it_again(ran):
    folder = ran(notebook(figure()))
    whole = (folder / "notebook.ipynb").read_text()
    (folder / "notebook.ipynb").write_text(whole[: len(whole) // 2])
    assert finished(folder), "so it would not be made again"
    with pytest.raises(BookError, match="not a readable notebook") as caught:
        publish([folder])
    assert f"delete the folder of this one run, {folder}, and repeat the same command" in str(caught.value)
    assert "--force" not in str(caught.value), "it would run other parameters, those of the profile"


def test_what_was_published_from_a_notebook_that_is_gone_is_removed_from_book_and_site(project, ran):
    publish([ran(notebook(figure()))])
    page = project / "_build/html/studies/shapes/disc.html"
    page.touch()
    (project / "notebooks/shapes/disc.py").unlink()
    publish([])
    assert not page.exists()
    assert list((project / "book/studies/shapes").iterdir()) == []
