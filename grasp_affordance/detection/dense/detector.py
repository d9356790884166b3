"""The default detector: anchor-free, on relief and color, from scratch on a CPU in minutes."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor
from torch.nn import functional

from grasp_affordance.detection.dense.input import dense_input
from grasp_affordance.detection.dense.network import MULTIPLE, STRIDE, DenseConfig, DenseNetwork
from grasp_affordance.detection.dense.targets import decode, encode
from grasp_affordance.detection.detector import Detector
from grasp_affordance.detection.pose import plate_pixels
from grasp_affordance.detection.samples import GraspSample, Mask, ScoredRectangle
from grasp_affordance.detection.view import WarpedView, bounding_box
from grasp_affordance.detection.warp import Similarity
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.rgbd import RgbdFrame

_CANDIDATES, _LEAST = 200, 0.02  # cells that are decoded, best first, and their least score
_SCALES = (0.1, 4.0)  # of the resampling
_MARGIN = 24  # pixels around a region that the network sees besides it


class DenseDetector(Detector):
    """Network, loss and decoding of the default detector.

    Its rectangles' w is that of the gripper's plate at the depth of the place.
    """

    architecture = "dense-grasp-detector"
    config: DenseConfig

    def __init__(self, config: DenseConfig | None = None, plate_length: float = 0.02) -> None:
        """Make a new network; `plate_length` is in metres."""
        super().__init__()
        self.config = config or DenseConfig()
        self.plate_length = plate_length
        self.network = DenseNetwork(self.config)

    @property
    def training_size(self) -> tuple[int, int]:
        """(width, height) of the views that it is trained on."""
        return self.config.crop, self.config.crop

    def view(self, frame: RgbdFrame, region: Mask | None = None) -> WarpedView:
        """Return how the network looks at a frame: the region's surroundings at its resolution."""
        depth = frame.depth[::4, ::4]
        known = depth[np.isfinite(depth)]
        z = float(np.median(known)) if known.size else 1.0
        scale = float(np.clip(z / (frame.intrinsics.fx * self.config.resolution), *_SCALES))
        u0, v0, width, height = bounding_box(frame.shape, region, round(_MARGIN / scale))
        corner = Similarity(shift=(-float(u0), -float(v0)))
        extent = width * scale, height * scale
        padded = (_multiple(extent[0]), _multiple(extent[1]))
        middle = ((extent[0] - 1) / 2, (extent[1] - 1) / 2)
        return WarpedView(Similarity.resize(scale).after(corner), padded, middle)

    def losses(self, samples: Sequence[GraspSample]) -> dict[str, Tensor]:
        """Return the losses of a batch of views, all of one size.

        The score is learned by the quality focal loss (Li et al. 2020, equation 5), the rectangle
        by smooth L1.
        """
        targets = [encode(s.rectangles, s.known, STRIDE) for s in samples]

        def stacked(name: str) -> Tensor:
            return torch.from_numpy(np.stack([getattr(t, name) for t in targets])).to(self.device)

        output = self.network(self._input([sample.frame for sample in samples]))
        score, known, weight = stacked("score"), stacked("known"), stacked("weight")
        logit = output[:, 0]
        distance = (score - torch.sigmoid(logit)).abs()
        entropy = functional.binary_cross_entropy_with_logits(logit, score, reduction="none")
        positives = weight.sum().clamp(min=1.0)

        def regressed(channels: slice, target: Tensor, beta: float) -> Tensor:
            error = functional.smooth_l1_loss(
                output[:, channels], target, beta=beta, reduction="none"
            )
            return (error.sum(dim=1) * weight).sum() / positives

        return {
            "score": 4.0 * (distance.square() * entropy * known).sum() / positives,
            "offset": 0.5 * regressed(slice(1, 3), stacked("offset"), 0.2),
            "angle": regressed(slice(3, 5), stacked("angle"), 0.1),
            "opening": regressed(slice(5, 6), stacked("log_h")[:, None], 0.05),
        }

    @torch.inference_mode()
    def propose(self, frame: RgbdFrame) -> list[ScoredRectangle]:
        """Return scored rectangles in a frame seen through `view`, best first."""
        output = self.network(self._input([frame]))[0].float().cpu().numpy()
        score = expit(output[0])
        cells = decode(score, output[1:], STRIDE, _CANDIDATES, _LEAST)
        depths = _depths_at(frame, cells.x, cells.y)
        columns = (cells.x, cells.y, cells.theta, cells.h, cells.score, depths)
        proposals = []
        for x, y, theta, h, value, z in zip(*(c.tolist() for c in columns), strict=True):
            w = plate_pixels(self.plate_length, x, y, theta, z, frame)
            proposals.append(ScoredRectangle(GraspRectangle(x, y, theta, w, h), value))
        return proposals

    def _input(self, frames: Sequence[RgbdFrame]) -> Tensor:
        config = self.config
        images = np.stack([dense_input(f, config.resolution, config.inputs) for f in frames])
        return torch.from_numpy(images).to(self.device).to(memory_format=torch.channels_last)


def _depths_at(
    frame: RgbdFrame, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the median depth (N,) of the 3x3 pixels at places (N,); the view's if unknown."""
    height, width = frame.shape
    near = np.arange(-1, 2)
    rows = np.clip(np.round(y).astype(int)[:, None, None] + near[:, None], 0, height - 1)
    columns = np.clip(np.round(x).astype(int)[:, None, None] + near, 0, width - 1)
    patches = np.sort(frame.depth[rows, columns].reshape(-1, 9), axis=1)  # NaN comes last
    count = np.isfinite(patches).sum(axis=1)
    depths = patches[np.arange(len(patches)), np.maximum(count - 1, 0) // 2].astype(np.float64)
    known = frame.depth[::4, ::4]
    known = known[np.isfinite(known)]
    return np.where(count > 0, depths, float(np.median(known)) if known.size else 1.0)


def _multiple(length: float) -> int:
    return max(int(np.ceil(length / MULTIPLE)), 1) * MULTIPLE
