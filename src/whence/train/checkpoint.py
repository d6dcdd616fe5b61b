"""Networks on disk: safetensors files that say what they hold, and are refused where they do not fit. Never a pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from whence.resources import write_atomically

WEIGHTS = "weights."  # what a network's own tensors are called in a file
HALF = torch.float16


def identity(network: nn.Module) -> dict[str, Any]:
    """What a network is, apart from its numbers: class, version of the class, shape and options, as JSON would give them back.

    Raises TypeError for a module that does not say (`shape`, `options`, `VERSION`), as those of `whence.nets` do.
    """
    try:
        found = {"class": type(network).__name__, "version": network.VERSION, "shape": network.shape, "options": network.options}
    except AttributeError as error:
        raise TypeError(
            f"{type(network).__name__} does not say what it is ({error}): a network that is kept has `shape`, `options` and "
            "`VERSION`, see whence.nets.build"
        ) from error
    return json.loads(json.dumps(found))


def save(path: Path, network: nn.Module, about: dict[str, Any], half: bool = True, **more: Tensor) -> None:
    """Write a network's weights and `about` (anything JSON holds), beside and then renamed; float16 unless `half` is False.

    `more` are tensors kept as they are, see `tensors`. Raises ValueError for a weight that is not finite in that precision.
    """
    stored = {WEIGHTS + name: _stored(name, t, half) for name, t in network.state_dict().items()}
    plain = stored | {name: t.detach().cpu().contiguous() for name, t in more.items()}
    header = {"network": json.dumps(identity(network), sort_keys=True), "about": json.dumps(about, sort_keys=True)}
    write_atomically(path, to_bytes(plain, header))


def load(path: Path, network: nn.Module) -> dict[str, Any]:
    """Put the weights of a file into a network, in the network's own precision and on its device, and return `about`.

    Raises FileNotFoundError, and ValueError for a file that is damaged or holds another network: the message says what was found,
    what was expected, and what mends it. The network is changed only when all is well.
    """
    header, found = read(path)
    _compare(path, header["network"], identity(network))
    weights = {name.removeprefix(WEIGHTS): t for name, t in found.items() if name.startswith(WEIGHTS)}
    own = network.state_dict()
    if wrong := [
        n for n in sorted(own.keys() | weights.keys()) if n not in own or n not in weights or own[n].shape != weights[n].shape
    ]:
        raise ValueError(
            f"{path}: the tensor {wrong[0]!r} is not as in this network, though both say they are the same; {mend(path)}"
        )
    network.load_state_dict(weights)
    return header["about"]


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that are not the network's own weights. Raises as `load`."""
    return {name: t for name, t in read(path)[1].items() if not name.startswith(WEIGHTS)}


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The header ("network" and "about") and all tensors of a file. Raises FileNotFoundError, and ValueError for a damaged file."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint; train the network, see whence.train.learn")
    try:
        with safe_open(path, framework="pt") as file:
            header = {name: json.loads((file.metadata() or {})[name]) for name in ("network", "about")}
            return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"{path}: not a whole checkpoint of ours ({type(error).__name__}: {error}), "
            f"expected a safetensors file with a header of network and about; {mend(path)}"
        ) from error


def _stored(name: str, tensor: Tensor, half: bool) -> Tensor:
    kept = tensor.detach().cpu().to(HALF if half and tensor.is_floating_point() else tensor.dtype).contiguous()
    if not bool(torch.isfinite(kept).all()):
        raise ValueError(f"weight {name!r} is not finite in {kept.dtype}: the training has diverged; lower its rate or clip")
    return kept


def _compare(path: Path, found: dict[str, Any], expected: dict[str, Any]) -> None:
    if found == expected:
        return
    what = next(key for key in ("class", "version", "shape", "options") if found.get(key) != expected[key])
    was, wanted = found.get(what), expected[what]
    if what == "options" and isinstance(was, dict):
        keys = [key for key in sorted(was | wanted) if was.get(key) != wanted.get(key)]
        was, wanted = {key: was.get(key) for key in keys}, {key: wanted.get(key) for key in keys}
    hint = "the code of this network has changed since; " if what == "version" else "build the network that the file holds, or "
    raise ValueError(f"{path}: holds a network of {what} {was!r}, expected {wanted!r}; {hint}{mend(path)}")


def mend(path: Path) -> str:
    """What mends a file that cannot be used, in words: deleting it."""
    return f"to train anew, delete it: rm {path}"
