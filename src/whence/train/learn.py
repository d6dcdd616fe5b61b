"""Train a network once: it is found again wherever the same network was trained on the same data by the same recipe."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from whence.device import describe, device
from whence.resources import project_root, resource
from whence.train.checkpoint import identity, load, mend, save, tensors
from whence.train.feed import Batch, feed
from whence.train.loop import fit
from whence.train.losses import Weighted, denoising
from whence.train.recipe import Recipe
from whence.train.state import Training
from whence.train.witness import rounded, statistics, witness

EVERY = 30.0  # seconds between two states kept on the way
LOOK = 100  # steps between two looks at the loss
TOLERANCE = 1e-3  # how far those answers, and the pool's mean and deviation, may be from what was stored


class Learnable(Weighted, Protocol):
    """A denoiser that can be trained: a frozen dataclass around a network, as those of `whence.denoisers.wrap`."""

    @property
    def network(self) -> Callable[[Tensor, Tensor], Tensor]:
        """What is trained, made by `whence.nets.build.build`."""
        ...

    def levels(self, n: int, generator: torch.Generator, /) -> Tensor:
        """n noise levels to train at."""
        ...


def learn(denoiser: Learnable, pool: Float[Tensor, "n c h w"], recipe: Recipe, data: dict[str, Any], name: str) -> Learnable:
    """The denoiser with its network trained on the pool, in evaluation mode, on the pool's device; the one given is left as it is.

    `data` says in words and numbers what the pool is, such as {"dataset": "photos", "seed": 0, "n": 2000}. The file
    NAME-DIGEST.safetensors holds the network; the digest is of the wrapper, network (with the seed of its first weights), recipe
    and `data`. It is read from data/networks (what comes with the project) or _build/networks (what was trained here); if neither
    has it, the network is trained, and kept there. A training that was killed goes on where it was, at most 30 s before.
    Weights are kept in float16, and the network that is returned carries the rounded ones also when it has just been trained.
    Raises ValueError for a pool of fewer than 2 images or of other shapes, and for a file that does not fit: damaged, of another
    network or recipe, trained on other images (mean and deviation tell), or whose network now answers otherwise than it did.
    """
    _check(denoiser, pool, recipe, name)
    about = description(denoiser, recipe, data)
    file = f"{name}-{digest(about)}.safetensors"
    path = stored(file)
    if path is None:
        path = networks_dir() / file
        _train(_fresh(denoiser, pool), pool, recipe, about, path)
    return _open(path, _fresh(denoiser, pool), pool, about)


def description(denoiser: Any, recipe: Recipe, data: dict[str, Any]) -> dict[str, Any]:
    """All that decides what a training gives, as JSON would give it back. Raises TypeError where `data` is not plain."""
    network = denoiser.network
    numbers = {field.name: getattr(denoiser, field.name) for field in fields(denoiser) if field.name != "network"}
    wrapper = {"class": type(denoiser).__name__, **numbers}
    made = identity(network) | {"seed": network.seed}
    try:
        return json.loads(json.dumps({"wrapper": wrapper, "network": made, "recipe": asdict(recipe), "data": data}))
    except TypeError as error:
        raise TypeError(f"data is {data!r}: expected names and numbers that say what the pool is ({error})") from error


def digest(about: dict[str, Any]) -> str:
    """The first 8 hexadecimal digits of the sha256 of a description."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:8]


def networks_dir() -> Path:
    """Where networks that were trained here are kept: _build/networks of the checkout; outside of one, of the working directory."""
    return (project_root() or Path.cwd()) / "_build" / "networks"


def stored(file: str) -> Path | None:
    """Where a trained network lies: with the project, or made here before; None when it is neither."""
    try:
        return resource(f"data/networks/{file}")
    except FileNotFoundError:
        return path if (path := networks_dir() / file).is_file() else None


def _check(denoiser: Any, pool: Tensor, recipe: Recipe, name: str) -> None:
    network = denoiser.network
    identity(network)
    if pool.ndim != 4 or len(pool) < 2 or tuple(pool.shape[1:]) != network.shape:
        raise ValueError(
            f"pool has shape {tuple(pool.shape)}, expected (n, {', '.join(map(str, network.shape))}) with n >= 2: "
            "build the network for tuple(pool.shape[1:])"
        )
    if not bool(torch.isfinite(pool).all()):
        raise ValueError("the pool holds numbers that are not finite: expected images in [-1, 1]")
    if network.seed is None:
        raise ValueError(
            "the network's first weights are of unknown origin: make it with whence.nets.build.build(name, shape, seed)"
        )
    if recipe.precision == "bfloat16" and pool.device.type != "cuda":
        raise ValueError(
            f"precision 'bfloat16' on {pool.device}: slower there, not faster; use 'float32', or a pool on a CUDA device"
        )
    if not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(f"name {name!r}: expected letters, digits, '.', '-' and '_'; it becomes the name of a file")


