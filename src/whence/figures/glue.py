"""Numbers for the prose: glued from the run into the page, never typed."""

from __future__ import annotations

from typing import Any

from IPython.display import display

PREFIX = "application/papermill.record/"  # keeps a glued number out of the page where it is made


def glue(name: str, value: Any) -> None:
    """Give a number or a word a name that text can call, as in {glue:text}`name:.2f`; outside of the book nothing is shown.

    Written without the book's own package, so that a notebook runs where only whence is installed. The book reads the text as a
    literal, so that words stand in quotes: "2,500" without them would be a pair.
    """
    text = repr(str(value) if isinstance(value, str) else float(value))
    display({PREFIX + "text/plain": text}, raw=True, metadata={"scrapbook": {"name": name, "mime_prefix": PREFIX}})
