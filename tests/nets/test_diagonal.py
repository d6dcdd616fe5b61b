import pytest
import torch

from whence.nets.diagonal import Diagonal
from whence.seeds import stream


def test_it_starts_at_zero_with_parameters_of_the_scale_and_answers_with_the_difference_of_squares():
    network = Diagonal(7, [0.5, 4.0], copies=3)
    x = torch.randn(3, 5, 7, generator=stream(0, "diagonal"))
    assert torch.equal(network(x), torch.zeros(3, 5, 2))
    norms = (network.u.square() + network.v.square()).sum(1).sqrt()
    torch.testing.assert_close(norms, torch.tensor([0.5, 4.0]).expand(3, 2))
    with torch.no_grad():
        network.u += 1
    expected = torch.einsum("snd,sda->sna", x, (network.u + network.v) * (network.u - network.v))
    torch.testing.assert_close(network(x), expected)


def test_every_copy_and_scale_trains_as_if_alone():
    x = torch.randn(2, 6, 7, generator=stream(0, "diagonal"))

    def trained(network, x):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, weight_decay=0.01)
        for _ in range(20):
            optimizer.zero_grad()
            torch.nn.functional.softplus(-network(x)).mean(1).sum().backward()
            optimizer.step()
        return network.weights.detach()

    torch.testing.assert_close(trained(Diagonal(7, [0.5, 2.0], 2), x)[1:, :, 1:], trained(Diagonal(7, [2.0], 1), x[1:]))


@pytest.mark.parametrize("scales", [[], [1.0, 0.0], [-2.0]])
def test_a_scale_from_which_nothing_moves_is_refused(scales):
    with pytest.raises(ValueError, match="expected numbers above 0"):
        Diagonal(3, scales)
