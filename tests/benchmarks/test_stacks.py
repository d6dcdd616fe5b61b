"""Seeds as a stack (as its networks do it themselves, or through vmap), as processes, and one after another: seconds on the clock.

Run alone: python -m pytest tests/benchmarks/test_stacks.py --benchmark-only -n0. Processes are started before the clock is.
"""

from itertools import islice

import pytest
import torch

from whence.nets.build import build
from whence.seeds import stream
from whence.train import many
from whence.train.loop import fit
from whence.train.stack import Stack
from whence.train.supervised import cross_entropy, labelled

SEEDS = list(range(8))
SIZES = {"small": (20, 50, 64), "usual": (50, 100, 256)}  # inputs, width, batch


def training(size, steps=100, mapped=False):
    d, width, batch = SIZES[size]
    x = torch.randn(4000, d, generator=stream(0, "x"))
    y = (x[:, 0] > 0).long()

    def train(seeds):
        stack = Stack.of([build("perceptron", (d,), s, width=width) for s in seeds])
        stack.template.STACKS = not mapped
        sgd = torch.optim.SGD(stack.parameters(), 0.1, momentum=0.9)
        found = fit(stack.parameters(), lambda b: cross_entropy(stack(b.x), b.y), islice(labelled(x, y, batch, seeds), steps), sgd)
        return {"loss": torch.stack([s.loss for s in found], 1)}

    return train


@pytest.mark.parametrize("how", ["direct", "vmap", "processes", "one by one"])
@pytest.mark.parametrize("size", SIZES)
def test_seeds(benchmark, size, how):
    train = training(size, mapped=how == "vmap")
    calls = {
        "direct": lambda: train(SEEDS),
        "vmap": lambda: train(SEEDS),
        "processes": lambda: many.each(train, SEEDS, "processes"),
        "one by one": lambda: [train([s]) for s in SEEDS],
    }
    benchmark.group = f"{len(SEEDS)} perceptrons, {size}, {many.cores()} cores"
    benchmark.pedantic(calls[how], rounds=3, warmup_rounds=1)
