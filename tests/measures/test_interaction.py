"""Which pixels a score takes together."""

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.measures.interaction import interactions, reach
from whence.measures.sensitivity import side
from whence.nets.build import build
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def images(*shape, seed=0):
    return torch.rand(*shape, generator=stream(seed, "images"), dtype=torch.float64) * 2 - 1


def every(h, w):
    return torch.cartesian_prod(torch.arange(h), torch.arange(w))


def test_a_quadratic_form_has_the_squared_rows_of_its_matrix():
    """I_q(p) = move^2 A_qp^2, at any images."""
    A = images(30, 30, seed=1)
    A = A + A.T

    def form(x):
        flat = x.flatten(-3)
        return (flat @ A * flat).sum(-1) / 2

    found = checked(interactions)(form, images(4, 1, 5, 6), every(5, 6), 0.5)
    torch.testing.assert_close(found.reshape(30, 30), 0.25 * A.square())


def test_the_field_is_the_definition_image_by_image():
    network = build("perceptron", (2, 4, 4), 0, outputs=1, width=8, activation="tanh").double()
    x, q = images(3, 2, 4, 4), (1, 2)

    def gradient(image):
        return torch.func.grad(lambda z: network(z[None])[0, 0])(image)

    total = torch.zeros(4, 4, dtype=torch.float64)
    for image in x:
        moved = image.clone()
        for c in range(2):
            moved[c, q[0], q[1]] += 1.0 if image[c, q[0], q[1]] < 0 else -1.0
        total += (gradient(moved) - gradient(image)).square().sum(0) / len(x)
    found = interactions(lambda z: network(z)[:, 0], x, torch.tensor([q]))
    torch.testing.assert_close(found[0], total)


def test_what_adds_pixels_up_has_no_field_and_no_reach():
    """A linear network of two layers in float32, whose gradient is the same everywhere but for rounding."""
    network = build("perceptron", (1, 8, 8), 0, outputs=1, width=16, activation="linear")
    fields = interactions(lambda z: network(z)[:, 0], images(5, 1, 8, 8).float(), every(8, 8))
    assert float(fields.abs().max()) == 0
    assert float(checked(reach)(fields, every(8, 8))) == 0


def test_a_single_pixel_changes_its_own_weight_alone():
    """A sum of cubes: side 1/2, half of a pixel that holds everything."""
    fields = interactions(lambda z: z.pow(3).sum((-3, -2, -1)), images(5, 1, 6, 6), every(6, 6))
    assert float(reach(fields, every(6, 6))) == pytest.approx(0.5)


def test_a_convolutional_networks_field_ends_with_its_windows():
    """Its last layer sees 9 x 9 pixels and is averaged: none is taken together with one more than 8 away."""
    network = build("cnn", (1, 24, 24), 0, width=4).double()
    x, q = images(6, 1, 24, 24), torch.tensor([[12, 12], [3, 20]])
    fields = interactions(lambda z: network(z)[:, 1] - network(z)[:, 0], x, q)
    apart = (every(24, 24).reshape(24, 24, 2) - q[:, None, None]).abs().amax(-1)
    assert float(fields[apart > 8].abs().max()) == 0
    assert bool((fields.sum((1, 2)) > 0).all())
    assert 1 < float(reach(fields, q)) < 17


def test_seeds_stay_and_images_split_alike():
    x, q = images(2, 6, 1, 5, 5), every(5, 5)[::4]

    def score(z):
        return torch.tanh(z.flatten(-3) @ weights[:, :, None])[..., 0]

    weights = images(2, 25, seed=2)
    both = interactions(score, x, q)
    assert both.shape == (2, len(q), 5, 5)
    alone = interactions(lambda z: torch.tanh(z.flatten(-3) @ weights[1]), x[1], q)
    torch.testing.assert_close(both[1], alone)
    halves = [interactions(score, part, q) for part in x.split(3, 1)]
    torch.testing.assert_close(both, sum(halves) / 2)
    torch.testing.assert_close(reach(both, q), torch.stack([side(fields, q).mean() for fields in both]))


@pytest.mark.parametrize(("pixels", "move"), [([[5, 0]], 1.0), ([[-1, 0]], 1.0), ([[0, 0]], 0.0), ([[0, 0]], float("nan"))])
def test_pixels_outside_and_moves_of_nothing_are_refused(pixels, move):
    with pytest.raises(ValueError, match="expected pixels inside, and a move > 0"):
        interactions(lambda z: z.sum((-3, -2, -1)), images(2, 1, 5, 5), torch.tensor(pixels), move)
