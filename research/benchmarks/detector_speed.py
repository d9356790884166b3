"""Time of one detection by each detector, as a ratio to the paper's (ResNet-50, 300 proposals).

    python research/benchmarks/detector_speed.py [--repeats 5] [--threads 1 2]

Every variant looks at the same 640x480 frame in every round, from the frame to ranked rectangles;
rounds are interleaved, and a ratio is taken within its round, so that whatever else the machine
does falls on all variants. The weights are random, which changes no network's time; the dense
detector's are set so that there are as many candidates to decode and suppress as there ever are.
`bin` is a region of 400x390 pixels in the middle. Raw seconds go to `output`.
"""

import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table

from grasp_affordance.detection.dense.detector import DenseDetector
from grasp_affordance.detection.dense.network import DenseConfig
from grasp_affordance.detection.detector import Detector
from grasp_affordance.detection.model import NetworkConfig, TrainedDetector, new_detector
from grasp_affordance.detection.predictor import GraspDetector
from grasp_affordance.detection.selection import SelectionConfig
from grasp_affordance.evaluation.provenance import provenance, revision
from grasp_affordance.files import write_atomically
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.papers.annotation.network import AnnotationPaperConfig
from grasp_affordance.papers.encoder import RESNET50
from grasp_affordance.rectangle import JawConfig
from grasp_affordance.rgbd import RgbdFrame
from research.interleaved import measure

BASELINE = "paper, ResNet-50, frame"
JAW = JawConfig(maximum_opening=10.0)  # nothing is too wide: all candidates reach suppression


@dataclass(frozen=True)
class Options:
    """What to measure.

    Attributes:
        repeats: rounds over all variants, after one that is not counted.
        threads: of torch and OpenCV; the rounds are run for each.
        output: raw results.
    """

    repeats: int = 5
    threads: tuple[int, ...] = (1, 2)
    output: Path = Path("output/benchmarks/speed.json")


def pile_frame() -> RgbdFrame:
    """A 640x480 frame of bars on a floor, with noise."""
    rng = np.random.default_rng(0)
    depth = np.full((480, 640), 0.8, np.float32)
    color = rng.integers(90, 160, (480, 640, 3)).astype(np.uint8)
    for _ in range(25):
        u, v = int(rng.integers(130, 440)), int(rng.integers(60, 400))
        depth[v : v + 30, u : u + 70] -= 0.04
        color[v : v + 30, u : u + 70] = rng.integers(0, 256, 3)
    depth += rng.normal(0, 0.0015, depth.shape).astype(np.float32)
    return RgbdFrame(color, depth, Intrinsics(600.0, 600.0, 320.0, 240.0, 640, 480))


def busy(detector: Detector) -> GraspDetector:
    """Wrap random weights so that there is as much to suppress as possible."""
    if isinstance(detector, DenseDetector):
        last = detector.network.head[-1]
        assert isinstance(last, torch.nn.Conv2d)
        assert last.bias is not None
        with torch.no_grad():
            last.bias[0] = 0.0
    trained = TrainedDetector(detector.eval(), JAW)
    return GraspDetector(trained, SelectionConfig(threshold=0.02))


def variants() -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield name and call of everything that is compared, the baseline first."""
    torch.manual_seed(0)
    frame = pile_frame()
    region = np.zeros(frame.shape, bool)
    region[45:435, 120:520] = True
    networks: dict[str, NetworkConfig] = {
        "paper, ResNet-50": AnnotationPaperConfig(RESNET50, "random"),
        "paper, ResNet-50, 100 proposals": AnnotationPaperConfig(RESNET50, "random", proposals=100),
        "paper, ResNet-18": AnnotationPaperConfig("resnet18", "random"),
        "default (dense)": DenseConfig(),
    }
    for name, config in networks.items():
        detector = busy(new_detector(config, JAW, 0))
        yield f"{name}, frame", partial(detector.detect, frame)
        if "proposals" not in name:
            yield f"{name}, bin", partial(detector.detect, frame, region)


def report(seconds: dict[str, list[float]], title: str) -> Table:
    """Return medians and ratios within rounds."""
    table = Table("variant", "median ms", "min ms", "ratio (median)", "quartiles", title=title)
    baseline = np.array(seconds[BASELINE])
    for name, values in seconds.items():
        ratios = np.array(values) / baseline
        table.add_row(
            name,
            f"{statistics.median(values) * 1e3:.0f}",
            f"{min(values) * 1e3:.0f}",
            f"{np.median(ratios):.4f}",
            " - ".join(f"{q:.4f}" for q in np.percentile(ratios, [25, 75])),
        )
    return table


def main(options: Options) -> None:
    """Measure, print, and keep the raw seconds."""
    calls, raw = dict(variants()), {}
    for threads in options.threads:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
        raw[str(threads)] = measure(calls, options.repeats)
        title = f"{options.repeats} rounds, {threads} thread{'s' * (threads > 1)}"
        Console(width=110).print(report(raw[str(threads)], title))
    content = {"revision": revision(), **provenance(), "seconds": raw}
    write_atomically(options.output, json.dumps(content, indent=1).encode())


if __name__ == "__main__":
    main(tyro.cli(Options))
