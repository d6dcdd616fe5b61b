"""The kernel of a run: ipykernel, made to die with the process that started it. Started as ``python -m whence.runs.kernel``."""

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
MACHINE = "machine.json"


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
