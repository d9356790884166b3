"""What every detector offers to training and prediction."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from grasp_affordance.detection.samples import GraspSample, Mask, ScoredRectangle
from grasp_affordance.detection.view import WarpedView
from grasp_affordance.rgbd import RgbdFrame


class Detector(nn.Module, ABC):
    """A network with its own view of frames, its loss and its decoding.

    Attributes:
        architecture: name in the header of its files.
        config: dataclass of JSON values, from which it can be built again.
    """

    architecture: ClassVar[str]
    config: Any

    @property
    @abstractmethod
    def training_size(self) -> tuple[int, int]:
        """(width, height) of the views that it is trained on."""

    @abstractmethod
    def view(self, frame: RgbdFrame, region: Mask | None = None) -> WarpedView:
        """Return how it looks at a frame, or at the part of it around `region` (H, W)."""

    @abstractmethod
    def losses(self, samples: Sequence[GraspSample]) -> dict[str, Tensor]:
        """Return the parts of the loss, scalars, of samples seen through views of one size."""

    @abstractmethod
    def propose(self, frame: RgbdFrame) -> list[ScoredRectangle]:
        """Return scored rectangles, in pixels of a frame seen through its view, best first."""

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device
