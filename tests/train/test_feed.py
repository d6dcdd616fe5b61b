from itertools import islice

import pytest
import torch

from whence.seeds import stream
from whence.train.feed import feed


def pool(n=10, channels=1):
    return torch.arange(n, dtype=torch.float32)[:, None, None, None].expand(n, channels, 2, 2).clone()


def levels(n, generator):
    return torch.rand(n, generator=generator) + 0.1


def take(n, *arguments, **options):
    return list(islice(feed(*arguments, levels=levels, **options), n))


@pytest.mark.parametrize("start", [1, 4, 11])
def test_a_batch_does_not_depend_on_those_before_it(start):
    whole = take(14, pool(), 4, 0)
    torch.manual_seed(start)  # nor on the global random state
    for late, same in zip(take(3, pool(), 4, 0, start=start), whole[start:], strict=False):
        assert all(torch.equal(a, b) for a, b in zip(late, same, strict=True))


@pytest.mark.parametrize(("n", "batch"), [(10, 4), (10, 10), (3, 8), (1, 5), (7, 1)])
def test_every_image_is_seen_once_an_epoch(n, batch):
    seen = torch.cat([b.x[:, 0, 0, 0] for b in take(3 * n, pool(n), batch, 0)])
    for epoch in seen[: len(seen) // n * n].reshape(-1, n):
        assert sorted(epoch.tolist()) == list(range(n))


def test_epochs_have_different_orders():
    first, second = take(2, pool(50), 50, 0)
    assert not torch.equal(first.x, second.x)


def test_order_noise_and_levels_are_each_their_own_named_stream():
    [_, one] = take(2, pool(), 4, 7)
    assert torch.equal(one.z, torch.randn(4, 1, 2, 2, generator=stream(7, "noise", 1)))
    assert torch.equal(one.sigma, levels(4, stream(7, "level", 1)))
    order = torch.randperm(10, generator=stream(7, "order", 0))
    assert torch.equal(one.x[:, 0, 0, 0], order[4:8].float())


def test_no_two_batches_share_their_noise():
    first, second = take(2, pool(), 4, 0)
    other = take(1, pool(), 4, 1)[0]
    assert not torch.equal(first.z, second.z)
    assert not torch.equal(first.z, other.z)
    assert not torch.equal(first.sigma, second.sigma)


def test_batches_are_as_precise_as_the_pool():
    batch = take(1, pool().double(), 4, 0)[0]
    assert {t.dtype for t in batch} == {torch.float64}


@pytest.mark.parametrize(
    ("images", "batch", "start", "message"),
    [
        (torch.zeros(0, 1, 2, 2), 4, 0, "n >= 1"),
        (torch.zeros(2, 2), 4, 0, "n >= 1"),
        (pool(), 0, 0, "batches of 0"),
        (pool(), 4, -1, "from number -1"),
    ],
)
def test_what_cannot_be_fed_is_refused_at_once(images, batch, start, message):
    with pytest.raises(ValueError, match=message):
        feed(images, batch, 0, levels, start)
