"""The kernel of a run: ipykernel in surroundings of its own, made to die with the process that started it.

Started as ``python -m whence.runs.kernel``.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import signal
import sys
import threading
import time
from pathlib import Path

PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
MACHINE = "machine.json"
SPINS = "1000"  # some hundredths of a millisecond; GNU's default is 300,000


def prepare(work: Path, private: Path, threads: int, records: bool = True) -> None:
    """Make this process ready to start a kernel that works in a folder, with so many threads.

    Without `records` a notebook finds no committed ones (see whence.claims.numbers).
    The kernel is this interpreter; the user's own settings of Jupyter, IPython and matplotlib are neither read nor written, what
    those want to write goes to the folder `private`.
    """
    spec = private / "kernels" / KERNELSPEC["name"] / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [sys.executable, "-m", "whence.runs.kernel", "-f", "{connection_file}", "--log-level=CRITICAL"]
    spec.write_text(json.dumps({"argv": argv, "display_name": KERNELSPEC["display_name"], "language": "python"}))
    (private / "matplotlibrc").touch()
    for name in ("MPLBACKEND", "PYTHONSTARTUP"):
        os.environ.pop(name, None)
    if given := os.environ.get("WHENCE_DATA"):
        os.environ["WHENCE_DATA"] = os.path.abspath(given)  # it may be relative to where we were called
    os.environ.update(
        WHENCE_RUN_DIR=str(work),
        JUPYTER_PATH=str(private),
        JUPYTER_RUNTIME_DIR=str(private / "runtime"),
        IPYTHONDIR=str(private / "ipython"),
        MATPLOTLIBRC=str(private / "matplotlibrc"),
        PYTHONHASHSEED="0",
        TQDM_DISABLE="1",
        OMP_NUM_THREADS=str(threads),
        WHENCE_RECORDS="shown" if records else "hidden",
    )
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # who waits longer keeps a core from the thread waited for, where others compute
    os.chdir(work)


def die_with_parent(parent: int) -> None:
    """Kill this process when its parent (that process id) is gone, however that died, so that no orphan computes on.

    Linux does it at once, even inside native code; elsewhere a thread looks twice a second.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def describe(device: str) -> None:
    """Write what computed (the device in words) beside the claims of this run; called in the kernel by the runner's last cell."""
    words = f"{platform.machine()} CPU"
    if "torch" in sys.modules:
        from whence import device as devices

        words = devices.describe(devices.device(device))
    Path(os.environ["WHENCE_RUN_DIR"], MACHINE).write_text(json.dumps({"device": words}))


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    die_with_parent(int(os.environ["JPY_PARENT_PID"]))
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()
