"""Coloured images: the colour goes with the label as often as it is told to, and nothing else moves."""

from dataclasses import replace

import pytest
import torch

from whence.data.coloured import Coloured, colourless, paint
from whence.data.images import draw_labelled

N = 1000


def test_the_design_of_invariant_risk_minimisation():
    """Shares of kept labels and colours within four standard errors, environment by environment."""
    s = Coloured(correlations=(0.8, 0.9)).draw(N, 0)
    classes = draw_labelled("digits", "train", N, 0).y
    assert torch.equal(s.y == (classes < 5), s.clean)
    assert abs(s.clean.double().mean() - 0.75) < 4 * (0.75 * 0.25 / N) ** 0.5
    for e, kept in enumerate((0.8, 0.9)):
        agrees = (s.colour == s.y)[s.environment == e].double()
        assert len(agrees) == N / 2
        assert abs(agrees.mean() - kept) < 4 * (kept * (1 - kept) * 2 / N) ** 0.5
    assert torch.equal(s.group, torch.tensor([[0, 1], [2, 3]])[s.y, s.colour])


def test_an_image_is_in_the_channel_of_its_colour_and_the_other_is_black():
    s = Coloured().draw(50, 1)
    grey = draw_labelled("digits", "train", 50, 1).x
    for x, colour, image in zip(s.x, s.colour.tolist(), grey, strict=True):
        assert torch.equal(x[colour], image[0])
        assert bool((x[1 - colour] == -1).all())
    assert torch.equal(colourless(s.x), grey.expand(-1, 2, -1, -1))


def test_samples_that_differ_in_correlation_share_all_but_colours_which_only_turn_to_the_label():
    design = Coloured(correlations=(0.5,))
    few, many = design.draw(200, 2), replace(design, correlations=(0.9,)).draw(200, 2)
    assert torch.equal(few.y, many.y)
    assert torch.equal(colourless(few.x), colourless(many.x))
    assert bool(((many.colour == many.y) | (few.colour != few.y)).all())


@pytest.mark.parametrize(("correlation", "noise"), [(1.0, 0.0), (0.0, 1.0)])
def test_the_ends_are_exact(correlation, noise):
    s = Coloured(correlations=(correlation,), label_noise=noise).draw(100, 0, "test")
    assert bool(((s.colour == s.y) == bool(correlation)).all())
    assert bool((s.clean == (noise == 0)).all())


def test_a_draw_is_a_function_of_seed_and_split():
    assert all(torch.equal(a, b) for a, b in zip(Coloured().draw(60, 1, "test"), Coloured().draw(60, 1, "test"), strict=True))
    assert not torch.equal(Coloured().draw(60, 1).colour, Coloured().draw(60, 2).colour)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"correlations": (0.8, 1.2)}, r"correlation 1.2 of colour and label: expected .* in \[0, 1\]"),
        ({"correlations": (float("nan"),)}, "correlation nan"),
        ({"correlations": ()}, "0 environments: expected a correlation for each"),
        ({"label_noise": -0.1}, "label noise -0.1: expected"),
    ],
)
def test_shares_that_are_none_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Coloured(**options)


def test_fewer_images_than_environments_and_colour_images_are_refused():
    with pytest.raises(ValueError, match="1 images for 2 environments: expected at least one each"):
        Coloured().draw(1, 0)
    with pytest.raises(ValueError, match="expected grey"):
        paint(torch.zeros(2, 3, 4, 4), torch.zeros(2).long())
