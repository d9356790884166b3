"""How a view is cut into what the network sees: the paper's patches, or one window.

The paper splits 640x480 into 168x168 patches (56x56 cells) but 640x480 is no multiple of 168. Here
the patches start at cells, are spread evenly from edge to edge, and overlap by as little as full
cover allows: 4 x 3 patches for 640x480, starting at columns 0, 159, 315, 474 and rows 0, 156, 312.
A cell seen by two patches belongs to the one whose border is further away, so that every cell is
predicted, and trained, by exactly one patch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from grasp_affordance.errors import FrameError
from grasp_affordance.papers.suction.cells import Window

PATCH_CELLS = 56  # 168 pixels, suction paper, section III A
STRIDE_CELLS = 8  # the coarsest encoder scale: 32 network pixels = 24 image pixels = 8 cells


@dataclass(frozen=True)
class Tile:
    """A window that the network sees, and the part of it whose predictions are used.

    Attributes:
        window: seen by the network.
        owned: inside `window` and inside the image.
    """

    window: Window
    owned: Window

    @property
    def owned_slices(self) -> tuple[slice, slice]:
        """Slices of the owned part in the network's output for this window."""
        row, column = self.owned.row - self.window.row, self.owned.column - self.window.column
        return Window(row, column, self.owned.rows, self.owned.columns).slices


def patch_tiles(span: Window, grid: tuple[int, int]) -> list[Tile]:
    """Cover a span of cells with the paper's patches.

    Args:
        span: cells to predict, inside the grid.
        grid: (rows, columns) of the image's cells.

    Returns:
        Patches row by row; their owned parts are disjoint and together are the span.
    """
    vertical = _spread(span.row, span.rows, grid[0])
    horizontal = _spread(span.column, span.columns, grid[1])
    return [
        Tile(
            Window(row, column, PATCH_CELLS, PATCH_CELLS),
            Window(own_row, own_column, rows, columns),
        )
        for (row, own_row, rows), (column, own_column, columns) in product(vertical, horizontal)
    ]


def whole_tile(span: Window, grid: tuple[int, int], context: int) -> list[Tile]:
    """Cover a span of cells with one window for the fully convolutional mode.

    The window is the span and its context, grown outwards to multiples of the coarsest stride,
    counted from the image's first pixel: a region that moves by a few pixels leaves the encoder's
    sampling as it is.

    Args:
        span: cells to predict, inside the grid.
        grid: (rows, columns) of the image's cells.
        context: cells of the image that are also seen on every side, as far as there are any.
    """
    row, rows = _snapped(span.row, span.rows, grid[0], context)
    column, columns = _snapped(span.column, span.columns, grid[1], context)
    return [Tile(Window(row, column, rows, columns), span)]


def owner(tiles: Sequence[Tile], row: int, column: int) -> tuple[Tile, tuple[int, int]]:
    """Return the tile that predicts a cell, and the cell's (row, column) in the tile's output.

    Raises:
        FrameError: the cell lies in no tile.
    """
    for tile in tiles:
        if tile.owned.contains(row, column):
            return tile, (row - tile.window.row, column - tile.window.column)
    raise FrameError(f"cell ({row}, {column}) lies outside the region that was predicted")


def _spread(first: int, length: int, limit: int) -> list[tuple[int, int, int]]:
    """Return (start, first owned, owned length) of the patches along one axis."""
    if length <= PATCH_CELLS:
        centred = first - (PATCH_CELLS - length) // 2
        return [(min(max(centred, 0), max(limit - PATCH_CELLS, 0)), first, length)]
    count = -(-length // PATCH_CELLS)
    starts = np.round(np.linspace(first, first + length - PATCH_CELLS, count)).astype(int).tolist()
    inner = [(before + PATCH_CELLS + after) // 2 for before, after in pairwise(starts)]
    borders = [first, *inner, first + length]
    return [
        (start, low, high - low)
        for start, (low, high) in zip(starts, pairwise(borders), strict=True)
    ]


def _snapped(first: int, length: int, limit: int, context: int) -> tuple[int, int]:
    """Grow a range of cells by its context and then outwards to multiples of the stride."""
    start = max(first - context, 0) // STRIDE_CELLS * STRIDE_CELLS
    stop = -(-min(first + length + context, limit) // STRIDE_CELLS) * STRIDE_CELLS
    return start, stop - start
