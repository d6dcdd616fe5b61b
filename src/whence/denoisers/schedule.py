"""Denoisers with settings: which one at which noise, chosen on images that nothing else is measured on."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from whence.noise import per_sample

Denoiser = Callable[[Tensor, Tensor | float], Tensor]


@dataclass(frozen=True)
class Scheduled:
    """One denoiser made of many: at noise sigma the one whose setting was chosen at the level nearest in log sigma.

    `members` are denoisers by setting, `choice` is a setting for each noise level. Of two levels equally near the lower one counts.
    Raises ValueError for a choice that is empty, at a level that is not positive, or of a setting that no member has.
    """

    members: Mapping[Hashable, Denoiser]
    choice: Mapping[float, Hashable]

    def __post_init__(self) -> None:
        if not self.choice or any(not 0 < level < math.inf for level in self.choice):
            raise ValueError(f"a choice at the levels {list(self.choice)}: expected at least one noise level, all finite and > 0")
        if missing := [setting for setting in self.choice.values() if setting not in self.members]:
            raise ValueError(f"no member has the setting {missing[0]!r}: expected one of {list(self.members)}")

    def setting(self, sigma: float) -> Hashable:
        """The setting at this noise."""
        return self.choice[min(sorted(self.choice), key=lambda level: abs(math.log(level / sigma)))]

    def __call__(self, y: Float[Tensor, "b c h w"], sigma: float | Tensor) -> Float[Tensor, "b c h w"]:
        """D(y; sigma)."""
        level = per_sample(sigma, y).flatten()
        settings = [self.setting(float(value)) for value in level.detach()]
        answers = {}
        for setting in dict.fromkeys(settings):
            which = torch.tensor([i for i, one in enumerate(settings) if one == setting], device=y.device)
            answers[setting] = (which, self.members[setting](y[which], level[which]))
        order = torch.cat([which for which, _ in answers.values()]).argsort()
        return torch.cat([answer for _, answer in answers.values()])[order]


def closest(answers: Mapping[Hashable, Float[Tensor, "b c h w"]], target: Float[Tensor, "b c h w"]) -> Hashable:
    """The setting whose answers are nearest to a target in mean square; of equally near ones the first.

    The target may be the clean images (least error) or another denoiser's answers (closest agreement). Raises ValueError when there
    is nothing to choose from.
    """
    if not answers:
        raise ValueError("no answers to choose from: expected those of at least one setting")
    return min(answers, key=lambda setting: float((answers[setting] - target).double().square().mean()))
