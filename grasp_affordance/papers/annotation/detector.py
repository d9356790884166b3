"""The annotation paper's network as a detector: its view, its losses and its decoding."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grasp_affordance.detection.detector import Detector
from grasp_affordance.detection.samples import GraspSample, Mask, ScoredRectangle
from grasp_affordance.detection.view import WarpedView, bounding_box
from grasp_affordance.detection.warp import Similarity
from grasp_affordance.papers.annotation.network import (
    AnnotationPaperConfig,
    Channels,
    PaperNetwork,
)
from grasp_affordance.papers.encoder import Encoder
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.rgbd import RgbdFrame

_MARGIN = 0.05  # around a region, as a share of its larger side


class PaperDetector(Detector):
    """L_total = L_gpn + L_gcr (annotation paper, equation 4); theta in R = 19 intervals."""

    architecture = "paper-grasp-detector"
    config: AnnotationPaperConfig

    def __init__(self, config: AnnotationPaperConfig | None = None) -> None:
        super().__init__()
        self.config = config or AnnotationPaperConfig()
        self.network = PaperNetwork(self.config)

    def load_initial_weights(self, seed: int) -> None:
        """Give the backbone its start.

        Raises:
            CheckpointError: the configured weights cannot be had.
        """
        config = self.config
        self.network.load_encoder(Encoder(config.backbone, config.encoder_weights, seed))

    @property
    def training_size(self) -> tuple[int, int]:
        """(width, height) of its input."""
        return self.config.size, self.config.size

    def view(self, frame: RgbdFrame, region: Mask | None = None) -> WarpedView:
        """Return the square around the frame or the region, resized to the input.

        The paper resizes whole images to a square. A side is padded instead of stretched here:
        stretching turns rectangles into parallelograms.
        """
        box = bounding_box(frame.shape, region, 0)
        margin = 0 if region is None else round(_MARGIN * max(box[2:]))
        u0, v0, width, height = bounding_box(frame.shape, region, margin)
        middle = (self.config.size - 1) / 2
        similarity = Similarity.about(
            (u0 + (width - 1) / 2, v0 + (height - 1) / 2),
            (middle, middle),
            self.config.size / max(width, height),
            0.0,
        )
        return WarpedView(similarity, self.training_size, (middle, middle))

    def losses(self, samples: Sequence[GraspSample]) -> dict[str, Tensor]:
        """Return L_gpn and L_gcr."""
        targets = [self._target(sample) for sample in samples]
        _, losses = self.network(self._input([sample.frame for sample in samples]), targets)
        return {
            "gpn": losses["loss_objectness"] + losses["loss_rpn_box_reg"],
            "gcr": losses["loss_classifier"] + losses["loss_box_reg"],
        }

    @torch.inference_mode()
    def propose(self, frame: RgbdFrame) -> list[ScoredRectangle]:
        """Return scored rectangles in a frame seen through `view`, best first."""
        (found,), _ = self.network(self._input([frame]))
        return self.decode(found["boxes"], found["labels"], found["scores"])

    def decode(self, boxes: Tensor, labels: Tensor, scores: Tensor) -> list[ScoredRectangle]:
        """Return the rectangles of boxes (N, 4) as corners with intervals (N,) from 1."""
        thetas = (labels.double() - 0.5) * np.pi / self.config.angles
        proposals = []
        for (u0, v0, u1, v1), theta, score in zip(
            boxes.double().tolist(), thetas.tolist(), scores.double().tolist(), strict=True
        ):
            if u1 > u0 and v1 > v0:
                rectangle = GraspRectangle((u0 + u1) / 2, (v0 + v1) / 2, theta, u1 - u0, v1 - v0)
                proposals.append(ScoredRectangle(rectangle, min(score, 1.0)))
        return proposals

    def _target(self, sample: GraspSample) -> dict[str, Tensor]:
        """Return boxes without their orientation, intervals of theta from 1, and what is known."""
        boxes = [
            (r.x - r.w / 2, r.y - r.h / 2, r.x + r.w / 2, r.y + r.h / 2) for r in sample.rectangles
        ]
        step = np.pi / self.config.angles
        intervals = [
            1 + min(int(r.theta / step), self.config.angles - 1) for r in sample.rectangles
        ]
        return {
            "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4).to(self.device),
            "labels": torch.tensor(intervals, dtype=torch.int64).to(self.device),
            "known": torch.from_numpy(sample.known).to(self.device),
        }

    def _input(self, frames: Sequence[RgbdFrame]) -> Tensor:
        images = np.stack([_image(frame, self.config.channels) for frame in frames])
        return torch.from_numpy(images).to(self.device)


def _image(frame: RgbdFrame, channels: Channels) -> NDArray[np.float32]:
    """Return (3, H, W) float32 in [0, 1]."""
    image = frame.color.astype(np.float32) / 255
    if channels is Channels.RGD:
        known = frame.depth[frame.known]
        near, far = np.percentile(known, [1, 99]) if known.size else (0.0, 1.0)
        nearness = (far - frame.depth) / max(far - near, 1e-3)
        image[..., 2] = np.nan_to_num(np.clip(nearness, 0, 1), nan=0.0)
    return np.moveaxis(image, -1, 0).astype(np.float32)
