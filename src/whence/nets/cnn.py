"""A small convolutional classifier: enough for digits and dominoes, on a laptop."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from whence.nets.embed import check_shape, check_sizes


class CNN(nn.Module):
    """Three 3 x 3 convolutions with ReLU, the second and third at every other pixel, a mean over places, and an affine map.

    The convolutions have `width`, 2 `width` and 2 `width` channels, torch's own first weights, and no normalisation. An output
    unit of the last convolution sees 9 x 9 pixels. Raises ValueError for another shape than (c, h, w), or sizes below 1.
    """

    VERSION: ClassVar[int] = 1
    seed: int | None = None

    def __init__(self, shape: tuple[int, int, int], *, outputs: int = 2, width: int = 16) -> None:
        super().__init__()
        self.shape = check_shape(shape)
        self.options: dict[str, Any] = {"outputs": outputs, "width": width}
        check_sizes(outputs=outputs, width=width)
        widths = (self.shape[0], width, 2 * width, 2 * width)
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=1 if i == 0 else 2, padding=1) for i, (before, after) in enumerate(pairwise(widths))
        )
        self.last = nn.Linear(2 * width, outputs)

    def features(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b f"]:
        """The last convolution's answers averaged over places, (b, 2 width)."""
        if x.ndim != 4 or tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"x has shape {tuple(x.shape)}, this network was made for (b, {', '.join(map(str, self.shape))})")
        for conv in self.convs:
            x = conv(x).relu()
        return x.mean((-2, -1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """The outputs, (b, outputs): logits, not probabilities."""
        return self.last(self.features(x))
