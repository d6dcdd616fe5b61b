"""Many seeds as a stack or as processes: the same answers."""

from itertools import islice

import pytest
import torch

from whence.nets.build import build
from whence.seeds import stream
from whence.train import many
from whence.train.loop import fit
from whence.train.many import each, shares
from whence.train.stack import Stack
from whence.train.supervised import cross_entropy, labelled


def trained(seeds, steps=20):
    x = torch.randn(40, 5, generator=stream(0, "x"))
    y = (x[:, 0] > 0).long()
    stack = Stack.of([build("perceptron", (5,), s, width=6) for s in seeds])
    sgd = torch.optim.SGD(stack.parameters(), 0.1)
    steps = fit(stack.parameters(), lambda b: cross_entropy(stack(b.x), b.y), islice(labelled(x, y, 8, seeds), steps), sgd)
    return {"loss": torch.stack([s.loss for s in steps], 1), "logits": stack(x).detach()}


def test_processes_and_a_stack_give_the_same_in_the_same_order(monkeypatch):
    monkeypatch.setattr(many, "cores", lambda: 2)
    seeds = [4, 0, 7]
    together, apart = each(trained, seeds, "stack"), each(lambda s: trained(s), seeds, "processes")
    assert together["loss"].shape == (3, 20)
    for name, t in together.items():
        torch.testing.assert_close(apart[name], t, rtol=1e-5, atol=1e-5)


def test_processes_have_one_thread_each(monkeypatch):
    monkeypatch.setattr(many, "cores", lambda: 2)
    found = each(lambda seeds: {"threads": torch.full((len(seeds),), torch.get_num_threads())}, [0, 1, 2], "processes")
    assert found["threads"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(("slower", "expected"), [("stack", "processes"), ("processes", "stack")])
def test_auto_takes_what_the_trial_shows_faster(slower, expected, monkeypatch):
    monkeypatch.setattr(many, "cores", lambda: 2)
    seconds = {"stack": 3.0 if slower == "stack" else 0.0, "processes": 0.2 if slower == "processes" else 0.0}

    def trial(seeds):
        import time

        time.sleep(seconds["stack"] if len(seeds) == 4 else seconds["processes"])
        return {"seed": torch.tensor(seeds)}

    assert many._faster(trial, [0, 1, 2, 3]) == expected


def test_auto_is_the_stack_where_there_is_nothing_to_choose(monkeypatch):
    monkeypatch.setattr(many, "cores", lambda: 1)
    assert many._faster(trained, [0, 1]) == "stack"
    monkeypatch.setattr(many, "cores", lambda: 2)
    assert many._faster(None, [0, 1]) == "stack"
    assert many._faster(trained, [0]) == "stack"
    assert each(trained, [0, 1])["loss"].shape == (2, 20)


def test_no_more_cores_than_torch_was_given_threads():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert many.cores() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("parts", [1, 2, 3, 9])
def test_shares_hold_every_seed_once_in_order_and_are_even(parts):
    found = shares(range(10, 17), parts)
    assert [s for part in found for s in part] == list(range(10, 17))
    assert max(map(len, found)) - min(map(len, found)) <= 1
    assert len(found) == min(parts, 7)


@pytest.mark.parametrize("how", ["stack", "processes"])
def test_an_answer_of_another_length_is_refused(how, monkeypatch):
    monkeypatch.setattr(many, "cores", lambda: 2)
    with pytest.raises(ValueError, match=r"train gave 'loss' of shape \(3,\) for \d seeds"):
        each(lambda seeds: {"loss": torch.zeros(3)}, [0, 1], how)


def test_no_seeds_and_other_ways_are_refused():
    with pytest.raises(ValueError, match="0 seeds"):
        each(trained, [])
    with pytest.raises(ValueError, match="how 'threads': expected at least one, and 'auto', 'stack' or 'processes'"):
        each(trained, [0], "threads")
