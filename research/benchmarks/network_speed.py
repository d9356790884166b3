"""Time of one affordance map, as a ratio to the paper's pipeline (ResNet-50 on patches).

    python research/benchmarks/network_speed.py [--repeats 7] [--threads 2]

Every variant predicts the same 640x480 frame of noise in every round; rounds are interleaved, and a
ratio is taken within its round, so that whatever else the machine does falls on all variants. The
weights are random: they change no time. `region` is a bin of 400x390 pixels in the middle; all
variants but those named `depth` have color and depth streams.
"""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table

from grasp_affordance.geometry import Intrinsics
from grasp_affordance.papers.encoder import Backbone
from grasp_affordance.papers.encoder_weights import RANDOM
from grasp_affordance.papers.suction.inputs import InputConfig, Streams
from grasp_affordance.papers.suction.network import AffordanceNetwork, NetworkConfig
from grasp_affordance.papers.suction.resnet_model import InferenceConfig, Mode, ResnetModel
from grasp_affordance.rgbd import RgbdFrame
from research.interleaved import measure

BASELINE = "resnet50, patches, frame (the paper)"


@dataclass(frozen=True)
class Options:
    """What to measure.

    Attributes:
        repeats: rounds over all variants, after one that is not counted.
        threads: of torch.
        device: as torch names it.
    """

    repeats: int = 7
    threads: int = 2
    device: str = "cpu"


def noise_frame() -> RgbdFrame:
    """A 640x480 frame of noise."""
    rng = np.random.default_rng(0)
    return RgbdFrame(
        rng.integers(0, 256, (480, 640, 3), dtype=np.uint8),
        rng.uniform(0.5, 0.9, (480, 640)).astype(np.float32),
        Intrinsics(600.0, 600.0, 320.0, 240.0, 640, 480),
    )


def variants(device: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield name and call of everything that is compared, the baseline first."""
    frame = noise_frame()
    region = np.zeros(frame.shape, bool)
    region[45:435, 120:520] = True
    for backbone in reversed(Backbone):
        network = AffordanceNetwork(NetworkConfig(backbone, RANDOM))
        patches = ResnetModel(network, InferenceConfig(Mode.PATCHES, device=device))
        whole = ResnetModel(network, InferenceConfig(Mode.CONVOLUTIONAL, device=device))
        inputs = InputConfig(Streams.DEPTH)
        single = AffordanceNetwork(NetworkConfig(backbone, RANDOM, inputs=inputs))
        depth = ResnetModel(single, InferenceConfig(Mode.CONVOLUTIONAL, device=device))
        paper = backbone is Backbone.RESNET50
        yield BASELINE if paper else f"{backbone}, patches, frame", partial(patches.predict, frame)
        yield f"{backbone}, convolutional, frame", partial(whole.predict, frame)
        yield f"{backbone}, patches, region", partial(patches.predict, frame, region)
        yield f"{backbone}, convolutional, region", partial(whole.predict, frame, region)
        yield f"{backbone} depth, convolutional, region", partial(depth.predict, frame, region)


def main(options: Options) -> None:
    """Measure and print."""
    torch.set_num_threads(options.threads)
    seconds = measure(dict(variants(options.device)), options.repeats)
    baseline = np.array(seconds[BASELINE])
    title = f"{options.repeats} rounds, {options.threads} threads, {options.device}"
    table = Table(
        "variant", "median ms", "min ms", "ratio (median)", "ratio (quartiles)", title=title
    )
    for name, values in seconds.items():
        ratios = np.array(values) / baseline
        table.add_row(
            name,
            f"{statistics.median(values) * 1e3:.0f}",
            f"{min(values) * 1e3:.0f}",
            f"{np.median(ratios):.2f}",
            " - ".join(f"{q:.2f}" for q in np.percentile(ratios, [25, 75])),
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main(tyro.cli(Options))
