"""The packages a run stands on: what `whence` requires, what that requires, and which versions are installed."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import whence


@cache
def installed(distribution: str = "whence") -> dict[str, str]:
    """Installed version of every package that a distribution needs at run time, transitively; "missing" where there is none.

    Optional extras are left out unless a requirement asks for them. Raises ModuleNotFoundError when it is not installed itself.
    """
    base = {name: str(value) for name, value in default_environment().items()}
    versions: dict[str, str] = {}
    queue, seen = [(canonicalize_name(distribution), "")], set()
    while queue:
        name, extra = item = queue.pop()
        if item in seen:
            continue
        seen.add(item)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if name == canonicalize_name(distribution):
                raise ModuleNotFoundError(f"the package {distribution} is not installed here: pip install -e .") from None
            versions[name] = "missing"
            continue
        versions[name] = found.version
        for requirement in map(Requirement, found.requires or ()):
            if requirement.marker is None or requirement.marker.evaluate(base | {"extra": extra}):
                queue += [(canonicalize_name(requirement.name), wanted) for wanted in ("", *requirement.extras)]
    del versions[canonicalize_name(distribution)]  # its code is keyed file by file
    return dict(sorted(versions.items()))


def python() -> str:
    """The interpreter's version, major.minor."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def commit(root: Path) -> tuple[str, bool]:
    """The commit of the checkout, and whether nothing in it is changed or untracked; ("unknown", False) outside of git."""
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != root.resolve():
        return "unknown", False
    head, status = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain")
    return head or "unknown", head is not None and status == ""


def code() -> Path:
    """The folder of the package `whence` that runs, wherever the working directory lies."""
    return Path(whence.__file__).resolve().parent


def provenance(root: Path) -> tuple[str, bool]:
    """The commit of the code that runs, and whether it is all of it: that of the checkout if the code lies in its src/whence.

    ("unknown", False) for code from elsewhere: another checkout whose environment is in use, or an installed wheel.
    """
    return commit(root) if code() == root.resolve() / "src" / "whence" else ("unknown", False)


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)
    except OSError:  # no git on this machine
        return None
    return done.stdout.strip() if done.returncode == 0 else None
