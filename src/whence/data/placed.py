"""Small images at chance places of a black frame: what they show does not say where it is."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor

BLACK = -1.0


def placed(images: Float[Tensor, "n c h w"], side: int, shift: int, generator: Generator) -> Float[Tensor, "n c side side"]:
    """Each image in a black frame of side x side, its place drawn evenly from those at most `shift` pixels off the centre.

    Where the frame leaves less room than that, all of it is used; an image as high as the frame moves sideways alone. Rows are
    drawn before columns. Where the room is odd, the centre is the pixel above, or left of, the middle.
    Raises ValueError for images larger than the frame, or a negative shift.
    """
    n, channels, h, w = images.shape
    if h > side or w > side or shift < 0:
        raise ValueError(
            f"images of {h} x {w} in a frame of {side} x {side}, moved by {shift}: expected a frame as large, a shift >= 0"
        )
    corners = torch.stack([_starts(n, side - size, shift, generator) for size in (h, w)], 1)
    rows = corners[:, 0, None] + torch.arange(h)
    columns = corners[:, 1, None] + torch.arange(w)
    frame = images.new_full((n, channels, side, side), BLACK)
    image, channel = torch.arange(n)[:, None, None, None], torch.arange(channels)[:, None, None]
    frame[image, channel, rows[:, None, :, None], columns[:, None, None, :]] = images
    return frame


def _starts(n: int, room: int, shift: int, generator: Generator) -> Tensor:
    centre = room // 2
    low, high = max(0, centre - shift), min(room, centre + shift)
    return torch.randint(low, high + 1, (n,), generator=generator)
