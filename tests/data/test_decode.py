"""The published formats, against encoders written from their descriptions (conftest)."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from hypothesis.extra.numpy import arrays as any_array
from official import cifar_batch, idx

from whence.data.decode import read_cifar, read_idx
from whence.data.entries import DataError
from whence.data.registry import arrays, dataset, fetch, verify
from whence.data.storage import sha256

REAL = pytest.mark.skipif("WHENCE_DATA" not in os.environ, reason="WHENCE_DATA names no folder with the real arrays")


@given(any_array(np.uint8, array_shapes(min_dims=1, max_dims=4, max_side=6)))
def test_idx_decodes_what_was_encoded(array):
    assert np.array_equal(read_idx(idx(array)), array)


@given(any_array(np.uint8, st.tuples(st.integers(1, 5), st.just(4), st.just(3), st.just(3))))
def test_cifar_decodes_what_was_encoded(images):
    labels = np.arange(len(images), dtype=np.uint8)
    decoded, found = read_cifar(cifar_batch(images, labels), (4, 3, 3))
    assert np.array_equal(decoded, images)
    assert np.array_equal(found, labels)


@pytest.mark.parametrize("keep", range(18))
def test_an_idx_file_of_any_shorter_length_is_refused(keep):
    raw = idx(np.arange(6, dtype=np.uint8).reshape(2, 3))
    assert len(raw) == 18
    with pytest.raises(ValueError, match="idx"):
        read_idx(raw[:keep])


def test_an_idx_file_with_bytes_to_spare_is_refused():
    with pytest.raises(ValueError, match=r"12 bytes for \(4,\), and there are 13"):
        read_idx(idx(np.zeros(4, np.uint8)) + b"\0")


def test_an_idx_file_of_floats_is_refused():
    with pytest.raises(ValueError, match="00 00 08"):
        read_idx(b"\x00\x00\x0d\x01" + bytes(8))


def test_a_cifar_batch_with_half_a_record_is_refused():
    with pytest.raises(ValueError, match="whole number of records"):
        read_cifar(bytes(100), (4, 3, 3))


def test_a_wrong_format_in_the_registry_is_one_error_that_says_so(project):
    project.registry.write_text(project.registry.read_text().replace('format = "idx"', 'format = "cifar"'))
    with pytest.raises(DataError, match=r"cannot be decoded as 'cifar'.*\[clothes\]"):
        fetch("clothes")


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    theirs = load_digits()
    images = np.concatenate([arrays("digits", split)[0] for split in ("train", "validation", "test")])
    labels = np.concatenate([arrays("digits", split)[1] for split in ("train", "validation", "test")])
    assert np.array_equal(images[..., 0], theirs.images)
    assert np.array_equal(labels, theirs.target)


@REAL
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_the_real_arrays_have_the_registered_sha256(name):
    assert [check.message for check in verify([name])] == ["sha256 as registered"] * 2


@REAL
def test_the_binary_batches_of_cifar10_decode_to_the_registered_array():
    images, labels = arrays("cifar10", "test")
    decoded, found = read_cifar(cifar_batch(images, labels), (32, 32, 3))
    registered = dataset("cifar10").arrays["test_first1000"]
    assert (sha256(decoded), sha256(found)) == (registered.sha256, registered.labels_sha256)


@REAL
@pytest.mark.parametrize(("name", "each"), [("mnist", None), ("fashion_mnist", 6000), ("cifar10", 5000)])
def test_the_real_labels_are_ten_classes(name, each):
    counts = np.bincount(np.concatenate([arrays(name, split)[1] for split in ("train", "validation")]))
    assert len(counts) == 10
    assert each is None or set(counts) == {each}