def _fresh(denoiser: Any, pool: Tensor) -> Any:
    """A denoiser of one's own to train or fill, channels last: convolutions are faster so, some 10 % on a processor."""
    network = copy.deepcopy(denoiser.network).to(pool.device, torch.float32)
    return replace(denoiser, network=network.to(memory_format=torch.channels_last))


def _train(denoiser: Any, pool: Tensor, recipe: Recipe, about: dict[str, Any], path: Path) -> None:
    """Train, from the state kept on the way if there is one, and write the file."""
    device(str(pool.device))  # no TF32
    partial = path.with_suffix(".partial.safetensors")
    training = Training.begin(denoiser.network, recipe)
    if partial.is_file():
        training.resume(partial, about)
    loss = _walk(denoiser, pool, recipe, training, lambda: training.keep(partial, about), path.name)
    learned = replace(denoiser, network=training.average)
    record = {
        "loss": loss,
        "seconds": round(training.seconds, 1),
        "device": describe(pool.device),
        "torch": torch.__version__,
        "parameters": sum(p.numel() for p in denoiser.network.parameters()),
    }
    rounded(training.average)
    save(path, training.average, {"trained": about, "pool": statistics(pool), "record": record}, witness=witness(learned, pool))
    partial.unlink(missing_ok=True)


def _walk(denoiser: Any, pool: Tensor, recipe: Recipe, training: Training, keep: Any, title: str) -> float:
    """Make the steps that are left, and return the mean loss of the last looks at it."""
    low = recipe.precision == "bfloat16"

    def loss(batch: Batch) -> Tensor:
        with torch.autocast(pool.device.type, torch.bfloat16, enabled=low):
            return denoising(denoiser, batch)

    batches = islice(feed(pool.float(), recipe.batch, recipe.seed, denoiser.levels, training.step), recipe.steps - training.step)
    steps = fit(denoiser.network.parameters(), loss, batches, training.optimizer, recipe.clip, recipe.share, training.step)
    before, kept, seen = training.seconds, time.monotonic(), math.nan
    began = kept
    with tqdm(total=recipe.steps, initial=training.step, desc=title) as bar:
        for step in steps:
            training.averaged(recipe)
            bar.update()
            if step.number % LOOK == 0 or step.number == recipe.steps:
                seen = _finite(float(step.loss), step.number)
                bar.set_postfix(loss=f"{seen:.3g}")
            if (now := time.monotonic()) - kept > EVERY:
                training.seconds, kept = before + now - began, now
                keep()
    training.seconds = before + time.monotonic() - began
    return seen


def _finite(loss: float, step: int) -> float:
    if not math.isfinite(loss):
        raise ValueError(f"the loss is {loss} at step {step}: the training has diverged; lower the recipe's rate or clip")
    return loss


def _open(path: Path, denoiser: Any, pool: Tensor, about: dict[str, Any]) -> Any:
    """The denoiser with the weights of a file, if it is what was asked for."""
    found = load(path, denoiser.network)
    if found["trained"] != about:
        raise ValueError(f"{path}: trained as {found['trained']}, expected {about}; {mend(path)}")
    now, then = statistics(pool), found["pool"]
    if now["shape"] != then["shape"] or any(abs(now[k] - then[k]) > TOLERANCE for k in ("mean", "deviation")):
        raise ValueError(
            f"{path}: trained on a pool of {then}, this one is {now}, though both are called {about['data']}: "
            f"say in `data` what is different; or {mend(path)}"
        )
    denoiser.network.eval().requires_grad_(False)
    apart = float((witness(denoiser, pool) - tensors(path)["witness"]).abs().max())
    if not apart <= TOLERANCE:
        raise ValueError(
            f"{path}: the network answers {apart:.2g} away from what it did when it was stored, expected at most {TOLERANCE}: "
            f"the code of the network or its wrapper has changed since; {mend(path)}"
        )
    return denoiser
