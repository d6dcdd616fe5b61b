from __future__ import annotations

import nbformat
from nbformat import v4

from whence.runs.normalise import RUNNER, first_difference, normalise


def executed(*, cut: bool, stamp: str):
    """A notebook as papermill leaves it, its printed text cut in two or not."""
    out = [("stdout", "one\ntwo\n")] if not cut else [("stdout", "one\n"), ("stderr", "1%|"), ("stdout", "two\n")]
    streams = [v4.new_output("stream", name=name, text=text) for name, text in out]
    timed = {"papermill": {"start_time": stamp}, "execution": {"iopub.status.busy": stamp}, "tags": []}
    picture = v4.new_output("display_data", {"text/plain": "picture"})
    cells = [
        v4.new_markdown_cell("# A question"),
        v4.new_code_cell("seed: int = 0", metadata={"tags": ["parameters"]}),
        v4.new_code_cell("# Parameters\nseed = 3\n", metadata={"tags": ["injected-parameters"], **timed}),
        v4.new_code_cell("print('one')", execution_count=2, outputs=[*streams, picture], metadata=timed | {"tags": []}),
        v4.new_code_cell("describe()", metadata={"tags": [RUNNER]}),
    ]
    cells[2].metadata["tags"] = ["injected-parameters"]
    return v4.new_notebook(cells=cells, metadata={"papermill": {"duration": stamp}, "language_info": {"name": "python"}})


def test_two_equal_runs_are_equal_bytes():
    first, second = (normalise(executed(cut=cut, stamp=stamp)) for cut, stamp in ((True, "12:00"), (False, "13:00")))
    assert nbformat.writes(first) == nbformat.writes(second)
    assert first_difference(first, second) == ""
    nbformat.validate(first)


def test_what_a_reader_needs_is_kept_and_the_runner_leaves_no_trace():
    notebook = normalise(executed(cut=True, stamp="12:00"))
    assert [cell.source for cell in notebook.cells] == [
        "# A question",
        "seed: int = 0",
        "# Set for this run; the cell above holds the defaults\nseed = 3",
        "print('one')",
    ]
    printed, picture = notebook.cells[3].outputs
    assert (printed.text, picture.data["text/plain"]) == ("one\ntwo\n", "picture")
    assert notebook.metadata.kernelspec.name == "python3"
    assert "papermill" not in nbformat.writes(notebook)


def test_the_first_cell_that_differs_is_named_with_both_texts():
    first, second = (normalise(executed(cut=True, stamp="12:00")) for _ in range(2))
    second.cells[3].outputs[0].text = "one\n2\n"
    assert first_difference(first, second) == "cell 3, In [2]: 'two', then '2'"
    second.cells.pop()
    assert first_difference(first, second).startswith("cell 3, In [2]: ")
