"""Sprites: one antialiased shape an image, of a footprint known exactly, at any place, turn, hue and contrast, on any background.

Three functions make an image::

    cover = coverage(shape, footprint, turn, centre, side)        (n, side, side) in [0, 1]: the share of each pixel that it covers
    x = paint(backdrop, cover, colour(hue, saturation), contrast)     (n, 3, side, side) in [-1, 1]
    backdrop("brick", n, side, seed, split)                       data/backdrops.py: none, photos, textures, brick, grass, gravel

On these three stand the designs, each a frozen dataclass with `draw`::

    Look(background=("photos",), ...).render(u, seed)             data/looks.py: coordinates u (n, 6) in (0, 1), for colour, shape,
                                                                  scale, orientation, background, position, become images
    Equal(cues, levels, look).diagonal(n, seed) / .off_diagonal   data/designs.py: all cues of equal value, and at odds; `floor`
    Correlated("shape", "background", (.98,)).draw(n, seed)       data/designs.py: one spurious cue, any correlation up to 1
    Predictive(cues, predictivity, look).draw(n, seed)            data/predictive.py: each cue with a predictivity of its own
    Couple(law, footprint, contrast, ...).draw(n, seed)           data/couples.py: two sprites show the latents of an Availability

Moving a knob of availability (footprint, contrast, saturation, background) changes no label, level or latent: each is drawn from a
stream of its own, one number an image. So a sample also begins a longer one (but for latents, whose law does not promise it).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

FINE = 3  # a pixel's coverage is the mean over FINE x FINE parts of it, the edge smoothed over one part
CHUNK = 2**23  # parts that are looked at together
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
BRIGHT, CHROMA = 0.4, 0.6  # luma of every sprite, and how far from grey its colour is at full saturation

_TALL = 1.2  # height of the triangle over its base
_BASE = math.sqrt(2 / _TALL)
_AXIS = math.sqrt(2 / math.pi)  # of the ellipse, twice the other
_HEART = 1 / math.sqrt(1 + math.pi / 4)  # side of its square, on two sides of which half discs lie
_SINK = math.pi / 4 * (0.5 + 2 / (3 * math.pi)) / math.sqrt(2) * _HEART**3  # its centre of mass above the square's


def _square(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(x.abs(), y.abs()) - 0.5


def _ellipse(x: Tensor, y: Tensor) -> Tensor:
    level = torch.hypot(x / _AXIS, 2 * y / _AXIS)
    slope = torch.hypot(x / _AXIS**2, 4 * y / _AXIS**2)
    return level * (level - 1) / slope.clamp_min(1e-6)  # a distance near the edge, which is where it matters


def _triangle(x: Tensor, y: Tensor) -> Tensor:
    apex, run = 2 / 3 * _TALL * _BASE, math.hypot(_TALL, 0.5)
    return torch.maximum(-y - apex / 2, (_TALL * x.abs() + (y - apex) / 2) / run)


def _heart(x: Tensor, y: Tensor) -> Tensor:
    right, up, middle = x.abs(), y + _SINK, _HEART / (2 * math.sqrt(2))
    lobe = torch.hypot(right - middle, up - middle) - _HEART / 2
    return torch.minimum((right + up.abs()) / math.sqrt(2) - _HEART / 2, lobe)


# Signed distance, negative inside, of a shape of area 1 with its centre of mass at 0; y upwards.
SHAPES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "square": _square,
    "ellipse": _ellipse,
    "triangle": _triangle,
    "heart": _heart,
}
RADIUS = {  # of the circle around the centre of mass that holds it, whatever its turn
    "square": math.sqrt(0.5),
    "ellipse": _AXIS,
    "triangle": 2 / 3 * _TALL * _BASE,
    "heart": _HEART / math.sqrt(2) + _SINK,
}
SYMMETRY = {"square": 1, "ellipse": 2, "triangle": 4, "heart": 4}  # in quarter turns: what turns the shape into itself


def number(shape: str) -> int:
    """Its place in SHAPES, which is what `coverage` takes. Raises ValueError for a shape there is not."""
    if shape not in SHAPES:
        raise ValueError(f"no shape {shape!r}: expected one of {', '.join(SHAPES)}")
    return list(SHAPES).index(shape)


def coverage(
    shape: Int[Tensor, " n"],
    footprint: Float[Tensor, " n"],
    turn: Float[Tensor, " n"],
    centre: Float[Tensor, "n 2"],
    side: int,
) -> Float[Tensor, "n side side"]:
    """The share of each pixel that a sprite covers, float32 in [0, 1].

    footprint: its area as a share of the image's, so that all shapes of one footprint cover as many pixels. turn: in quarter turns,
    counterclockwise. centre: of mass, (right, up) of the image's centre in units of its side; what lies outside is cut off.
    Raises ValueError for a number that is no shape, a footprint outside (0, 1), or a side below 1.
    """
    if side < 1 or not bool(((footprint > 0) & (footprint < 1)).all()):
        raise ValueError(
            f"footprints from {footprint.min().item():g} to {footprint.max().item():g} on a side of {side}: expected shares of the "
            "image's area in (0, 1), not numbers of pixels, and a side of at least 1"
        )
    if not bool(((shape >= 0) & (shape < len(SHAPES))).all()):
        raise ValueError(f"shapes {shape.unique().tolist()}: expected 0 to {len(SHAPES) - 1}, as `number` gives them by name")
    found = torch.empty(len(shape), side, side)
    for part in _parts(len(shape), side):
        for k, distance in enumerate(SHAPES.values()):
            if (mine := part[shape[part] == k]).numel():
                found[mine] = _cover(distance, footprint[mine], turn[mine], centre[mine], side)
    return found


def colour(hue: Float[Tensor, " n"], saturation: float = 1.0) -> Float[Tensor, "n 3"]:
    """Red, green and blue in [-1, 1] on a circle of equal luma: the hue, in turns, changes nothing that a grey image shows.

    Raises ValueError for a saturation outside [0, 1]; at 0 all are one grey.
    """
    if not 0 <= saturation <= 1:
        raise ValueError(f"saturation {saturation}: expected from 0, grey, to 1")
    angle = 2 * math.pi * hue.double()
    around = torch.stack([angle.cos(), angle.sin()], 1) @ chroma()
    return (BRIGHT + saturation * CHROMA * around).float()


def chroma() -> Float[Tensor, "2 3"]:
    """Two orthonormal directions in the space of colours along which luma does not change: red to cyan, blue to yellow; float64."""
    luma = torch.tensor(LUMA, dtype=torch.float64)
    q, r = torch.linalg.qr(torch.stack([luma, *torch.eye(3, dtype=torch.float64)[[0, 2]]], 1))
    return (q * r.diagonal().sign()).T[1:]


def paint(
    backdrop: Float[Tensor, "n 3 h w"], cover: Float[Tensor, "n h w"], colours: Float[Tensor, "n 3"], contrast: float = 1.0
) -> Float[Tensor, "n 3 h w"]:
    """backdrop + contrast cover (colour - backdrop): the contrast is how opaque the sprite is, on grey how far it stands out.

    Raises ValueError for a contrast outside (0, 1].
    """
    if not 0 < contrast <= 1:
        raise ValueError(f"contrast {contrast}: expected in (0, 1]; at 0 there would be nothing to see")
    return torch.lerp(backdrop, colours[:, :, None, None].expand_as(backdrop), contrast * cover[:, None])


def room(footprint: float, shapes: tuple[str, ...], width: float = 1.0) -> float:
    """How far from the middle of a square of that width a centre may lie so that none of these shapes, turned anyhow, leaves it.

    Take it for the largest footprint: places that went as far as each size allows would tell the size.
    Raises ValueError where there is no room, with the largest footprint that fits.
    """
    radius = max(RADIUS[shape] for shape in shapes)
    if (left := width / 2 - radius * math.sqrt(footprint)) < 0:
        raise ValueError(
            f"a footprint of {footprint:g} in a square of width {width:g}: expected at most {(width / 2 / radius) ** 2:.3f}, or "
            f"{max(shapes, key=RADIUS.__getitem__)} leaves it when turned; take a smaller one"
        )
    return left


def _parts(n: int, side: int) -> Iterator[Tensor]:
    yield from torch.arange(n).split(max(1, CHUNK // (side * FINE) ** 2))


def _cover(distance: Callable[..., Tensor], footprint: Tensor, turn: Tensor, centre: Tensor, side: int) -> Tensor:
    line = (torch.arange(side * FINE) + 0.5) / (side * FINE) - 0.5
    right = (line - centre[:, :1].float())[:, None, :]
    up = (-line - centre[:, 1:].float())[:, :, None]
    angle = (turn.double() * math.pi / 2)[:, None, None]
    c, s, size = angle.cos().float(), angle.sin().float(), footprint.double().sqrt().float()[:, None, None]
    away = distance((c * right + s * up) / size, (c * up - s * right) / size) * size * side * FINE
    return (0.5 - away).clamp_(0, 1).unflatten(1, (side, FINE)).unflatten(3, (side, FINE)).mean((2, 4))
