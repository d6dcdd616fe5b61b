from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from whence.runs.slots import Slots, accelerators


@dataclass
class Asking:
    """A job, as far as its device goes."""

    parameters: dict = field(default_factory=dict)


@pytest.mark.parametrize(
    ("named", "found"),
    [("0,1", ["0", "1"]), ("GPU-a, GPU-b", ["GPU-a", "GPU-b"]), ("", []), ("-1", []), ("3,-1,2", ["3"]), ("MIG-x", ["MIG-x"])],
)
def test_accelerators_are_those_that_cuda_would_see(monkeypatch, named, found):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert accelerators() == found


def test_a_machine_without_the_driver_has_none(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert accelerators() == []


def test_workers_get_one_each_and_give_it_back():
    slots, job = Slots(["0", "1"], 2), Asking({"device": "auto"})
    taken = [slots.take(job), slots.take(job)]
    assert sorted(taken) == ["0", "1"]
    slots.give("1")
    assert slots.take(job) == "1"


def test_more_workers_than_accelerators_share_them_evenly():
    slots = Slots(["0", "1"], 4)
    assert sorted(slots.take(Asking()) for _ in range(4)) == ["0", "0", "1", "1"]


def test_a_job_that_names_its_device_or_a_machine_without_any_gets_none():
    assert Slots(["0"], 2).take(Asking({"device": "cpu"})) is None
    assert Slots(["0"], 2).take(Asking({"device": "cuda:0"})) is None
    assert Slots([], 2).take(Asking({"device": "auto"})) is None
