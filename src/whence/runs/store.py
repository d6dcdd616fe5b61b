"""Folders of runs: prepared under a private name, renamed in one step, so that whatever stands under a key is finished.

Each key has a lock file that the system frees when its holder dies, also by kill -9.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from whence.runs.record import Record, read_record

WORK = ".work-"


def finished(folder: Path) -> Record | None:
    """The record of a finished run, or None when there is none there (or it was damaged since)."""
    if not (folder / "notebook.ipynb").is_file():
        return None
    try:
        return read_record(folder / "run.json")
    except ValueError:
        return None


@contextmanager
def exclusive(folder: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock of a run folder; `waiting` is called once if another process has it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock_file(folder).open("w") as file:  # not inherited by children, so a kernel that outlives us cannot hold it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def workspace(folder: Path) -> Path:
    """A new, empty private folder beside a run folder whose lock we hold."""
    work = folder.with_name(f"{WORK}{folder.name}-{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    return work


def promote(work: Path, folder: Path) -> None:
    """Give a finished workspace its final name, in place of what stood there."""
    if folder.exists():
        old = folder.with_name(f"{WORK}{folder.name}-old-{os.getpid()}")
        os.replace(folder, old)
        os.replace(work, folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.replace(work, folder)


def sweep(folder: Path) -> None:
    """Remove the workspaces that dead processes left beside a run folder whose lock we hold: those whose lock is ours, or free."""
    for work in folder.parent.glob(f"{WORK}*"):
        owner = folder.with_name(work.name.removeprefix(WORK).split("-")[0])
        with _lock_file(owner).open("w") as file:
            try:
                if owner != folder:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(work, ignore_errors=True)


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.lock")
