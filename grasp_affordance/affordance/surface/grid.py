"""A metric grid over the image region of interest: cells of one size in space, whatever the camera.

A learner that sees a cup always as wide as itself needs no scale invariance, and a network trained
with one camera works with another. The grid is an image crop resized so that one cell spans
`resolution` metres at the region's median depth.
"""

from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.arrays import Image, Window
from grasp_affordance.errors import FrameError
from grasp_affordance.rgbd import RgbdFrame


@dataclass(frozen=True)
class MetricGrid:
    """The crop of an image and the size to which it is resampled.

    Attributes:
        u0, v0: first pixel of the crop.
        width, height: of the crop, pixels.
        rows, columns: of the grid, cells.
        image_shape: (H, W) of the whole image.
        resolution: metres per cell at the region's median depth.
    """

    u0: int
    v0: int
    width: int
    height: int
    rows: int
    columns: int
    image_shape: tuple[int, int]
    resolution: float

    @classmethod
    def over(
        cls,
        frame: RgbdFrame,
        region: NDArray[np.bool_],
        resolution: float,
        margin: float = 0.0,
    ) -> Self:
        """Lay a grid over the bounding box of `region` (H, W).

        Args:
            frame: gives the depth and the size.
            region: bool.
            resolution: metres per cell.
            margin: metres of surroundings to see on every side, where the image has them.

        Raises:
            FrameError: the region is empty or holds no depth.
        """
        depths = frame.depth[region & frame.known]
        if depths.size == 0:
            raise FrameError("the region of interest holds no depth; check the bin region")
        (top, left), (bottom, right) = _corners(region)
        metres_per_pixel = float(np.median(depths)) / frame.intrinsics.fx
        extra = round(margin / metres_per_pixel)
        u0, v0 = max(left - extra, 0), max(top - extra, 0)
        width = min(right + extra + 1, frame.shape[1]) - u0
        height = min(bottom + extra + 1, frame.shape[0]) - v0
        factor = metres_per_pixel / resolution
        return cls(
            u0,
            v0,
            width,
            height,
            max(1, round(height * factor)),
            max(1, round(width * factor)),
            frame.shape,
            resolution,
        )

    @property
    def crop(self) -> Window:
        """Rows and columns of the image that the grid covers."""
        return slice(self.v0, self.v0 + self.height), slice(self.u0, self.u0 + self.width)

    def of_crop(self) -> Self:
        """Return the same grid over the crop as an image of its own."""
        return replace(self, u0=0, v0=0, image_shape=(self.height, self.width))

    def window(self, region: NDArray[np.bool_], around: int = 0) -> Window:
        """Return rows and columns of the cells in the bounding box of `region` (H, W), not empty.

        Args:
            around: cells more on every side, where the grid has them.
        """
        (top, left), (bottom, right) = (self.cell(u, v) for v, u in _corners(region))
        return (
            slice(max(top - around, 0), min(bottom + around + 1, self.rows)),
            slice(max(left - around, 0), min(right + around + 1, self.columns)),
        )

    def sample(self, image: NDArray[np.generic]) -> Image:
        """Resample an image (H, W[, C]) without NaN to the grid by area averaging, float32."""
        crop = np.asarray(image)[self.crop]
        shrinking = self.columns < self.width
        cells = cv2.resize(
            crop.astype(np.float32),
            (self.columns, self.rows),
            interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR,
        )
        return np.asarray(cells, dtype=np.float32)

    def sample_known(self, image: NDArray[np.floating]) -> tuple[Image, Image]:
        """Resample an image (H, W) with NaN; return (values, known share), both (rows, columns).

        A cell's value is the mean of its known pixels, NaN where it has none: nothing is invented.
        """
        known = np.isfinite(image)
        share = self.sample(known)
        total = self.sample(np.where(known, image, 0.0))
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.where(share > 1e-3, total / share, np.nan)
        return values.astype(np.float32), np.clip(share, 0.0, 1.0)

    def to_image(self, cells: Image, outside: float = 0.0) -> Image:
        """Return the map (rows, columns) as an image (H, W) float32, `outside` beyond the crop."""
        image = np.full(self.image_shape, outside, dtype=np.float32)
        image[self.crop] = cv2.resize(
            cells.astype(np.float32), (self.width, self.height), interpolation=cv2.INTER_LINEAR
        )
        return image

    def cell(self, u: float, v: float) -> tuple[int, int]:
        """Return (row, column) of the cell that holds pixel (u, v), clipped to the grid."""
        row = int((v - self.v0 + 0.5) * self.rows / self.height)
        column = int((u - self.u0 + 0.5) * self.columns / self.width)
        return min(max(row, 0), self.rows - 1), min(max(column, 0), self.columns - 1)


def _corners(region: NDArray[np.bool_]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (row, column) of the first and the last corner of a region's bounding box."""
    rows, columns = (np.flatnonzero(region.any(axis=axis)) for axis in (1, 0))
    return (int(rows[0]), int(columns[0])), (int(rows[-1]), int(columns[-1]))
