"""Random views of a sample: shift and rotation, as in the annotation paper, and a little more."""

from dataclasses import dataclass, replace

import numpy as np

from grasp_affordance.detection.samples import GraspSample
from grasp_affordance.detection.warp import Similarity
from grasp_affordance.errors import ConfigError


@dataclass(frozen=True)
class AugmentationConfig:
    """How far views differ. Every training step draws anew; the paper drew 100 per image.

    Attributes:
        rotation: radians, at most, either way.
        shift: share of the view's side, at most, either way.
        scale: largest factor of magnification; its inverse is the smallest.
        color: of brightness and of each channel's gain, standard deviation as a share.
        depth_noise: standard deviation at 1 m, metres.
    """

    rotation: float = float(np.pi)
    shift: float = 0.1
    scale: float = 1.1
    color: float = 0.15
    depth_noise: float = 0.001

    def __post_init__(self) -> None:
        if min(self.rotation, self.shift, self.color, self.depth_noise) < 0 or self.scale < 1:
            raise ConfigError("augmentation: a range is negative, or scale is below 1")


PAPER_AUGMENTATION = AugmentationConfig(scale=1.0, color=0.0, depth_noise=0.0)


def random_similarity(
    view: Similarity,
    extent: tuple[int, int],
    size: tuple[int, int],
    config: AugmentationConfig,
    rng: np.random.Generator,
    target: tuple[float, float] | None = None,
) -> Similarity:
    """Return a random transform from the image to a view of `size` (width, height).

    Args:
        view: from the image to the network's own resolution, where the image has `extent`.
        target: pixel of the image that should be near the view's centre; the image's by default.
    """
    angle = rng.uniform(-config.rotation, config.rotation)
    scale = config.scale ** rng.uniform(-1.0, 1.0)
    shift = rng.uniform(-config.shift, config.shift, 2) * size
    middle = ((extent[0] - 1) / 2, (extent[1] - 1) / 2)
    centre = middle if target is None else view.points(target)
    to = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2]) + shift
    return Similarity.about(centre, to, scale, angle).after(view)


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
