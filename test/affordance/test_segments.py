"""Visible segments: what lies over them, and where their middle is."""

import numpy as np
import pytest

from grasp_affordance.affordance.seal.segments import Segments, find_segments, horizontal_axes

CELL = 0.0025
SHAPE = (100, 120)
PLACES = (CELL * np.moveaxis(np.indices(SHAPE), 0, -1)).astype(np.float32)


def bars(*rows_columns_heights: tuple[slice, slice, float]) -> Segments:
    """Return the segments of level bars on a floor that is no object; later ones lie on top."""
    height = np.zeros(SHAPE, np.float32)
    for rows, columns, top in rows_columns_heights:
        height[rows, columns] = top
    return find_segments(PLACES, height, tilt_of(height), height > 0, CELL)


def tilt_of(height: np.ndarray) -> np.ndarray:
    return np.arctan(np.hypot(*np.gradient(height, CELL))).astype(np.float32)


FREE = (slice(60, 75), slice(20, 60), 0.03)
OTHER = (slice(10, 25), slice(20, 60), 0.03)
ACROSS = (slice(0, 40), slice(45, 60), 0.06)


def test_nothing_lies_over_what_stands_free() -> None:
    segments = bars(FREE, OTHER)
    assert segments.there[67, 40]
    assert not segments.covered.any()
    assert not segments.towards.any()


def test_the_lever_is_the_distance_to_the_middle_and_the_length_that_of_the_bar() -> None:
    segments = bars(FREE)
    for columns in (0, 5, 10):
        assert segments.lever[67, 39 + columns] == pytest.approx(columns * CELL, abs=0.003)
    assert segments.length[67, 40] == pytest.approx(40 * CELL, rel=0.1)


def test_what_lies_across_a_bar_covers_as_much_of_its_border_as_the_bar_is_wide() -> None:
    segments = bars(FREE, OTHER, ACROSS)
    assert segments.covered[17, 30] == pytest.approx(15 * CELL, abs=2.5 * CELL)
    assert segments.covered[67, 30] == 0
    assert segments.covered[20, 52] == 0  # nothing lies on the upper one


def test_the_middle_of_a_covered_bar_lies_where_that_of_a_whole_one_would() -> None:
    """What is hidden is as long as another bar in the same view is longer."""
    segments = bars(FREE, OTHER, ACROSS)
    row = np.where(segments.there[17], segments.lever[17], np.inf)
    assert abs(int(row.argmin()) - 39) <= 3
    assert segments.towards[17, 40] > 0 > segments.towards[17, 22]


def test_a_wall_beside_a_bar_covers_nothing_of_it() -> None:
    height = np.zeros(SHAPE, np.float32)
    height[10:25, 20:60] = 0.03
    objects = height > 0
    height[:, 60:] = 0.15
    segments = find_segments(PLACES, height, tilt_of(height), objects, CELL)
    assert segments.there[17, 40]
    assert not segments.covered.any()


def test_a_slope_does_not_cover_itself() -> None:
    slope = 0.4 * CELL * np.arange(SHAPE[1])
    height = (np.tile(slope, (SHAPE[0], 1)) + 0.01).astype(np.float32)
    objects = np.zeros(SHAPE, np.bool_)
    objects[30:60, 30:90] = True
    assert not find_segments(PLACES, height, tilt_of(height), objects, CELL).covered.any()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_segments_turn_with_the_view(turns: int) -> None:
    height = np.zeros(SHAPE, np.float32)
    for rows, columns, top in (FREE, OTHER, ACROSS):
        height[rows, columns] = top
    tilt, objects = tilt_of(height), height > 0
    as_it_is = find_segments(PLACES, height, tilt, objects, CELL)
    places, height, tilt, objects = (
        np.rot90(each, turns) for each in (PLACES, height, tilt, objects)
    )
    turned = find_segments(places, height, tilt, objects, CELL)
    for name in ("there", "covered", "lever", "towards", "length"):
        expected = np.rot90(getattr(as_it_is, name), turns)
        np.testing.assert_allclose(getattr(turned, name), expected, atol=1e-6)


@pytest.mark.parametrize("up", [(0, 0, 1), (0.0, -0.7, 0.7), (1, 0, 0), (0.6, 0.64, 0.48)])
def test_the_horizontal_axes_are_across_the_vertical(up: tuple[float, float, float]) -> None:
    vertical = np.array(up) / np.linalg.norm(up)
    axes = horizontal_axes(vertical)
    np.testing.assert_allclose(axes.T @ axes, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(vertical @ axes, 0, atol=1e-12)


def test_where_no_depth_is_known_there_is_no_segment() -> None:
    nothing = np.full(SHAPE, np.nan, np.float32)
    segments = find_segments(PLACES, nothing, nothing, np.ones(SHAPE, np.bool_), CELL)
    assert not segments.there.any()
    assert not segments.covered.any()
    assert not segments.lever.any()
