"""Which examples to show more often: sets of them, found early in a training or drawn as a control, and the copies."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from sklearn.cluster import KMeans
from torch import Tensor

from whence.seeds import derive, stream


def copied(chosen: Bool[Tensor, " n"], factor: int) -> Int[Tensor, " m"]:
    """Indices of all n examples, each once and the chosen ones `factor` times, for `train.supervised.labelled`.

    More indices make epochs longer, not the training: that is as many batches as are asked for. Raises ValueError for a factor
    that is not a whole number >= 1, or a `chosen` that is not a (n,) of booleans.
    """
    if isinstance(factor, bool) or not isinstance(factor, int) or factor < 1:
        raise ValueError(f"an upsampling factor of {factor!r}, expected a whole number >= 1: 1 shows every example once")
    if chosen.ndim != 1 or chosen.dtype != torch.bool:
        raise ValueError(f"chosen has shape {tuple(chosen.shape)} and {chosen.dtype}, expected (n,) booleans, such as losses > 0.3")
    return torch.arange(len(chosen), device=chosen.device).repeat_interleave(torch.where(chosen, factor, 1))


def slow(outputs: Float[Tensor, "n k"], y: Int[Tensor, " n"], losses: Float[Tensor, " n"], seed: int) -> Bool[Tensor, " n"]:
    """The examples that are learned slowly, after nguyen2024useful: of two clusters in each class, the one with the higher loss.

    `outputs` are those of a network early in its training; clusters are those of k-means (sklearn's, its starts drawn by
    (seed, "clusters", class)). Raises ValueError for shapes that do not fit, and for a class 0 ... k - 1 with fewer than two
    members or whose outputs are all alike: there is nothing to divide.
    """
    if outputs.ndim != 2 or y.shape != outputs.shape[:1] or losses.shape != y.shape:
        raise ValueError(
            f"outputs have shape {tuple(outputs.shape)}, y {tuple(y.shape)}, losses {tuple(losses.shape)}: "
            "expected (n, k), (n,) and (n,)"
        )
    found = torch.zeros(len(y), dtype=torch.bool)
    for label in range(outputs.shape[1]):
        members = (y == label).nonzero()[:, 0].cpu()
        where = outputs.detach()[members].cpu().double()
        if len(members) < 2 or bool((where == where[0]).all()):
            raise ValueError(
                f"class {label} has {len(members)} members{' with one output' if len(members) > 1 else ''}, expected at least 2 "
                f"that differ, of each class 0 to {outputs.shape[1] - 1}: draw more examples, or train longer"
            )
        start = derive(seed, "clusters", label) % 2**32
        cluster = torch.from_numpy(KMeans(2, n_init=3, random_state=start).fit_predict(where.numpy()))
        means = [float(losses.detach()[members[cluster == c]].double().mean()) for c in (0, 1)]
        found[members] = cluster == int(means[1] > means[0])
    return found.to(y.device)


def above(losses: Float[Tensor, " n"], threshold: float) -> Bool[Tensor, " n"]:
    """The examples whose loss is above a threshold. Raises ValueError for losses that are not (n,) and finite."""
    if losses.ndim != 1 or not bool(torch.isfinite(losses).all()):
        raise ValueError(f"losses have shape {tuple(losses.shape)}, expected (n,) finite numbers: the early training has diverged")
    return losses.detach() > threshold


def random(n: int, size: int, seed: int) -> Bool[Tensor, " n"]:
    """`size` of n examples at random, by (seed, "upsample"): what a set of that size does whoever is in it.

    Raises ValueError unless 0 <= size <= n.
    """
    if not 0 <= size <= n:
        raise ValueError(f"{size} of {n} examples, expected a number from 0 to {n}")
    found = torch.zeros(n, dtype=torch.bool)
    found[torch.randperm(n, generator=stream(seed, "upsample"))[:size]] = True
    return found
