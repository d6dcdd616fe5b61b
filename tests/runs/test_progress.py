from __future__ import annotations

import io
from pathlib import Path

import pytest

from whence.runs.job import Outcome
from whence.runs.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def story(stream):
    """What is seen of two notebooks that run at once, one of which fails."""
    progress = Progress(stream)
    progress.start("locality/a", 4, "first run")
    progress.start("locality/b", 2, "rerun: code changed")
    progress.waiting("locality/b")
    progress.cell("locality/a", 9)  # more than the notebook has: the runner adds cells of its own
    progress.finish(Outcome("locality/a", "k", "ran", Path(), 3.21, "first run"))
    progress.finish(Outcome("locality/b", "k", "failed", Path(), 1.0, "locality/b: In [3] failed"))
    return stream.getvalue()


def test_without_a_terminal_there_is_a_line_for_each_start_and_end():
    assert story(io.StringIO()).splitlines() == [
        "locality/a: started (first run)",
        "locality/b: started (rerun: code changed)",
        "locality/b: waiting for another process that makes this run",
        "locality/a: done in 3.2 s",
        "locality/b: In [3] failed",
    ]


def test_in_a_terminal_there_is_a_bar_for_each_running_notebook_and_none_is_left(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "30")
    seen = story(Terminal())
    assert "locality/a (first run): " in seen
    assert "cell 4 of 4" in seen
    assert "started" not in seen
    assert "locality/a: done in 3.2 s\n" in seen
    assert seen.rstrip().endswith("locality/b: In [3] failed")


def test_the_cells_of_a_sweep_are_told_by_their_titles_counted_and_the_rest_is_foretold():
    stream = io.StringIO()
    progress = Progress(stream, total=2)
    progress.start("seed=1", 4, "first run")
    progress.finish(Outcome("locality/a", "k", "ran", Path(), 3.21, "first run", "seed=1"))
    progress.finish(Outcome("locality/a", "k", "failed", Path(), 1.0, "locality/a: In [3] failed", "seed=2"))
    assert stream.getvalue().splitlines() == [
        "seed=1: started (first run)",
        "[1/2, 0 s left] seed=1: done in 3.2 s",
        "[2/2] seed=2: failed",
        "locality/a: In [3] failed",
    ]


@pytest.mark.parametrize("status", ["current", "ran"])
def test_a_run_made_by_another_process_is_told_as_such(status):
    stream = io.StringIO()
    Progress(stream).finish(Outcome("locality/a", "k", status, Path(), 1.0, "done by another process"))
    assert ("another process" in stream.getvalue()) == (status == "current")
