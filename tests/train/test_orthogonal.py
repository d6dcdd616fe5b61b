import pytest
import torch

from whence.seeds import stream
from whence.train.orthogonal import deprived, together, without


def normal(*shape, name="x"):
    return torch.randn(*shape, generator=stream(0, "orthogonal", name), dtype=torch.float64)


def directions(*shape):
    return torch.linalg.qr(normal(*shape, name="v").mT)[0].mT


def test_nothing_is_left_along_the_directions_and_all_of_the_rest():
    x, v = normal(9, 6), directions(2, 6)
    left = without(x, v)
    assert (left @ v.T).abs().max() < 1e-12
    rest = torch.linalg.svd(v).Vh[2:]
    torch.testing.assert_close(left @ rest.T, x @ rest.T)


def test_to_take_out_twice_is_to_take_out_once():
    x, v = normal(9, 6), directions(2, 6)
    torch.testing.assert_close(without(without(x, v), v), without(x, v))


def test_each_network_of_a_stack_loses_its_own_directions():
    shared, own, v = normal(9, 6), normal(3, 9, 6, name="own"), directions(3, 2, 6)
    for s in range(3):
        torch.testing.assert_close(without(shared, v)[s], without(shared, v[s]))
        torch.testing.assert_close(without(own, v)[s], without(own[s], v[s]))


@pytest.mark.parametrize("lead", [(9,), (3, 9)])
def test_images_keep_their_shape_and_precision(lead):
    x, v = normal(*lead, 1, 2, 3).float(), directions(3, 2, 6)
    left = without(x, v, axes=3)
    assert left.dtype == torch.float32
    assert left.shape == (3, 9, 1, 2, 3)
    torch.testing.assert_close(left.flatten(-3), without(x.flatten(-3), v))


def test_what_is_deprived_cannot_tell_points_that_differ_along_the_directions():
    x, v = normal(9, 6), directions(2, 6)
    network = deprived(lambda x: torch.tanh(x @ normal(6, 2, name="w")), v)
    torch.testing.assert_close(network(x + normal(9, 2, name="along") @ v), network(x))
    assert not torch.allclose(network(x + normal(9, 6, name="other")), network(x))


def test_an_ensemble_is_the_mean_of_its_logits():
    x, w = normal(9, 6), normal(3, 6, 2, name="w")
    scores = [lambda x, one=one: x @ one for one in w]
    torch.testing.assert_close(together(*scores)(x), x @ w.mean(0))


def test_bad_input_is_refused_with_its_value():
    with pytest.raises(ValueError, match=r"off those of an orthonormal set by 3.*qr"):
        without(normal(9, 6), 2 * directions(2, 6))
    with pytest.raises(ValueError, match="orthonormal"):
        deprived(lambda x: x, torch.full((2, 6), torch.nan))
    with pytest.raises(ValueError, match=r"shape \(9, 5\), 1 axes each, for directions of 6 numbers"):
        without(normal(9, 5), directions(2, 6))
    with pytest.raises(ValueError, match="of images, axes = 3"):
        without(normal(9, 1, 2, 3), directions(2, 6))
    with pytest.raises(ValueError, match=r"shape \(6,\): expected \(r, d\)"):
        without(normal(9, 6), normal(6))
    with pytest.raises(ValueError, match="no scores"):
        together()
