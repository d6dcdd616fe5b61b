"""Two cues of one label, how well each predicts it and how easily each is read set apart (hermann2024shortcut).

Cue 0 is the shortcut s, cue 1 the core c. Labels are 0 and 1, each with probability 1/2; with t = 2 y - 1 the latent cues are

    z | y ~ N(t mu, [[1, r], [r, 1]]),    P(sign z_i = t) = rho_i,    hence mu_i = sqrt(2) erfinv(2 rho_i - 1),

and a point is x = f_s(a_s z_s w_s) + f_c(a_c z_c w_c): directions w_i, amplified by a_i and nested in f_i, a random network.
What can be known of the label depends on rho and r alone; what is easily read, on a and f.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.seeds import stream


def mean_of(predictivity: float) -> float:
    """mu = sqrt(2) erfinv(2 rho - 1), the mean of a unit normal cue whose sign is the label with probability rho.

    Raises ValueError for a predictivity outside (.5, 1).
    """
    if not 0.5 < predictivity < 1:
        raise ValueError(
            f"predictivity {predictivity}: expected a probability in (.5, 1), not in percent; at .5 a cue says nothing, "
            "at 1 no finite mean does. Of a cue that says the contrary, take 1 - rho and turn its sign"
        )
    return float(math.sqrt(2) * torch.special.erfinv(torch.tensor(2 * predictivity - 1, dtype=torch.float64)))


def predictivity_of(mean: float) -> float:
    """rho = P(sign z = t) of a unit normal cue of mean t mu: the normal distribution function at mu, of any mu."""
    return math.erfc(-mean / math.sqrt(2)) / 2


class Sample(NamedTuple):
    """Points (float32), their labels, and the latent cues (float64) they were made of: shortcut first, core second."""

    x: Float[Tensor, "n d"]
    y: Int[Tensor, " n"]
    z: Float[Tensor, "n 2"]


class Optimum(NamedTuple):
    """The best classifier there is, linear in the latent cues: label 1 where z . weights > 0. Weights float64, accuracy in (.5, 1).

    The weights are Sigma^-1 mu: twice z . weights is the log odds of label 1. The accuracy is Phi(sqrt(mu . Sigma^-1 mu)).
    """

    weights: Float[Tensor, " 2"]
    accuracy: float

    def score(self, z: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b"]:
        """Log odds of label 1 at each pair of cues."""
        return 2 * z @ self.weights.to(z)


class Plane(NamedTuple):
    """Where points that are not nested lie: x = u basis with u = z coordinates; the rows of the basis are orthonormal."""

    basis: Float[Tensor, "2 d"]
    coordinates: Float[Tensor, "2 2"]


@dataclass(frozen=True)
class Availability:
    """Data of two cues, each pair (shortcut, core), in d coordinates.

    predictivity: P(sign z_i = t), in (.5, 1). correlation: of the cues given the label, in (-1, 1). amplification: a_i > 0, finite.
    nesting: layers of f_i, 0 or more; none is the identity, each is tanh(x Q) with Q orthogonal, drawn by seed (the paper's own law
    of these weights is not known to us: this one bends without making any direction of space smaller). It is applied after the
    amplification, as published: the larger a_i, the more it saturates.
    Raises ValueError for values outside these ranges, or d < 2.
    """

    predictivity: tuple[float, float] = (0.85, 0.9)
    correlation: float = 0.6
    amplification: tuple[float, float] = (1.0, 1.0)
    nesting: tuple[int, int] = (0, 0)
    d: int = 100

    def __post_init__(self) -> None:
        for name in ("predictivity", "amplification", "nesting"):
            if len(pair := getattr(self, name)) != 2:
                raise ValueError(f"{name} {pair}: expected two values, of the shortcut and of the core")
        for rho in self.predictivity:
            mean_of(rho)
        if not -1 < self.correlation < 1:
            raise ValueError(
                f"correlation {self.correlation}: expected in (-1, 1), or the covariance [[1, r], [r, 1]] of the cues is not "
                f"positive definite (its determinant 1 - r^2 is {1 - self.correlation**2:.3g}); nearly one cue is r = .99"
            )
        if not all(0 < a < math.inf for a in self.amplification):
            raise ValueError(
                f"amplification {self.amplification}: expected finite numbers > 0; at 0 a cue could not be read at all"
            )
        if not all(isinstance(k, int) and not isinstance(k, bool) and k >= 0 for k in self.nesting):
            raise ValueError(f"nesting {self.nesting}: expected numbers of layers, 0 or more")
        if isinstance(self.d, bool) or not isinstance(self.d, int) or self.d < 2:
            raise ValueError(f"d = {self.d!r}: expected a whole number, at least 2, one dimension for each cue")

    @property
    def means(self) -> Float[Tensor, " 2"]:
        """mu of (shortcut, core), float64."""
        return torch.tensor([mean_of(rho) for rho in self.predictivity], dtype=torch.float64)

    @property
    def optimum(self) -> Optimum:
        """Linear discriminant analysis of the latent cues in closed form: whatever the amplification, Bayes' rule on them.

        The weight of the shortcut is negative where mu_s < r mu_c: then it serves to subtract the noise that the cues share.
        On the points x it is what can be reached at best; without nesting it is reached by a linear classifier.
        """
        r, mu = self.correlation, self.means
        weights = (mu - r * mu.flip(0)) / (1 - r**2)
        return Optimum(weights, predictivity_of(math.sqrt(float(mu @ weights))))

    def draw(self, n: int, seed: int, split: str = "train") -> Sample:
        """n points of a split: splits of one seed share directions and nesting and no other number.

        Designs share all draws of one seed: labels, noise and directions are those of any other predictivity or amplification, so
        that differences between designs are paired. Raises ValueError for n < 1.
        """
        if n < 1:
            raise ValueError(f"{n} points: expected at least 1")
        y = torch.randint(2, (n,), generator=stream(seed, "availability", split, "label"))
        noise = torch.randn(n, 2, generator=stream(seed, "availability", split, "cues"), dtype=torch.float64)
        r = self.correlation
        core = noise[:, 1]
        spread = torch.stack([r * core + math.sqrt(1 - r**2) * noise[:, 0], core], 1)
        z = (2 * y - 1)[:, None] * self.means + spread
        return Sample(self.embed(z, seed).float(), y, z)

    def embed(self, z: Float[Tensor, "m 2"], seed: int) -> Float[Tensor, "m d"]:
        """The points of any latent cues, such as a grid of them, as `draw` of this seed makes them; computed in float64, z's dtype.

        Raises ValueError unless z has two columns.
        """
        if z.ndim != 2 or z.shape[1] != 2:
            raise ValueError(f"latent cues of shape {tuple(z.shape)}: expected (m, 2), shortcut first and core second")
        shortcut, core = (z.double()[:, :, None] * self.directions(seed).to(z.device)).unbind(1)
        return (self._nested(shortcut, 0, seed) + self._nested(core, 1, seed)).to(z.dtype)

    def directions(self, seed: int) -> Float[Tensor, "2 d"]:
        """a_i w_i, with entries of w_i standard normal: almost orthogonal, and of length about sqrt(d); float64."""
        w = torch.randn(2, self.d, generator=stream(seed, "availability", "directions"), dtype=torch.float64)
        return torch.tensor(self.amplification, dtype=torch.float64)[:, None] * w

    def plane(self, seed: int) -> Plane:
        """The plane that holds every point when nothing is nested, float64: the problem in two dimensions.

        A network whose first layer is W x + b is on it the network W' u + b with W' = W basis^T and u = x basis^T, and gradient
        descent keeps it so, since every gradient of W lies in the plane (not so Adam, which acts entry by entry). Of independent
        normal weights W of variance v, those of W' are so too, whatever the plane. Raises ValueError when a cue is nested.
        """
        if any(self.nesting):
            raise ValueError(f"nesting {self.nesting}: expected (0, 0), since a nested cue leaves the plane; train on x itself")
        q, triangle = torch.linalg.qr(self.directions(seed).T)
        return Plane(q.T, triangle.T)

    def _nested(self, e: Float[Tensor, "m d"], cue: int, seed: int) -> Float[Tensor, "m d"]:
        for layer in range(self.nesting[cue]):
            generator = stream(seed, "availability", "nesting", cue, layer)
            q, r = torch.linalg.qr(torch.randn(self.d, self.d, generator=generator, dtype=torch.float64))
            e = torch.tanh(e @ (q * r.diagonal().sign()).to(e.device))
        return e
