"""Where loops are compiled, kept and shared out."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch

from whence.denoisers.compiled import FREE, compiled, few, laid, looped, shared


def test_where_no_cache_can_be_written_the_loop_is_compiled_all_the_same(monkeypatch):
    def nowhere(**options):
        if options.pop("cache", False):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: (function, options)

    monkeypatch.setattr("whence.denoisers.compiled.njit", nowhere)
    function, options = compiled(len)
    assert function is len
    assert options == {"nogil": True, "fastmath": FREE}


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_every_part_is_one_thread_s_and_they_come_in_order(n, threads):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        parts = shared(lambda part: list(range(n))[part], n)
    finally:
        torch.set_num_threads(before)
    assert [i for part in parts for i in part] == list(range(n))
    assert len(parts) == min(n, threads)


def test_what_goes_wrong_in_a_thread_is_raised():
    with pytest.raises(ZeroDivisionError):
        shared(lambda part: 1 // 0, 5)


def test_nobody_writes_on_after_an_error():
    begun, done, before = threading.Event(), [], torch.get_num_threads()

    def call(part):
        if part.start == 0:
            begun.wait()
            raise ZeroDivisionError
        begun.set()
        time.sleep(0.05)
        done.append(part)

    try:
        torch.set_num_threads(2)
        with pytest.raises(ZeroDivisionError):
            shared(call, 2)
    finally:
        torch.set_num_threads(before)
    assert done == [slice(1, 2)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_has_helpers_of_its_own():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        shared(lambda part: part, 2)
        child = os.fork()
        if child == 0:  # without helpers of its own it would wait for ever
            signal.alarm(20)
            os._exit(0 if shared(lambda part: part, 2) == [slice(0, 1), slice(1, 2)] else 1)
        _, status = os.waitpid(child, 0)
    finally:
        torch.set_num_threads(before)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("wanted", [torch.float64, torch.float32])
def test_numbers_are_laid_contiguously_whatever_they_were(dtype, wanted):
    given = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0)).to(dtype).permute(2, 0, 1).requires_grad_()
    found = laid(given, wanted, 2)
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found[:4], given.detach().double().to(wanted).numpy(), strict=True)
    np.testing.assert_array_equal(found[4:], np.zeros((2, 5, 3)))


def test_what_lies_contiguously_is_not_copied():
    given = torch.zeros(3, 4)
    assert np.shares_memory(laid(given, torch.float32), given.numpy())
    assert not np.shares_memory(laid(given.T, torch.float32), given.numpy())


@pytest.mark.parametrize("shape", [(16, 3072), (3, 40_000), (1, 1), (5, 0), (0, 5)])
def test_few_rows_at_a_time_are_all_of_them_in_order(shape):
    rows = torch.randn(shape)
    assert torch.equal(torch.cat(few(rows)), rows)


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted in /proc")
def test_to_look_at_few_rows_at_a_time_wakes_no_thread_of_the_library():
    two = os.environ | {"OMP_NUM_THREADS": "2"}
    found = subprocess.run([sys.executable, "-c", AWAKE], env=two, check=True, capture_output=True, text=True)
    before, few_rows, all_rows = map(int, found.stdout.split())
    assert before == few_rows < all_rows  # the last shows that it would be seen


AWAKE = """
import os, torch
from whence.denoisers.compiled import few
rows = torch.empty(64, 3072)
threads = lambda: print(len(os.listdir("/proc/self/task")))
threads()
[part.abs().amax(1) for part in few(rows)]
threads()
rows.abs().amax(1)
threads()
"""


def test_only_processors_have_loops():
    assert looped(torch.device("cpu"))
    assert not looped(torch.device("cuda", 0))
