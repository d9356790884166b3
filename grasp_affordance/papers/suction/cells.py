"""Which image pixels one output pixel of a network stands for.

The network predicts one value for every 3x3 block of image pixels ("suction point has step of three
pixels", suction paper, section III A). Such a block is a cell. Cell (row, column) covers image rows
3 row .. 3 row + 2 and columns 3 column .. 3 column + 2, counted from the image's first pixel, so
every window of every size agrees on the same grid. Cells that hang over the right or lower edge of
an image whose size is no multiple of three still belong to it (640 columns make 214 cells).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import FrameError

PIXELS_PER_CELL = 3


@dataclass(frozen=True)
class Window:
    """A rectangle of cells; it may hang over the edge of the image.

    Attributes:
        row, column: first cell.
        rows, columns: size in cells.
    """

    row: int
    column: int
    rows: int
    columns: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices of this window in an array of cells."""
        return (
            slice(self.row, self.row + self.rows),
            slice(self.column, self.column + self.columns),
        )

    def contains(self, row: int, column: int) -> bool:
        """Whether the cell lies in the window."""
        return (
            self.row <= row < self.row + self.rows
            and self.column <= column < self.column + self.columns
        )


def grid_shape(image_shape: tuple[int, int]) -> tuple[int, int]:
    """Return (rows, columns) of the cells that cover an image (H, W)."""
    height, width = image_shape
    return -(-height // PIXELS_PER_CELL), -(-width // PIXELS_PER_CELL)


def cell_of(u: int, v: int) -> tuple[int, int]:
    """Return the (row, column) of the cell that holds pixel (u, v)."""
    return v // PIXELS_PER_CELL, u // PIXELS_PER_CELL


def pixel_of(row: int, column: int, image_shape: tuple[int, int]) -> tuple[int, int]:
    """Return the pixel (u, v) in the middle of a cell, moved into the image (H, W) at its edge."""
    height, width = image_shape
    middle = PIXELS_PER_CELL // 2
    return (
        min(PIXELS_PER_CELL * column + middle, width - 1),
        min(PIXELS_PER_CELL * row + middle, height - 1),
    )


def expand_cells(cells: NDArray[np.float32], image_shape: tuple[int, int]) -> NDArray[np.float32]:
    """Give every pixel the value of its cell: cells (rows, columns) to an image (H, W)."""
    height, width = image_shape
    wide = np.repeat(cells, PIXELS_PER_CELL, axis=1)[:, :width]
    return np.repeat(wide, PIXELS_PER_CELL, axis=0)[:height]


def sample_cells(image: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixel in the middle of every cell: an image (H, W) to cells (rows, columns).

    `pixel_of` says which pixel that is; `expand_cells` undoes it where cells are of one value.
    """
    rows, columns = grid_shape(image.shape)
    u, v = zip(*(pixel_of(i, i, image.shape) for i in range(max(rows, columns))), strict=True)
    return image[np.ix_(v[:rows], u[:columns])]


def bounding_window(region: NDArray[np.bool_] | None, image_shape: tuple[int, int]) -> Window:
    """Return the smallest window of cells that holds a region, at most the whole image.

    Args:
        region: (H, W) bool, or None for the whole image.
        image_shape: (H, W).

    Raises:
        FrameError: the region is empty, or not of the image's size.
    """
    rows, columns = grid_shape(image_shape)
    if region is None:
        return Window(0, 0, rows, columns)
    if region.shape != image_shape or region.dtype != np.bool_:
        raise FrameError(
            f"region is {region.shape} {region.dtype}, expected a bool mask of the image's shape "
            f"{image_shape}"
        )
    v = np.flatnonzero(region.any(axis=1))
    u = np.flatnonzero(region.any(axis=0))
    if not len(v):
        raise FrameError("the region holds no pixel; check the bin's region or box parameters")
    top, left = cell_of(int(u[0]), int(v[0]))
    bottom, right = cell_of(int(u[-1]), int(v[-1]))
    return Window(top, left, bottom - top + 1, right - left + 1)
