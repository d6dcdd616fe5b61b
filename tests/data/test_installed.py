"""The data room of an installed package, far from any checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import whence
from whence.resources import resource

CODE = """
from whence.data.registry import arrays, verify
from whence.data.storage import cache_dir
import whence
print(whence.__file__, cache_dir(), len(arrays("digits", "test")[0]), all(check.ok for check in verify()), sep="\\n")
"""


def test_bundled_data_work_and_the_cache_is_the_users(tmp_path):
    package = tmp_path / "site" / "whence"
    shutil.copytree(Path(whence.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "_resources" / "data").mkdir(parents=True)
    shutil.copy(resource("data/registry.toml"), package / "_resources" / "data")
    environment = {k: v for k, v in os.environ.items() if k != "WHENCE_DATA"} | {
        "PYTHONPATH": str(tmp_path / "site"),
        "HOME": str(tmp_path),
    }
    environment.pop("XDG_CACHE_HOME", None)
    result = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    module, cache, count, fine = result.stdout.splitlines()
    assert Path(module).is_relative_to(tmp_path)
    assert Path(cache).is_relative_to(tmp_path)
    assert "whence" in Path(cache).name
    assert (count, fine) == ("400", "True")
