"""The process that makes one run.

It reads a job from stdin, writes events to stdout, one JSON object a line, and dies with its parent.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from whence.claims.numbers import FILE, reported
from whence.runs import key as keys
from whence.runs import store
from whence.runs.job import CURRENT, FAILED, RAN, Job
from whence.runs.kernel import KERNELSPEC, MACHINE, die_with_parent, prepare
from whence.runs.normalise import RUNNER, normalise
from whence.runs.record import Record

PRIVATE = ".kernel"  # in the workspace: what Jupyter wants to write, and the notebook before its run
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
Emit = Callable[..., None]


class Failure(Exception):
    """A run that failed, told in plain text."""


def perform(job: Job, machine: dict[str, Any], force: bool, emit: Emit) -> dict[str, Any]:
    """Make the run, unless another process made it meanwhile; returns fields of an Outcome. `machine`: commit, clean, threads."""
    folder = Path(job.folder)
    with store.exclusive(folder, waiting=lambda: emit(event="waiting")):
        store.sweep(folder)
        if not force and store.finished(folder):
            return {"status": CURRENT, "folder": job.folder, "why": "done by another process"}
        work = store.workspace(folder)
        try:
            execute(job, work, machine, emit)
        except Failure as failure:
            return {"status": FAILED, "folder": job.failed_folder, "why": _keep(job, work, failure)}
        shutil.rmtree(work / PRIVATE)
        store.promote(work, folder)
        shutil.rmtree(job.failed_folder, ignore_errors=True)
        return {"status": RAN, "folder": job.folder, "why": ""}


def execute(job: Job, work: Path, machine: dict[str, Any], emit: Emit) -> None:
    """Run the notebook in the workspace; leaves notebook.ipynb and run.json there. Raises Failure."""
    import nbformat

    started = time.monotonic()
    prepare(work, work / PRIVATE, machine["threads"], job.parts.get("records") != keys.UNSEEN)
    notebook = normalise(_papermill(job, work, emit))
    (work / "notebook.ipynb").write_text(nbformat.writes(notebook) + "\n")
    if meanwhile := keys.changed(job.parts, keys.parts(job.notebook, job.parameters)):
        raise Failure(f"{job.notebook}: {' and '.join(meanwhile)} changed while it ran, so its key would not be true: run it again")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    Record(
        notebook=job.notebook,
        parameters=job.parameters,
        profile=job.profile,
        key=job.key,
        commit=machine["commit"],
        clean=machine["clean"],
        versions={"python": sys.version.split()[0]} | {name: _version(name) for name in ("whence", "torch", "numpy")},
        device=json.loads((work / MACHINE).read_text())["device"],
        threads=machine["threads"],
        wall_s=round(time.monotonic() - started, 2),
        peak_mib=round(peak, 1),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        claims=_claims(job, work),
        parts=job.parts,
        numbers=_numbers(job, work),
    ).write(work)
    for name in (MACHINE, "claims.jsonl", FILE):
        (work / name).unlink(missing_ok=True)


def _papermill(job: Job, work: Path, emit: Emit) -> Any:
    import papermill
    from papermill.exceptions import PapermillExecutionError

    source = _prepare(job, work)
    cell: dict[str, Any] = {}  # the one that runs

    def on_start(**started: Any) -> None:
        cell.update(started)
        emit(event="cell", done=started["cell_index"])

    for attempt in (1, 2):
        try:
            return papermill.execute_notebook(
                source,
                work / "notebook.ipynb",
                parameters=job.overrides,
                progress_bar=False,
                cwd=work,
                on_cell_start=on_start,
            )
        except PapermillExecutionError as error:
            told = "\n".join(ANSI.sub("", "\n".join(error.traceback)).strip().split("\n")[-12:])
            raise Failure(_told(job, f"In [{error.exec_count}]", error.source, told)) from error
        except Exception as error:
            if not cell and attempt == 1:  # two kernels starting at once can pick one port
                continue
            told = f"{type(error).__name__}: {error}\n(if the kernel died: out of memory, or a crash in native code)"
            raise Failure(_told(job, "the cell", cell["cell"].source if cell else "", told)) from error
    raise AssertionError("unreachable")


def _prepare(job: Job, work: Path) -> Path:
    """The notebook as .ipynb, with a last cell (dropped afterwards) in which the kernel says what computed."""
    import jupytext
    import nbformat

    notebook = jupytext.read(job.source, fmt="py:percent")
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": {"name": "python"}})
    device = job.parameters.get("device", "auto")
    last = f"from whence.runs import kernel as _kernel\n_kernel.describe({device!r})"
    notebook.cells.append(nbformat.v4.new_code_cell(last, metadata={"tags": [RUNNER]}))
    path = work / PRIVATE / "notebook.ipynb"
    nbformat.write(notebook, path)
    return path


def _claims(job: Job, work: Path) -> list[dict[str, Any]]:
    """What `report` wrote, in the ledger's order. Raises Failure for a claim reported twice or belonging to another notebook."""
    path = work / "claims.jsonl"
    reported = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    ids = [claim["id"] for claim in reported]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise Failure(f"{job.notebook} reports {', '.join(twice)} more than once: report each claim in one place")
    if foreign := sorted(set(ids) - set(job.claims)):
        raise Failure(f"{job.notebook} reports {', '.join(foreign)}, which the ledger gives to another notebook")
    return sorted(reported, key=lambda claim: job.claims.index(claim["id"]))


def _numbers(job: Job, work: Path) -> dict[str, dict[str, Any]]:
    """The tables that the notebook kept. Raises Failure for one kept twice."""
    try:
        return reported(work)
    except ValueError as error:
        raise Failure(f"{job.notebook}: {error}") from error


def _keep(job: Job, work: Path, failure: Failure) -> str:
    """Keep what there is of a failed run where it can be looked at, never where it could be published."""
    shutil.rmtree(work / PRIVATE, ignore_errors=True)
    kept = Path(job.failed_folder)
    shutil.rmtree(kept, ignore_errors=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    (work / "error.txt").write_text(f"{failure}\n")
    os.replace(work, kept)
    return f"{failure}\noutput so far: {_relative(job, kept / 'notebook.ipynb')}"


def _told(job: Job, where: str, source: str, error: str) -> str:
    text = Path(job.source).read_text()
    at = text.find(source)
    line = f":{text.count(chr(10), 0, at) + 1}" if source and at >= 0 else ""
    shown = "\n".join(f"    | {row}" for row in source.rstrip().split("\n")) if source else "    (before the first cell)"
    indented = "\n".join(f"    {row}" for row in error.split("\n"))
    return f"{job.notebook}: {where} failed ({_relative(job, Path(job.source))}{line})\n{shown}\n{indented}"


def _relative(job: Job, path: Path) -> Path:
    return path.relative_to(Path(job.source).parents[2])  # the project's root


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def main() -> None:
    """Read a job, make the run, write the outcome."""
    order = json.loads(sys.stdin.read())
    die_with_parent(order["parent"])
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints, libraries and kernel included, goes to the log

    def emit(**event: Any) -> None:
        channel.write(json.dumps(event) + "\n")
        channel.flush()

    job = Job(**order["job"])
    try:
        outcome = perform(job, order["machine"], order["force"], emit)
    except Exception:
        outcome = {"status": FAILED, "folder": job.failed_folder, "why": f"{job.notebook}: {traceback.format_exc()}"}
    emit(event="outcome", **outcome)


if __name__ == "__main__":
    main()
