"""The k candidates with the highest logits, and what all the others may weigh.

With l the (k + 1)-th logit, the n - k candidates passed over weigh at most (n - k) exp(l), against at least the sum over those
kept: a share of the posterior of at most (n - k) exp(l - log-sum-exp of those kept), which moves a mean by at most that share times
the range of the pixels.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Shortlist(NamedTuple):
    """The candidates with the highest logits, highest first, and one more logit: no other candidate has a higher one."""

    logits: Float[Tensor, "*b k"]
    images: Int[Tensor, "*b k"]
    next: Float[Tensor, " *b"]

    @staticmethod
    def of(logits: Float[Tensor, "*b m"], images: Int[Tensor, "*b m"], k: int) -> Shortlist:
        """From the logits of all."""
        found, index = logits.topk(min(k + 1, logits.shape[-1]))
        beyond = found[..., k] if found.shape[-1] > k else found.new_full(found.shape[:-1], -math.inf)
        return Shortlist(found[..., :k], images.gather(-1, index[..., :k]), beyond)

    @staticmethod
    def chunk(logits: Float[Tensor, "*b m"], start: int, k: int) -> Shortlist:
        """From the logits of consecutive images, the first being number `start`."""
        return Shortlist.of(logits, (torch.arange(logits.shape[-1], device=logits.device) + start).expand_as(logits), k)

    def merge(self, other: Shortlist, k: int) -> Shortlist:
        """Of two pools' candidates the best k."""
        both = Shortlist.of(torch.cat((self.logits, other.logits), -1), torch.cat((self.images, other.images), -1), k)
        return both._replace(next=torch.stack((both.next, self.next, other.next)).amax(0))

    def discarded(self, n: int, total: Float[Tensor, " *b"], slack: Tensor | float = 0.0) -> Float[Tensor, " *b"]:
        """The bound on the probability of all n - k others, with `slack` for what these logits may be short of the true ones.

        `total` is the log-sum-exp of the true logits of those kept.
        """
        others = n - self.images.shape[-1]
        return (others * (self.next + slack - total).exp()).clamp_max(1) if others else torch.zeros_like(total)
