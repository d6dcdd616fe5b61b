"""A notebook run without the project's own runner. By the runner all are run, at the smallest sizes, for tests/book."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from whence.resources import project_root
from whence.runs.params import notebooks, parameters, resolve, source

NOTEBOOKS = notebooks()


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of what notebooks need of the project; the working directory lies in it."""
    for name in ("notebooks", "data"):
        shutil.copytree(project_root() / name, tmp_path / name, ignore=shutil.ignore_patterns("cache", "runs"))
    (tmp_path / "_config.yml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("notebook", NOTEBOOKS[:1])
def test_plain_papermill_runs_a_notebook_too(copy, notebook):
    small = {name: value for name, value in resolve(notebook, "smoke").items() if not isinstance(value, list)}
    defaults = {p.name: p.default for p in parameters(source(notebook))}
    set_here = [argument for n, v in small.items() if v != defaults[n] for argument in ("-p", n, str(v))]
    environment = {name: value for name, value in os.environ.items() if name != "WHENCE_RUN_DIR"}
    for command in (
        ["jupytext", "--to", "ipynb", "--output", "plain.ipynb", str(source(notebook))],
        ["papermill", "--no-progress-bar", *set_here, "plain.ipynb", "executed.ipynb"],
    ):
        done = subprocess.run([sys.executable, "-m", *command], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert Path("executed.ipynb").exists()
