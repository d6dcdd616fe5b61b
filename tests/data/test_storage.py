"""Files that are missing, damaged or not what they say: one clear error, and the file is left as it is."""

import itertools
import os
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whence.data.entries import DataError
from whence.data.registry import arrays, dataset, registry
from whence.data.storage import here
from whence.resources import project_root

CHECKOUT = project_root()
TICKS = itertools.count(1)


@pytest.fixture
def cached(project):
    """A good file in the cache."""
    return project.put(project.cache, "clothes", "train")


def refused(path, *words):
    before = path.read_bytes()
    with pytest.raises(DataError) as error:
        arrays("clothes", "train")
    for word in (str(path), "whence data fetch clothes", *words):
        assert word in str(error.value)
    assert path.read_bytes() == before, "a load must never touch a damaged file"


def test_a_missing_array_names_both_places_what_was_expected_and_the_command(project, monkeypatch, tmp_path):
    monkeypatch.setenv("WHENCE_DATA", str(tmp_path / "given"))
    with pytest.raises(DataError) as error:
        arrays("clothes", "train")
    places = [str(tmp_path / "given/clothes/train.npz"), str(project.cache / "clothes/train.npz")]
    for word in (*places, "(30, 7, 5, 1)", "sha256", "whence data fetch clothes"):
        assert word in str(error.value)


def test_a_missing_array_says_that_no_folder_was_given(project):
    with pytest.raises(DataError, match=r"WHENCE_DATA \(not set\)"):
        arrays("clothes", "train")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused_with_the_command_that_mends_it(cached, share):
    content = cached.read_bytes()
    cached.write_bytes(content[: int(share * len(content))])
    refused(cached)


@pytest.mark.parametrize("content", [b"garbage", b"", b"<html>404</html>", b"\x80\x04K\x01.", b"PK\x03\x04 cut"])
def test_what_is_no_archive_is_refused_in_our_words_and_never_with_the_advice_to_load_it_unsafely(cached, content):
    cached.write_bytes(content)
    refused(cached, "not an npz archive")
    with pytest.raises(DataError) as error:
        arrays("clothes", "train")
    assert not re.search("pickle|unsafe|trust", str(error.value))


def test_an_array_that_stands_alone_is_not_taken_for_an_archive(cached, project):
    with cached.open("wb") as file:
        np.save(file, project.arrays["clothes"]["train"][0])
    refused(cached, "not an npz archive")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_anywhere_gives_the_right_array_or_a_refusal(project, data):
    path = project.put(project.cache, "clothes", "train")
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    os.utime(path, ns=(next(TICKS), next(TICKS)))  # a file system's clock may not tick between two examples
    try:
        images, labels = arrays("clothes", "train")
    except DataError:
        return
    assert np.array_equal(images, project.arrays["clothes"]["train"][0][:25])
    assert np.array_equal(labels, project.arrays["clothes"]["train"][1][:25])


def test_an_array_of_another_shape_is_refused_with_both_shapes(cached, project):
    images, labels = project.arrays["clothes"]["train"]
    np.savez(cached, images=images[:-1], labels=labels[:-1])
    refused(cached, "(30, 7, 5, 1)", "(29, 7, 5, 1)")


def test_an_array_of_another_type_is_refused_with_both_types(cached, project):
    images, labels = project.arrays["clothes"]["train"]
    np.savez(cached, images=images.astype(np.float32), labels=labels)
    refused(cached, "uint8", "float32")


def test_one_changed_pixel_is_refused(cached, project):
    images, labels = (values.copy() for values in project.arrays["clothes"]["train"])
    images[3, 2, 1, 0] ^= 1
    np.savez(cached, images=images, labels=labels)
    refused(cached, "sha256")


def test_one_changed_label_is_refused(cached, project):
    images, labels = (values.copy() for values in project.arrays["clothes"]["train"])
    labels[3] ^= 1
    np.savez(cached, images=images, labels=labels)
    refused(cached, "labels with sha256")


def test_a_file_without_labels_is_refused(cached, project):
    np.savez(cached, images=project.arrays["clothes"]["train"][0])
    refused(cached, "labels")


class Trap:
    def __reduce__(self):
        return (open, ("trap.txt", "w"))


def test_a_pickle_inside_the_file_is_never_opened(cached, project):
    np.savez(cached, images=np.array([Trap()], dtype=object), labels=project.arrays["clothes"]["train"][1])
    refused(cached)
    assert not (project.root / "trap.txt").exists()


def test_a_folder_in_the_place_of_the_file_is_refused(project):
    path = project.cache / "clothes" / "train.npz"
    path.mkdir(parents=True)
    with pytest.raises(DataError, match="whence data fetch clothes"):
        arrays("clothes", "train")


def test_the_given_folder_comes_before_the_cache(project, monkeypatch, tmp_path, cached):
    cached.write_bytes(b"damaged")
    project.put(tmp_path / "given", "clothes", "train")
    monkeypatch.setenv("WHENCE_DATA", str(tmp_path / "given"))
    assert len(arrays("clothes", "train")[0]) == 25


def test_the_cache_serves_what_the_given_folder_lacks(project, monkeypatch, tmp_path, cached):
    (tmp_path / "given").mkdir()
    monkeypatch.setenv("WHENCE_DATA", str(tmp_path / "given"))
    assert len(arrays("clothes", "train")[0]) == 25


def test_a_damaged_given_file_is_not_passed_over_in_silence(project, monkeypatch, tmp_path, cached):
    path = project.put(tmp_path / "given", "clothes", "train")
    path.write_bytes(b"damaged")
    monkeypatch.setenv("WHENCE_DATA", str(tmp_path / "given"))
    refused(path, "unset WHENCE_DATA")


def test_loaded_arrays_cannot_be_written_to(project, cached):
    images, labels = arrays("clothes", "train")
    for values in (images, labels):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0


def test_a_file_damaged_after_it_was_read_is_noticed(project, cached):
    arrays("clothes", "train")
    cached.write_bytes(cached.read_bytes()[:-100])
    refused(cached)


def test_where_a_set_lies_is_told_without_opening_a_file(project, monkeypatch, tmp_path):
    given = tmp_path / "given"
    monkeypatch.setenv("WHENCE_DATA", str(given))
    assert here(dataset("clothes")) == "no"
    for array, place in (("train", "no"), ("test", "cache")):  # one array of two is not the set
        project.put(project.cache, "clothes", array).write_bytes(b"damaged")
        assert here(dataset("clothes")) == place
    project.put(given, "clothes", "test")
    assert here(dataset("clothes")) == "WHENCE_DATA, cache"
    project.put(given, "clothes", "train")
    assert here(dataset("clothes")) == "WHENCE_DATA"
    monkeypatch.delenv("WHENCE_DATA")
    assert here(dataset("clothes")) == "cache"


def test_what_comes_with_a_package_is_here_when_its_files_are(project):
    table = (CHECKOUT / "data" / "registry.toml").read_text()
    project.registry.write_text(table)
    assert {name: here(entry) for name, entry in registry().items() if entry.kind != "download"} == {
        "photos": "bundled",
        "textures": "bundled",
        "digits": "bundled",
        "fields": "computed",
    }
    for old, new in (('package = "sklearn"', 'package = "no_such_package"'), ("digits.csv.gz", "absent.csv.gz")):
        assert old in table
        project.registry.write_text(table.replace(old, new))
        assert here(dataset("digits")) == "no", new
