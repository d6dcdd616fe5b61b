"""Sweeps: what is planned, refused and labelled; and, with real kernels, what is run, resumed after a kill, joined and kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from whence import cli
from whence.claims.ledger import judge
from whence.resources import project_root
from whence.runs import grid, sweep
from whence.runs.join import key_of
from whence.runs.params import UsageError
from whence.runs.record import book_records, read_record

CELL = """# %% tags=["parameters"]
dataset: str = "photos"  # data
seed: int = 0  # first
n_seeds: int = 5  # how many
scale: float = 1.0  # a factor
note: str = ""  # a text
device: str = "auto"  # where

"""
MEASURE = """from whence.claims.ledger import report
from whence.claims.numbers import keep
values = [scale + (7 * s % 5) / 10 for s in range(seed, seed + n_seeds)]
with open({log!r}, "a") as file:
    file.write(f"{{seed}}\\n")
keep("values", {{"value": values}})
report({claim!r}, values)"""


@pytest.fixture
def call(monkeypatch, capsys):
    """Call the command line; returns its exit status and what it wrote to stdout and stderr."""

    def calling(*arguments):
        monkeypatch.setattr(sys, "argv", ["whence", "sweep", *arguments])
        capsys.readouterr()
        try:
            cli.main()
            status = 0
        except SystemExit as exit_:
            status = exit_.code or 0
        return status, *capsys.readouterr()

    return calling


@pytest.fixture
def measuring(project, notebook, claim):
    """A notebook that measures a claim and notes each seed it ran for; the claim's id, and the seeds noted so far."""
    identity, log = claim("a"), project / "log"
    notebook("a", MEASURE.format(log=str(log), claim=identity), parameters=CELL)
    return identity, lambda: sorted(log.read_text().split()) if log.exists() else []


def cells(*given, profile="laptop"):
    return sweep.cells(grid.read("locality/a", profile, given))


def labels(*given, profile="laptop"):
    return list(sweep.experiments(cells(*given, profile=profile)))


def test_cells_that_differ_only_in_the_seed_are_one_experiment_in_the_order_of_seeds(measuring):
    groups = sweep.experiments(cells("dataset=photos,digits", "seed=2,0,1", "n_seeds=1"))
    assert {name: [c.job.parameters["seed"] for c in group] for name, group in groups.items()} == {
        "photos": [0, 1, 2],
        "digits": [0, 1, 2],
    }


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["seed=0..2", "n_seeds=1"], ["photos"]),
        (["dataset=digits", "scale=3", "n_seeds=2"], ["digits"]),  # one value is no name: a grid that grows keeps its labels
        (["scale=1,2.5"], ["photos-scale=1.0", "photos-scale=2.5"]),
        (["n_seeds=1,2"], ["photos-n_seeds=1", "photos-n_seeds=2"]),
        (["device=cpu,auto"], ["photos-device=cpu", "photos-device=auto"]),
        (["note=x,y"], ["photos-note=x", "photos-note=y"]),
    ],
)
def test_a_label_is_the_data_set_and_what_the_grid_varies(measuring, given, found):
    assert labels(*given) == found


def test_a_label_names_another_profile_than_the_usual_one(measuring):
    assert labels("dataset=digits", profile="paper") == ["digits-paper"]


def test_texts_that_no_folder_can_be_named_after_keep_apart(measuring):
    one, other = labels("note=a/b,a:b")
    assert one != other
    assert one.startswith("photos-note=a_b~")
    assert "/" not in one


def test_a_notebook_without_data_or_seed_has_a_label_too(notebook):
    notebook("a", parameters='# %% tags=["parameters"]\nscale: float = 1.0\n')
    assert (labels(), labels("scale=1,2")) == (["laptop"], ["scale=1.0", "scale=2.0"])


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["seed=0..9"], "seed=0 covers the seeds 0 to 4, seed=1 begins at 1: a seed that counts twice .*add -p n_seeds=1"),
        (["seed=0,5,9"], "seed=5 covers the seeds 5 to 9, seed=9 begins at 9"),
        (["dataset=photos,digits", "seed=0,4"], "dataset=photos seed=0 covers"),
        (["dataset=photo"], "no data set 'photo': did you mean 'photos'"),
        (["device=gpu"], "device 'gpu': expected auto"),
    ],
)
def test_a_grid_that_would_go_wrong_is_refused_with_the_mend(measuring, given, complaint):
    with pytest.raises(UsageError, match=complaint):
        cells(*given)


