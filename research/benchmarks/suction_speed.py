"""Time from a frame to ranked suction points, as a ratio to the suction paper's pipeline.

    python research/benchmarks/suction_speed.py [--repeats 5] [--threads 1 2]

Every variant looks at the same view of a simulated pile in every round; rounds are interleaved, and
a ratio is taken within its round, so that whatever else the machine does falls on all variants. The
paper's pipeline runs ResNet-50 over all patches of the 640x480 image and ranks what is found in the
bin; the others look at the bin only. Weights are random, which changes no time, but those that are
shipped where there are any. Raw seconds go to `output`.
"""

import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.network.checkpoint import Provenance
from grasp_affordance.affordance.network.compact import CompactConfig, CompactNetwork
from grasp_affordance.affordance.network.compact_checkpoint import to_checkpoint
from grasp_affordance.affordance.network.compact_model import CompactModel
from grasp_affordance.affordance.predictor import AffordancePredictor, PredictorConfig
from grasp_affordance.affordance.shipped import shipped_weights
from grasp_affordance.evaluation.provenance import provenance, revision
from grasp_affordance.files import write_atomically
from grasp_affordance.models import LearnedModel, load_model
from grasp_affordance.papers.encoder import RANDOM, RESNET50
from grasp_affordance.papers.suction.network import AffordanceNetwork, NetworkConfig
from grasp_affordance.papers.suction.resnet_model import InferenceConfig, Mode, ResnetModel
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sim import SimCell, SimConfig
from grasp_affordance.suction import Source
from research.interleaved import measure

BASELINE = "paper: ResNet-50, all patches"


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
    output: Path = Path("output/benchmarks/suction_speed.json")


class WholeFrame:
    """A model that looks at the whole image whatever the region, as the paper's does."""

    def __init__(self, model: LearnedModel) -> None:
        self._model, self.version = model, model.version

    def predict(
        self,
        frame: RgbdFrame,
        region: NDArray[np.bool_] | None = None,  # noqa: ARG002
        *,
        up: NDArray[np.float64] | None = None,
        prior: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """See `LearnedModel`."""
        return self._model.predict(frame, up=up, prior=prior)


def compact() -> LearnedModel:
    """Return the default learner's network."""
    if (path := shipped_weights()) is not None:
        return load_model(path)
    config = CompactConfig()
    state = CompactNetwork(config).state_dict()
    return CompactModel(to_checkpoint(state, config, Provenance.of_this_process(0)))


def variants(frame: RgbdFrame, view: BinView) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield name and call of everything that is compared, the baseline first."""
    learned = PredictorConfig(source=Source.LEARNED)
    highest = replace(learned, candidates=replace(learned.candidates, smoothing=0.0))
    patches, whole = InferenceConfig(Mode.PATCHES), InferenceConfig(Mode.CONVOLUTIONAL)
    large, small = (AffordanceNetwork(NetworkConfig(b, RANDOM)) for b in (RESNET50, "resnet18"))
    models: dict[str, tuple[PredictorConfig, LearnedModel | None]] = {
        BASELINE: (highest, WholeFrame(ResnetModel(large, patches))),
        "ResNet-50, patches of the bin": (highest, ResnetModel(large, patches)),
        "ResNet-50, convolutional": (highest, ResnetModel(large, whole)),
        "ResNet-18, convolutional": (highest, ResnetModel(small, whole)),
        "default: compact ensemble on the prior": (learned, compact()),
        "the prior alone": (PredictorConfig(source=Source.PRIOR), None),
    }
    for name, (config, model) in models.items():
        yield name, partial(AffordancePredictor(config, model).predict, frame, view)


def report(seconds: dict[str, list[float]], title: str) -> Table:
    """Return a table with ratios to the baseline."""
    table = Table("variant", "median ms", "range ms", "times as fast", title=title)
    baseline = np.array(seconds[BASELINE])
    for name, values in seconds.items():
        ratios = baseline / np.array(values)
        table.add_row(
            name,
            f"{statistics.median(values) * 1e3:.0f}",
            f"{min(values) * 1e3:.0f}-{max(values) * 1e3:.0f}",
            f"{np.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})",
        )
    return table


def main(options: Options) -> None:
    """Measure, print and write."""
    with SimCell(SimConfig(scene="random")) as cell:
        frame, view = cell.camera.read(), BinView(cell.camera.pose(), cell.bin)
    calls = dict(variants(frame, view))
    raw = {}
    for threads in options.threads:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
        raw[str(threads)] = measure(calls, options.repeats)
        title = f"{options.repeats} rounds, {threads} threads"
        Console(width=110).print(report(raw[str(threads)], title))
    content = {"revision": revision(), **provenance(), "seconds": raw}
    write_atomically(options.output, f"{json.dumps(content, indent=1)}\n".encode())


if __name__ == "__main__":
    main(tyro.cli(Options))
