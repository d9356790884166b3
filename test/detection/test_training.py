"""Training: it learns, it resumes exactly, it keeps the best."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.detection_scenes import block_sample
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from grasp_affordance.affordance.network.checkpoint import read_checkpoint, write_checkpoint
from grasp_affordance.detection.dense.network import DenseConfig
from grasp_affordance.detection.model import TrainedDetector, read_detector
from grasp_affordance.detection.samples import GraspSample
from grasp_affordance.detection.training import train as training
from grasp_affordance.detection.training.augmentation import AugmentationConfig
from grasp_affordance.detection.training.config import PAPER, TrainingConfig, fine_tuning
from grasp_affordance.detection.training.train import (
    MODEL_FILE,
    STATE_FILE,
    Run,
    StepReport,
    jaw_of,
    learning_rate,
    train,
    validate,
)
from grasp_affordance.errors import CheckpointError, ConfigError, SequenceError
from grasp_affordance.papers.annotation.network import AnnotationPaperConfig
from grasp_affordance.rectangle import JawConfig

TINY = TrainingConfig(
    network=DenseConfig(crop=96, widths=(4, 8, 8, 8)), steps=6, batch=2, evaluate_every=2, warm_up=2
)


@pytest.fixture(scope="module")
def samples() -> list[GraspSample]:
    return [block_sample(seed) for seed in range(4)]


class KilledError(Exception):
    """What stands for a signal."""


def kill_after(step: int) -> object:
    def on_step(report: StepReport) -> None:
        if report.step == step:
            raise KilledError

    return on_step


def weights(path: Path) -> dict[str, torch.Tensor]:
    return dict(read_detector(path).module.state_dict())


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def test_a_small_run_learns_to_grasp_blocks_it_never_saw(tmp_path: Path) -> None:
    """80 small steps on 8 scenes; over several seeds the average precision was 0.8 to 1.0."""
    scenes = [block_sample(seed) for seed in range(8)]
    unseen = [block_sample(100 + seed) for seed in range(4)]
    config = TrainingConfig(
        network=DenseConfig(crop=128, widths=(8, 16, 16, 24)),
        steps=80,
        batch=4,
        learning_rate=4e-3,
        evaluate_every=80,
        warm_up=10,
    )
    summary = train(scenes, tmp_path, config, unseen)
    assert summary.score is not None
    assert summary.score.average_precision > 0.6
    again = validate(read_detector(summary.model), unseen)
    assert again.average_precision == pytest.approx(summary.score.average_precision)
    untrained = train(scenes, tmp_path / "untrained", replace(config, steps=1), unseen)
    assert untrained.score is not None
    assert untrained.score.average_precision < 0.2


@pytest.mark.parametrize("killed_at", [3, 4])
def test_a_killed_run_resumed_equals_one_that_was_not(
    samples: list[GraspSample], tmp_path: Path, killed_at: int
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(samples, whole, TINY, samples[:1])
    with pytest.raises(KilledError):
        train(samples, broken, TINY, samples[:1], on_step=kill_after(killed_at))  # type: ignore[arg-type]
    summary = train(samples, broken, TINY, samples[:1], resume=True)
    assert summary.steps == 6
    assert same(weights(whole / MODEL_FILE), weights(broken / MODEL_FILE))
    assert (whole / "metrics.csv").read_text() == (broken / "metrics.csv").read_text()


def test_a_finished_run_goes_on_for_more_steps(samples: list[GraspSample], tmp_path: Path) -> None:
    constant = replace(TINY, schedule="constant")
    train(samples, tmp_path / "two", replace(constant, steps=4))
    train(samples, tmp_path / "two", constant, resume=True)
    train(samples, tmp_path / "one", constant)
    assert same(weights(tmp_path / "one" / MODEL_FILE), weights(tmp_path / "two" / MODEL_FILE))


def test_the_papers_network_draws_its_proposals_from_seed_and_step_alone(
    samples: list[GraspSample],
) -> None:
    """So that it, too, resumes exactly, whatever else has used torch's generator."""
    network = AnnotationPaperConfig("resnet18", "random", size=96, proposals=10, sampled=8)
    config = replace(PAPER.training, network=network, steps=2)
    first, second = (Run(samples, Path("unused"), config, (), None) for _ in range(2))
    for step in range(2):
        losses = first.step(first.batch(step))
        torch.rand(5)
        assert second.step(second.batch(step)) == losses


def test_the_best_weights_are_kept_not_the_last(
    samples: list[GraspSample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.2, 0.6, 0.4])
    real = training.validate

    def scored(trained: TrainedDetector, *args: object) -> object:
        return replace(real(trained, samples[:1]), average_precision=next(scores))

    monkeypatch.setattr(training, "validate", scored)
    reports: list[StepReport] = []
    summary = train(samples, tmp_path, TINY, samples[:1], on_step=reports.append)
    assert summary.best_step == 4
    assert [report.step for report in reports if report.best] == [2, 4]
    assert summary.score is not None
    assert summary.score.average_precision == 0.6


