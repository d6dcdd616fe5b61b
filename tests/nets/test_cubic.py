"""The cubic network, against its formula written out."""

import pytest
import torch

from whence.nets.build import build
from whence.seeds import stream
from whence.train.stack import Stack


def test_it_is_its_formula():
    net = build("cubic", (1, 3, 5), 0, width=4, scale=1.0).double()
    x = torch.randn(6, 1, 3, 5, generator=stream(0, "x"), dtype=torch.float64)
    f = torch.einsum("bpd,jd->bjp", x[:, 0], net.filters).pow(3).sum((1, 2))
    torch.testing.assert_close(net(x), torch.stack([-f / 2, f / 2], 1))


def test_a_stack_is_its_networks_with_shared_inputs_or_their_own():
    networks = [build("cubic", (1, 3, 5), s, width=4, scale=1.0) for s in range(2)]
    x = torch.randn(2, 6, 1, 3, 5, generator=stream(0, "x"))
    close = {"rtol": 1e-4, "atol": 1e-5}  # cubes sum to little of what they are: another order of additions, another last digit
    torch.testing.assert_close(Stack.of(networks)(x), torch.stack([n(x[i]) for i, n in enumerate(networks)]), **close)
    torch.testing.assert_close(Stack.of(networks)(x[0]), torch.stack([n(x[0]) for n in networks]), **close)


@pytest.mark.parametrize(("shape", "scale"), [((2, 3, 5), 0.1), ((1, 3, 5), 0.0)])
def test_more_channels_and_no_scale_are_refused(shape, scale):
    with pytest.raises(ValueError, match=r"expected \(1, patches, d\) and a scale above 0"):
        build("cubic", shape, 0, scale=scale)
