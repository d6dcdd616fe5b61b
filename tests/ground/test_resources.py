import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from whence import resources
from whence.resources import project_root, resource, write_atomically

CHECKOUT = Path(resources.__file__).parents[2]


@pytest.fixture
def project(tmp_path):
    """A copy of the little that makes a folder a project."""
    (tmp_path / "notebooks/locality").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "_config.yml").write_text("title: A copy\n")
    (tmp_path / "data/registry.toml").write_text("# a copy\n")
    return tmp_path


def test_root_is_found_from_any_folder_below(monkeypatch):
    for folder in (CHECKOUT, CHECKOUT / "src/whence", CHECKOUT / "notebooks"):
        monkeypatch.chdir(folder)
        assert project_root() == CHECKOUT


def test_a_copy_is_its_own_project(project, monkeypatch):
    monkeypatch.chdir(project / "notebooks/locality")
    assert project_root() == project
    assert resource("data/registry.toml").read_text() == "# a copy\n"


def test_outside_of_any_checkout_the_code_knows_where_it_lies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project_root() == CHECKOUT
    assert resource("data/registry.toml") == CHECKOUT / "data/registry.toml"


@pytest.mark.parametrize("missing", ["_config.yml", "data/registry.toml"])
def test_a_folder_with_only_some_of_the_marks_is_no_project(project, monkeypatch, missing):
    (project / missing).unlink()
    monkeypatch.chdir(project)
    assert project_root() == CHECKOUT


def test_an_installed_package_uses_the_files_it_carries(tmp_path):
    """The module alone, far from any checkout, as a wheel puts it."""
    package = tmp_path / "site/whence"
    (package / "_resources/data").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "resources.py").write_bytes(Path(resources.__file__).read_bytes())
    (package / "_resources/data/registry.toml").write_text("# carried\n")
    code = "from whence.resources import *; print(project_root()); print(resource('data/registry.toml')); resource('nothing.toml')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == ["None", str(package / "_resources/data/registry.toml")]
    assert "FileNotFoundError: nothing.toml: not found in" in done.stderr
    assert "reinstall the package: pip install -e ." in done.stderr


def test_a_file_that_is_nowhere_is_refused_with_the_places_searched(project, monkeypatch):
    monkeypatch.chdir(project)
    with pytest.raises(FileNotFoundError, match=r"Run from inside a checkout of Whence") as caught:
        resource("notebooks/locality/absent.toml")
    assert str(project) in str(caught.value)


@pytest.mark.parametrize(("content", "stored"), [("σ = 0.1\n", "σ = 0.1\n".encode()), (b"\x00\xff", b"\x00\xff"), ("", b"")])
def test_what_is_written_is_what_was_given(tmp_path, content, stored):
    path = tmp_path / "new/folder/file"
    write_atomically(path, content)
    assert path.read_bytes() == stored
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(path.parent) == ["file"]


def test_a_write_that_fails_keeps_the_old_file_and_leaves_no_other(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


LOOP = """
import sys
from pathlib import Path
from whence.resources import write_atomically
path = Path(sys.argv[1])
print("ready", flush=True)
while True:
    for letter in b"ab":
        write_atomically(path, bytes([letter]) * 4_000_000)
"""


@pytest.mark.parametrize("delay", [0.013, 0.031, 0.054, 0.097])
def test_a_kill_in_the_middle_leaves_the_old_file_or_the_new_one(tmp_path, delay):
    path = tmp_path / "file"
    path.write_bytes(b"a" * 4_000_000)
    with subprocess.Popen([sys.executable, "-c", LOOP, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(delay)
        content = path.read_bytes()  # a reader in the middle sees a whole file too
        writer.send_signal(signal.SIGKILL)
    assert writer.returncode == -signal.SIGKILL
    for seen in (content, path.read_bytes()):
        assert len(seen) == 4_000_000
        assert len(set(seen)) == 1
