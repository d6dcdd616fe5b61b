"""MathJax from the site itself: the parts that TeX on a page can ask for, out of the package sphinx-mathjax-offline.

That package copies all of its 25 MB. A page loads one component and its fonts, and on demand a TeX extension or the menu.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util.fileutil import copy_asset

PACKAGE = "sphinx-mathjax-offline"
NEEDED = ("tex-chtml.js", "input/tex/extensions", "output/chtml/fonts", "ui", "a11y")


def point_at_local(app: Sphinx, config: Config) -> None:
    """Load MathJax from _static instead of a content delivery network."""
    config.mathjax_path = "mathjax/tex-chtml.js"


def copy_needed(app: Sphinx, error: Exception | None) -> None:
    """Copy the needed parts into the site, once; `sre` (speech, 4 MB) only runs when a reader asks for it in the menu."""
    if error is not None or app.builder.format != "html":
        return
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise ExtensionError(f"the package {PACKAGE} is missing, so formulas would need the network: pip install -e '.[dev]'")
    source, target = Path(found.origin).parent / "static" / "mathjax", Path(app.outdir) / "_static" / "mathjax"
    for part in NEEDED:
        if not (target / part).exists():
            copy_asset(str(source / part), str(target / part if (source / part).is_dir() else (target / part).parent))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", point_at_local)
    app.connect("build-finished", copy_needed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
