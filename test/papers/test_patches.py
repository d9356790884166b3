"""Laws of the tiling: every cell is predicted by exactly one window."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasp_affordance.errors import FrameError
from grasp_affordance.papers.suction.cells import Window
from grasp_affordance.papers.suction.patches import Tile, owner, patch_tiles, whole_tile


@st.composite
def spans(draw: st.DrawFn) -> tuple[Window, tuple[int, int]]:
    """A span of cells inside a grid."""
    grid = draw(st.integers(1, 250)), draw(st.integers(1, 250))
    row, column = draw(st.integers(0, grid[0] - 1)), draw(st.integers(0, grid[1] - 1))
    rows = draw(st.integers(1, grid[0] - row))
    columns = draw(st.integers(1, grid[1] - column))
    return Window(row, column, rows, columns), grid


def check_cover(tiles: list[Tile], span: Window, grid: tuple[int, int]) -> None:
    """Owned parts are disjoint, are the span, and lie in their windows."""
    count = np.zeros(grid, int)
    for tile in tiles:
        count[tile.owned.slices] += 1
        inner_rows, inner_columns = tile.owned_slices
        assert 0 <= inner_rows.start < inner_rows.stop <= tile.window.rows
        assert 0 <= inner_columns.start < inner_columns.stop <= tile.window.columns
    expected = np.zeros(grid, int)
    expected[span.slices] = 1
    np.testing.assert_array_equal(count, expected)


def test_640_by_480_is_covered_by_twelve_patches_that_start_at_cells() -> None:
    tiles = patch_tiles(Window(0, 0, 160, 214), (160, 214))
    assert len(tiles) == 12
    assert sorted({tile.window.column * 3 for tile in tiles}) == [0, 159, 315, 474]
    assert sorted({tile.window.row * 3 for tile in tiles}) == [0, 156, 312]


@given(spans())
def test_patches_of_56_cells_predict_each_cell_of_a_span_once(
    case: tuple[Window, tuple[int, int]],
) -> None:
    span, grid = case
    tiles = patch_tiles(span, grid)
    check_cover(tiles, span, grid)
    for tile in tiles:
        assert (tile.window.rows, tile.window.columns) == (56, 56)
        assert tile.window.row + 56 <= max(grid[0], 56)
        assert tile.window.column + 56 <= max(grid[1], 56)
        assert min(tile.window.row, tile.window.column) >= 0


@given(spans(), st.integers(0, 20))
def test_one_window_of_whole_strides_predicts_each_cell_of_a_span_once(
    case: tuple[Window, tuple[int, int]], context: int
) -> None:
    span, grid = case
    tiles = whole_tile(span, grid, context)
    check_cover(tiles, span, grid)
    window = tiles[0].window
    starts_and_sizes = [window.row, window.column, window.rows, window.columns]
    assert all(value % 8 == 0 for value in starts_and_sizes)
    assert window.row <= max(span.row - context, 0)
    assert window.row + window.rows >= min(span.row + span.rows + context, grid[0])


def test_a_cell_belongs_to_the_patch_whose_border_is_further_away() -> None:
    tiles = patch_tiles(Window(0, 0, 56, 214), (56, 214))
    for column in range(214):
        depths = {
            tile: min(column - tile.window.column, tile.window.column + 55 - column)
            for tile in tiles
            if tile.window.contains(0, column)
        }
        inner = {t: d for t, d in depths.items() if len(depths) > 1}
        if inner:
            assert inner[owner(tiles, 0, column)[0]] == max(inner.values())


@given(spans(), st.data())
def test_the_owner_of_a_cell_predicts_it_at_the_returned_place(
    case: tuple[Window, tuple[int, int]], data: st.DataObject
) -> None:
    span, grid = case
    row = data.draw(st.integers(span.row, span.row + span.rows - 1))
    column = data.draw(st.integers(span.column, span.column + span.columns - 1))
    tile, (r, c) = owner(patch_tiles(span, grid), row, column)
    assert (tile.window.row + r, tile.window.column + c) == (row, column)
    assert tile.owned.contains(row, column)


def test_a_cell_outside_the_span_has_no_owner() -> None:
    with pytest.raises(FrameError, match="outside the region"):
        owner(patch_tiles(Window(0, 0, 10, 10), (20, 20)), 10, 0)