def test_seeds_side_by_side_do_not_overlap(measuring):
    assert len(cells("seed=0,5,10")) == 3


def test_data_that_are_not_here_are_asked_for_before_anything_runs(measuring, monkeypatch):
    monkeypatch.delenv("WHENCE_DATA", raising=False)
    with pytest.raises(UsageError, match="no cifar10 and no mnist here yet: whence data fetch cifar10 mnist"):
        cells("dataset=mnist,photos,cifar10")
    with pytest.raises(UsageError, match="no cifar10 and no mnist here yet: whence data fetch cifar10 mnist"):
        cells("dataset=mnist+cifar10")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["locality/a", "-p", "sede=0..9"], "did you mean 'seed'?"),
        (["locality/aa"], "did you mean 'locality/a'?"),
        (["locality/a", "--profile", "smok"], "did you mean 'smoke'?"),
        (["locality/a", "-p", "seed=0..9"], "add -p n_seeds=1"),
        (["locality/a", "--profile", "smoke", "--keep"], "--keep with --profile smoke"),
        ([], "no notebook: name one, or give a grid file"),
        (["--grid", "absent.toml"], "absent.toml: cannot be read"),
    ],
)
def test_what_is_mistyped_is_refused_before_anything_starts(call, project, measuring, arguments, complaint):
    status, out, err = call(*arguments)
    assert (status, out) == (2, "")
    assert complaint in err
    assert not (project / "_build").exists()


def test_the_help_shows_an_example_and_the_file(call):
    status, out, _ = call("--help")
    assert status == 0
    assert "whence sweep STUDY/NOTEBOOK -p dataset=photos,digits -p seed=0..9 -p n_seeds=1 -j 2 --keep" in out
    assert 'seed = "0..9"' in out


def test_a_sweep_is_run_once_joined_as_one_run_would_be_and_kept(call, project, measuring):
    identity, ran = measuring
    arguments = ["locality/a", "-p", "dataset=digits", "-p", "seed=0..3", "-p", "n_seeds=1"]
    status, out, _ = call(*arguments, "--dry-run")
    assert (status, out.splitlines()[-1], ran()) == (0, "4 cells: 0 there, 4 to run", [])

    status, out, err = call(*arguments[:-4], "-p", "seed=0..1", *arguments[-2:])
    assert status == 0, err
    assert ran() == ["0", "1"]
    status, out, err = call(*arguments)
    assert (status, ran()) == (0, ["0", "1", "2", "3"])  # two were there
    assert err.splitlines()[0] == "4 cells: 2 there already, 2 to run, 2 at a time"
    assert "[2/2] " in err
    planned = cells(*arguments[2::2])
    (file,) = (project / "_build" / "sweeps" / "locality" / "a" / "digits" / key_of([c.job.key for c in planned])).iterdir()
    joined = read_record(file)
    whole = [1 + (7 * s % 5) / 10 for s in range(4)]
    assert joined.claims == [{**vars(judge(identity, whole)), "values": whole}]
    assert joined.numbers == {"values": {"columns": ["seed", "value"], "rows": [[s, round(v, 7)] for s, v in enumerate(whole)]}}
    lines = out.splitlines()
    assert lines[0] == f"digits (4 cells, 4 seeds) -> {file.relative_to(project)}"
    assert lines[1].split()[-8:] == ["seed", "0", "seed", "1", "seed", "2", "seed", "3"]
    assert lines[2].split()[:2] == [joined.claims[0]["verdict"], identity]
    assert lines[2].split()[-4:] == ["1", "1.2", "1.4", "1.1"]

    status, out, _ = call(*arguments, "--keep")
    kept = project / "data" / "runs" / "locality" / "a" / "digits" / "run.json"
    assert (status, ran(), read_record(kept)) == (0, ["0", "1", "2", "3"], joined)
    assert book_records() == [joined]
    assert call(*arguments, "--keep")[0] == 0  # what is kept makes no cell stale
    assert ran() == ["0", "1", "2", "3"]
    status, _, err = call(*arguments[:-4], "-p", "seed=0", "-p", "n_seeds=3", "-p", "scale=2", "--keep")
    assert status == 1
    assert "data/runs/locality/a/digits/run.json holds another experiment (scale was 1.0, is 2.0), so it is left as it is" in err
    assert read_record(kept) == joined


