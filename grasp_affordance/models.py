"""What every learned model offers, and the one place that turns a file into one."""

import os
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.network import compact_checkpoint
from grasp_affordance.affordance.network.checkpoint import read_checkpoint
from grasp_affordance.affordance.network.compact_model import CompactModel
from grasp_affordance.errors import CheckpointError
from grasp_affordance.papers import suction
from grasp_affordance.rgbd import RgbdFrame


class LearnedModel(Protocol):
    """A trained network: numpy in, numpy out."""

    @property
    def version(self) -> str:
        """Name of architecture and weights; other weights have another name."""

    def predict(
        self,
        frame: RgbdFrame,
        region: NDArray[np.bool_] | None = None,
        *,
        up: NDArray[np.float64] | None = None,
        prior: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Return the probability of success (H, W) float32, 0 outside the region's bounding box.

        Args:
            frame: color and depth.
            region: (H, W) bool; the whole image by default.
            up: (3,) unit vector against gravity, camera frame; against the optical axis by default.
            prior: (H, W) float32 seal prior of the view, for architectures that start from it.

        Raises:
            FrameError: the frame cannot be used.
        """


def load_model(
    path: str | os.PathLike[str], device: str = "cpu", encoder_weights: str | None = None
) -> LearnedModel:
    """Load a checkpoint of any architecture of this package.

    Args:
        path: of the checkpoint.
        device: on which it computes, as torch names it.
        encoder_weights: where to get a frozen encoder that the checkpoint only names, if it is no
            longer there: `imagenet` or the path of a state dict.

    Raises:
        CheckpointError: missing, truncated, foreign, of an unknown architecture, or its encoder
            cannot be had.
    """
    checkpoint = read_checkpoint(path)
    match checkpoint.architecture:
        case compact_checkpoint.ARCHITECTURE:
            return CompactModel(checkpoint, device)
        case suction.ARCHITECTURE:
            # With torchvision, whose import takes seconds and memory that no robot needs.
            from grasp_affordance.papers.suction import resnet_checkpoint, resnet_model

            network = resnet_checkpoint.from_checkpoint(checkpoint, encoder_weights)
            return resnet_model.ResnetModel(network, resnet_model.InferenceConfig(device=device))
        case unknown:
            raise CheckpointError(
                f"'{path}' is of architecture '{unknown}', which this version does not know; use "
                "the package version that wrote it"
            )
