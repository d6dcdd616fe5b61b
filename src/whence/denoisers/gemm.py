"""Matrix products in float32 that are float32 on any machine, by the fastest routine it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor


@contextmanager
def unrounded() -> Iterator[None]:
    """Within, no float32 product rounds its factors to TF32 or bfloat16, whatever the program allows; after, it is as before."""
    backends = (torch.backends.cuda.matmul, torch.backends.mkldnn.matmul)  # type: ignore[attr-defined]
    before = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = "ieee"
        yield
    finally:
        for backend, precision in zip(backends, before, strict=True):
            backend.fp32_precision = precision


def product(a: Float[Tensor, "r k"], b: Float[Tensor, "k m"], bias: Float[Tensor, " m"] | None = None) -> Float[Tensor, "r m"]:
    """a @ b + bias; in float32 on a processor by oneDNN, which uses all of its vector unit where the default library may use half.

    The bias is added to the finished sums, which costs no pass of its own.
    """
    dense = b.is_contiguous() or b.T.is_contiguous()  # of other layouts oneDNN makes a loop, a hundred times slower
    if a.device.type != "cpu" or a.dtype != torch.float32 or not FUSED or not dense or 0 in (*a.shape, *b.shape):
        return a @ b if bias is None else (a @ b).add_(bias)
    return torch.ops.mkldnn._linear_pointwise(a, b.T, bias, "none", [], "")


def in_blocks(a: Float[Tensor, "r k"], b: Float[Tensor, "m k"], block: int) -> Float[Tensor, "r m"]:
    """a @ b.T in float64, the products summed in float32 over blocks of `block`: rounding does not grow with k."""
    whole = a.shape[1] // block * block
    left, right = (x[:, :whole].unflatten(1, (-1, block)) for x in (a, b))
    sums = torch.bmm(right.transpose(0, 1), left.permute(1, 2, 0)).sum(0, dtype=torch.float64)
    return (sums + (b[:, whole:] @ a[:, whole:].T).double()).T.contiguous()


def _fused() -> bool:
    """Whether oneDNN's product can be called here and multiplies as it should."""
    try:
        a, b = torch.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(3, 4)
        found = torch.ops.mkldnn._linear_pointwise(a, b.T, None, "none", [], "")
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.equal(found, a @ b)


FUSED = torch.backends.mkldnn.is_available() and _fused()
