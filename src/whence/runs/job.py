"""What is handed to a run and what comes back: plain data that crosses a process boundary as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whence.runs import key as keys
from whence.runs import params
from whence.runs.record import root, runs_dir

RAN, CURRENT, FAILED = "ran", "current", "failed"


@dataclass(frozen=True)
class Job:
    """One run to be made. `folder` is where it will stand; `failed_folder` where a failed one is kept for inspection.

    `overrides` are the parameters that differ from the notebook's cell; `claims` the ids that the ledger gives this notebook;
    `title` is what it is called while it runs.
    """

    notebook: str
    source: str
    parameters: dict[str, Any]
    overrides: dict[str, Any]
    profile: str
    key: str
    parts: dict[str, str]
    claims: list[str]
    folder: str
    failed_folder: str
    title: str


@dataclass(frozen=True)
class Outcome:
    """How a job ended: `status` is "ran", "current" (nothing to do) or "failed"; `why` it ran, or the failure in plain text.

    `folder` holds notebook.ipynb and run.json, or of a failed run what there is of its notebook; `seconds` is wall time.
    """

    notebook: str
    key: str
    status: str
    folder: Path
    seconds: float
    why: str
    title: str = ""

    @property
    def name(self) -> str:
        """What it was called while it ran."""
        return self.title or self.notebook


def plan(notebook: str, profile: str = "laptop", overrides: Sequence[str] = (), title: str = "") -> Job:
    """The job of a notebook with these settings. Raises UsageError or NotebookError before anything runs."""
    name = params.find(notebook)
    path = params.source(name)
    values = params.resolve(name, profile, overrides)
    parts = keys.parts(name, values)
    key = keys.key(parts)
    return Job(
        notebook=name,
        source=str(path),
        parameters=values,
        overrides={p.name: values[p.name] for p in params.parameters(path) if values[p.name] != p.default},
        profile=label(name, profile, values),
        key=key,
        parts=parts,
        claims=[claim["id"] for claim in keys.claims(name)],
        folder=str(runs_dir() / name / key),
        failed_folder=str(root() / "_build" / "failed" / f"{name}-{key}"),
        title=title or name,
    )


def label(notebook: str, profile: str, values: dict[str, Any]) -> str:
    """The profile's name, followed by what was set beyond it; data set and device have places of their own in a record."""
    plain = params.resolve(notebook, profile)
    beyond = [f"-p {n}={v}" for n, v in values.items() if v != plain[n] and n not in ("dataset", "device")]
    return " ".join([profile, *beyond])
