"""The data sets there are, and what the rest of the library asks of them. Imports no torch."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from whence.data.download import download
from whence.data.entries import Array, DataError, Dataset, parse
from whence.data.storage import cached_file, given_file, load, packaged_file, sha256
from whence.resources import resource


@dataclass(frozen=True)
class Check:
    """One line of `verify`: is a file of a data set what the registry expects? `where` is its path, `message` what was found."""

    name: str
    file: str
    where: str
    ok: bool
    message: str


def registry() -> dict[str, Dataset]:
    """Every data set by name, in the order of data/registry.toml. Raises ValueError naming a malformed entry."""
    path = resource("data/registry.toml")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: not valid TOML ({error})") from error
    return {name: parse(name, table) for name, table in tables.items()}


def dataset(name: str) -> Dataset:
    """The entry of that name. Raises ValueError with the nearest name and the list of names."""
    entries = registry()
    if name not in entries:
        near = difflib.get_close_matches(str(name), entries, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"no data set {name!r}: {hint}There are {', '.join(entries)} (whence data list)")
    return entries[name]


def members(name: str) -> list[str]:
    """The entries that the parameter `dataset` of a notebook names: one, or several joined by +, such as "mnist+cifar10"."""
    return str(name).split("+")


def fingerprint(name: str) -> str:
    """The sha256 of the canonical form of all entries named: a run key made with it changes whenever anything in one of them does.

    Raises ValueError for a name that is not in the registry.
    """
    entries = [sha256(json.dumps(asdict(dataset(member)), sort_keys=True).encode()) for member in members(name)]
    return entries[0] if len(entries) == 1 else sha256(json.dumps(entries).encode())


def arrays(name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, h, w, c) and labels (n,) of a split, uint8 and read-only, as stored: 0 is black and the entry's `white` is white.

    Raises ValueError for a set without arrays (photographs, fields) and for an unknown split, DataError when the data are not here
    or not what the registry expects. Never downloads: `whence data fetch` does.
    """
    entry = dataset(name)
    rows = entry.split(split)
    if not entry.arrays:
        raise ValueError(f"data set {name!r} has no stored arrays, its images are made when asked for: images.draw({name!r}, ...)")
    images, labels = load(entry, entry.arrays[rows.array])
    return images[rows.start : rows.stop], labels[rows.start : rows.stop]


def fetch(name: str) -> Path:
    """Make a data set available and say what was done; the folder that holds it. Does nothing when it is here already.

    Raises DataError when it cannot be had; no partial file is left, and a damaged file in the cache is replaced only by a good one.
    """
    entry = dataset(name)
    if entry.kind == "download":
        return download(entry)
    for check in (checks := _check(entry)):
        if not check.ok:
            raise DataError(check.message)
    print(f"{name}: {entry.kind}, checked; nothing to fetch")
    return Path(checks[0].where).parent


def verify(names: Iterable[str] | None = None) -> list[Check]:
    """Check the files of the named data sets, or of all; one Check for each file.

    Of all, a set that was never fetched passes (it is optional, and its message says so); a named one has to be here.
    """
    if names is not None:
        return [check for name in names for check in _check(dataset(name))]
    found = []
    for entry in registry().values():
        here = entry.kind != "download" or any(_where(entry, array).exists() for array in entry.arrays.values())
        found += _check(entry) if here else [Check(entry.name, "-", "-", True, f"not fetched: whence data fetch {entry.name}")]
    return found


def _check(entry: Dataset) -> list[Check]:
    if entry.kind == "procedural":
        return [Check(entry.name, "-", str(resource("data/registry.toml")), True, "computed, no file")]
    if entry.kind == "bundled":
        checks = [_attempt(entry, source.file, source.package, lambda s=source: packaged_file(s)) for source in entry.sources]
        return checks + [_attempt(entry, a.name, "decoded", lambda a=a: load(entry, a)) for a in entry.arrays.values()]
    return [_attempt(entry, f"{a.name}.npz", str(_where(entry, a)), lambda a=a: load(entry, a)) for a in entry.arrays.values()]


def _attempt(entry: Dataset, file: str, where: str, action) -> Check:
    try:
        result = action()
    except DataError as error:
        return Check(entry.name, file, where, False, str(error))
    return Check(entry.name, file, str(result) if isinstance(result, Path) else where, True, "sha256 as registered")


def _where(entry: Dataset, array: Array) -> Path:
    return given_file(entry, array) or cached_file(entry, array)
