"""What a call holds beyond the pool does not depend on the pool's size."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import torch
from whence.denoisers.masks import PCALocality
from whence.denoisers.optimal import Optimal
from whence.denoisers.patches import PSPC
from whence.denoisers.places import ELS
from whence.denoisers.wiener import Wiener
from whence.denoisers.windows import LS, sizes

def highest(call):
    open("/proc/self/clear_refs", "w").write("5")  # the high-water mark starts anew
    call()
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(lines["VmHWM"].split()[0]) / 1024

pool = torch.rand(8000, 3, 12, 12) * 2 - 1
small, wiener = pool[:1000], Wiener.fit(pool[:50])
MAKE = {
    "Optimal": lambda p: Optimal(p, 500),
    "nearest": lambda p: Optimal(p, 500, nearest=8),
    "LS": lambda p: LS(p, 5),
    "sizes": lambda p: lambda y, s: sizes(p, [3, 9], y, s),
    "PCALocality": lambda p: PCALocality(p, wiener, 0.05),
    "PSPC": lambda p: PSPC(p, 3),
    "ELS": lambda p: ELS(p, 1),
}
with torch.no_grad():
    for name, make in MAKE.items():
        for dtype in [torch.float32] if name in ("PSPC", "ELS") else [torch.float32, torch.float64]:
            y = pool[:1].to(dtype) + 0.5
            before = max(highest(lambda: make(small)(y, 0.5)) for _ in range(2))
            print(name, dtype, highest(lambda: make(pool)(y, 0.5)) - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads the high-water mark that Linux keeps")
def test_memory_beyond_the_pool_does_not_grow_with_it():
    env = os.environ | {"MALLOC_MMAP_THRESHOLD_": "131072"}  # what is freed is given back: holes in the heap are not ours to count
    run = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, env=env)
    growth = {name: float(megabytes) for name, megabytes in (line.rsplit(" ", 1) for line in run.stdout.splitlines())}
    assert len(growth) == 12
    assert {name: megabytes for name, megabytes in growth.items() if megabytes > 4} == {}, "seven thousand images more are 12 MB"
