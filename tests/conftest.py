"""Shared by all tests: one thread each, since two workers share two cores; a small project of one's own to run notebooks in."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from whence.resources import project_root

os.environ.setdefault("OMP_NUM_THREADS", "1")
if "PYTEST_XDIST_WORKER" in os.environ:  # who waits leaves its core to the other worker; benchmarks wait as users' threads do
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

HEADER = "# %% [markdown]\n# # A question\n\n"
CELL = '# %% tags=["parameters"]\nseed: int = 0  # root of all random streams\nscale: float = 1.0  # a factor\n\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without notebooks; the working directory lies in it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "notebooks" / "locality").mkdir(parents=True)
    shutil.copy(project_root() / "data" / "registry.toml", tmp_path / "data")
    (tmp_path / "_config.yml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def notebook(project: Path) -> Callable[..., Path]:
    """Write notebooks/locality/NAME.py of a parameters cell and the code cells given; returns its path."""

    def write(name: str, *cells: str, parameters: str = CELL) -> Path:
        path = project / "notebooks" / "locality" / f"{name}.py"
        path.write_text(HEADER + parameters + "".join(f"# %%\n{cell}\n\n" for cell in cells))
        return path

    return write


@pytest.fixture
def claim(project: Path) -> Callable[..., str]:
    """Add a claim that locality/NAME measures to the ledger; returns its id."""

    def add(name: str, short: str = "positive", test: str = "{ above = 0.0 }", **fields: str) -> str:
        text = {"statement": "It is positive.", "source": "kamb2025analytic", "where": "sec. 1", "measure": "the mean"} | fields
        identity = f"locality/{name}/{short}"
        lines = [f'id = "{identity}"', f'notebook = "locality/{name}"', f"test = {test}", 'written = "2026-11-20"']
        lines += [f'{field} = "{value}"' for field, value in text.items()]
        with (project / "notebooks" / "locality" / "claims.toml").open("a") as file:
            file.write("\n".join(["[[claim]]", *lines, "", ""]))
        return identity

    return add
