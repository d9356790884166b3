"""Laws of the cells: which image pixels an output pixel of a network stands for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasp_affordance.errors import FrameError
from grasp_affordance.papers.suction.cells import (
    Window,
    bounding_window,
    cell_of,
    expand_cells,
    grid_shape,
    pixel_of,
    sample_cells,
)

sides = st.integers(1, 50)


def test_a_cell_is_a_block_of_three_by_three_pixels_counted_from_the_first() -> None:
    assert [cell_of(u, v) for u, v in [(0, 0), (2, 2), (3, 2), (2, 3), (638, 479)]] == [
        (0, 0),
        (0, 0),
        (0, 1),
        (1, 0),
        (159, 212),
    ]
    assert pixel_of(0, 1, (480, 640)) == (4, 1)


@given(sides, sides)
def test_the_pixel_of_every_cell_lies_in_the_image_and_in_that_cell(h: int, w: int) -> None:
    rows, columns = grid_shape((h, w))
    for row in range(rows):
        for column in range(columns):
            u, v = pixel_of(row, column, (h, w))
            assert 0 <= u < w
            assert 0 <= v < h
            assert cell_of(u, v) == (row, column)


@given(sides, sides)
def test_every_pixel_gets_the_value_of_its_cell(h: int, w: int) -> None:
    rows, columns = grid_shape((h, w))
    cells = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
    image = expand_cells(cells, (h, w))
    v, u = np.mgrid[:h, :w]
    np.testing.assert_array_equal(image, cells[v // 3, u // 3])


@given(sides, sides, st.integers(0, 9))
def test_sampling_undoes_expanding_and_takes_the_pixel_of_each_cell(
    h: int, w: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    cells = rng.random(grid_shape((h, w))) < 0.5
    expanded = expand_cells(cells.astype(np.float32), (h, w)) > 0.5
    np.testing.assert_array_equal(sample_cells(expanded), cells)
    image = rng.random((h, w)) < 0.5
    for (row, column), value in np.ndenumerate(sample_cells(image)):
        u, v = pixel_of(row, column, (h, w))
        assert value == image[v, u]


def test_an_image_of_640_by_480_has_214_by_160_cells_the_last_one_pixel_wide() -> None:
    assert grid_shape((480, 640)) == (160, 214)
    assert pixel_of(0, 213, (480, 640)) == (639, 1)


@given(sides, sides, st.data())
def test_a_bounding_window_is_the_smallest_that_holds_every_pixel(
    h: int, w: int, data: st.DataObject
) -> None:
    u0, v0 = data.draw(st.integers(0, w - 1)), data.draw(st.integers(0, h - 1))
    u1, v1 = data.draw(st.integers(u0, w - 1)), data.draw(st.integers(v0, h - 1))
    region = np.zeros((h, w), bool)
    region[v0, u0] = region[v1, u1] = True
    window = bounding_window(region, (h, w))
    assert (window.row, window.column) == cell_of(u0, v0)
    assert (window.row + window.rows - 1, window.column + window.columns - 1) == cell_of(u1, v1)


def test_without_a_region_the_window_is_the_whole_image() -> None:
    assert bounding_window(None, (480, 640)) == Window(0, 0, 160, 214)


def test_an_empty_region_and_one_of_another_size_are_refused() -> None:
    with pytest.raises(FrameError, match="no pixel"):
        bounding_window(np.zeros((6, 6), bool), (6, 6))
    with pytest.raises(FrameError, match="shape"):
        bounding_window(np.ones((6, 7), bool), (6, 6))
