"""Which detector, and which use of the labels, is best: on label folders, by the field's metric.

    python research/benchmarks/detector_choice.py TRAIN... --validation LABELS... --seeds 0 1

Every variant is trained with the same number of steps and views, from scratch, and evaluated on the
same held-out frames: average precision, precision and recall by IoU > 0.25 and angle < 30 degrees,
and also at IoU > 0.5. Validation labels are always those of the whole history with room for the
plates, whatever a variant learned from. Results are kept as they are made, and what is there
already is not done again.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table

from grasp_affordance.detection.dense.input import Inputs
from grasp_affordance.detection.dense.network import DenseConfig
from grasp_affordance.detection.evaluation import evaluate
from grasp_affordance.detection.model import read_detector
from grasp_affordance.detection.predictor import GraspDetector
from grasp_affordance.detection.samples import GraspSample
from grasp_affordance.detection.selection import SelectionConfig
from grasp_affordance.detection.training.augmentation import AugmentationConfig
from grasp_affordance.detection.training.config import PAPER, TrainingConfig
from grasp_affordance.detection.training.dataset import DatasetConfig, read_samples
from grasp_affordance.detection.training.label_history import HistoryConfig
from grasp_affordance.detection.training.train import finite, train
from grasp_affordance.evaluation.provenance import provenance, revision
from grasp_affordance.files import write_atomically
from grasp_affordance.papers.annotation.network import AnnotationPaperConfig
from grasp_affordance.papers.encoder import Backbone


@dataclass(frozen=True)
class Options:
    """What to compare.

    Attributes:
        validation: label folders to evaluate on.
        seeds: of the training runs.
        steps: of the dense detector.
        paper_steps: of the paper's.
        variants: names; all by default.
        threads: of torch.
        runs: folder of the runs.
        output: raw results.
    """

    validation: tuple[Path, ...]
    seeds: tuple[int, ...] = (0, 1)
    steps: int = 300
    paper_steps: int = 300
    variants: tuple[str, ...] = ()
    threads: int = 1
    runs: Path = Path("output/detector_choice")
    output: Path = Path("results/detection/choice.json")


def variants(options: Options) -> Iterator[tuple[str, DatasetConfig, TrainingConfig]]:
    """Yield name, use of the labels and training of everything that is compared."""
    default = TrainingConfig(steps=options.steps)

    def dense(**changes: Any) -> TrainingConfig:
        return replace(default, network=replace(DenseConfig(), **changes))

    single = HistoryConfig(carry_back=False)
    unchecked = HistoryConfig(check_room=False)
    small = AnnotationPaperConfig(Backbone.RESNET18, "random", sampled=64, proposals=100)
    paper = replace(PAPER.training, network=small, steps=options.paper_steps, batch=2)
    yield "default", DatasetConfig(), default
    yield "unlabelled is background", DatasetConfig(True, single), default
    yield "labels not carried back", DatasetConfig(history=single), default
    yield "paper (ResNet-18, random start), default labels", DatasetConfig(), paper
    yield "relief alone", DatasetConfig(), dense(inputs=Inputs.DEPTH)
    yield "color alone", DatasetConfig(), dense(inputs=Inputs.COLOR)
    yield "half the channels", DatasetConfig(), dense(widths=(8, 16, 24, 32))
    yield "3 mm per pixel", DatasetConfig(), dense(resolution=0.003)
    augmentation = AugmentationConfig(scale=1.0, color=0.0, depth_noise=0.0)
    yield "shift and rotation alone", DatasetConfig(), replace(default, augmentation=augmentation)
    yield "room not checked", DatasetConfig(history=unchecked), default


def main(train_on: tyro.conf.Positional[tuple[Path, ...]], options: Options) -> None:
    """Train and evaluate every variant; print a table."""
    torch.set_num_threads(options.threads)
    evaluated = read_samples(options.validation)
    results = json.loads(options.output.read_text()) if options.output.exists() else {"rows": []}
    done = {(row["variant"], row["seed"]) for row in results["rows"]}
    for seed in options.seeds:
        for name, dataset, config in variants(options):
            if (name, seed) in done or (options.variants and name not in options.variants):
                continue
            samples = read_samples(train_on, dataset)
            row = run(name, samples, evaluated, replace(config, seed=seed), options)
            results |= {"revision": revision(), **provenance()}
            results["rows"].append(row)
            write_atomically(options.output, json.dumps(results, indent=1).encode())
            Console(width=110).print(table(results["rows"]))


def run(
    name: str,
    samples: tuple[GraspSample, ...],
    evaluated: tuple[GraspSample, ...],
    config: TrainingConfig,
    options: Options,
) -> dict[str, Any]:
    """Train one variant and evaluate it."""
    folder = options.runs / f"{name.replace(' ', '_')}_{config.seed}_{time.time_ns()}"
    start = time.process_time()
    config = replace(config, evaluate_every=config.steps)
    summary = train(samples, folder, config)
    seconds = time.process_time() - start
    detector = GraspDetector(
        read_detector(summary.model), SelectionConfig(threshold=0.05, count=50, check_room=False)
    )
    found = [detector.detect(sample.frame, sample.region) for sample in evaluated]
    score, strict = evaluate(found, evaluated), evaluate(found, evaluated, iou=0.5)
    return {
        "variant": name,
        "seed": config.seed,
        "steps": config.steps,
        "batch": config.batch,
        "frames": len(samples),
        "rectangles": sum(len(sample.rectangles) for sample in samples),
        "cpu_seconds": round(seconds, 1),
        "score": finite(asdict(score)),
        "strict": finite(asdict(strict)),
    }


def table(rows: list[dict[str, Any]]) -> Table:
    """Return the mean over seeds, with the lowest and highest average precision."""
    result = Table("variant", "seeds", "AP", "precision", "recall", "AP at IoU 0.5", "CPU s")
    for name in dict.fromkeys(row["variant"] for row in rows):
        group = [row for row in rows if row["variant"] == name]

        def mean(part: str, measure: str, of: list[dict[str, Any]] = group) -> float:
            return float(np.mean([row[part].get(measure, 0.0) for row in of]))

        precisions = [row["score"]["average_precision"] for row in group]
        result.add_row(
            name,
            str(len(group)),
            f"{np.mean(precisions):.3f} ({min(precisions):.3f}-{max(precisions):.3f})",
            f"{mean('score', 'precision'):.1%}",
            f"{mean('score', 'recall'):.1%}",
            f"{mean('strict', 'average_precision'):.3f}",
            f"{np.mean([row['cpu_seconds'] for row in group]):.0f}",
        )
    return result


if __name__ == "__main__":
    tyro.cli(main)
