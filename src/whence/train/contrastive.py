"""The spectral contrastive loss of an encoder: supervised, unsupervised, or a sum of both.

For embeddings F (n, p) of n views, positives are all pairs of one group, each view with itself included: a group is a class
(supervised), or the views of one example (unsupervised). With P the projector on functions that are constant on groups,

    L = -2 E f(x)^T f(x+) + E (f(x)^T f(x-))^2 = -2/n tr F^T P F + |F^T F / n|^2 .

The joint loss has the mixture of both projectors. All functions take a leading seed axis S.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from whence.linalg import eigh
from whence.seeds import stream
from whence.train.loop import Step, fit


def positives(classes: Int[Tensor, " n"], example: Int[Tensor, " n"], unsupervised: float) -> Float[Tensor, "g n"]:
    """R with R^T R = (1 - w) P_classes + w P_examples, w the weight of the unsupervised loss in the sum.

    Raises ValueError for a weight outside [0, 1], where the sum would reward pushing positives apart.
    """
    if not 0 <= unsupervised <= 1:
        raise ValueError(
            f"unsupervised weight {unsupervised}: expected from 0 (labels alone) to 1 (views alone), such as 0.5 for the joint loss"
        )
    parts = [(1 - unsupervised, classes), (unsupervised, example)]
    rows = [(weight**0.5) * _means(groups) for weight, groups in parts if weight > 0]
    return torch.cat(rows)


def spectral(embeddings: Float[Tensor, "*s n p"], positives: Float[Tensor, "g n"]) -> Float[Tensor, "*s"]:
    """The loss of each network of a stack, over all pairs of the n views."""
    n = embeddings.shape[-2]
    pulled = (positives @ embeddings).square().sum((-2, -1))
    pushed = (embeddings.mT @ embeddings / n).square().sum((-2, -1))
    return pushed - 2 / n * pulled


def gradient(
    encoder: Float[Tensor, "*s p d"], x: Float[Tensor, "*s n d"], positives: Float[Tensor, "g n"]
) -> Float[Tensor, "*s p d"]:
    """dL/dW of a linear encoder f(x) = W x in closed form: -4 W C + 4 W S W^T W S.

    S = X^T X / n is the second moment of the views and C = X^T P X / n that of positive pairs; neither is formed.
    """
    f = x @ encoder.mT
    return _back(f, f.mT @ f / f.shape[-2], positives @ f, x, positives)


def minimum_norm(x: Float[Tensor, "*s n d"], positives: Float[Tensor, "g n"], size: int) -> Float[Tensor, "*s size d"]:
    """The linear encoder of least norm among the minimisers of the loss with n <= d views in general position, in float64.

    There any embeddings can be had, and the best are sqrt(n lambda_k) u_k for the `size` leading eigenpairs of P: encoders that
    give them are found by solving, the shortest by the pseudo-inverse. Unique up to a rotation of the embeddings, if the
    eigenvalues there are distinct from the next. Raises ValueError for more views than dimensions.
    """
    n, d = x.shape[-2:]
    if n > d:
        raise ValueError(f"{n} views in {d} dimensions: expected at most as many, else no encoder reaches all embeddings; train it")
    p = positives.double()
    values, vectors = eigh(p.T @ p)
    target = vectors[:, :size] * (n * values[:size].clamp(min=0)).sqrt()
    return (torch.linalg.pinv(x.double()) @ target).mT.contiguous()


def encoder(size: int, dimension: int, seeds: list[int], scale: float) -> Float[Tensor, "s size dimension"]:
    """First weights, Gaussian of deviation `scale`, by the streams (seed, "init")."""
    return torch.stack([scale * torch.randn(size, dimension, generator=stream(s, "init")) for s in seeds])


def train(
    encoder: Float[Tensor, "s p d"], x: Float[Tensor, "s n d"], positives: Float[Tensor, "g n"], rate: float, steps: int
) -> Iterator[Step]:
    """Yield a Step for each step of full-batch gradient descent; the encoder, a leaf tensor, is changed in place.

    By the closed gradient, which takes a third of the time of the differentiated loss.
    """
    encoder.requires_grad_(True)

    def loss(_: None) -> Tensor:
        return _Linear.apply(encoder, x, positives)

    return fit([encoder], loss, repeat(None, steps), torch.optim.SGD([encoder], lr=rate))


class _Linear(torch.autograd.Function):
    """The loss as a function of a linear encoder's weights."""

    @staticmethod
    def forward(ctx: Any, encoder: Tensor, x: Tensor, positives: Tensor) -> Tensor:
        f = x @ encoder.mT
        moment, pulled = f.mT @ f / f.shape[-2], positives @ f
        ctx.save_for_backward(f, moment, pulled, x, positives)
        return moment.square().sum((-2, -1)) - 2 / f.shape[-2] * pulled.square().sum((-2, -1))

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        return slopes[0][..., None, None] * _back(*ctx.saved_tensors), None, None


def _back(f: Tensor, moment: Tensor, pulled: Tensor, x: Tensor, positives: Tensor) -> Tensor:
    return 4 / f.shape[-2] * (f @ moment - positives.T @ pulled).mT @ x


def _means(groups: Int[Tensor, " n"]) -> Float[Tensor, "g n"]:
    """Rows 1_g / sqrt(n_g)."""
    members = one_hot(groups).T.float()
    counts = members.sum(1, keepdim=True)
    return (members / counts.sqrt())[counts[:, 0] > 0]
