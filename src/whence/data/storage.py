"""Where decoded arrays lie, and the one place that reads and writes them: <folder>/<name>/<array>.npz, keys images and labels."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from whence.data.decode import Pair, decode
from whence.data.entries import Array, DataError, Dataset, Source
from whence.resources import project_root, write_atomically


def cache_dir() -> Path:
    """data/cache of the checkout; outside of one, the user's cache folder."""
    root = project_root()
    if root is not None:
        return root / "data" / "cache"
    import pooch  # here, because most reads happen in a checkout

    return Path(pooch.os_cache("whence"))


def given_file(entry: Dataset, array: Array) -> Path | None:
    """The array's file in the folder that $WHENCE_DATA names, if it lies there."""
    folder = os.environ.get("WHENCE_DATA")
    path = Path(folder) / entry.name / f"{array.name}.npz" if folder else None
    return path if path and path.exists() else None


def cached_file(entry: Dataset, array: Array) -> Path:
    """The array's file in the cache, whether it is there or not."""
    return cache_dir() / entry.name / f"{array.name}.npz"


def here(entry: Dataset) -> str:
    """Where a data set lies, by the look of it (no file is opened): "bundled", "computed", "WHENCE_DATA", "cache", both, or "no".

    "no" too when only some of its arrays are here.
    """
    if entry.kind == "procedural":
        return "computed"
    if entry.kind == "bundled":
        return "bundled" if all((path := _in_package(source)) and path.is_file() for source in entry.sources) else "no"
    places = {
        "WHENCE_DATA" if given_file(entry, array) else "cache" if cached_file(entry, array).exists() else "no"
        for array in entry.arrays.values()
    }
    return "no" if "no" in places else ", ".join(sorted(places))


def packaged_file(source: Source) -> Path:
    """A file inside an installed package, found without importing the package: none of its code runs, no fetcher can reach out.

    Raises DataError when package or file is missing or the file has another sha256.
    """
    mend = "mend with: python -m pip install --force-reinstall -c requirements.lock " + _project(source.package)
    path = _in_package(source)
    if path is None:
        raise DataError(f"{source.file}: package {source.package!r} is not installed; {mend}")
    found = sha256(path.read_bytes()) if path.is_file() else "no such file"
    if found != source.sha256:
        raise DataError(f"{path}: expected sha256 {source.sha256} ({source.bytes:,} bytes), found {found}; {mend}")
    return path


def _in_package(source: Source) -> Path | None:
    """Where a bundled file belongs, whether it is there or not; None when its package is not installed."""
    spec = importlib.util.find_spec(source.package)
    return Path(spec.submodule_search_locations[0]) / source.file if spec and spec.submodule_search_locations else None


def _project(package: str) -> str:
    return {"skimage": "scikit-image", "sklearn": "scikit-learn"}.get(package, package)


def sha256(data: bytes | np.ndarray) -> str:
    """The sha256 of bytes, or of an array's bytes in C order."""
    return hashlib.sha256(data if isinstance(data, bytes) else np.ascontiguousarray(data).data).hexdigest()


def save(entry: Dataset, array: Array, pair: Pair) -> Path:
    """Check a decoded array and write it into the cache, whole or not at all; a damaged file of that name is replaced.

    Raises DataError when the array is not what the registry expects.
    """
    if problem := mismatch(array, entry.shape, pair):
        raise DataError(f"{', '.join(array.files)}: decoded, {problem}; the files are as published: correct data/registry.toml")
    buffer = io.BytesIO()
    np.savez(buffer, images=pair[0], labels=pair[1])
    path = cached_file(entry, array)
    write_atomically(path, buffer.getvalue())
    return path


def load(entry: Dataset, array: Array) -> Pair:
    """The array from $WHENCE_DATA if it lies there, else from the cache, or decoded from the installed package; checked, read-only.

    Raises DataError when it is nowhere, or when what lies there is not what the registry expects. Never deletes or mends a file.
    """
    if entry.kind == "bundled":
        return _packaged(entry, array)
    given = given_file(entry, array)
    path = given or cached_file(entry, array)
    if not path.exists():
        raise DataError(_missing(entry, array))
    try:
        stat = path.stat()
        return _read(path, stat.st_mtime_ns, stat.st_size, array, entry.shape)
    except Exception as error:  # a damaged zip or npy header can raise nearly anything, MemoryError included
        first = f"delete it, or unset WHENCE_DATA, which named its folder, then {_fetch(entry)}" if given else _fetch(entry)
        raise DataError(
            f"{path}: damaged or not {entry.name}/{array.name} ({error or type(error).__name__}); mend with: {first}"
        ) from error


@lru_cache(maxsize=4)
def _read(path: Path, mtime_ns: int, size: int, array: Array, shape: tuple[int, int, int]) -> Pair:
    """Read and check a file once for each of its states: a notebook draws many times from the same array."""
    if not zipfile.is_zipfile(path):  # numpy would take it for a pickle, and advise to load it unsafely
        raise ValueError("not an npz archive, or one cut short")
    with np.load(path, allow_pickle=False) as file:
        pair = file["images"], file["labels"]
    if problem := mismatch(array, shape, pair):
        raise ValueError(problem)
    for values in pair:
        values.flags.writeable = False
    return pair


def _packaged(entry: Dataset, array: Array) -> Pair:
    sources = {source.file: source for source in entry.sources}
    paths = [packaged_file(sources[file]) for file in array.files]
    pair = decode(entry, array, paths)
    if problem := mismatch(array, entry.shape, pair):
        raise DataError(f"{paths[0]}: decoded, {problem}; the file is as published: correct data/registry.toml")
    return pair


def mismatch(array: Array, shape: tuple[int, int, int], pair: Pair) -> str | None:
    """What is wrong with a decoded array, in words: type and shape, then content; None when it is right."""
    expected = {"images": ((array.count, *shape), array.sha256), "labels": ((array.count,), array.labels_sha256)}
    for (key, (size, digest)), values in zip(expected.items(), pair, strict=True):
        if values.dtype != np.uint8 or values.shape != size:
            return f"expected {key} uint8 of shape {size}, found {values.dtype} of shape {values.shape}"
        if (found := sha256(values)) != digest:
            return f"expected {key} with sha256 {digest}, found {found}"
    return None


def _missing(entry: Dataset, array: Array) -> str:
    folder = os.environ.get("WHENCE_DATA")
    given = Path(folder) / entry.name / f"{array.name}.npz" if folder else "$WHENCE_DATA (not set)"
    return (
        f"{entry.name}/{array.name}.npz is not here: looked for {given} and {cached_file(entry, array)}; expected images uint8 of "
        f"shape {(array.count, *entry.shape)} with sha256 {array.sha256}; get it ({entry.bytes / 1e6:.0f} MB) with: {_fetch(entry)}"
    )


def _fetch(entry: Dataset) -> str:
    return f"whence data fetch {entry.name}"
