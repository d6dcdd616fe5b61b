from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from whence.runs import store
from whence.runs.record import Record, read_record

RECORD = Record("locality/a", {"seed": 0}, "laptop", "k", "unknown", False, {}, "CPU", 1, 1.0, 2.0, "2026-11-20T00:00:00+00:00")


def fill(folder, record=RECORD):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "notebook.ipynb").write_text("{}")
    record.write(folder)


def test_a_folder_is_finished_only_with_both_files_whole(tmp_path):
    folder = tmp_path / "k"
    assert store.finished(folder) is None
    fill(folder)
    assert store.finished(folder) == RECORD
    (folder / "run.json").write_text('{"notebook": ')
    assert store.finished(folder) is None
    fill(folder)
    (folder / "notebook.ipynb").unlink()
    assert store.finished(folder) is None


def test_promotion_replaces_what_stood_there_and_leaves_nothing_else(tmp_path):
    folder = tmp_path / "k"
    fill(folder)
    work = store.workspace(folder)
    fill(work, replace(RECORD, wall_s=9.0))
    store.promote(work, folder)
    assert read_record(folder / "run.json").wall_s == 9.0
    assert [path.name for path in tmp_path.iterdir()] == ["k"]


def test_the_second_waits_for_the_first(tmp_path):
    folder, order = tmp_path / "k", []
    blocked = threading.Event()

    def second():
        with store.exclusive(folder, waiting=blocked.set):
            order.append("second")

    with store.exclusive(folder, waiting=lambda: pytest.fail("nobody else is here")):
        thread = threading.Thread(target=second)
        thread.start()
        assert blocked.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


HOLDER = """
import sys, time
from pathlib import Path
from whence.runs import store
folder = Path(sys.argv[1])
with store.exclusive(folder):
    store.workspace(folder)
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("asked", ["k", "another"])
def test_a_workspace_is_swept_when_its_process_is_dead_and_not_before(tmp_path, asked):
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path / "k"], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with store.exclusive(tmp_path / "another"):
            store.sweep(tmp_path / "another")
        assert list(tmp_path.glob(".work-*"))
        os.kill(holder.pid, signal.SIGKILL)
    with store.exclusive(tmp_path / asked, waiting=lambda: pytest.fail("the lock died with its holder")):
        store.sweep(tmp_path / asked)
    assert not list(tmp_path.glob(".work-*"))
