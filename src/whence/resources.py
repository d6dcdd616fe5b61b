"""Where the files lie that are not code: the data registry, the claims, the notebooks.

In a checkout they are found from the working directory upwards (so that a copy of the project is its own project), then
from this file upwards; in an installed wheel the few that a lone notebook needs travel inside the package.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

MARKS = ("_config.yml", "notebooks", "data/registry.toml")


def project_root() -> Path | None:
    """The checkout that encloses the working directory, else the one this file belongs to, else None (an installed wheel)."""
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for folder in (start, *start.parents):
            if all((folder / mark).exists() for mark in MARKS):
                return folder
    return None


def resource(relative: str) -> Path:
    """The path of a project file such as ``data/registry.toml``.

    Raises FileNotFoundError when neither a checkout nor the installed package holds it.
    """
    packaged = Path(__file__).resolve().parent / "_resources"
    root = project_root()
    candidates = [base / relative for base in (root, packaged) if base is not None]
    for path in candidates:
        if path.exists():
            return path
    raise FileNotFoundError(
        f"{relative}: not found in {' or '.join(str(c.parent) for c in candidates)}. "
        "Run from inside a checkout of Whence, or reinstall the package: pip install -e ."
    )


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write beside, then rename: a reader sees the old file or the whole new one, never a part (also after kill -9)."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
