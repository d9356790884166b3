"""Detectors as files, and the facade over them."""

from collections.abc import Iterable
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.detection_scenes import block_sample

from grasp_affordance.affordance.network.checkpoint import (
    Checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from grasp_affordance.affordance.network.device import usable_device
from grasp_affordance.detection.dense.network import DenseConfig
from grasp_affordance.detection.model import (
    NetworkConfig,
    TrainedDetector,
    make_detector,
    new_detector,
    read_detector,
    write_detector,
)
from grasp_affordance.detection.predictor import GraspDetector, predict
from grasp_affordance.detection.samples import ScoredRectangle
from grasp_affordance.detection.selection import SelectionConfig
from grasp_affordance.errors import CheckpointError, ConfigError, FrameError
from grasp_affordance.papers.annotation.network import AnnotationPaperConfig
from grasp_affordance.rectangle import JawConfig

JAW = JawConfig(0.025, 0.09)
DENSE = DenseConfig(widths=(4, 8, 8, 8))
PAPER = AnnotationPaperConfig("resnet18", "random", size=96, proposals=20)


def trained(config: NetworkConfig) -> TrainedDetector:
    torch.manual_seed(0)
    return TrainedDetector(new_detector(config, JAW, 0).eval(), JAW, 0.01)


def rows(detections: Iterable[ScoredRectangle]) -> list[tuple[float, ...]]:
    return [(*astuple(found.rectangle), found.score) for found in detections]


@pytest.mark.parametrize("config", [DENSE, PAPER], ids=["dense", "paper"])
def test_what_was_written_detects_the_same(config: NetworkConfig, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    first = trained(config)
    write_detector(path, first)
    second = read_detector(path)
    assert second.module.config == config
    assert (second.jaw, second.threshold) == (JAW, 0.01)
    assert second.version == first.version
    weights, read = first.module.state_dict(), second.module.state_dict()
    assert weights.keys() == read.keys()
    assert all(torch.equal(weights[name], read[name]) for name in weights)
    frame = block_sample(0).frame
    before, after = (rows(predict(trained, frame)) for trained in (first, second))
    # Where a tensor lies in memory decides the last digit of a convolution.
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4)


def test_other_weights_have_another_version() -> None:
    first, second = trained(DENSE), trained(DENSE)
    assert first.version == second.version
    with torch.no_grad():
        next(second.module.parameters()).add_(1e-3)
    assert first.version != second.version
    assert first.version.startswith("dense-grasp-detector-")


def test_files_that_are_no_detectors_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        read_detector(tmp_path / "none.safetensors")
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, Checkpoint("compact", {}, {"a": torch.zeros(1)}))
    with pytest.raises(CheckpointError, match="no grasp detector"):
        read_detector(path)
    write_detector(path, trained(DENSE))
    content = read_checkpoint(path)
    for wrong in (
        {**content.config, "network": {"crop": 10}},
        {**content.config, "jaw": {"plate_length": -1.0}},
        {key: value for key, value in content.config.items() if key != "threshold"},
        {**content.config, "network": {**content.config["network"], "widths": [4, 4, 4, 4]}},
    ):
        write_checkpoint(path, replace(content, config=wrong))
        with pytest.raises(CheckpointError, match="does not hold the weights"):
            read_detector(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"truncated|damaged"):
        read_detector(path)


def test_a_detector_made_anew_takes_only_weights_of_its_own_shape() -> None:
    other = make_detector(replace(DENSE, widths=(4, 8, 8, 16)), JAW)
    with pytest.raises(RuntimeError):
        other.load_state_dict(trained(DENSE).module.state_dict())


def test_detections_are_in_pixels_of_the_frame_within_the_limits_asked_for() -> None:
    frame = block_sample(0).frame
    region = np.zeros(frame.shape, bool)
    region[60:180, 80:240] = True
    detector = GraspDetector(trained(DENSE), SelectionConfig(threshold=0.0, count=7))
    found = detector.detect(frame, region)
    assert 0 < len(found) <= 7
    assert all(region[round(g.rectangle.y), round(g.rectangle.x)] for g in found)
    assert [g.score for g in found] == sorted((g.score for g in found), reverse=True)
    assert GraspDetector(trained(DENSE), SelectionConfig(threshold=1.0)).detect(frame) == ()


def test_the_same_frame_gives_the_same_grasps() -> None:
    detector = GraspDetector(trained(DENSE), SelectionConfig(threshold=0.0))
    frame = block_sample(0).frame
    np.testing.assert_allclose(
        rows(detector.detect(frame)), rows(detector.detect(frame)), rtol=1e-4, atol=1e-4
    )


def test_a_frame_that_cannot_be_used_is_refused() -> None:
    detector = GraspDetector(trained(DENSE))
    frame = block_sample(0).frame
    blind = replace(frame, depth=np.full(frame.shape, np.nan, np.float32))
    with pytest.raises(FrameError, match="depth pixels are known"):
        detector.detect(blind)
    with pytest.raises(FrameError, match="differ in size"):
        detector.detect(frame, np.ones((10, 10), bool))
    with pytest.raises(ConfigError, match="device"):
        usable_device("nonsense")
