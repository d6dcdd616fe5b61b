"""Networks by name, with first weights that depend on the seed alone."""

from __future__ import annotations

import difflib
import inspect
from typing import Any

import torch
from torch import nn

from whence.nets.cnn import CNN
from whence.nets.cubic import Cubic
from whence.nets.dit import DiT
from whence.nets.linear import Linear
from whence.nets.local import LocallyConnected
from whence.nets.mlp import MLP
from whence.nets.perceptron import Perceptron
from whence.nets.resnet import ResNet
from whence.nets.unet import UNet
from whence.nets.vit import GatedViT, ViT
from whence.seeds import derive

BUILD: dict[str, type[nn.Module]] = {
    "linear": Linear,
    "mlp": MLP,
    "resnet": ResNet,
    "unet": UNet,
    "dit": DiT,
    "perceptron": Perceptron,
    "cubic": Cubic,
    "cnn": CNN,
    "local": LocallyConnected,
    "vit": ViT,
    "gated_vit": GatedViT,
}


def build(name: str, shape: tuple[int, ...], seed: int, **options: Any) -> nn.Module:
    """The network of that name for images (c, h, w), on the CPU, its weights drawn from the stream (seed, "init").

    A "perceptron" also takes the shape (d,) of flat inputs.
    The global random state is neither read nor moved. The network remembers `seed`, its `shape` and all its `options`.
    Raises ValueError for an unknown name or option, with the nearest there is.
    """
    if name not in BUILD:
        raise ValueError(f"no network {name!r}: {_near(name, BUILD)}there are {', '.join(BUILD)}")
    known = [p.name for p in inspect.signature(BUILD[name]).parameters.values() if p.kind == p.KEYWORD_ONLY]
    if unknown := [option for option in options if option not in known]:
        raise ValueError(f"{name!r} has no option {unknown[0]!r}: {_near(unknown[0], known)}there are {', '.join(known)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "init"))
        network: Any = BUILD[name](shape, **options)
    network.seed = seed
    return network


def _near(word: str, words: Any) -> str:
    close = difflib.get_close_matches(word, list(words), 1)
    return f"did you mean {close[0]!r}? " if close else ""
