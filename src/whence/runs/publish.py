"""From finished runs to the book: copy executed notebooks and their records into book/studies, then build the pages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from whence.resources import write_atomically
from whence.runs.record import published_dir, read_record, root

IMAGES = ("image/svg+xml", "image/png", "image/jpeg")


class BookError(RuntimeError):
    """A notebook cannot be published, or the book did not build without warnings."""


def publish(folders: Iterable[Path]) -> list[Path]:
    """Publish each run folder (notebook.ipynb, run.json) as book/studies/STUDY/NAME.ipynb and .json; returns the notebooks' paths.

    All folders are checked before anything is written. A file is written only when its bytes differ, so that the book rebuilds
    no page in vain; published notebooks whose source notebook is gone are removed.
    Raises BookError for a notebook that failed, or with a figure that lacks caption or alternative text.
    """
    ready = [(read_record(folder / "run.json").notebook, folder) for folder in folders]
    pages = [(name, _page(folder / "notebook.ipynb", name), folder) for name, folder in ready]
    paths = []
    for name, notebook, folder in pages:
        target = published_dir() / f"{name}.ipynb"
        _write_if_new(target.with_suffix(".json"), (folder / "run.json").read_bytes())
        _write_if_new(target, notebook)
        paths.append(target)
    _remove_orphans()
    return paths


def build(strict: bool = True) -> Path:
    """Build the book into _build/html and return its index.html; the log is kept in _build/book.log.

    With strict, any warning fails the build. Raises BookError with the warnings of a build that failed.
    """
    home = root()
    command = [sys.executable, "-m", "whence.runs.pages", "build", "book", "--path-output", str(home), "--quiet"]
    command += ["-W", "-n", "--keep-going"] if strict else []
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    log, text = home / "_build" / "book.log", re.sub(r"\x1b\[[0-9;]*m", "", done.stdout.decode("utf-8", "replace"))
    write_atomically(log, text)
    index = home / "_build" / "html" / "index.html"
    if done.returncode or not index.is_file():
        raise BookError(f"the book did not build; the whole log is in {log}\n{_warnings(text)}")
    return index


def _page(path: Path, name: str) -> bytes:
    """The bytes of the notebook as the book reads it: alternative text moved to where the book looks for it."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        mend = f"delete the folder of this one run, {path.parent}, and repeat the same command"
        raise BookError(f"{path}: not a readable notebook ({error}); {mend}") from error
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    if notebook["metadata"].get("papermill", {}).get("exception") or any(o["output_type"] == "error" for o in outputs):
        raise BookError(f"{name}: its run failed, so it is not published; mend the notebook and run it again: whence run {name}")
    for index, cell in enumerate(notebook["cells"]):
        images = [output for output in cell.get("outputs", []) if any(kind in output.get("data", {}) for kind in IMAGES)]
        if images:
            _describe(cell, images, f"{name}, cell {index + 1}")
    return (json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _describe(cell: dict[str, Any], images: list[dict[str, Any]], place: str) -> None:
    """Give a figure's cell the alternative text of its output; refuse a figure that lacks it, or its caption."""
    settings = cell["metadata"].setdefault("mystnb", {})
    if len(images) > 1:
        raise BookError(f"{place}: {len(images)} figures in one cell; the book numbers one figure a cell, so split the cell")
    if not settings.get("figure", {}).get("caption", "").strip():
        raise BookError(
            f'{place}: a figure without caption; add to the cell: mystnb={{"figure": {{"caption": "...", "name": "fig-..."}}}}'
        )
    described = (details.get("alt", "") for details in images[0].get("metadata", {}).values() if isinstance(details, dict))
    alt = next((text for text in described if text.strip()), settings.get("image", {}).get("alt", ""))
    if not alt.strip():
        raise BookError(
            f"{place}: a figure without alternative text; end the cell with whence.figures.style.svg(figure, alt='...')"
        )
    settings["image"] = {**settings.get("image", {}), "alt": " ".join(alt.split())}


def _write_if_new(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)


def _remove_orphans() -> None:
    """Remove what was published from notebooks that are gone, from the book's source and from the built site."""
    for path in published_dir().glob("*/*.*"):
        name = path.relative_to(published_dir()).with_suffix("")
        if not (root() / "notebooks" / name).with_suffix(".py").is_file():
            path.unlink()
            (root() / "_build" / "html" / "studies" / name).with_suffix(".html").unlink(missing_ok=True)


def _warnings(log: str) -> str:
    """The lines of a build log that say what is wrong, or its end when none does."""
    lines = [
        line for line in log.splitlines() if any(word in line for word in ("WARNING", "ERROR", "CRITICAL", "Error:", "error:"))
    ]
    return "\n".join(dict.fromkeys(lines)) or "\n".join(log.splitlines()[-20:])
