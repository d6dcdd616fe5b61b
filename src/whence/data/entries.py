"""What data/registry.toml may say of a data set, as frozen dataclasses that are checked when they are made."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

KINDS = ("bundled", "procedural", "download")
FORMATS = ("photographs", "digits", "fields", "idx", "cifar")
SHA256 = re.compile(r"[0-9a-f]{64}")


class DataError(RuntimeError):
    """A data file that is missing, damaged or not what the registry expects; the message ends with the command that mends it."""


@dataclass(frozen=True)
class Source:
    """One file as published: downloaded from the mirrors, or bundled inside an installed package. Size in bytes."""

    file: str
    bytes: int
    sha256: str
    md5: str = ""
    package: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Array:
    """One decoded array: `count` images and labels from `files` (of an archive: its `members`), with the sha256 of their bytes."""

    name: str
    files: tuple[str, ...]
    count: int
    sha256: str
    labels_sha256: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Split:
    """Rows [start, stop) of an array; of photographs the band from start to stop per cent of the longer side."""

    array: str = ""
    start: int = 0
    stop: int = 0

    @property
    def count(self) -> int:
        """The number of rows (or per cent)."""
        return self.stop - self.start


@dataclass(frozen=True)
class Dataset:
    """One entry of the registry. `shape` is (height, width, channels), `white` the stored value that becomes +1."""

    name: str
    title: str
    kind: str
    format: str
    shape: tuple[int, int, int]
    white: int
    licence: str
    citation: str
    note: str
    sources: tuple[Source, ...]
    arrays: dict[str, Array]
    splits: dict[str, Split]
    mirrors: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Size of all files as published."""
        return sum(source.bytes for source in self.sources)

    def urls(self, source: Source) -> tuple[str, ...]:
        """The addresses of a file, in the order in which they are tried."""
        return tuple(mirror + source.file for mirror in self.mirrors)

    def split(self, name: str) -> Split:
        """The split of that name. Raises ValueError with the names there are."""
        if name not in self.splits:
            raise ValueError(f"data set {self.name!r} has no split {name!r}; it has {', '.join(self.splits)}")
        return self.splits[name]


def parse(name: str, table: dict[str, Any]) -> Dataset:
    """The entry `[name]` of the registry. Raises ValueError naming the entry and what is wrong with it."""
    rest = dict(table)
    try:
        entry = Dataset(
            name=name,
            note=" ".join(rest.pop("note").split()),
            shape=tuple(rest.pop("shape")),
            sources=tuple(Source(**source) for source in rest.pop("source", [])),
            arrays={key: Array(name=key, **_tuples(array)) for key, array in rest.pop("array", {}).items()},
            splits={key: Split(**split) for key, split in rest.pop("split").items()},
            **_tuples(rest),
        )
        problems = list(_problems(entry))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"data/registry.toml, [{name}]: {error}; an entry has the fields {', '.join(f.name for f in fields(Dataset))}"
        ) from error
    if problems:
        raise ValueError(f"data/registry.toml, [{name}]: {'; '.join(problems)}")
    return entry


def _tuples(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _problems(entry: Dataset):
    if "+" in entry.name:
        yield "a name without +, by which notebooks join the names of two sets"
    if entry.kind not in KINDS:
        yield f"kind {entry.kind!r}: expected one of {', '.join(KINDS)}"
    if entry.format not in FORMATS:
        yield f"format {entry.format!r}: expected one of {', '.join(FORMATS)}"
    if len(entry.shape) != 3 or min(entry.shape) < 1 or entry.shape[2] not in (1, 3):
        yield f"shape {list(entry.shape)}: expected [height, width, channels] with 1 or 3 channels"
    if entry.kind == "download" and not entry.mirrors:
        yield "a downloaded set needs mirrors, the folders that hold its files"
    for source in entry.sources:
        if entry.kind == "bundled" and not source.package:
            yield f"{source.file!r} is bundled: in which package?"
    for item in (*entry.sources, *entry.arrays.values()):
        for key in ("sha256", "labels_sha256"):
            if not SHA256.fullmatch(getattr(item, key, "0" * 64)):
                yield f"{key} {getattr(item, key)!r}: expected 64 lower-case hexadecimal digits"
    yield from _problems_of_splits(entry)


def _problems_of_splits(entry: Dataset):
    known = {source.file for source in entry.sources}
    for array in entry.arrays.values():
        if missing := set(array.files) - known:
            yield f"array {array.name!r} is made of {', '.join(sorted(missing))}, which is no source"
    limits = {"": 100} | {array.name: array.count for array in entry.arrays.values()}
    taken: list[tuple[str, Split]] = []
    for name, split in entry.splits.items():
        if split.array not in limits or not 0 <= split.start <= split.stop <= limits[split.array]:
            yield f"split {name!r} takes {split.start}..{split.stop} of {split.array!r}; there are {limits}"
        for other, earlier in taken:
            if split.array == earlier.array and max(split.start, earlier.start) < min(split.stop, earlier.stop):
                yield f"splits {other!r} and {name!r} overlap"
        taken.append((name, split))
