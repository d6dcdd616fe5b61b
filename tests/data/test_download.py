"""Fetching, by real http from a server on this machine."""

import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from whence.data.entries import DataError
from whence.data.registry import arrays, fetch, verify


def finished(project):
    return sorted(str(path.relative_to(project.cache)) for path in project.cache.rglob("*.npz"))


def everything(folder):
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


@pytest.mark.parametrize(("name", "array"), [("clothes", "test"), ("tiny", "test_first5")])
def test_fetched_arrays_are_the_published_ones(project, name, array):
    folder = fetch(name)
    assert folder == project.cache / name
    images, labels = arrays(name, "test")
    assert np.array_equal(images, project.arrays[name][array][0])
    assert np.array_equal(labels, project.arrays[name][array][1])


@pytest.mark.parametrize("name", ["clothes", "tiny"])
def test_train_and_validation_are_the_two_ends_of_the_training_array(project, name):
    fetch(name)
    for part in (0, 1):
        joined = np.concatenate([arrays(name, "train")[part], arrays(name, "validation")[part]])
        assert np.array_equal(joined, project.arrays[name]["train"][part])


def test_fetching_again_asks_the_network_for_nothing(project, capsys):
    fetch("tiny")
    project.site.asked.clear()
    fetch("tiny")
    assert project.site.asked == []
    assert "nothing to do" in capsys.readouterr().out


def test_only_the_missing_array_is_fetched(project):
    project.put(project.cache, "clothes", "train")
    fetch("clothes")
    assert {path.rsplit("/", 1)[-1] for path in project.site.asked} == {"test-images.gz", "test-labels.gz"}
    assert all(check.ok for check in verify(["clothes"]))


def test_a_mirror_that_has_not_got_the_file_is_passed_over(project):
    fetch("clothes")
    assert "/gone/test-images.gz" in project.site.asked
    assert "/test-images.gz" in project.site.asked


def test_a_download_that_breaks_off_is_one_error_and_leaves_nothing(project):
    project.site.cut.add("tiny.tar.gz")
    with pytest.raises(DataError, match=r"tiny\.tar\.gz: expected .* bytes with sha256 .*whence data fetch tiny"):
        fetch("tiny")
    assert everything(project.cache) == []
    project.site.cut.clear()
    fetch("tiny")
    assert finished(project) == ["tiny/test_first5.npz", "tiny/train.npz"]


def test_a_file_that_is_not_as_published_is_refused_and_leaves_nothing(project):
    path = project.site.folder / "tiny.tar.gz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"tiny\.tar\.gz.*sha256.*whence data fetch tiny"):
        fetch("tiny")
    assert everything(project.cache) == []


def test_no_server_at_all_is_one_error_with_every_address(project):
    text = project.registry.read_text().replace(project.site.address, "http://127.0.0.1:9/")
    project.registry.write_text(text)
    with pytest.raises(DataError) as error:
        fetch("clothes")
    assert "http://127.0.0.1:9/gone/train-images.gz" in str(error.value)
    assert "http://127.0.0.1:9/train-images.gz" in str(error.value)


def test_a_damaged_cached_file_is_replaced_by_a_good_one(project):
    path = project.put(project.cache, "tiny", "train")
    path.write_bytes(path.read_bytes()[:-100])
    fetch("tiny")
    assert np.array_equal(arrays("tiny", "train")[0], project.arrays["tiny"]["train"][0][:15])


def test_a_damaged_cached_file_stays_when_no_good_one_can_be_had(project):
    path = project.put(project.cache, "tiny", "train")
    path.write_bytes(path.read_bytes()[:-100])
    before = path.read_bytes()
    project.site.cut.add("tiny.tar.gz")
    with pytest.raises(DataError):
        fetch("tiny")
    assert path.read_bytes() == before


def test_a_registry_that_is_wrong_about_the_decoded_array_gets_nothing_written(project):
    good = project.registry.read_text()
    line = next(x for x in good.splitlines() if x.startswith("labels_sha256"))
    project.registry.write_text(good.replace(line, f'labels_sha256 = "{"0" * 64}"'))
    with pytest.raises(DataError, match="expected labels with sha256 0000"):
        fetch("clothes")
    assert "train.npz" not in everything(project.cache)


def test_a_good_file_in_the_given_folder_is_used_and_nothing_is_fetched(project, monkeypatch, tmp_path):
    for array in ("train", "test_first5"):
        project.put(tmp_path / "given", "tiny", array)
    monkeypatch.setenv("WHENCE_DATA", str(tmp_path / "given"))
    assert fetch("tiny") == tmp_path / "given" / "tiny"
    assert project.site.asked == []


def test_a_damaged_file_in_the_given_folder_is_refused_before_anything_is_fetched(project, monkeypatch, tmp_path):
    path = project.put(tmp_path / "given", "tiny", "train")
    path.write_bytes(path.read_bytes()[:-100])
    monkeypatch.setenv("WHENCE_DATA", str(tmp_path / "given"))
    with pytest.raises(DataError, match=r"given/tiny/train\.npz.*delete it, or unset WHENCE_DATA"):
        fetch("tiny")
    assert project.site.asked == []


def test_a_fetch_that_is_killed_leaves_nothing_that_looks_finished(project):
    project.site.slow = threading.Event()
    command = [sys.executable, "-c", "from whence.data.registry import fetch; fetch('tiny')"]
    process = subprocess.Popen(command, cwd=project.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not project.site.asked:
        assert time.monotonic() < deadline, "the fetch never asked the server"
        time.sleep(0.02)
    time.sleep(0.2)  # the first half has been sent, the second never is
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert everything(project.cache) == []
    project.site.slow.set()
    project.site.slow = None
    fetch("tiny")
    assert all(check.ok for check in verify(["tiny"]))
