"""Executed notebooks without what varies between equal runs: ids, times, paths, progress bars."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from whence.runs.kernel import KERNELSPEC

LANGUAGE = ("name", "version", "file_extension", "mimetype", "nbconvert_exporter", "pygments_lexer")
INJECTED = "# Set for this run; the cell above holds the defaults"
RUNNER = "whence-runner"  # tag of the cell that the runner appends


def normalise(notebook: Any) -> Any:
    """The notebook (nbformat 4) as it is kept, changed in place: cells numbered, no times, no stderr, no traces of the runner."""
    info = notebook.metadata.get("language_info", {})
    notebook.metadata = {"kernelspec": KERNELSPEC, "language_info": {k: info[k] for k in LANGUAGE if k in info}}
    notebook.cells = [cell for cell in notebook.cells if RUNNER not in cell.metadata.get("tags", [])]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        for noise in ("papermill", "execution"):
            cell.metadata.pop(noise, None)
        if not cell.metadata.get("tags", True):  # papermill gives every cell an empty list
            del cell.metadata["tags"]
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.source = "\n".join([INJECTED, *cell.source.rstrip().split("\n")[1:]])
        if cell.cell_type == "code":
            cell.outputs = _streams_merged(cell.outputs)
    return notebook


def first_difference(a: Any, b: Any) -> str:
    """Where two notebooks first differ, in words and with both texts; an empty string when they are equal."""
    for number, (one, other) in enumerate(zip_longest(a.cells, b.cells)):
        if one != other:
            where = f"cell {number}" + (f", In [{one.execution_count}]" if one and one.get("execution_count") else "")
            return f"{where}: {_first_line(_lines(one), _lines(other))}"
    return "" if a == b else "the notebooks' metadata"


def _streams_merged(outputs: list[Any]) -> list[Any]:
    """No stderr, and text that was printed in one go is one output: how it was cut depends on timing."""
    merged: list[Any] = []
    for output in outputs:
        if output.output_type == "stream" and output.name == "stderr":
            continue
        if output.output_type == "stream" and merged and merged[-1].output_type == "stream":
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


def _lines(cell: Any) -> list[str]:
    if cell is None:
        return []
    texts = [cell.source]
    for output in cell.get("outputs", []):
        texts += [output.get("text", ""), *(str(value) for value in output.get("data", {}).values())]
    return "\n".join(texts).split("\n")


def _first_line(a: list[str], b: list[str]) -> str:
    pairs = ((x, y) for x, y in zip_longest(a, b) if x != y)
    first, second = next(pairs, ("", ""))
    return f"{str(first)[:100]!r}, then {str(second)[:100]!r}"
