"""Networks of one shape as a stack: their parameters side by side along a first axis of seeds, and one call for all of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap


@dataclass(frozen=True)
class Stack:
    """S networks that are trained together: make one by `Stack.of`.

    A network whose class says STACKS (its forward pass takes parameters with a leading axis) is called as it is, others through
    vmap; the answers are the same. Training a stack by `train.loop.fit` trains each network as if alone.
    """

    template: nn.Module  # the class, options and mode that they share; its own numbers are not used
    weights: dict[str, Tensor]  # leaves, (S, ...)
    state: dict[str, Tensor]  # buffers, (S, ...)

    @staticmethod
    def of(networks: Sequence[nn.Module]) -> Stack:
        """The networks, copied. Raises ValueError where there is none, or where they differ in class, options or shapes."""
        networks = list(networks)
        _check(networks)
        weights, state = stack_module_state([copy.deepcopy(network) for network in networks])
        return Stack(copy.deepcopy(networks[0]), weights, state)

    def __len__(self) -> int:
        return len(next(iter(self.weights.values())))

    def parameters(self) -> Iterator[Tensor]:
        """The leaves to train, each (S, ...)."""
        return iter(self.weights.values())

    def buffers(self) -> Iterator[Tensor]:
        """What the networks remember without training it, such as running means, each (S, ...)."""
        return iter(self.state.values())

    def train(self, mode: bool = True) -> Stack:
        """The stack itself, all its networks in training mode, or in evaluation mode."""
        self.template.train(mode)
        return self

    def eval(self) -> Stack:
        """The stack itself, all its networks in evaluation mode."""
        return self.train(False)

    def __call__(self, x: Float[Tensor, "... n"], *more: Any) -> Float[Tensor, "s b ..."]:
        """The answers of all networks, (S, b, k), to x of (b, ...), the same for all, or (S, b, ...), each its own.

        `more` goes to the networks' forward as it is; tensors in it have a leading axis S.
        """
        return self._call("forward", x, more)

    def features(self, x: Float[Tensor, "... n"], *more: Any) -> Float[Tensor, "s b w"]:
        """The networks' `features`, (S, b, width)."""
        return self._call("features", x, more)

    def unstack(self, i: int) -> nn.Module:
        """A network of its own with the numbers of the i-th one; its `seed` is unknown, as its weights are not first weights."""
        network = copy.deepcopy(self.template)
        found = {name: t[i].detach().clone() for name, t in (self.weights | self.state).items()}
        network.load_state_dict(found, strict=False)
        network.seed = None  # type: ignore[assignment]
        return network

    def take(self, places: Sequence[int]) -> Stack:
        """Some of the networks, each as often as it is named, as a stack of their own: training it changes nothing here."""
        return Stack.of([self.unstack(i) for i in places])

    def _call(self, method: str, x: Tensor, more: tuple[Any, ...]) -> Tensor:
        module, own = _Method(self.template, method), self._own(x)
        weights = {f"network.{name}": t for name, t in self.weights.items()}
        state = {f"network.{name}": t for name, t in self.state.items()}
        if getattr(self.template, "STACKS", False):
            return functional_call(module, (weights, state), (x, *more), tie_weights=False)

        def one(weights: dict[str, Tensor], state: dict[str, Tensor], x: Tensor, more: tuple[Any, ...]) -> Tensor:
            return functional_call(module, (weights, state), (x, *more))

        axes = (0, 0, 0 if own else None, 0)
        return vmap(one, axes, randomness="different")(weights, state, x, more)

    def _own(self, x: Tensor) -> bool:
        """Whether x has an axis of seeds. Raises ValueError for one of another length."""
        shape = getattr(self.template, "shape", None)
        if shape is None:
            raise TypeError(
                f"{type(self.template).__name__} has no `shape` of one input, as those of whence.nets have: give it one"
            )
        if (own := x.ndim == len(shape) + 2) and len(x) != len(self):
            raise ValueError(
                f"x has shape {tuple(x.shape)} for a stack of {len(self)}: expected (b, ...), or ({len(self)}, b, ...)"
            )
        return own


class _Method(nn.Module):
    """A method of a network as a module, which is what functional_call takes."""

    def __init__(self, network: nn.Module, method: str) -> None:
        super().__init__()
        self.network, self.method = network, method

    def forward(self, *inputs: Any) -> Tensor:
        call: Callable[..., Tensor] = getattr(self.network, self.method)
        return call(*inputs)


def _check(networks: list[nn.Module]) -> None:
    if not networks:
        raise ValueError(
            "a stack of no networks: expected one for each seed, such as [build('perceptron', (50,), s) for s in seeds]"
        )
    first = _what(networks[0])
    for i, network in enumerate(networks):
        found = _what(network)
        if wrong := [key for key in first if found.get(key) != first[key]] or [key for key in found if key not in first]:
            raise ValueError(
                f"network {i} has {wrong[0]} {found.get(wrong[0])!r}, network 0 has {first.get(wrong[0])!r}: "
                "a stack holds networks of one class, one shape and the same options; train others apart"
            )


def _what(network: nn.Module) -> dict[str, Any]:
    """What must be the same in a stack."""
    tensors = {name: (tuple(t.shape), t.dtype, t.device) for name, t in network.state_dict().items()}
    says = {"class": type(network), "shape": getattr(network, "shape", None), "options": getattr(network, "options", None)}
    return says | {"mode": "training" if network.training else "evaluation"} | tensors
