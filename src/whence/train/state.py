"""A training under way, and how it survives a kill: weights, their average, the optimizer's memory and the step, in one file."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from whence.train.checkpoint import load, mend, save, tensors
from whence.train.recipe import Recipe

MEMORY = ("step", "exp_avg", "exp_avg_sq")  # what Adam remembers of a parameter


@dataclass
class Training:
    """The network as it is, its average, the optimizer, how many steps have been made and how many seconds they took."""

    network: nn.Module
    average: nn.Module
    optimizer: torch.optim.Adam
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def begin(cls, network: nn.Module, recipe: Recipe) -> Training:
        """Before the first step. The network is trained in place."""
        # fused: one pass over the weights for each parameter instead of several
        optimizer = torch.optim.Adam(network.parameters(), recipe.rate, fused=True)
        return cls(network.train(), copy.deepcopy(network).eval().requires_grad_(False), optimizer)

    def averaged(self, recipe: Recipe) -> None:
        """Count the step that was just made, and take its weights into the average."""
        self.step += 1
        merge = get_ema_multi_avg_fn(recipe.decay(self.step))
        merge(list(self.average.parameters()), list(self.network.parameters()), self.step)

    def keep(self, path: Path, about: dict[str, Any]) -> None:
        """Write all of it, in full precision, replacing what was kept before."""
        memory = {
            f"optimizer.{i}.{key}": self.optimizer.state[p][key]
            for i, p in enumerate(self.network.parameters())
            for key in MEMORY
            if p in self.optimizer.state
        }
        average = {f"average.{name}": t for name, t in self.average.state_dict().items()}
        now = {"step": self.step, "seconds": self.seconds, "trained": about}
        save(path, self.network, now, half=False, **average, **memory)

    def resume(self, path: Path, about: dict[str, Any]) -> None:
        """Go back to what was kept. Raises ValueError for a damaged file, and for one of another training."""
        was = load(path, self.network)
        if was["trained"] != about:
            raise ValueError(f"{path}: the state of another training, {was['trained']}, expected that of {about}; {mend(path)}")
        found = tensors(path)
        self.average.load_state_dict({n.removeprefix("average."): t for n, t in found.items() if n.startswith("average.")})
        for i, p in enumerate(self.network.parameters()):
            if f"optimizer.{i}.step" in found:
                step, *moments = (found[f"optimizer.{i}.{key}"] for key in MEMORY)
                # empty_like keeps the order in memory of the weights, on which the fused step relies
                like = [torch.empty_like(p, requires_grad=False).copy_(m) for m in moments]
                self.optimizer.state[p] = dict(zip(MEMORY, [step.to(p.device), *like], strict=True))
        self.step, self.seconds = was["step"], was["seconds"]
