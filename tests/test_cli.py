"""The command line, called as a user does; kernels only where a run is what is asked for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import whence
from whence import cli
from whence.runs.job import plan
from whence.runs.record import Record, read_record

NUMBERS = {"value": 1.1, "low": 1.0, "high": 1.2, "n_seeds": 3, "verdict": "holds", "test": "> 0", "statement": "It is positive."}


@pytest.fixture
def call(monkeypatch, capsys):
    """Call the command line; returns its exit status and what it wrote to stdout and stderr."""

    def calling(*arguments):
        monkeypatch.setattr(sys, "argv", ["whence", *arguments])
        capsys.readouterr()
        try:
            cli.main()
            status = 0
        except SystemExit as exit_:
            status = exit_.code or 0
        return status, *capsys.readouterr()

    return calling


@pytest.fixture
def published(project):
    """Publish a record of what a notebook's run would be today, with these claims, without running it."""

    def publish(name, *claims):
        job = plan(f"locality/{name}")
        reported = [{"id": identity, **NUMBERS} for identity in claims]
        about = (job.notebook, job.parameters, job.profile, job.key, "unknown", False, {}, "a CPU", 1, 1.0, 2.0, "2026-11-20")
        folder = project / "book" / "studies" / "locality"
        Record(*about, reported, job.parts).write(folder)
        os.replace(folder / "run.json", folder / f"{name}.json")
        return folder / f"{name}.json"

    return publish


def bibliography(project):
    (project / "book").mkdir(exist_ok=True)
    (project / "book" / "references.bib").write_text("@inproceedings{kamb2025analytic,\n  title = {An analytic theory},\n}\n")


def test_help_and_version_need_nothing_heavy():
    heavy = ["torch", "numpy", "scipy", "matplotlib", "jupytext", "papermill", "nbformat", "IPython", "sphinx"]
    code = f"import sys, whence.cli; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
    told = subprocess.check_output([sys.executable, "-m", "whence.cli", "--version"], text=True)
    assert told == f"whence {whence.__version__}\n"


def test_runs_are_planned_without_torch(notebook):
    notebook("a", parameters='# %% tags=["parameters"]\ndataset: str = "photos"\n')
    code = "import sys; from whence.runs.job import plan; plan('locality/a'); print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


def test_a_run_prints_its_verdicts_and_where_the_notebook_lies_and_publishes_when_told(call, project, notebook, claim):
    identity = claim("a")
    notebook("a", f"from whence.claims.ledger import report\nreport({identity!r}, [scale, scale, scale])")
    status, out, err = call("run", "locality/a", "-p", "scale=2", "--publish")
    key = plan("locality/a", "laptop", ["scale=2"]).key
    assert status == 0, err
    assert out.splitlines()[:2] == [
        f"locality/a: ran -> _build/runs/locality/a/{key}/notebook.ipynb",
        f"  holds      {identity}: 2 [2, 2], n = 3 (test > 0)",
    ]
    assert err.splitlines()[0] == "locality/a: started (first run)"
    assert read_record(project / "book" / "studies" / "locality" / "a.json").key == key
    assert (project / "book" / "studies" / "locality" / "a.ipynb").exists()

    status, out, err = call("run", "notebooks/locality/a.py", "-p", "scale=2.0")
    assert (status, err) == (0, "")
    assert out.startswith("locality/a: nothing changed -> ")
    status, out, err = call("run", "locality/a", "-p", "scale=2", "--check-determinism")
    assert (status, out) == (0, "locality/a: two runs are equal, byte for byte\n")


