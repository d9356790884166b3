"""Random views of a sample: shift and rotation, as in the annotation paper, and a little more."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from grasp_affordance.detection.detector import Detector
from grasp_affordance.detection.samples import GraspSample
from grasp_affordance.detection.warp import Similarity, warp_sample
from grasp_affordance.errors import ConfigError


@dataclass(frozen=True)
class AugmentationConfig:
    """How far views differ.

    Attributes:
        rotation: radians, at most, either way.
        shift: share of the view's side, at most, either way.
        scale: largest factor of magnification; its inverse is the smallest.
        color: of brightness and of each channel's gain, standard deviation as a share.
        depth_noise: standard deviation at 1 m, metres.
        targeted: share of the views that have a labelled grasp near their centre instead of the
            middle of the image, for networks that see a part of it at a time.
        copies: different views per image, the paper's 100; 0 for new ones at every step.
    """

    rotation: float = float(np.pi)
    shift: float = 0.1
    scale: float = 1.1
    color: float = 0.15
    depth_noise: float = 0.001
    targeted: float = 0.7
    copies: int = 0

    def __post_init__(self) -> None:
        ranges = (self.rotation, self.shift, self.color, self.depth_noise, self.copies)
        if min(ranges) < 0 or self.scale < 1 or not 0 <= self.targeted <= 1:
            raise ConfigError(
                "augmentation: a range is negative, scale below 1 or targeted no share"
            )


PAPER_AUGMENTATION = AugmentationConfig(
    scale=1.0, color=0.0, depth_noise=0.0, targeted=0.0, copies=100
)


def random_view(
    sample: GraspSample, detector: Detector, config: AugmentationConfig, rng: np.random.Generator
) -> GraspSample:
    """Return the sample as a random view of the detector's training size shows it."""
    view = detector.view(sample.frame, sample.region)
    centre: ArrayLike = view.centre
    if sample.rectangles and rng.random() < config.targeted:
        target = sample.rectangles[rng.integers(len(sample.rectangles))]
        centre = view.similarity.points((target.x, target.y))
    size = detector.training_size
    angle = rng.uniform(-config.rotation, config.rotation)
    scale = config.scale ** rng.uniform(-1.0, 1.0)
    to = (np.array(size) - 1) / 2 + rng.uniform(-config.shift, config.shift, 2) * size
    similarity = Similarity.about(centre, to, scale, angle).after(view.similarity)
    return disturb(warp_sample(sample, similarity, size), config, rng)


def disturb(
    sample: GraspSample, config: AugmentationConfig, rng: np.random.Generator
) -> GraspSample:
    """Return the sample with other light and noisier depth; labels stay."""
    frame = sample.frame
    if config.color == 0 and config.depth_noise == 0:
        return sample
    gains = np.exp(rng.normal(0, config.color) + rng.normal(0, config.color / 2, 3))
    color = np.clip(frame.color * gains.astype(np.float32), 0, 255).astype(np.uint8)
    noise = rng.standard_normal(frame.shape, dtype=np.float32)
    depth = frame.depth + np.float32(config.depth_noise) * noise * frame.depth**2
    return replace(sample, frame=replace(frame, color=color, depth=depth))
