"""`grasp-affordance train_detector`: a grasp detector from labelled sequences."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from grasp_affordance.console import ReportTable
from grasp_affordance.detection.model import read_detector
from grasp_affordance.detection.samples import GraspSample
from grasp_affordance.detection.training.config import PRESETS, TrainingConfig, fine_tuning
from grasp_affordance.detection.training.dataset import DatasetConfig, split_folders
from grasp_affordance.detection.training.train import OnStep, StepReport, TrainingSummary, train
from grasp_affordance.errors import ConfigError
from grasp_affordance.papers.annotation.network import AnnotationPaperConfig, Channels


@dataclass(frozen=True)
class TrainDetectorOptions:
    """How to train; what is not given is the preset's.

    Attributes:
        preset: `default`, small and fast, or `paper`, the annotation paper's network and schedule.
        steps: of the optimiser.
        batch: views per step.
        learning_rate: of the optimiser, at its highest.
        evaluate_every: steps between validations; the state is saved as often.
        seed: of the initial weights and every draw.
        threads: of torch.
        device: as torch names it.
        backbone: of the paper's network, by timm's name.
        encoder_weights: start of the paper's backbone: imagenet, random, or a file.
        channels: of the paper's network: rgb, or rgd with depth in the place of blue.
        single_object: learn from the object that is removed next alone; by default later removals
            tell of earlier frames too (the paper's preset never carries labels back).
    """

    preset: Literal["default", "paper"] = "default"
    steps: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    evaluate_every: int | None = None
    seed: int = 0
    threads: int = 2
    device: str = "cpu"
    backbone: str = AnnotationPaperConfig.backbone
    encoder_weights: str = AnnotationPaperConfig.encoder_weights
    channels: Channels = Channels.RGB
    single_object: bool = False


def run(
    labels: tyro.conf.Positional[tuple[Path, ...]],
    output: Path,
    validation: tuple[Path, ...] = (),
    fine_tune: Path | None = None,
    resume: bool = False,
    options: Annotated[
        TrainDetectorOptions, tyro.conf.arg(name=""), tyro.conf.EnumChoicesFromValues
    ] = TrainDetectorOptions(),
) -> None:
    """Train a detector of grasp rectangles for a parallel gripper.

    Learns from folders that `annotate` wrote and `review` corrected, or that `convert --to labels`
    made of others' labels; rejected pairs are not used.
    Writes model.safetensors (the best by validation), training.safetensors (to go on from),
    metrics.csv and tensorboard/.

    Args:
        labels: folders of labels, each of one sequence.
        output: folder of the run; a new one, unless it is resumed.
        validation: folders of labels to validate on; by default every fifth of several folders, or
            the last fifth of the frames of a single one.
        fine_tune: weights to start from, for instance to go on with a few frames labelled by hand;
            fewer steps and a lower rate are then the default.
        resume: go on with an interrupted run.
        options: how to train.
    """
    torch.set_num_threads(options.threads)
    config, dataset = _configure(options, fine_tune is not None)
    start = None if fine_tune is None else read_detector(fine_tune)
    if start is not None and type(start.module.config) is not type(config.network):
        raise ConfigError(
            f"{fine_tune} is not of the preset {options.preset}; choose the other one"
        )
    console = Console()
    with console.status("reading labels"):
        samples, held_out = split_folders(labels, validation, dataset)
    _publish(console, samples, held_out)
    with _progress(console, config.steps) as show:
        summary = train(samples, output, config, held_out, start, resume, show, options.device)
    console.print(_table(summary, config))


def _configure(
    options: TrainDetectorOptions, fine_tuned: bool
) -> tuple[TrainingConfig, DatasetConfig]:
    preset = PRESETS[options.preset]
    config, dataset = preset.training, preset.dataset
    if options.preset == "paper":
        network = AnnotationPaperConfig(options.backbone, options.encoder_weights, options.channels)
        config = replace(config, network=network)
    elif options != replace(
        options,
        backbone=TrainDetectorOptions.backbone,
        encoder_weights=TrainDetectorOptions.encoder_weights,
        channels=TrainDetectorOptions.channels,
    ):
        raise ConfigError("backbone, encoder_weights and channels are of the preset paper")
    if options.single_object:
        dataset = replace(dataset, history=replace(dataset.history, carry_back=False))
    if fine_tuned:
        config = fine_tuning(config)
    given = {
        name: value
        for name in ("steps", "batch", "learning_rate", "evaluate_every")
        if (value := getattr(options, name)) is not None
    }
    return replace(config, seed=options.seed, **given), dataset


def _publish(
    console: Console, samples: tuple[GraspSample, ...], held_out: tuple[GraspSample, ...]
) -> None:
    for name, group in (("training", samples), ("validation", held_out)):
        grasps = sum(len(sample.rectangles) for sample in group)
        console.print(f"{name}: {len(group)} frames, {grasps} grasps", highlight=False)


@contextmanager
def _progress(console: Console, total: int) -> Iterator[OnStep]:
    """Show a bar of steps with loss and validation; yield what is to be called after each."""
    columns = (
        MofNCompleteColumn(),
        TextColumn("steps"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=total)
        best = ""

        def show(report: StepReport) -> None:
            nonlocal best
            if report.best and report.score is not None:
                best = f", best AP {report.score.average_precision:.3f} at step {report.step}"
            text = f"loss {report.losses['total']:.3f}{best}"
            progress.update(task, completed=report.step, description=text)

        yield show


def _table(summary: TrainingSummary, config: TrainingConfig) -> ReportTable:
    table = ReportTable(title="Grasp detector", title_justify="left", show_header=False)
    table.add_row("weights", str(summary.model))
    table.add_row("steps", f"{summary.steps}, best after {summary.best_step}")
    if (score := summary.score) is not None:
        table.add_row("validation", f"{score.images} frames, {score.labels} grasps")
        table.add_row("average precision", f"{score.average_precision:.3f}")
        table.add_row("precision, recall", f"{score.precision:.1%}, {score.recall:.1%}")
        table.add_row("best detection right", f"{score.best_first:.1%}")
        table.add_row("threshold", f"{score.threshold:.3f}")
    table.add_row("seed", str(config.seed))
    return table
