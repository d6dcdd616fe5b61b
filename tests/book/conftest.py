"""The whole book, built once from smoke runs in a copy of the project, and a real browser to read it with."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from whence.resources import project_root

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
PARTS = ("_config.yml", "book", "notebooks", "data", "src", "pyproject.toml", "requirements.lock")
GENERATED = shutil.ignore_patterns("studies", "cache", "__pycache__", "*.egg-info")


@pytest.fixture(scope="session")
def whence() -> Callable[..., str]:
    """Run the command line in a checkout; returns what it prints, and shows it when the command fails."""

    def run(folder: Path, *arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(folder / "src")}  # the copy's own code, which nobody edits meanwhile
        command = [sys.executable, "-m", "whence.cli", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory, whence: Callable[..., str]) -> Path:
    """A copy of the project with its book built from smoke runs."""
    folder = tmp_path_factory.mktemp("checkout")
    for part in PARTS:
        source = project_root() / part
        (shutil.copytree(source, folder / part, ignore=GENERATED) if source.is_dir() else shutil.copy(source, folder / part))
    whence(folder, "book", "--profile", "smoke")
    return folder


@pytest.fixture(scope="session")
def html(checkout: Path) -> Path:
    return checkout / "_build" / "html"


@pytest.fixture(scope="session")
def pages(html: Path) -> list[str]:
    """All pages of the site, as paths relative to its root."""
    found = sorted(path.relative_to(html).as_posix() for path in html.rglob("*.html") if "_static" not in path.parts)
    assert {"index.html", "claims.html", "search.html", "studies/locality/memorisation.html"} <= set(found)
    return found


@pytest.fixture(scope="session")
def site(html: Path) -> Iterator[str]:
    """The address of the site, served from this machine, with a slash at its end."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(html)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Headless Chromium; without one these tests are skipped, but not in continuous integration, where that would hide them."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        reason = f"no Chromium here (looked for {', '.join(CHROMIUM)}); install one to test the pages: apt-get install chromium"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield launched
        launched.close()


@pytest.fixture
def page(browser) -> Iterator:
    """A fresh tab of a wide screen that prefers light pages."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light", accept_downloads=True)
    yield context.new_page()
    context.close()
