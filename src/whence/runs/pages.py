"""Jupyter Book as a process of its own, in two thirds of its time; the pages are the same to the byte."""

from __future__ import annotations

import functools
import gc

OBJECTS = 200_000  # new ones before any are looked through; a page is a tree of thousands that all stay


def main() -> None:
    """What `jupyter-book` does with this process's arguments."""
    gc.set_threshold(OBJECTS, 50, 50)  # by its own threshold the collector takes a third of the time, and frees next to nothing
    import pybtex.plugin

    # a style is looked up for every citation, among all distributions installed
    pybtex.plugin.find_plugin = functools.cache(pybtex.plugin.find_plugin)
    from jupyter_book.cli.main import main as jupyter_book

    jupyter_book(prog_name="jupyter-book")


if __name__ == "__main__":
    main()
