"""The five networks, small, and what wakes them: fresh ones answer 0."""

import torch

from whence.seeds import stream

SMALL = {
    "linear": {},
    "mlp": {"width": 24},
    "resnet": {"width": 6},
    "unet": {"width": 8, "multipliers": (1, 2)},
    "dit": {"width": 16, "depth": 2},
}
BIAS_FREE = [name for name in SMALL if name != "dit"]


def awake(network, seed=0):
    """The network in float64 with every weight drawn anew, the last layer's too, at the scale of its inputs."""
    generator = stream(seed, "awake")
    with torch.no_grad():
        for p in network.double().parameters():
            fan = p[0].numel() if p.ndim > 1 else 4
            p.copy_(torch.randn(p.shape, generator=generator, dtype=torch.float64) / fan**0.5)
    return network
