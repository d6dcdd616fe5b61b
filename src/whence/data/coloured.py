"""Images of two classes in a colour that goes with the label as often as each environment says (arjovsky2019irm).

With classes 0 ... 9 the label is (class < 5), flipped with probability `label_noise`; the colour is the label, kept with the
correlation of the environment and flipped otherwise. At noise 1/4 and correlations above 3/4 the colour tells more of the label
than the shape does, which alone goes over to an environment of another correlation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.data.images import draw_labelled
from whence.seeds import stream

GROUPS = 4  # label x colour


class Sample(NamedTuple):
    """Images of two channels in [-1, 1], and of each: label, colour, environment, and whether the label is that of its shape."""

    x: Float[Tensor, "n 2 h w"]
    y: Int[Tensor, " n"]
    colour: Int[Tensor, " n"]
    environment: Int[Tensor, " n"]
    clean: Bool[Tensor, " n"]

    @property
    def group(self) -> Int[Tensor, " n"]:
        """Label x colour, as 2 y + colour: 0 and 3 are those where they agree."""
        return 2 * self.y + self.colour


@dataclass(frozen=True)
class Coloured:
    """Images of a stored set ("digits", "mnist", "fashion_mnist") in environments, one for each of `correlations`.

    A correlation is P(colour = label): 1 - e of the published design, whose training environments are e = .2 and .1 and whose test
    environment is e = .9, so (0.8, 0.9) and (0.1,). `size` averages whole blocks of pixels: 14 is the published one of MNIST.
    Raises ValueError for a correlation or a label noise outside [0, 1], or no environment.
    """

    dataset: str = "digits"
    correlations: tuple[float, ...] = (0.8, 0.9)
    label_noise: float = 0.25
    size: int | None = None

    def __post_init__(self) -> None:
        if not self.correlations:
            raise ValueError("0 environments: expected a correlation for each, such as (0.8, 0.9)")
        if bad := [c for c in self.correlations if not 0 <= c <= 1]:
            raise ValueError(
                f"correlation {bad[0]} of colour and label: expected the share of images whose colour is their label, in [0, 1]; "
                "a colour that goes against the label in a share e has 1 - e"
            )
        if not 0 <= self.label_noise <= 1:
            raise ValueError(f"label noise {self.label_noise}: expected the share of labels that are flipped, in [0, 1]")

    def draw(self, n: int, seed: int, split: str = "train") -> Sample:
        """n images of a split, dealt to the environments in turn: their numbers differ by one at most.

        Images, label flips and colour flips come from streams of their own: samples that differ in a correlation alone share all
        else, and a higher correlation only turns colours towards the label. Raises ValueError for fewer images than environments
        and as `whence.data.images.draw_labelled` does.
        """
        if n < len(self.correlations):
            raise ValueError(f"{n} images for {len(self.correlations)} environments: expected at least one each")
        image, classes = draw_labelled(self.dataset, split, n, seed, self.size, grey=True)
        clean = torch.rand(n, generator=stream(seed, "coloured", split, "label"), dtype=torch.float64) >= self.label_noise
        shape = (classes < 5).long()
        y = torch.where(clean, shape, 1 - shape)
        environment = torch.arange(n) % len(self.correlations)
        kept = torch.tensor(self.correlations, dtype=torch.float64)[environment]
        agrees = torch.rand(n, generator=stream(seed, "coloured", split, "colour"), dtype=torch.float64) < kept
        colour = torch.where(agrees, y, 1 - y)
        return Sample(paint(image, colour), y, colour, environment, clean)


def paint(image: Float[Tensor, "n 1 h w"], colour: Int[Tensor, " n"]) -> Float[Tensor, "n 2 h w"]:
    """Each image in the channel of its colour, 0 or 1, the other channel black. Raises ValueError for images of more channels."""
    if image.ndim != 4 or image.shape[1] != 1 or colour.shape != image.shape[:1]:
        raise ValueError(f"images {tuple(image.shape)} in colours {tuple(colour.shape)}: expected grey (n, 1, h, w) and (n,)")
    own = torch.arange(2, device=colour.device) == colour[:, None]
    return torch.where(own[:, :, None, None], image, -1.0)


def colourless(x: Float[Tensor, "n 2 h w"]) -> Float[Tensor, "n 2 h w"]:
    """The same images with both channels alike: what a network sees that cannot use the colour, the oracle of this design."""
    return x.amax(1, keepdim=True).expand_as(x)
