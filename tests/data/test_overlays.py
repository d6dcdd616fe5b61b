"""Digits over grounds: each shows the sign of its cue, and how large or faint it is changes nothing of what it says."""

import pytest
import torch

from whence.data.availability import Availability
from whence.data.backdrops import backdrop
from whence.data.dominoes import Half
from whence.data.overlays import Overlay

BARE = Overlay(ground_contrast=0.0)


def test_the_figure_is_of_the_class_that_the_sign_of_its_cue_says():
    """At its own size, on no ground: the ink is a stored digit, put somewhere."""
    flat = Overlay(ground_contrast=0.0, box=8, side=8)
    x, _, z = flat.draw(40, 0)
    digits = Half("digits", (0,), (1,)).draw((z[:, 1] > 0).long(), 0, "train")
    torch.testing.assert_close(x, ((digits + 1) / 2).expand(-1, 3, -1, -1), atol=1e-6, rtol=0)


def test_the_ground_is_of_the_kind_that_the_sign_of_its_cue_says():
    x, _, z = Overlay(contrast=1e-6).draw(60, 0)
    for k, kind in enumerate(("brick", "grass")):
        mine = (z[:, 0] > 0) == bool(k)
        torch.testing.assert_close(x[mine], backdrop(kind, 60, 16, 0)[mine], atol=1e-5, rtol=0)


def test_exchanged_cues_are_the_same_images_with_the_cues_in_each_other_s_place():
    z = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.equal(Overlay(exchanged=True).embed(z, 0), Overlay().embed(z.flip(1), 0))


@pytest.mark.parametrize(
    "knob", [{"box": 7}, {"contrast": 0.3}, {"ground_contrast": 0.2}, {"exchanged": True}, {"grounds": ("photos", "gravel")}]
)
def test_latents_and_labels_are_the_law_s_bit_for_bit_whatever_the_pixels(knob):
    a, b, law = Overlay().draw(64, 3), Overlay(**knob).draw(64, 3), Availability(d=2).draw(64, 3)
    assert torch.equal(a.z, b.z)
    assert torch.equal(b.z, law.z)
    assert torch.equal(b.y, law.y)
    assert not torch.equal(a.x, b.x)
    assert b.x.shape == (64, 3, 16, 16)
    assert b.x.abs().max() <= 1


@pytest.mark.parametrize("box", [1, 5, 12, 16])
def test_ink_stays_in_a_box_and_goes_everywhere_with_it(box):
    x = Overlay(ground_contrast=0.0, box=box).draw(400, 0).x[:, 0]
    written = x > 1e-4
    for axis in (1, 2):
        lines = written.any(axis)
        extent = lines.shape[1] - lines.int().argmax(1) - lines.flip(1).int().argmax(1)
        assert int(extent[lines.any(1)].max()) <= box
        assert lines.any(0)[2:-2].all()


def test_contrast_scales_the_ink_and_ground_contrast_the_ground():
    ink = BARE.draw(20, 0).x
    torch.testing.assert_close(Overlay(ground_contrast=0.0, contrast=0.25).draw(20, 0).x, 0.25 * ink)
    ground, faint = (Overlay(contrast=1e-7, ground_contrast=c).draw(20, 0).x for c in (1.0, 0.5))
    torch.testing.assert_close(faint, 0.5 * ground, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"box": 17}, "a box of 17 pixels in an image of 16: expected from 1 to 16"),
        ({"box": 0}, "expected from 1 to 16"),
        ({"grounds": ("brick",)}, r"grounds \('brick',\): expected two"),
    ],
)
def test_overlays_that_are_none_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Overlay(**options)


def test_grounds_there_are_not_and_cues_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"backdrop 'sea' of contrast 1\.0: expected one of none, photos"):
        Overlay(grounds=("sea", "grass")).draw(4, 0)
    with pytest.raises(ValueError, match=r"latent cues of shape \(4, 3\): expected \(m, 2\)"):
        Overlay().embed(torch.zeros(4, 3), 0)
