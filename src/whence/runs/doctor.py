"""Is this machine ready? The lines of `whence doctor`, each with the command that mends what is wrong."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from whence.runs import environment
from whence.runs.record import root

OK, WARN, FAIL = "ok", "warn", "FAIL"
LOWEST, HIGHEST = (3, 11), (3, 13)
FREE_GIB = 2.0  # a book with all its runs stays well below
INSTALL = "pip install -c requirements.lock -e '.[dev]'"


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, "ok", "warn" or "FAIL", what was found, and how to mend it."""

    topic: str
    level: str
    message: str
    mend: str = ""


def examine() -> Iterator[Finding]:
    """The findings, as they are made. Raises FileNotFoundError outside of a checkout."""
    yield _python()
    yield _project()
    yield from _packages()
    yield _torch()
    yield from _data()
    yield _disk()


def _python() -> Finding:
    fits = LOWEST <= sys.version_info[:2] <= HIGHEST and platform.python_implementation() == "CPython"
    message = f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})"
    return Finding("python", OK if fits else FAIL, message, "" if fits else "use CPython 3.11, 3.12 or 3.13")


def _project() -> Finding:
    if environment.code() != root().resolve() / "src" / "whence":
        message = f"{root()}, but the code that runs lies in {environment.code()}: records will not name a commit"
        return Finding("project", WARN, message, "in this checkout: pip install -e . (or make test, for a .venv of its own)")
    commit, clean = environment.commit(root())
    if commit == "unknown":
        return Finding("project", WARN, f"{root()}, not a git checkout: records will not name a commit", "git clone the project")
    return Finding("project", OK, f"{root()} at {commit[:10]}{'' if clean else ', with uncommitted changes'}")


def _packages() -> Iterator[Finding]:
    missing = [name for name, found in environment.installed().items() if found == "missing"]
    if missing:
        yield Finding("packages", FAIL, f"missing: {', '.join(missing)}", INSTALL)
    lock = root() / "requirements.lock"
    pins = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", lock.read_text(), re.MULTILINE)) if lock.exists() else {}
    if not pins:
        yield Finding("packages", WARN, f"no {lock} to compare with")
        return
    here = {name: found for name in pins if (found := _version(name))}
    unlike = [f"{n} {v} (lock: {pins[n]})" for n, v in here.items() if v.split("+")[0] != pins[n].split("+")[0]]
    if unlike:
        yield Finding("packages", WARN, f"{len(unlike)} differ from requirements.lock: {', '.join(unlike)}", INSTALL)
    elif not missing:
        yield Finding("packages", OK, f"{len(here)} as in requirements.lock")


def _torch() -> Finding:
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a shared library that does not load
        return Finding("torch", FAIL, f"cannot be imported: {error}", INSTALL)
    from whence.device import describe, device

    return Finding("torch", OK, f"{torch.__version__}, {describe(device('auto'))}")


def _data() -> Iterator[Finding]:
    from whence.data.registry import registry, verify

    kinds = {name: entry.kind for name, entry in registry().items()}
    for check in verify():
        topic = f"data {check.name}"
        if not check.ok:
            level = WARN if kinds[check.name] == "download" else FAIL
            yield Finding(topic, level, check.message)
        else:
            yield Finding(topic, OK, check.message if check.file == "-" else f"{check.file}, {check.message}")


def _disk() -> Finding:
    free = shutil.disk_usage(root()).free / 2**30
    level = OK if free >= FREE_GIB else WARN
    return Finding("disk", level, f"{free:.1f} GiB free", "" if level == OK else "make clean removes old runs and pages")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
