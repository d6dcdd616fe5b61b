import pytest
import torch

from whence.data.dominoes import Half
from whence.data.twocues import TwoCues

HALVES = Half("digits", (0,), (1,)), Half("digits", (4,), (7,))


def test_cues_predict_as_often_as_they_say_and_independently_given_the_label():
    found = TwoCues(*HALVES, predictivity=(0.7, 0.9)).draw(4000, 0)
    right = (found.z > 0) == found.y[:, None].bool()
    assert right.double().mean(0).tolist() == pytest.approx([0.7, 0.9], abs=0.03)
    assert float(torch.corrcoef(right.double().T)[0, 1]) == pytest.approx(0, abs=0.05)


def test_at_one_half_all_four_combinations_are_equally_frequent():
    found = TwoCues(*HALVES, predictivity=(0.5, 0.5)).draw(4000, 0, "test")
    cells = (found.z > 0).long() @ torch.tensor([2, 1])
    assert (torch.bincount(cells, minlength=4) / 4000).tolist() == pytest.approx([0.25] * 4, abs=0.03)


def test_a_half_shows_what_its_cue_says():
    """Zeros are dark in their middle, ones bright, whatever the label."""
    found = TwoCues(*HALVES, predictivity=(0.6, 0.6)).draw(500, 0)
    middle = found.x[:, 0, 3:5, 3:5].mean((1, 2))
    assert bool((middle[found.z[:, 0] > 0].mean() > 0.2) & (middle[found.z[:, 0] < 0].mean() < -0.5))


def test_contrast_scales_one_half_about_black_and_changes_nothing_else():
    plain, dim = (TwoCues(*HALVES, contrast=(1.0, c)).draw(50, 3) for c in (1.0, 0.25))
    assert torch.equal(plain.y, dim.y)
    assert torch.equal(plain.z, dim.z)
    torch.testing.assert_close(dim.x[:, :, :8], plain.x[:, :, :8])
    torch.testing.assert_close(dim.x[:, :, 8:] + 1, (plain.x[:, :, 8:] + 1) / 4)


def test_a_higher_predictivity_only_turns_cues_to_the_label():
    low, high = (TwoCues(*HALVES, predictivity=(p, 0.9)).draw(500, 1) for p in (0.6, 0.95))
    turned = (low.z != high.z)[:, 0]
    assert bool(turned.any())
    assert bool(((high.z[turned, 0] > 0) == high.y[turned].bool()).all())
    assert torch.equal(low.z[:, 1], high.z[:, 1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"predictivity": (0.4, 0.9)}, "expected probabilities in"),
        ({"predictivity": (0.9, 1.1)}, "expected probabilities in"),
        ({"contrast": (1.0, 0.0)}, "could not be seen at all"),
        ({"contrast": (1.5, 1.0)}, "expected shares"),
    ],
)
def test_what_no_cue_can_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TwoCues(*HALVES, **options)


def test_no_images_are_refused():
    with pytest.raises(ValueError, match="0 images"):
        TwoCues(*HALVES).draw(0, 0)
