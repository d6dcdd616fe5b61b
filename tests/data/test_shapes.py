"""Types and shapes are those of the annotations: colour or grey, one image or many, any size."""

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.data import edits, fields, images, photos
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize(("name", "size"), [("photos", None), ("photos", 7), ("fields", 5), ("digits", None), ("digits", 4)])
def test_images_have_the_annotated_shape_and_type(name, size, grey, n):
    drawn = checked(images.draw)(name, "train", n, seed=0, size=size, grey=grey)
    side = size or {"photos": 32, "digits": 8}[name]
    assert drawn.shape == (n, 3 if name == "photos" and not grey else 1, side, side)
    assert drawn.dtype == torch.float32
    assert drawn.is_contiguous()


def test_crops_and_fields_have_the_annotated_shapes():
    assert checked(photos.crops)("test", 2, 9, stream(0, "t")).shape == (2, 3, 9, 9)
    assert checked(fields.power_law)(2, 6, 1.0, stream(0, "t")).shape == (2, 1, 6, 6)
    assert checked(fields.spectrum)(6, 1.0).shape == (6, 6)


def test_edits_keep_the_shape():
    x = torch.randn(2, 3, 4, 4)
    order = checked(edits.permutation)(4, 0)
    assert checked(edits.permute)(x, checked(edits.inverse)(order)).shape == checked(edits.remove_mean)(x).shape == x.shape