def test_curves_and_table_tell_every_validation(samples: list[GraspSample], tmp_path: Path) -> None:
    train(samples, tmp_path, TINY, samples[:1])
    rows = list(csv.DictReader((tmp_path / "metrics.csv").open()))
    assert [int(row["step"]) for row in rows] == [2, 4, 6]
    curves = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    told = {e.step: e.value for e in curves.Scalars("validation/average_precision")}
    assert list(told) == [2, 4, 6]
    assert told[6] == pytest.approx(float(rows[-1]["average_precision"]))


def test_fine_tuning_starts_from_the_given_weights(
    samples: list[GraspSample], tmp_path: Path
) -> None:
    first = train(samples, tmp_path / "first", TINY)
    start = read_detector(first.model)
    config = replace(fine_tuning(TINY), steps=1, learning_rate=1e-9, weight_decay=0.0)
    tuned = train(samples[:1], tmp_path / "tuned", config, start=start)
    before, after = weights(first.model), weights(tuned.model)
    learned = [name for name in before if "running" not in name and "tracked" not in name]
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in learned)
    assert fine_tuning(TrainingConfig()).steps < TrainingConfig().steps


def test_the_gripper_is_that_of_the_labels(samples: list[GraspSample], tmp_path: Path) -> None:
    jaw = jaw_of(samples)
    assert jaw.plate_length == pytest.approx(0.02, rel=0.03)
    assert jaw.maximum_opening >= JawConfig().maximum_opening
    summary = train(samples, tmp_path, TINY)
    assert read_detector(summary.model).jaw == jaw


def test_a_run_is_not_overwritten_and_nothing_else_is_resumed(
    samples: list[GraspSample], tmp_path: Path
) -> None:
    train(samples, tmp_path, TINY)
    with pytest.raises(CheckpointError, match="holds a training run"):
        train(samples, tmp_path, TINY)
    with pytest.raises(CheckpointError, match="batch differ"):
        train(samples, tmp_path, replace(TINY, batch=3), resume=True)
    with pytest.raises(CheckpointError, match="other labels"):
        train(samples[:3], tmp_path, TINY, resume=True)
    with pytest.raises(CheckpointError, match="does not exist"):
        train(samples, tmp_path / "other", TINY, resume=True)
    (tmp_path / STATE_FILE).write_bytes((tmp_path / STATE_FILE).read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="truncated"):
        train(samples, tmp_path, TINY, resume=True)


def test_a_run_with_options_that_are_unknown_now_is_refused_by_their_name(
    samples: list[GraspSample], tmp_path: Path
) -> None:
    train(samples, tmp_path, TINY)
    written = read_checkpoint(tmp_path / STATE_FILE)
    config = dict(written.config)
    config["training"] = {**config["training"], "forgotten": 3}
    write_checkpoint(tmp_path / STATE_FILE, replace(written, config=config))
    with pytest.raises(CheckpointError, match="forgotten differ"):
        train(samples, tmp_path, TINY, resume=True)


def test_nothing_to_learn_from_is_an_error(samples: list[GraspSample], tmp_path: Path) -> None:
    empty = replace(samples[0], rectangles=())
    with pytest.raises(SequenceError, match="no sample has a grasp"):
        train([empty], tmp_path, TINY)
    assert not (tmp_path / STATE_FILE).exists()


def test_a_loss_that_explodes_stops_the_run(samples: list[GraspSample], tmp_path: Path) -> None:
    wild = replace(TINY, learning_rate=1e30, steps=20, evaluate_every=20, schedule="constant")
    with pytest.raises(CheckpointError, match="lower learning_rate"):
        train(samples, tmp_path, wild)


def test_the_paper_draws_a_hundred_views_per_image_and_no_more(
    samples: list[GraspSample],
) -> None:
    config = replace(TINY, augmentation=AugmentationConfig(copies=2), batch=12)
    run = Run(samples[:1], Path("unused"), config, (), None)
    views = [view for step in range(3) for view in run.batch(step)]
    assert len({view.frame.color.tobytes() for view in views}) == 2
    assert PAPER.training.augmentation.copies == 100


def test_the_rate_rises_then_falls_to_nothing() -> None:
    config = TrainingConfig(steps=100, warm_up=10, learning_rate=1.0)
    rates = [learning_rate(config, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] < 0.001
    assert (np.diff(rates[10:]) <= 0).all()
    assert learning_rate(PAPER.training, 40_000) == 1e-4


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"batch": 0}, {"learning_rate": -1.0}])
def test_an_impossible_schedule_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="training"):
        TrainingConfig(**wrong)  # type: ignore[arg-type]
