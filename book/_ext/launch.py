"""Buttons of a notebook's page: open the executed notebook on Colab or Binder, edit its source.

Executed notebooks live on the branch `executed` of the repository, at the same path as here (book/studies/...); their source
is the percent script notebooks/<study>/<name>.py on the main branch. Other pages have nothing to launch.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

BRANCH = "executed"
COLAB, BINDER = "https://colab.research.google.com", "https://mybinder.org"


def repository(app: Sphinx) -> str:
    """OWNER/NAME of the repository named in _config.yml."""
    return "/".join(app.config.html_theme_options["repository_url"].rstrip("/").split("/")[-2:])


def add_buttons(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Put the launch buttons first, and make the edit button of a notebook lead to its source."""
    if not pagename.startswith("studies/") or "header_buttons" not in context:
        return
    notebook, repo = f"book/{pagename}.ipynb", repository(app)
    source = f"notebooks/{pagename.removeprefix('studies/')}.py"
    launch = [
        ("Colab", "_static/images/logo_colab.png", f"{COLAB}/github/{repo}/blob/{BRANCH}/{notebook}"),
        ("Binder", "_static/images/logo_binder.svg", f"{BINDER}/v2/gh/{repo}/{BRANCH}?urlpath=lab/tree/{notebook}"),
    ]
    buttons = [{"type": "link", "text": name, "tooltip": f"Open on {name}", "icon": icon, "url": url} for name, icon, url in launch]
    group = {
        "type": "group",
        "tooltip": "Run this notebook online",
        "icon": "fas fa-rocket",
        "buttons": buttons,
        "label": "launch-buttons",
    }
    context["header_buttons"].insert(0, group)
    for button in _flat(context["header_buttons"]):
        if button.get("label") == "source-edit-button":
            button["url"] = f"https://github.com/{repo}/edit/{app.config.html_theme_options['repository_branch']}/{source}"


def drop_thebe(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Leave out the scripts of live code, which Jupyter Book adds to every page, twice, even where nobody asked for it."""
    scripts = context.get("script_files", [])
    context["script_files"] = [s for s in scripts if "thebe" not in f"{s} {getattr(s, 'attributes', {}).get('body', '')}".lower()]


def _flat(buttons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [inner for button in buttons for inner in (button.get("buttons") or [button])]


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", add_buttons, priority=900)  # after the theme has made its own
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
