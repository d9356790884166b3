"""Small networks and frames for the tests of learned models."""

from functools import cache

import numpy as np

from grasp_affordance.geometry import Intrinsics
from grasp_affordance.papers.encoder import Encoder
from grasp_affordance.papers.suction.inputs import InputConfig, Streams
from grasp_affordance.papers.suction.network import AffordanceNetwork, NetworkConfig
from grasp_affordance.rgbd import RgbdFrame


@cache
def random_resnet18() -> Encoder:
    """The encoder never changes, so all tests may share it."""
    return Encoder("resnet18", "random")


def small_config(streams: Streams = Streams.RGBD, decoder_seed: int = 0) -> NetworkConfig:
    """A ResNet-18 with a narrow decoder and a random start."""
    return NetworkConfig(
        backbone="resnet18",
        weights="random",
        decoder_channels=(16, 16, 16, 16),
        decoder_seed=decoder_seed,
        inputs=InputConfig(streams=streams),
    )


def small_network(streams: Streams = Streams.RGBD, decoder_seed: int = 0) -> AffordanceNetwork:
    """The network of `small_config`."""
    return AffordanceNetwork(small_config(streams, decoder_seed), random_resnet18())


def noise_frame(height: int, width: int, seed: int = 0) -> RgbdFrame:
    """Noise at the scale of three pixels, with a few holes in the depth."""
    rng = np.random.default_rng(seed)
    coarse = (-(-height // 3), -(-width // 3))
    color = rng.integers(0, 256, (*coarse, 3), dtype=np.uint8)
    depth = rng.uniform(0.5, 0.9, coarse).astype(np.float32)
    depth[rng.random(coarse) < 0.02] = np.nan
    return RgbdFrame(
        color.repeat(3, axis=0).repeat(3, axis=1)[:height, :width],
        depth.repeat(3, axis=0).repeat(3, axis=1)[:height, :width],
        Intrinsics(600.0, 600.0, width / 2, height / 2, width, height),
    )


def part_of(frame: RgbdFrame, u0: int, v0: int, width: int, height: int) -> RgbdFrame:
    """The sub-image whose first pixel is (u0, v0)."""
    return frame.within((slice(v0, v0 + height), slice(u0, u0 + width)))
