"""Visible pieces: what lies over them, and where their middle is."""

import numpy as np
import pytest

from grasp_affordance.affordance.pieces import Pieces, find_pieces, horizontal_axes

CELL = 0.0025
SHAPE = (100, 120)
PLACES = (CELL * np.moveaxis(np.indices(SHAPE), 0, -1)).astype(np.float32)


def bars(*rows_columns_heights: tuple[slice, slice, float]) -> Pieces:
    """Return the pieces of level bars on a floor that is no object; later ones lie on top."""
    height = np.zeros(SHAPE, np.float32)
    for rows, columns, top in rows_columns_heights:
        height[rows, columns] = top
    return find_pieces(PLACES, height, tilt_of(height), height > 0, CELL)


def tilt_of(height: np.ndarray) -> np.ndarray:
    return np.arctan(np.hypot(*np.gradient(height, CELL))).astype(np.float32)


FREE = (slice(60, 75), slice(20, 60), 0.03)
OTHER = (slice(10, 25), slice(20, 60), 0.03)
ACROSS = (slice(0, 40), slice(45, 60), 0.06)


def test_nothing_lies_over_what_stands_free() -> None:
    pieces = bars(FREE, OTHER)
    assert pieces.there[67, 40]
    assert not pieces.covered.any()
    assert not pieces.towards.any()


def test_the_lever_is_the_distance_to_the_middle_and_the_length_that_of_the_bar() -> None:
    pieces = bars(FREE)
    for columns in (0, 5, 10):
        assert pieces.lever[67, 39 + columns] == pytest.approx(columns * CELL, abs=0.003)
    assert pieces.length[67, 40] == pytest.approx(40 * CELL, rel=0.1)


def test_what_lies_across_a_bar_covers_as_much_of_its_border_as_the_bar_is_wide() -> None:
    pieces = bars(FREE, OTHER, ACROSS)
    assert pieces.covered[17, 30] == pytest.approx(15 * CELL, abs=2.5 * CELL)
    assert pieces.covered[67, 30] == 0
    assert pieces.covered[20, 52] == 0  # nothing lies on the upper one


def test_the_middle_of_a_covered_bar_lies_where_that_of_a_whole_one_would() -> None:
    """What is hidden is as long as another bar in the same view is longer."""
    pieces = bars(FREE, OTHER, ACROSS)
    row = np.where(pieces.there[17], pieces.lever[17], np.inf)
    assert abs(int(row.argmin()) - 39) <= 3
    assert pieces.towards[17, 40] > 0 > pieces.towards[17, 22]


def test_a_wall_beside_a_bar_covers_nothing_of_it() -> None:
    height = np.zeros(SHAPE, np.float32)
    height[10:25, 20:60] = 0.03
    objects = height > 0
    height[:, 60:] = 0.15
    pieces = find_pieces(PLACES, height, tilt_of(height), objects, CELL)
    assert pieces.there[17, 40]
    assert not pieces.covered.any()


def test_a_slope_does_not_cover_itself() -> None:
    slope = 0.4 * CELL * np.arange(SHAPE[1])
    height = (np.tile(slope, (SHAPE[0], 1)) + 0.01).astype(np.float32)
    objects = np.zeros(SHAPE, np.bool_)
    objects[30:60, 30:90] = True
    assert not find_pieces(PLACES, height, tilt_of(height), objects, CELL).covered.any()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_pieces_turn_with_the_view(turns: int) -> None:
    height = np.zeros(SHAPE, np.float32)
    for rows, columns, top in (FREE, OTHER, ACROSS):
        height[rows, columns] = top
    tilt, objects = tilt_of(height), height > 0
    as_it_is = find_pieces(PLACES, height, tilt, objects, CELL)
    places, height, tilt, objects = (
        np.rot90(each, turns) for each in (PLACES, height, tilt, objects)
    )
    turned = find_pieces(places, height, tilt, objects, CELL)
    for name in ("there", "covered", "lever", "towards", "length"):
        expected = np.rot90(getattr(as_it_is, name), turns)
        np.testing.assert_allclose(getattr(turned, name), expected, atol=1e-6)


@pytest.mark.parametrize("up", [(0, 0, 1), (0.0, -0.7, 0.7), (1, 0, 0), (0.6, 0.64, 0.48)])
def test_the_horizontal_axes_are_across_the_vertical(up: tuple[float, float, float]) -> None:
    vertical = np.array(up) / np.linalg.norm(up)
    axes = horizontal_axes(vertical)
    np.testing.assert_allclose(axes.T @ axes, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(vertical @ axes, 0, atol=1e-12)


def test_where_no_depth_is_known_there_is_no_piece() -> None:
    nothing = np.full(SHAPE, np.nan, np.float32)
    pieces = find_pieces(PLACES, nothing, nothing, np.ones(SHAPE, np.bool_), CELL)
    assert not pieces.there.any()
    assert not pieces.covered.any()
    assert not pieces.lever.any()
