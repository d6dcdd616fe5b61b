"""Several networks a seed in one stack, seed by seed: cells that differ in what they are shown, or in how they train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.seeds import stream
from whence.train.supervised import Labelled, labelled


def owners(seeds: Sequence[int], cells: int) -> list[int]:
    """The seed of every network of a stack of S seeds with so many cells each: those of the first seed come first."""
    return [s for s in seeds for _ in range(cells)]


def batches(
    x: Float[Tensor, "s n ..."], y: Int[Tensor, "s n"], batch: int, seeds: Sequence[int], chosen: Sequence[Sequence[Tensor]]
) -> Iterator[Labelled]:
    """Batches as `train.supervised.labelled` gives them, a network for each index list of each seed, on the points of that seed.

    chosen[s][c] are the indices, with repetition, that cell c of seed s goes through; seeds have as many cells each. A cell is
    shown the same batches as if it trained alone, and no point is copied. `index` counts over the points of all seeds.
    Raises ValueError for another number of seeds or unequal numbers of cells, and as `labelled` does.
    """
    cells = {len(lists) for lists in chosen}
    if len(chosen) != len(seeds) or x.shape[:1] != (len(seeds),) or len(cells) != 1:
        raise ValueError(
            f"points of {len(x)} seeds and index lists of {len(chosen)}, {sorted(cells)} cells each, for {len(seeds)} seeds: "
            "expected one entry a seed, and as many cells in each"
        )
    n = x.shape[1]
    if wrong := [i for lists in chosen for i in lists if len(i) and not 0 <= int(i.min()) <= int(i.max()) < n]:
        raise ValueError(f"chosen has indices from {int(wrong[0].min())} to {int(wrong[0].max())}, expected 0 to {n - 1}")
    index = [s * n + i.cpu() for s, lists in enumerate(chosen) for i in lists]
    return labelled(x.flatten(0, 1), y.flatten(), batch, owners(seeds, cells.pop()), chosen=index)


def masks(
    seeds: Sequence[int], number: int, shape: tuple[int, int], rates: Sequence[Sequence[float]]
) -> list[Float[Tensor, "n b w"]]:
    """Dropout masks of step `number` for a stack: rates[c][l] is that of hidden layer l in cell c; one (S C, b, width) a layer.

    A unit's number is that of `train.supervised.masks`, so that cells of one seed and rate drop the same units.
    Raises ValueError for a rate outside [0, 1) or cells with unequal numbers of layers.
    """
    depths = {len(of_cell) for of_cell in rates}
    if len(depths) != 1 or not all(0 <= rate < 1 for of_cell in rates for rate in of_cell):
        raise ValueError(f"dropout rates {rates}: expected for each cell as many shares in [0, 1), one a hidden layer")

    def layer(at: int) -> Tensor:
        drawn = torch.stack([torch.rand(shape, generator=stream(s, "dropout", number, at)) for s in seeds])
        rate = torch.tensor([of_cell[at] for of_cell in rates])[:, None, None]
        return ((drawn[:, None] >= rate).float() / (1 - rate)).flatten(0, 1)

    return [layer(at) for at in range(depths.pop())]
