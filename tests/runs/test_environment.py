from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import version

import pytest

from whence.resources import project_root
from whence.runs import environment


def test_the_environment_is_what_the_package_needs_at_run_time_as_installed():
    found = environment.installed()
    assert {"torch", "numpy", "papermill", "nbclient", "jinja2"} <= set(found)
    assert not {"pytest", "jupyter-book", "ruff", "whence"} & set(found)
    assert {name: version(name) for name in found} == found


def test_a_package_that_is_not_installed_is_named_with_the_mend():
    with pytest.raises(ModuleNotFoundError, match="no-such-package is not installed here: pip install"):
        environment.installed("no-such-package")


def git(folder, *arguments):
    who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True)


def test_a_commit_is_clean_until_a_file_is_changed_or_added(tmp_path):
    assert environment.commit(tmp_path) == ("unknown", False)
    git(tmp_path, "init")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "first")
    head, clean = environment.commit(tmp_path)
    assert (len(head), clean) == (40, True)
    (tmp_path / "b").write_text("1")
    assert environment.commit(tmp_path) == (head, False)


def test_a_folder_inside_another_checkout_is_no_checkout_itself(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "copy").mkdir()
    assert environment.commit(tmp_path / "copy") == ("unknown", False)


@pytest.fixture
def checkouts(tmp_path):
    """Two checkouts of the project's code, each with a commit of its own."""
    made = []
    for name in ("first", "second"):
        folder = tmp_path / name
        (folder / "notebooks").mkdir(parents=True)
        for part in ("src", "data/registry.toml", "_config.yml"):
            source = project_root() / part
            (folder / part).parent.mkdir(exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)
        git(folder, "init")
        git(folder, "add", ".")
        git(folder, "commit", "-m", name)
        made.append(folder)
    return made


def called(code, cwd, *command):
    """What Python prints that works in one checkout and has its code from another."""
    surroundings = os.environ | {"PYTHONPATH": str(code / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.check_output([sys.executable, *command], cwd=cwd, env=surroundings, text=True)


PROVENANCE = "from whence.runs.environment import provenance; from whence.runs.record import root; print(*provenance(root()))"
DOCTOR = "from whence.runs.doctor import _project; print(_project())"


def test_a_checkout_names_its_commit_only_for_code_of_its_own(checkouts):
    first, second = checkouts
    assert called(first, first, "-c", PROVENANCE).split() == [environment.commit(first)[0], "True"]
    assert called(first, second, "-c", PROVENANCE).split() == ["unknown", "False"]


def test_code_that_is_installed_inside_the_checkout_is_not_its_own(checkouts, tmp_path):
    """A wheel in .venv may be of any commit."""
    first, _ = checkouts
    shutil.copytree(first / "src", first / ".venv" / "src")
    assert called(first / ".venv", first, "-c", PROVENANCE).split() == ["unknown", "False"]


def test_the_doctor_warns_of_code_from_another_checkout_and_names_both(checkouts):
    first, second = checkouts
    assert "level='ok'" in called(first, first, "-c", DOCTOR)
    told = called(first, second, "-c", DOCTOR)
    for word in ("level='warn'", f"{second}, but the code that runs lies in {first / 'src' / 'whence'}", "pip install -e ."):
        assert word in told
