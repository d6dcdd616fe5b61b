"""A convolutional network of one scale: it sees no further than its layers reach."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu, silu

from whence.nets.embed import Film, NoiseEmbedding, check_batch, check_shape, check_sizes, zero


class ResNet(nn.Module):
    """Convolutions of 3 x 3 at full resolution with residual connections, without normalisation (after kamb2025analytic).

    One convolution in, `layers` with a connection around each, one out: an output pixel hears the square of side
    2 (layers + 2) + 1 around it, 17 by default, and nothing beyond. `padding` is "zeros", which lets a pixel know how far the
    border is, or "circular", which makes the network commute with shifts on the torus. The last layer starts at 0, so that
    F = 0 before training. `bias=False` leaves no additive constant: ReLU, and the noise only multiplies, so F(a y) = a F(y) for
    a > 0. `conditioned=False` is blind to the noise. Raises ValueError for another padding.
    """

    VERSION: ClassVar[int] = 1
    seed: int | None = None

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        width: int = 32,
        layers: int = 6,
        padding: Literal["zeros", "circular"] = "zeros",
        bias: bool = True,
        conditioned: bool = True,
    ) -> None:
        super().__init__()
        self.shape = check_shape(shape)
        self.options: dict[str, Any] = {
            "width": width,
            "layers": layers,
            "padding": padding,
            "bias": bias,
            "conditioned": conditioned,
        }
        check_sizes(width=width, layers=layers)
        if padding not in ("zeros", "circular"):
            raise ValueError(f"padding is {padding!r}, expected 'zeros' or 'circular'")
        features, c = 2 * width, self.shape[0]

        def conv(before: int, after: int) -> nn.Conv2d:
            return nn.Conv2d(before, after, 3, padding=1, padding_mode=padding, bias=bias)

        self.noise = NoiseEmbedding(features, conditioned)
        self.first, self.last = conv(c, width), zero(conv(width, c))
        self.convs = nn.ModuleList(conv(width, width) for _ in range(layers))
        self.films = nn.ModuleList(Film(features, width, shift=bias) for _ in range(layers))
        self.act = silu if bias else relu

    @property
    def field(self) -> int:
        """Side of the receptive field in pixels."""
        return 2 * (len(self.convs) + 2) + 1

    def forward(self, y: Float[Tensor, "b c h w"], noise: Float[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
        """F(y; noise)."""
        check_batch(self.shape, y, noise)
        features, h = self.noise(noise), self.first(y)
        for conv, film in zip(self.convs, self.films, strict=True):
            h = h + conv(self.act(film(h, features)))
        return self.last(self.act(h))
