"""A trained detector in memory and as a file."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from grasp_affordance.affordance.network.checkpoint import (
    Checkpoint,
    Provenance,
    damage_as_checkpoint_error,
    read_checkpoint,
    state_digest,
    write_checkpoint,
)
from grasp_affordance.detection.dense.detector import DenseDetector
from grasp_affordance.detection.dense.input import Inputs
from grasp_affordance.detection.dense.network import DenseConfig
from grasp_affordance.detection.detector import Detector
from grasp_affordance.errors import CheckpointError
from grasp_affordance.papers.annotation.detector import PaperDetector
from grasp_affordance.papers.annotation.network import AnnotationPaperConfig, Channels
from grasp_affordance.rectangle import JawConfig

DEFAULT_THRESHOLD = 0.3

ARCHITECTURES = (DenseDetector.architecture, PaperDetector.architecture)
NetworkConfig = DenseConfig | AnnotationPaperConfig


@dataclass(frozen=True, eq=False)
class TrainedDetector:
    """Weights with what belongs to them.

    Attributes:
        module: network, in evaluation mode.
        jaw: gripper of the labels.
        threshold: score above which detections are offered, chosen by validation.
    """

    module: Detector
    jaw: JawConfig
    threshold: float = DEFAULT_THRESHOLD

    @property
    def version(self) -> str:
        """Name of architecture and weights; other weights have another name."""
        digest = hashlib.sha256(state_digest(self.module.state_dict()).encode()).hexdigest()
        return f"{self.module.architecture}-{digest[:12]}"


def make_detector(config: NetworkConfig, jaw: JawConfig) -> Detector:
    """Return a detector whose weights are still to be loaded."""
    if isinstance(config, AnnotationPaperConfig):
        return PaperDetector(config)
    return DenseDetector(config, jaw.plate_length)


def new_detector(config: NetworkConfig, jaw: JawConfig, seed: int) -> Detector:
    """Return a detector to be trained; torch's generator draws what has no given start.

    Raises:
        CheckpointError: the weights that its backbone starts from cannot be had.
    """
    detector = make_detector(config, jaw)
    if isinstance(detector, PaperDetector):
        detector.load_initial_weights(seed)
    return detector


def write_detector(
    path: str | os.PathLike[str],
    trained: TrainedDetector,
    validation: Mapping[str, float] | None = None,
) -> None:
    """Write a detector atomically; `validation` is kept in the header for people.

    Raises:
        CheckpointError: the file cannot be written.
    """
    config: dict[str, Any] = {
        "network": asdict(trained.module.config),
        "jaw": asdict(trained.jaw),
        "threshold": trained.threshold,
        "validation": dict(validation or {}),
    }
    write_checkpoint(
        path,
        Checkpoint(
            trained.module.architecture,
            config,
            trained.module.state_dict(),
            Provenance.of_this_process(0),
        ),
    )


def read_detector(path: str | os.PathLike[str], device: str = "cpu") -> TrainedDetector:
    """Read a detector that `write_detector` wrote.

    Raises:
        CheckpointError: missing, truncated, foreign, or no detector.
    """
    checkpoint = read_checkpoint(path)
    if checkpoint.architecture not in ARCHITECTURES:
        raise CheckpointError(
            f"'{path}' is of architecture '{checkpoint.architecture}', which is no grasp detector; "
            "detectors come from `grasp-affordance train_detector`"
        )
    what = f"'{path}' does not hold the weights that its header describes"
    with damage_as_checkpoint_error(what):
        jaw = JawConfig(**checkpoint.config["jaw"])
        config = network_config(checkpoint.architecture, checkpoint.config["network"])
        threshold = float(checkpoint.config["threshold"])
        if not 0 <= threshold <= 1:
            raise ValueError(f"the threshold {threshold} is no score")
        module = make_detector(config, jaw)
        module.load_state_dict(dict(checkpoint.tensors))
    return TrainedDetector(module.to(device).eval(), jaw, threshold)


def network_config(architecture: str, data: Mapping[str, Any]) -> NetworkConfig:
    """Return the configuration that a header describes; KeyError for an unknown architecture."""
    if architecture == DenseDetector.architecture:
        return DenseConfig(
            **{
                **data,
                "widths": tuple(data["widths"]),
                "inputs": Inputs(data.get("inputs", Inputs.RGBD)),
            }
        )
    if architecture == PaperDetector.architecture:
        return AnnotationPaperConfig(
            **{
                **data,
                "channels": Channels(data["channels"]),
                "anchors": tuple(data["anchors"]),
                "ratios": tuple(data["ratios"]),
            }
        )
    raise KeyError(architecture)
