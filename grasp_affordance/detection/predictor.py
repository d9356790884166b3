"""The facade: a frame in, ranked grasp rectangles out; numpy on both sides."""

import os

from grasp_affordance.affordance.network.device import usable_device
from grasp_affordance.detection.model import TrainedDetector, read_detector
from grasp_affordance.detection.samples import Mask, ScoredRectangle
from grasp_affordance.detection.selection import SelectionConfig, select
from grasp_affordance.detection.warp import Similarity, warp_frame
from grasp_affordance.rgbd import RgbdFrame

_LEAST_DEPTH = 0.01  # of the pixels must have depth


class GraspDetector:
    """Detects grasps for a parallel gripper; holds no state between frames but the weights.

    Raises:
        CheckpointError: the weights cannot be read; ConfigError: there is no such device.
    """

    def __init__(
        self,
        weights: str | os.PathLike[str] | TrainedDetector,
        config: SelectionConfig | None = None,
        device: str = "cpu",
    ) -> None:
        """Load a checkpoint of any detector architecture, or take one that is in memory."""
        loaded = (
            weights
            if isinstance(weights, TrainedDetector)
            else read_detector(weights, usable_device(device))
        )
        self.trained = loaded
        self.config = config or SelectionConfig()
        self.jaw = self.config.jaw or loaded.jaw
        chosen = self.config.threshold
        self.threshold = loaded.threshold if chosen is None else chosen
        self.version = loaded.version

    def detect(self, frame: RgbdFrame, region: Mask | None = None) -> tuple[ScoredRectangle, ...]:
        """Return grasp rectangles in pixels of the frame, best first; none if none is good enough.

        Args:
            frame: color and aligned depth.
            region: (H, W) bool, where objects can be; the whole image by default.

        Raises:
            FrameError: too little depth, or a region of another size.
        """
        return self.choose(self.propose(frame, region), frame, region)

    def propose(self, frame: RgbdFrame, region: Mask | None = None) -> list[ScoredRectangle]:
        """Return all that the network proposes; arguments and errors as of `detect`."""
        frame.require_depth(_LEAST_DEPTH)
        return predict(self.trained, frame, region)

    def choose(
        self, proposals: list[ScoredRectangle], frame: RgbdFrame, region: Mask | None = None
    ) -> tuple[ScoredRectangle, ...]:
        """Return the proposals for a frame that are good enough, best first."""
        return select(proposals, frame, self.threshold, self.jaw, self.config, region)


def predict(
    trained: TrainedDetector, frame: RgbdFrame, region: Mask | None = None
) -> list[ScoredRectangle]:
    """Return everything that the network proposes, in pixels of the frame, best first."""
    view = trained.module.view(frame, region)
    seen = warp_frame(frame, view.similarity, view.size)
    return process(trained.module.propose(seen), view.similarity)


def process(proposals: list[ScoredRectangle], view: Similarity) -> list[ScoredRectangle]:
    """Bring proposals from a view back to the frame."""
    back = view.inverse
    return [ScoredRectangle(back.rectangle(p.rectangle), p.score) for p in proposals]
