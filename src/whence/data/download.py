"""Fetching a published data set: official files over http, checked, decoded, checked again, and only then given their name."""

from __future__ import annotations

import tempfile
from pathlib import Path

from whence.data.decode import decode
from whence.data.entries import Array, DataError, Dataset, Source
from whence.data.storage import cache_dir, given_file, load, save


def download(entry: Dataset) -> Path:
    """Fetch, check and decode every array of a set that is not here yet, printing what is done; the folder that holds them.

    A damaged file in the cache is replaced. Raises DataError when a file cannot be had from any address or is not as published, and
    when $WHENCE_DATA holds a damaged file, which a download could not mend.
    """
    wanted = [array for array in entry.arrays.values() if not _here(entry, array)]
    if not wanted:
        print(f"{entry.name}: already here, checked; nothing to do")
        found = given_file(entry, next(iter(entry.arrays.values())))
        return found.parent if found else cache_dir() / entry.name
    # In the system's folder for temporary files, so that a download that was killed leaves nothing in the cache.
    with tempfile.TemporaryDirectory(prefix="whence-") as folder:
        for source in entry.sources:
            if any(source.file in array.files for array in wanted):
                _retrieve(entry, source, Path(folder))
        for array in wanted:
            path = save(entry, array, decode(entry, array, [Path(folder) / file for file in array.files]))
            print(f"{entry.name}: wrote {path} ({array.count:,} images, checked)")
    return cache_dir() / entry.name


def _here(entry: Dataset, array: Array) -> bool:
    try:
        load(entry, array)
    except DataError:
        if given_file(entry, array):
            raise
        return False
    return True


def _retrieve(entry: Dataset, source: Source, folder: Path) -> None:
    """Download one file from the first address that has it, with a progress bar; its sha256 is checked before it gets its name."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # we say ourselves what is fetched from where
    failures = []
    for url in entry.urls(source):
        print(f"{entry.name}: fetching {url} ({source.bytes:,} bytes)")
        try:
            pooch.retrieve(url, known_hash=f"sha256:{source.sha256}", fname=source.file, path=folder, progressbar=True)
            return
        except (requests.exceptions.RequestException, ValueError, OSError) as error:
            failures.append(f"{url}: {error}")
    raise DataError(
        f"{source.file}: expected {source.bytes:,} bytes with sha256 {source.sha256}, found at no address ({'; '.join(failures)}). "
        f"Check the connection, then: whence data fetch {entry.name}. Or set WHENCE_DATA to a folder that holds {entry.name}/*.npz"
    )
