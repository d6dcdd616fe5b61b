"""What a call holds beyond the pool does not depend on the pool's size."""

import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import sys, torch
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

pool = torch.rand(8000, 3, 16, 16) * 2 - 1
y, small = pool[:2] + 0.5, pool[:1000]
wiener = Wiener.fit(pool[:50])
make = {
    "Optimal": lambda p: Optimal(p, 500),
    "nearest": lambda p: Optimal(p, 500, nearest=8),
    "LS": lambda p: LS(p, 5),
    "sizes": lambda p: lambda y, s: sizes(p, [3, 9], y, s),
    "PCALocality": lambda p: PCALocality(p, wiener, 0.05),
    "PSPC": lambda p: PSPC(p, 3),
    "ELS": lambda p: ELS(p, 1),
}[sys.argv[1]]
dtype = getattr(torch, sys.argv[2])
with torch.no_grad():
    before = highest(lambda: make(small)(y.to(dtype), 0.5))
    before = max(before, highest(lambda: make(small)(y.to(dtype), 0.5)))
    print(highest(lambda: make(pool)(y.to(dtype), 0.5)) - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads the high-water mark that Linux keeps")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("member", ["Optimal", "nearest", "LS", "sizes", "PCALocality", "PSPC", "ELS"])
def test_memory_beyond_the_pool_does_not_grow_with_it(member, dtype):
    if member in ("PSPC", "ELS") and dtype == "float64":
        pytest.skip("a minute long; no array of these grows, see test_local.py")
    run = subprocess.run([sys.executable, "-c", PROBE, member, dtype], capture_output=True, text=True, check=True)
    assert float(run.stdout) < 8, "MB; eight times the pool is 21 MB more of it"
