from __future__ import annotations

import subprocess
from importlib.metadata import version

import pytest

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
