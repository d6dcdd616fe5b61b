"""The published file formats, bytes to arrays. Nothing here can run code from a file."""

from __future__ import annotations

import gzip
import io
import math
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from whence.data.entries import Array, DataError, Dataset

Pair = tuple[np.ndarray, np.ndarray]


def decode(entry: Dataset, array: Array, files: Sequence[Path]) -> Pair:
    """Images (n, h, w, c) and labels (n,), both uint8, of one array from its published files.

    Raises DataError, naming the file, when its content is not in the registered format.
    """
    try:
        if entry.format == "idx":
            images, labels = (read_idx(gzip.decompress(file.read_bytes())) for file in files)
            return images[..., None], labels
        if entry.format == "cifar":
            return _cifar(files[0], array, entry.shape)
        if entry.format == "digits":
            return _digits(files[0], entry.shape)
    except (OSError, EOFError, zlib.error, tarfile.TarError, KeyError, ValueError) as error:
        names = ", ".join(file.name for file in files)
        raise DataError(
            f"{names}: cannot be decoded as {entry.format!r} ({error}); correct [{entry.name}] in data/registry.toml"
        ) from error
    raise DataError(f"data set {entry.name!r} has format {entry.format!r}, which has no arrays to decode")


def read_idx(raw: bytes) -> np.ndarray:
    """The array in an idx file: two zero bytes, the type (8, unsigned byte), the rank, big-endian sizes, then the values."""
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise ValueError(f"an idx file of bytes starts with 00 00 08, this one with {raw[:4].hex(' ') or 'nothing'}")
    header = 4 + 4 * raw[3]
    shape = tuple(int.from_bytes(raw[i : i + 4], "big") for i in range(4, header, 4))
    if len(raw) != header + math.prod(shape):
        raise ValueError(f"the idx header promises {header + math.prod(shape)} bytes for {shape}, and there are {len(raw)}")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def read_cifar(raw: bytes, shape: tuple[int, int, int]) -> Pair:
    """Images and labels in a CIFAR-10 binary batch: records of one label byte, then the channels one by one, row by row."""
    h, w, c = shape
    if not raw or len(raw) % (1 + h * w * c):
        raise ValueError(f"{len(raw)} bytes are not a whole number of records of 1 + {c} x {h} x {w} bytes")
    records = np.frombuffer(raw, np.uint8).reshape(-1, 1 + h * w * c)
    return records[:, 1:].reshape(-1, c, h, w).transpose(0, 2, 3, 1), records[:, 0]


def _cifar(archive: Path, array: Array, shape: tuple[int, int, int]) -> Pair:
    """The array's members in order, the first `count` records. Read in memory: nothing is unpacked to disk."""
    with tarfile.open(archive, "r:gz") as tar:
        members = [tar.extractfile(member) for member in array.members]
        if None in members:
            raise ValueError(f"{array.members} are not all regular files of the archive")
        pairs = [read_cifar(member.read(), shape) for member in members if member]
    images, labels = (np.concatenate(parts)[: array.count] for parts in zip(*pairs, strict=True))
    return images, labels


def _digits(file: Path, shape: tuple[int, int, int]) -> Pair:
    """scikit-learn's table: one image a row, its label last."""
    table = np.loadtxt(io.BytesIO(gzip.decompress(file.read_bytes())), delimiter=",", dtype=np.uint8)
    return table[:, :-1].reshape(-1, *shape), table[:, -1]
