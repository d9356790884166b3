"""What the two streams of the network see of a frame."""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from grasp_affordance.errors import ConfigError
from grasp_affordance.papers.suction.cells import PIXELS_PER_CELL, Window
from grasp_affordance.rgbd import RgbdFrame

NETWORK_PIXELS_PER_CELL = 4  # 168 pixels are resized to 224, suction paper, section III A


class Streams(StrEnum):
    """What the two streams see."""

    RGBD = "rgbd"
    RGB_RGB = "rgb-rgb"
    DEPTH = "depth"


class Holes(StrEnum):
    """What becomes of pixels without depth."""

    MARK = "mark"
    NEAREST = "nearest"


@dataclass(frozen=True)
class InputConfig:
    """What enters the network, and how depth becomes an image.

    Color is divided by 255. Depth is mapped linearly from [`depth_near`, `depth_far`] to [0, 1] and
    clipped, then repeated to three channels. The encoder normalises both alike, because both pass
    the same weights.

    Attributes:
        streams: `rgbd` is color and depth; `rgb-rgb` is color twice (the paper's comparison);
            `depth` is depth twice. All three have the same structure and number of parameters.
        depth_near: metres that become 0; nothing in the cell should be nearer.
        depth_far: metres that become 1. A narrow range shows the relief of the heap better.
        holes: `mark` gives pixels without depth the value 0, the same as `depth_near`, which no
            surface should have; `nearest` copies the nearest known pixel, which hides the sensor's
            holes from the network (never from the candidates, which reject them).
    """

    streams: Streams = Streams.RGBD
    depth_near: float = 0.25
    depth_far: float = 1.25
    holes: Holes = Holes.MARK

    def __post_init__(self) -> None:
        if self.streams not in list(Streams):
            raise ConfigError(f"streams '{self.streams}': use {', '.join(Streams)}")
        if self.holes not in list(Holes):
            raise ConfigError(f"holes '{self.holes}': use {', '.join(Holes)}")
        if not (0 <= self.depth_near < self.depth_far < np.inf):
            raise ConfigError(
                f"depth range [{self.depth_near}, {self.depth_far}] m: near must be below far"
            )

    @property
    def uses_depth(self) -> bool:
        """Whether the depth image matters at all."""
        return self.streams != Streams.RGB_RGB


def normalised_depth(depth: NDArray[np.float32], config: InputConfig) -> NDArray[np.float32]:
    """Map depth (H, W) in metres, NaN where unknown, to (H, W) float32 in [0, 1]."""
    known = np.isfinite(depth)
    scaled = (depth - config.depth_near) / np.float32(config.depth_far - config.depth_near)
    scaled = np.where(known, np.clip(scaled, 0, 1), 0).astype(np.float32)
    if config.holes == Holes.NEAREST and known.any() and not known.all():
        scaled = _fill_nearest(scaled, known)
    return scaled


def stream_images(frame: RgbdFrame, config: InputConfig) -> list[NDArray[np.float32]]:
    """Return the distinct streams of a frame, each (H, W, 3) float32 in [0, 1].

    Two for `rgbd`; one for the others, whose two streams are the same image.
    """
    color = frame.color.astype(np.float32) / np.float32(255)
    if config.streams == Streams.RGB_RGB:
        return [color]
    depth = np.repeat(normalised_depth(frame.depth, config)[..., None], 3, axis=2)
    return [color, depth] if config.streams == Streams.RGBD else [depth]


def window_tensor(images: list[NDArray[np.float32]], window: Window) -> torch.Tensor:
    """Cut one window out of the streams and scale it for the network.

    Args:
        images: of `stream_images`.
        window: in cells; what hangs over the image repeats its border pixels.

    Returns:
        (S, 3, 4 rows, 4 columns) float32 in [0, 1], S distinct streams.
    """
    scaled = [_scaled(_cropped(image, window)) for image in images]
    return torch.from_numpy(np.stack(scaled)).permute(0, 3, 1, 2)


def _cropped(image: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
    first = np.array([window.row, window.column]) * PIXELS_PER_CELL
    size = np.array([window.rows, window.columns]) * PIXELS_PER_CELL
    stop = first + size
    if (first >= 0).all() and (stop <= image.shape[:2]).all():
        return image[first[0] : stop[0], first[1] : stop[1]]
    rows = np.clip(np.arange(first[0], stop[0]), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(first[1], stop[1]), 0, image.shape[1] - 1)
    return image[rows[:, None], columns]


def _scaled(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Resize by 4/3, bilinear, pixel centres at half integers: cells stay on whole pixels."""
    height, width = (side // PIXELS_PER_CELL * NETWORK_PIXELS_PER_CELL for side in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR))


def _fill_nearest(image: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Copy to every unknown pixel the value of the nearest known one."""
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    value_of_label = np.zeros(int(labels.max()) + 1, np.float32)
    value_of_label[labels[known]] = image[known]
    return value_of_label[labels]
