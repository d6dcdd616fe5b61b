"""The benchmarks' own run: python -m pytest tests/benchmarks --benchmark-only -n0. The ordinary suite does not collect them."""

import pytest
import timings


def pytest_ignore_collect(config):
    """Timings are no tests: they are collected only when asked for."""
    return None if config.getoption("--benchmark-only") else True


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    """Print the table after pytest-benchmark's own."""
    if timings.ROWS or timings.LINES:
        terminalreporter.write_sep("=", "denoisers, in units of a machine whose float32 products run at 500 GFLOP/s on two cores")
        for line in timings.table():
            terminalreporter.write_line(line)
