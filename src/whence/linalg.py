"""Linear algebra in float64: moments in one pass, symmetric eigenproblems, squared distances, online softmax averages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Moments(NamedTuple):
    """Mean and covariance of n rows, and the mean fourth power of their centred norm (Ledoit and Wolf's shrinkage needs it)."""

    mean: Float[Tensor, " d"]
    covariance: Float[Tensor, "d d"]
    fourth: Float[Tensor, ""]
    n: int


def moments(chunks: Iterable[Float[Tensor, "n d"]] | Float[Tensor, "n d"], chunk: int = 8192) -> Moments:
    """Mean and covariance (divided by n) of all rows, in float64, two passes over the chunks.

    Two passes rather than one: subtracting the mean first loses no digits when the mean is large against the spread.
    Pass a tensor, or a re-iterable of tensors (a list, not a generator). Raises ValueError when there is no row.
    """
    parts = chunks.split(chunk) if isinstance(chunks, Tensor) else chunks
    if iter(parts) is parts:
        raise TypeError("moments reads its chunks twice: pass a list of tensors, not a generator")
    n = sum(part.shape[0] for part in parts)
    if n == 0:
        raise ValueError("moments of no rows: the pool is empty")
    mean = torch.stack([part.double().sum(0) for part in parts]).sum(0) / n
    covariance, fourth = mean.new_zeros(mean.shape[0], mean.shape[0]), mean.new_zeros(())
    for part in parts:
        centred = part.double() - mean
        covariance = covariance + centred.T @ centred
        fourth = fourth + centred.square().sum(1).square().sum()
    return Moments(mean, covariance / n, fourth / n, n)


def eigh(matrix: Float[Tensor, "d d"]) -> tuple[Float[Tensor, " d"], Float[Tensor, "d d"]]:
    """Eigenvalues (descending) and eigenvectors (columns) of a symmetric matrix in float64.

    Each eigenvector's largest entry is made positive: LAPACK leaves the sign open, a record should not.
    Of an empty matrix both are empty. Raises ValueError when the matrix is not symmetric to 1e-8 of its largest entry.
    """
    exact = matrix.double()
    if exact.numel() == 0:
        return exact.new_zeros(0), exact
    skew = (exact - exact.T).abs().max()
    if skew > 1e-8 * exact.abs().max():
        raise ValueError(f"eigh of a matrix that is not symmetric: |A - A^T| reaches {skew:.2e}; symmetrise it, or use svd")
    values, vectors = torch.linalg.eigh((exact + exact.T) / 2)
    peak = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return values.flip(0), (vectors * peak.sign()).flip(1)


def variances(rows: Float[Tensor, "n d"]) -> Float[Tensor, " r"]:
    """Eigenvalues (descending) of the covariance of the rows, from the smaller of the d x d and n x n problems; no eigenvectors."""
    centred = rows.double() - rows.double().mean(0)
    n, d = centred.shape
    gram = centred.T @ centred if d <= n else centred @ centred.T
    return torch.linalg.eigvalsh(gram / n).flip(0).clamp_min(0)


def squared_distances(
    y: Float[Tensor, "b d"], x: Float[Tensor, "n d"], x_square: Float[Tensor, " n"] | None = None
) -> Float[Tensor, "b n"]:
    """|y_b - x_i|^2 in float64, as |y|^2 - 2 y.x + |x|^2; `x_square` is |x|^2 in float64 where it is known already.

    Expanded in float32 this is useless at low noise: at sigma = .01 two near-duplicates swap their softmax weights. In float64 the
    error is a few 1e-16 (|y|^2 + |x|^2), 1e-8 after division by 2 sigma^2 at sigma = .01, and one matrix product does the work.
    """
    query, pool = y.double(), x.double()
    norm = pool.square().sum(1) if x_square is None else x_square
    return (query.square().sum(1, keepdim=True) - 2 * query @ pool.T + norm).clamp_min(0)


class Softmax(NamedTuple):
    """A softmax average in progress (online log-sum-exp): peak logit m, sum s, value sum v, logit sum e, heaviest index.

    All are relative to the peak: s = sum exp(l - m), v = sum exp(l - m) x, e = sum exp(l - m) (l - m).
    The leading axes are those of the logits: one softmax each.
    """

    m: Float[Tensor, " *b"]
    s: Float[Tensor, " *b"]
    v: Float[Tensor, "*b k"]
    e: Float[Tensor, " *b"]
    heaviest: Int[Tensor, " *b"]

    @staticmethod
    def start(logits: Float[Tensor, "*b n"], values: Float[Tensor, "n k"] | Float[Tensor, "q n k"], offset: int = 0) -> Softmax:
        """The state after a first chunk, whose first candidate has index `offset`.

        The values are shared by all softmaxes, or with logits (b, q, n) given for each of the q.
        """
        m, index = logits.max(-1)
        m = m.detach()  # the peak cancels in every ratio, so no gradient flows through it
        shifted = logits - m[..., None]
        w = shifted.clamp_min(-700).exp_()  # exp(-700) ~ 1e-304: never the slow denormal path
        v = w @ values if values.ndim == 2 else torch.einsum("bqn,qnk->bqk", w, values)
        return Softmax(m, w.sum(-1), v, torch.linalg.vecdot(w, shifted), index + offset)

    def merge(self, other: Softmax) -> Softmax:
        """Two states as one: associative, so chunks may come in any size and order."""
        m = torch.maximum(self.m, other.m)
        a, b = self.m - m, other.m - m
        p, q = a.exp(), b.exp()
        return Softmax(
            m,
            p * self.s + q * other.s,
            p[..., None] * self.v + q[..., None] * other.v,
            p * (self.e + a * self.s) + q * (other.e + b * other.s),
            torch.where(other.m > self.m, other.heaviest, self.heaviest),
        )

    @property
    def mean(self) -> Float[Tensor, "*b k"]:
        """sum_i w_i x_i with w = softmax(l)."""
        return self.v / self.s[..., None]

    @property
    def total(self) -> Float[Tensor, " *b"]:
        """log sum exp(l), so that w = exp(l - total)."""
        return self.m + self.s.log()

    @property
    def entropy(self) -> Float[Tensor, " *b"]:
        """H(w) = log s - e / s in nats: between 0 and log n."""
        return (self.s.log() - self.e / self.s).clamp_min(0)
