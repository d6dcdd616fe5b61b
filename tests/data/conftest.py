"""A small project of its own, with data sets in the official formats, and a real http server on this machine to fetch them from."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from official import cifar_batch, entry_toml, idx, tar_gz

BATCHES = [f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6)]


@dataclass
class Site:
    """What the server serves and what was asked of it; files in `cut` break off half-way, with `slow` all do, after a wait."""

    folder: Path
    address: str = ""
    asked: list[str] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    slow: threading.Event | None = None


class Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args, site: Site, **kwargs):
        self.site = site
        super().__init__(*args, directory=str(site.folder), **kwargs)

    def do_GET(self):
        self.site.asked.append(self.path)
        name = self.path.rsplit("/", 1)[-1]
        if name not in self.site.cut and self.site.slow is None:
            return super().do_GET()
        content = (self.site.folder / self.path.lstrip("/")).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        if self.site.slow is not None:
            self.site.slow.wait(30)
        self.close_connection = True

    def log_message(self, *args):
        pass


@dataclass
class Project:
    """A project in a temporary folder; `arrays[name][array]` are the images and labels that its data sets must decode to."""

    root: Path
    site: Site
    arrays: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]

    @property
    def registry(self) -> Path:
        return self.root / "data" / "registry.toml"

    @property
    def cache(self) -> Path:
        return self.root / "data" / "cache"

    def put(self, folder: Path, name: str, array: str) -> Path:
        """A good file at the place where a decoded array is looked for."""
        path = folder / name / f"{array}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        images, labels = self.arrays[name][array]
        np.savez(path, images=images, labels=labels)
        return path


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    site = Site(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, site=site))
    site.address = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield site
    if site.slow is not None:
        site.slow.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(tmp_path, monkeypatch, site) -> Project:
    """The working directory inside a project with the sets `clothes` (idx) and `tiny` (cifar), whose originals the site serves."""
    root = tmp_path / "project"
    (root / "notebooks").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "_config.yml").touch()
    monkeypatch.chdir(root)
    monkeypatch.delenv("WHENCE_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    rng = np.random.default_rng(0)

    def some(n: int, *shape: int):
        return rng.integers(0, 256, (n, *shape), np.uint8), rng.integers(0, 10, n, np.uint8)

    clothes = {"train": some(30, 7, 5, 1), "test": some(10, 7, 5, 1)}
    idx_files = {}
    for key, (images, labels) in clothes.items():
        idx_files[f"{key}-images.gz"] = gzip.compress(idx(images[..., 0]))
        idx_files[f"{key}-labels.gz"] = gzip.compress(idx(labels))
    batches = [some(4, 8, 8, 3) for _ in BATCHES]
    tested = some(6, 8, 8, 3)
    tiny = {
        "train": tuple(np.concatenate(parts) for parts in zip(*batches, strict=True)),
        "test_first5": (tested[0][:5], tested[1][:5]),
    }
    members = {name: cifar_batch(*batch) for name, batch in zip(BATCHES, batches, strict=True)}
    archive = {"tiny.tar.gz": tar_gz(members | {"cifar-10-batches-bin/test_batch.bin": cifar_batch(*tested)})}
    for name, content in (idx_files | archive).items():
        (site.folder / name).write_bytes(content)
    splits = (
        'split.train = {{ array = "train", start = 0, stop = {0} }}\n'
        'split.validation = {{ array = "train", start = {0}, stop = {1} }}\n'
        'split.test = {{ array = "{2}", start = 0, stop = {3} }}'
    )
    idx_arrays = {k: (*pair, [f"{k}-images.gz", f"{k}-labels.gz"], []) for k, pair in clothes.items()}
    cifar_arrays = {
        "train": (*tiny["train"], ["tiny.tar.gz"], BATCHES),
        "test_first5": (*tiny["test_first5"], ["tiny.tar.gz"], ["cifar-10-batches-bin/test_batch.bin"]),
    }
    mirrors = [site.address + "gone/", site.address]
    (root / "data" / "registry.toml").write_text(
        entry_toml("clothes", "idx", [7, 5, 1], mirrors, idx_files, idx_arrays, splits.format(25, 30, "test", 10))
        + entry_toml("tiny", "cifar", [8, 8, 3], [site.address], archive, cifar_arrays, splits.format(15, 20, "test_first5", 5))
    )
    return Project(root, site, {"clothes": clothes, "tiny": tiny})
