"""The paper's network as a model: a frame in, an affordance map out."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import batched

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from grasp_affordance.affordance.network.device import usable_device
from grasp_affordance.errors import ConfigError
from grasp_affordance.papers.suction.cells import (
    Window,
    bounding_window,
    cell_of,
    expand_cells,
    grid_shape,
)
from grasp_affordance.papers.suction.inputs import stream_images, window_tensor
from grasp_affordance.papers.suction.network import AffordanceNetwork
from grasp_affordance.papers.suction.patches import Tile, owner, patch_tiles, whole_tile
from grasp_affordance.rgbd import RgbdFrame


class Mode(StrEnum):
    """How a view is cut for the network."""

    PATCHES = "patches"
    CONVOLUTIONAL = "convolutional"


@dataclass(frozen=True)
class InferenceConfig:
    """How a view is run through the network.

    The two modes give the same map for a view of one patch. In a larger view they differ, because
    the receptive field (435 network pixels for ResNet-18, 483 for ResNet-50) is wider than a patch
    (224): what lies beyond a patch's border is zero to the one and image to the other.

    Attributes:
        mode: `patches` of 168x168 pixels as in the paper and in training; `convolutional` runs the
            region of interest in one segment.
        context: 3-pixel cells around the region that `convolutional` also sees.
        batch: patches at once; bounds the memory.
        device: as torch names it.
    """

    mode: Mode = Mode.PATCHES
    context: int = 8
    batch: int = 4
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.mode not in list(Mode):
            raise ConfigError(f"mode '{self.mode}': use {', '.join(Mode)}")
        if self.context < 0 or self.batch < 1:
            raise ConfigError(f"context {self.context} (>= 0), batch {self.batch} (>= 1)")


Features = tuple[torch.Tensor, ...]


class ResnetModel:
    """Predicts with a snapshot of an `AffordanceNetwork`; safe to use from several threads."""

    def __init__(
        self, network: AffordanceNetwork, inference: InferenceConfig | None = None
    ) -> None:
        self.inference = inference or InferenceConfig()
        self.network = network.snapshot(usable_device(self.inference.device)).eval()
        digest = self.network.digest()
        self.version = f"{network.config.backbone}-{network.config.inputs.streams}-{digest[:12]}"

    def predict(
        self,
        frame: RgbdFrame,
        region: NDArray[np.bool_] | None = None,
        *,
        up: NDArray[np.float64] | None = None,  # noqa: ARG002
        prior: NDArray[np.float32] | None = None,  # noqa: ARG002
    ) -> NDArray[np.float32]:
        """Return the probability of a successful grasp, (H, W) float32 in [0, 1].

        The paper's network sees the images alone: `up` and `prior` are not used.

        Constant within each 3x3 cell. Predicted over the bounding box of `region` ((H, W) bool; the
        whole image by default), 0 outside of it.

        Raises:
            FrameError: no depth where the network needs it, or an empty region.
        """
        if self.network.config.inputs.uses_depth:
            frame.require_depth()
        cells, _ = self.look(frame, region)
        return cells

    def look(
        self, frame: RgbdFrame, region: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.float32], dict[Window, Features]]:
        """Return what `predict` does, and the encoder's features of every window it saw.

        Features are those of `AffordanceNetwork.features`, (1, C, h, w) each.
        """
        if self.network.config.inputs.uses_depth:
            frame.require_depth()
        cells = np.zeros(grid_shape(frame.shape), np.float32)
        images = stream_images(frame, self.network.config.inputs)
        seen: dict[Window, Features] = {}
        for tiles in batched(self._tiles(frame.shape, region), self.inference.batch):
            streams = torch.stack([window_tensor(images, tile.window) for tile in tiles])
            features = self.network.features(streams.to(self.inference.device))
            for index, tile in enumerate(tiles):
                seen[tile.window] = tuple(maps[index : index + 1] for maps in features)
            for tile, output in zip(tiles, self._success(features), strict=True):
                cells[tile.owned.slices] = output[tile.owned_slices]
        return expand_cells(cells, frame.shape), seen

    def _tiles(self, shape: tuple[int, int], region: NDArray[np.bool_] | None) -> list[Tile]:
        span, grid = bounding_window(region, shape), grid_shape(shape)
        if self.inference.mode == Mode.PATCHES:
            return patch_tiles(span, grid)
        return whole_tile(span, grid, self.inference.context)

    def _success(self, features: Features) -> NDArray[np.float32]:
        """Return the success channel (N, h, w)."""
        with torch.inference_mode():
            return functional.softmax(self.network.decoder(features), dim=1)[:, 0].cpu().numpy()


def tile_at(
    shape: tuple[int, int], pixel: tuple[int, int], region: NDArray[np.bool_] | None = None
) -> tuple[Tile, tuple[int, int]]:
    """Return the patch that predicts a pixel, for training on it.

    Args:
        shape: (H, W) of the view in which the pixel was chosen.
        pixel: (u, v), inside the region.
        region: the one given to `predict`.

    Returns:
        The patch, and the (row, column) of the pixel in the network's 56x56 output.

    Raises:
        FrameError: the pixel lies outside the region's bounding box.
    """
    tiles = patch_tiles(bounding_window(region, shape), grid_shape(shape))
    return owner(tiles, *cell_of(*pixel))