def test_a_cell_that_fails_is_named_and_run_again_alone(call, project, notebook, claim):
    identity, gate = claim("a"), project / "gate"
    body = f"import os\nassert seed != 1 or os.path.exists({str(gate)!r})\n"
    notebook("a", body + MEASURE.format(log=str(project / "log"), claim=identity), parameters=CELL)
    arguments = ["locality/a", "-p", "scale=1,2", "-p", "seed=0..1", "-p", "n_seeds=1", "-p", "dataset=digits"]
    status, out, err = call(*arguments)
    assert status == 1
    assert out == "digits-scale=1.0: not joined, 1 of 2 cells failed\ndigits-scale=2.0: not joined, 1 of 2 cells failed\n"
    assert err.splitlines()[-1] == (
        "whence: 2 of 4 cells failed: scale=1.0 seed=1, scale=2.0 seed=1; the same command runs only these again"
    )
    gate.touch()
    status, out, _ = call(*arguments)
    assert status == 0
    assert (project / "log").read_text().split() == ["0", "0", "1", "1"]
    assert out.count(" (2 cells, 2 seeds) -> ") == 2


def test_a_sweep_that_was_killed_goes_on_where_it_was(call, project, notebook, claim):
    identity, gate = claim("a"), project / "gate"
    wait = f"import os, time\nwhile seed == 1 and not os.path.exists({str(gate)!r}):\n    time.sleep(0.05)\n"
    notebook("a", MEASURE.format(log=str(project / "log"), claim=identity), wait, parameters=CELL)
    arguments = ["locality/a", "-p", "seed=0..2", "-p", "n_seeds=1", "-j", "1"]
    process = subprocess.Popen([sys.executable, "-m", "whence.cli", "sweep", *arguments], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not (project / "log").exists() or (project / "log").read_text().split() != ["0", "1"]:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    process.stderr.close()
    assert len(list((project / "_build" / "runs").rglob("run.json"))) == 1
    gate.touch()
    assert [cell.there for cell in cells("seed=0..2", "n_seeds=1")] == [True, False, False]
    status, out, _ = call(*arguments)
    assert status == 0
    assert (project / "log").read_text().split() == ["0", "1", "1", "2"]
    assert out.startswith("photos (3 cells, 3 seeds) -> ")


def test_each_of_several_workers_sees_one_accelerator(call, project, notebook, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    log = project / "log"
    tell = f"import os\nopen({str(log)!r}, 'a').write(os.environ['CUDA_VISIBLE_DEVICES'] + '\\n')"
    notebook("a", tell, parameters=CELL)
    assert call("locality/a", "-p", "seed=0,5")[0] == 0
    assert sorted(log.read_text().split()) == ["4", "6"]


def test_the_targets_of_snakemake_are_the_runs_and_their_joined_records(measuring, project):
    table = grid.read("locality/a", "smoke", ["dataset=photos,digits", "seed=0..1", "n_seeds=1", "note=it's a"])
    targets, planned = sweep.targets(table), sweep.cells(table)
    assert [project / path for path in targets.cells] == [Path(cell.job.folder) / "run.json" for cell in planned]
    words = ["-p", "dataset=photos", "-p", "seed=0", "-p", "n_seeds=1", "-p", "note=it's a"]
    assert next(iter(targets.cells.values())) == ["locality/a", "--profile", "smoke", *words]
    assert len(targets.joined) == len(set(targets.joined)) == 2
    more = sweep.targets(grid.read("locality/a", "smoke", ["dataset=photos,digits", "seed=0..2", "n_seeds=1", "note=it's a"]))
    assert not set(more.joined) & set(targets.joined)  # else a larger grid would find its result there already


def test_the_snakefile_calls_what_there_is():
    """Its Python is run by Snakemake alone (weekly, in a job that installs it); this sees that no name has gone."""
    text = (project_root() / "Snakefile").read_text()
    assert "grid.read(file=Path(config[" in text
    assert "sweep.targets(GRID)" in text
    used = {name for name in ("cells", "joined") if f"PLAN.{name}" in text}
    assert used == set(sweep.Targets.__dataclass_fields__)
    assert "-m whence.cli" in text
    assert "--threads {threads}" in text