def test_a_failing_notebook_fails_the_book_which_is_left_as_it_was(call, project, notebook):
    notebook("bad", "1 / 0")
    notebook("good", "1")
    status, out, err = call("book")
    assert (status, out) == (1, "")
    assert err.endswith("whence: locality/bad failed: the book is left as it was\n")
    assert "ZeroDivisionError" in err
    assert not (project / "book").exists()
    status, out, err = call("run", "--all")
    assert status == 1
    assert out.startswith("locality/good: nothing changed -> ")
    assert err.endswith("whence: 1 of 2 failed: locality/bad\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run", "locality/a", "-p", "sede=1"], "locality/a has no parameter 'sede': did you mean 'seed'?"),
        (["run", "locality/a", "-p", "seed=1.0"], "-p seed=1.0: expected int >= 0, for example -p seed=5"),
        (["run", "locality/a", "-p", "seed=-1"], "-p seed=-1: expected int >= 0, for example -p seed=5"),
        (["run", "locality/a", "--profile", "smok"], "did you mean 'smoke'?"),
        (["run", "locality/aa"], "no notebook 'locality/aa': did you mean 'locality/a'?"),
        (["run", "locality/a", "--all"], "one of the two"),
        (["run"], "one of the two (notebooks: locality/a)"),
        (["run", "locality/a", "-j", "0"], "'-j'"),
        (["parameters", "locality/aa"], "did you mean 'locality/a'?"),
        (["runn"], "runn"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_a_kernel_starts(call, project, notebook, arguments, complaint):
    notebook("a", "print('never')")
    status, out, err = call(*arguments)
    assert (status, out) == (2, "")
    assert complaint in err
    assert "Traceback" not in err
    assert not (project / "_build").exists()


def test_a_notebook_at_fault_is_a_failure_not_a_usage_error(call, notebook):
    notebook("a", parameters='# %% tags=["parameters"]\nseed = 0\n')
    status, _, err = call("run", "locality/a")
    assert status == 1
    assert "a.py, line 5: 'seed = 0' in the parameters cell" in err


def test_parameters_are_shown_with_what_each_profile_sets(call, project, notebook):
    notebook("a", parameters='# %% tags=["parameters"]\nseed: int = 0  # root\nsizes: list[int] = [1, 2]  # widths\n')
    (project / "notebooks" / "profiles.toml").write_text('[smoke."locality/a"]\nsizes = [1]\n')
    status, out, _ = call("parameters", "locality/a", "--profile", "smoke")
    assert status == 0
    assert [line.split() for line in out.splitlines()[:3]] == [
        ["name", "type", "value", "(smoke)", "(laptop)", "(paper)", "help"],
        ["seed", "int", "0", "root"],
        ["sizes", "list[int]", "1", "1", "widths"],
    ]


def test_claims_as_json_give_each_claim_with_the_published_run_that_measured_it(call, notebook, claim, published):
    notebook("a")
    measured, unmeasured = claim("a", "one"), claim("a", "two")
    published("a", measured)
    status, out, _ = call("claims", "--json")
    rows = json.loads(out)
    assert status == 0
    assert [(row["id"], row["verdict"], row["value"], row["device"]) for row in rows] == [
        (measured, "holds", 1.1, "a CPU"),
        (unmeasured, "not run", None, None),
    ]
    wanted = {"id", "statement", "source", "published", "published_label", "value", "low", "high", "n_seeds"}
    assert wanted | {"verdict", "profile", "dataset", "notebook", "key"} <= set(rows[0])
    _, out, _ = call("claims")
    assert out.endswith("\n1 hold, 0 fail, 0 undecided, 1 not run\n")


def test_claims_that_stand_pass_the_check(call, project, notebook, claim, published):
    notebook("a")
    published("a", claim("a"))
    bibliography(project)
    assert call("claims", "--check")[0] == 0


def test_claims_that_do_not_stand_are_listed(call, project, notebook, claim, published):
    path = notebook("a")
    notebook("gone")
    one, two = claim("a", "one"), claim("a", "two", source="nobody2020")
    record = published("a", one, "locality/a/three")
    published("gone")
    (project / "notebooks" / "locality" / "gone.py").unlink()
    path.write_text(path.read_text() + "\n# %%\n2\n")
    bibliography(project)
    status, _, err = call("claims", "--check")
    assert status == 1
    assert err.splitlines() == [
        f"{two}: no published run measured it (whence book)",
        "locality/a/three: reported by a published run, but not in the ledger",
        f"{two}: source 'nobody2020' is not in book/references.bib",
        f"locality/a: the published run {read_record(record).key} is stale, notebook changed since (whence book)",
        "locality/gone: published, but there is no such notebook any more",
        "whence: 5 problems",
    ]


def test_a_published_figure_has_to_say_how_we_know_it(call, notebook, project, claim):
    notebook("a")
    claim("a")
    with (project / "notebooks" / "locality" / "claims.toml").open("a") as file:
        file.write('published = { value = 0.9, label = "guessed", dataset = "cifar10" }\n')
    status, _, err = call("claims", "--check")
    assert status == 1
    assert "label 'guessed'" in err


def test_a_damaged_record_is_named_with_its_mend(call, notebook, published):
    notebook("a")
    path = published("a")
    path.write_text(path.read_text()[:50])
    status, _, err = call("claims")
    assert status == 1
    assert err.startswith(f"whence: {path}: not a readable run record")


def test_a_record_of_other_numbers_of_the_same_run_is_not_stale(call, project, notebook, claim, published):
    notebook("a")
    path = published("a", claim("a"))
    bibliography(project)
    slower = replace(read_record(path), wall_s=99.0, device="another CPU")
    slower.write(path.parent)
    os.replace(path.parent / "run.json", path)
    assert call("claims", "--check")[0] == 0


def test_the_doctor_finds_this_machine_ready_and_names_what_differs(call, project):
    status, out, _ = call("doctor")
    assert status == 0
    assert "FAIL" not in out
    assert {"python", "project", "packages", "torch", "data", "disk"} <= {line.split()[1] for line in out.splitlines()}
    (project / "requirements.lock").write_text("numpy==0.0.1\n")
    status, out, _ = call("doctor")
    assert status == 0
    assert "numpy" in next(line for line in out.splitlines() if line.startswith("warn  packages"))
    assert "(lock: 0.0.1)" in out


def test_data_are_listed_and_verified(call):
    status, out, _ = call("data", "list")
    assert status == 0
    assert {"photos", "digits", "cifar10"} <= {line.split()[0] for line in out.splitlines()}
    assert {("name", "here"), ("photos", "bundled"), ("fields", "computed")} <= {
        tuple(line.split()[:2]) for line in out.splitlines()
    }
    status, out, _ = call("data", "verify", "digits")
    assert status == 0
    assert all(line.startswith("ok   digits: ") for line in out.splitlines())


@pytest.mark.parametrize("command", ["fetch", "verify"])
def test_a_data_set_that_there_is_not_is_a_usage_error_before_any_other_is_touched(call, command):
    status, out, err = call("data", command, "digits", "mnits")
    assert (status, out) == (2, "")
    assert "no data set 'mnits': did you mean 'mnist'? (data sets: photos, " in err


def test_data_that_are_not_here_fail_with_the_command_that_mends_it(call, monkeypatch, tmp_path):
    monkeypatch.setenv("WHENCE_DATA", str(tmp_path))
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / "train.npz").write_bytes(b"PK\x03\x04 cut")
    status, out, _ = call("data", "verify", "cifar10")
    assert status == 1
    assert out.startswith("BAD  cifar10: train.npz, ")


def test_outside_of_a_checkout_an_installed_package_says_where_to_go(tmp_path):
    shutil.copytree(Path(whence.__file__).parent, tmp_path / "site" / "whence", ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-m", "whence.cli", "run", "--all"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("whence: no checkout of Whence here or above: cd into it")
