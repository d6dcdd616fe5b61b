"""Real kernels: each costs seconds, so a test looks at several things one run shows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from whence.runs import execute, kernel, store
from whence.runs.execute import check_determinism, reason, run
from whence.runs.job import plan

COUNT = 'with open({path!r}, "a") as file:\n    file.write("x")'
# Sleeps the first time only, so that the same run can be asked for again.
SLEEP = """
import os, time
first = not os.path.exists({path!r})
open({path!r}, "w").write(str(os.getpid()))
time.sleep(60 if first else 0)"""
REPORT = "from whence.claims.ledger import report\nreport({claim!r}, [1.0, 1.1, 1.2])"


def command(*arguments, **options):
    """The command line in a process of its own, in the working directory."""
    return subprocess.Popen([sys.executable, "-m", "whence.cli", *arguments], stderr=subprocess.PIPE, text=True, **options)


def alive(pid):
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return state != "" and not state.startswith("Z")


def commit_all(folder):
    for arguments in (["init"], ["add", "."], ["-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-m", "all"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def started(path):
    """The kernel's process id, once the sleeping cell runs."""
    until(lambda: path.exists() and path.read_text())
    return int(path.read_text())


def under(folder):
    """All files below a folder but locks, by relative path."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".lock"))


def test_a_run_leaves_the_executed_notebook_and_its_record_and_is_not_made_twice(project, notebook, claim, monkeypatch):
    startup = project / "home" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("meddled = True\n")
    monkeypatch.setenv("IPYTHONDIR", str(project / "home"))
    monkeypatch.setenv("WHENCE_DATA", "there")
    second, first = claim("a", "second"), claim("a", "first")
    notebook(
        "a",
        "import os, sys\nprint(seed, scale, 'meddled' in globals(), sys.executable, os.environ['WHENCE_DATA'])",
        "print('1%|', file=sys.stderr)",
        REPORT.format(claim=first),
        REPORT.format(claim=second),
    )
    commit_all(project)  # of notebooks, with code from elsewhere: not the commit of what runs
    job = plan("locality/a", "laptop", ["scale=2"])
    assert reason(job) == "first run"
    (done,) = run([job])
    assert (done.status, done.why, done.folder) == ("ran", "first run", Path(job.folder))
    assert under(project / "_build") == [f"runs/locality/a/{job.key}/{name}" for name in ("notebook.ipynb", "run.json")]

    executed = nbformat.read(done.folder / "notebook.ipynb", as_version=4)
    printed = [output.text for cell in executed.cells for output in cell.get("outputs", []) if output.output_type == "stream"]
    assert printed == [f"0 2.0 False {sys.executable} {project / 'there'}\n"]
    record = store.finished(done.folder)
    assert (record.parameters, record.profile) == ({"seed": 0, "scale": 2.0}, "laptop -p scale=2.0")
    assert [c["id"] for c in record.claims] == [second, first]  # the ledger's order
    assert record.claims[0]["verdict"] == "holds"
    assert (record.key, record.parts, record.threads) == (job.key, job.parts, execute.cores())
    assert record.wall_s > 0
    assert 20 < record.peak_mib < 2000
    assert record.device
    assert (record.commit, record.clean) == ("unknown", False)
    assert set(record.versions) == {"python", "torch", "numpy", "whence"}

    (again,) = run([job])
    assert (again.status, again.why) == ("current", "nothing changed")
    assert reason(plan("locality/a", "laptop", ["scale=3"])) == "rerun: parameters changed"
    assert reason(job) == "rerun: forced"


def test_another_name_for_the_same_parameters_shares_the_run_and_names_it(project, notebook):
    notebook("a", COUNT.format(path=str(project / "count")))
    run([plan("locality/a", "smoke")])
    (done,) = run([plan("locality/a", "laptop")])
    assert (done.status, store.finished(done.folder).profile) == ("current", "laptop")
    (forced,) = run([plan("locality/a", "laptop")], force=True)
    assert (forced.status, (project / "count").read_text()) == ("ran", "xx")
    assert [path.name for path in done.folder.parent.iterdir() if not path.name.endswith(".lock")] == [done.key]


def test_a_failing_cell_is_shown_and_kept_apart_and_the_others_still_run(project, notebook, capfd):
    notebook("bad", "fine = 1", "def ratio():\n    return fine / seed\n\n\nratio()", "print('never')")
    notebook("good", "1")
    bad, good = run([plan("locality/bad"), plan("locality/good")])
    assert (bad.status, good.status) == ("failed", "ran")
    assert under(project / "_build" / "runs" / "locality" / "bad") == []
    assert under(bad.folder) == ["error.txt", "notebook.ipynb"]
    assert bad.folder == project / "_build" / "failed" / "locality" / f"bad-{bad.key}"
    assert "ZeroDivisionError" in (bad.folder / "notebook.ipynb").read_text()
    told = capfd.readouterr().err
    number = (project / "notebooks/locality/bad.py").read_text().split("\n").index("def ratio():") + 1
    assert f"locality/bad: In [3] failed (notebooks/locality/bad.py:{number})" in told
    assert "    | ratio()" in told
    assert "ZeroDivisionError: division by zero" in told
    assert f"output so far: {bad.folder.relative_to(project)}/notebook.ipynb" in told
    assert "\x1b[" not in told
    assert "never" not in told


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "Kernel died"),
        (REPORT.format(claim="locality/a/positive") + "\n" + REPORT.format(claim="locality/a/positive"), "more than once"),
        (
            "from whence.claims.numbers import keep\nfor _ in range(2):\n    keep('t', {'x': [1]})",
            "table 't' is kept more than once",
        ),
        (REPORT.format(claim="locality/b/positive"), "the ledger gives to another notebook"),
        ("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nimport time; time.sleep(60)", "was killed by signal 9"),
    ],
)
def test_a_run_that_cannot_stand_fails_with_its_cause(project, notebook, claim, cell, complaint):
    claim("a")
    claim("b")
    notebook("a", cell)
    (done,) = run([plan("locality/a")])
    assert done.status == "failed"
    assert complaint in done.why
    assert not list((project / "_build" / "runs").rglob("run.json"))


def test_a_run_whose_notebook_was_edited_meanwhile_is_not_kept_under_its_old_key(project, notebook):
    path = project / "notebooks" / "locality" / "a.py"
    notebook("a", f"with open({str(path)!r}, 'a') as file:\n    file.write('\\n# %%\\n1 + 1\\n')")
    (done,) = run([plan("locality/a")])
    assert (done.status, done.why.split("\n")[0][:49]) == ("failed", "locality/a: notebook changed while it ran, so its")
    assert under(project / "_build" / "runs") == []


def test_two_fresh_runs_are_equal_byte_for_byte(notebook, project, capfd):
    notebook(
        "a", "import random\nprint({'a', 'b', 'c'}, hash('a'))", "import sys, time\nfor _ in range(3):\n    print(_, flush=True)"
    )
    ((done, difference),) = check_determinism([plan("locality/a")])
    assert (done.status, difference) == ("ran", "")
    assert [line for line in capfd.readouterr().err.splitlines() if "started" in line] == [
        "locality/a: started (first of two)",
        "locality/a: started (second of two)",
    ]
    assert under(project / "_build") == []


def test_a_notebook_that_prints_the_time_is_told_by_its_cell(notebook, project):
    notebook("a", "1", "import time\nprint(time.time())")
    ((done, difference),) = check_determinism([plan("locality/a")])
    assert difference.startswith("cell 3, In [3]: ")
    assert len(under(done.folder)) == 4  # kept for inspection


def test_two_processes_asked_for_one_run_do_the_work_once(project, notebook):
    go = project / "go"
    wait = f"import os, time\nwhile not os.path.exists({str(go)!r}):\n    time.sleep(0.05)"
    notebook("a", COUNT.format(path=str(project / "count")), wait)
    with command("run", "locality/a") as first:
        until((project / "count").exists)
        with command("run", "locality/a") as second:
            assert "waiting for another process" in "".join(second.stderr.readline() for _ in range(2))
            go.touch()
            assert "done by another process" in second.stderr.read()
        assert [first.wait(60), second.wait(60)] == [0, 0]
    assert (project / "count").read_text() == "x"


@pytest.mark.parametrize("victim", ["runner", "worker"])
def test_a_killed_run_leaves_nothing_that_looks_finished_and_no_kernel(project, notebook, victim):
    notebook("a", SLEEP.format(path=str(project / "pid")))
    with command("run", "locality/a") as runner:
        kernel = started(project / "pid")
        worker = int(subprocess.run(["ps", "-o", "ppid=", "-p", str(kernel)], capture_output=True, text=True).stdout)
        os.kill(runner.pid if victim == "runner" else worker, signal.SIGKILL)
        assert runner.wait(30) == (-9 if victim == "runner" else 1)
    until(lambda: not alive(kernel) and not alive(worker), 5)
    assert not list((project / "_build" / "runs").rglob("run.json"))

    assert list((project / "_build" / "runs").rglob(".work-*"))
    (done,) = run([plan("locality/a")])
    assert done.status == "ran"
    assert under(project / "_build" / "runs") == [f"locality/a/{done.key}/{name}" for name in ("notebook.ipynb", "run.json")]


def test_an_interrupt_stops_the_children_at_once(project, notebook):
    notebook("a", SLEEP.format(path=str(project / "pid")))
    notebook("b", SLEEP.format(path=str(project / "never")))
    with command("run", "--all", "-j", "1") as runner:
        kernel = started(project / "pid")
        os.kill(runner.pid, signal.SIGINT)
        assert runner.wait(60) == 130
    until(lambda: not alive(kernel), 5)
    assert not (project / "never").exists()


def test_threads_are_shared_among_the_workers(project, notebook):
    notebook("a", f"import os\nopen({str(project / 'threads')!r}, 'w').write(os.environ['OMP_NUM_THREADS'])")
    run([plan("locality/a")], n_workers=execute.cores() + 1)
    assert json.loads((project / "threads").read_text()) == 1


@pytest.mark.parametrize(("given", "spins"), [(None, kernel.SPINS), ("7", "7")])
def test_threads_that_wait_leave_their_core_unless_told_otherwise(project, notebook, monkeypatch, given, spins):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    if given:
        monkeypatch.setenv("GOMP_SPINCOUNT", given)
    notebook("a", f"import os\nopen({str(project / 'spins')!r}, 'w').write(os.environ['GOMP_SPINCOUNT'])")
    run([plan("locality/a")])
    assert (project / "spins").read_text() == spins
