"""On which side of its segment a cell lies, by the segment's two colors."""

import numpy as np
import pytest

from grasp_affordance.affordance.network.markings import find_markings
from grasp_affordance.affordance.seal.segments import Segments, find_segments

CELL = 0.0025
SHAPE = (60, 80)
BAR = (slice(20, 34), slice(10, 54))
MIDDLE_ROW, MIDDLE = 27, 31.5
CAP = (BAR[0], slice(46, 51))
BLUE, WHITE = (0.12, 0.30, 0.78), (0.95, 0.95, 0.95)


def bar() -> Segments:
    """Return the one segment of a level bar on a floor that is no object."""
    places = (CELL * np.moveaxis(np.indices(SHAPE), 0, -1)).astype(np.float32)
    height = np.zeros(SHAPE, np.float32)
    height[BAR] = 0.03
    tilt = np.arctan(np.hypot(*np.gradient(height, CELL))).astype(np.float32)
    return find_segments(places, height, tilt, height > 0, CELL)


def painted(*patches: tuple[slice, slice], paint: tuple[float, ...] = WHITE) -> np.ndarray:
    color = np.full((*SHAPE, 3), BLUE, np.float32)
    for patch in patches:
        color[patch] = paint
    return color


def towards(color: np.ndarray) -> np.ndarray:
    segments = bar()
    return find_markings(color, segments.labels, segments.offset)[1]


def away(color: np.ndarray) -> np.ndarray:
    segments = bar()
    return find_markings(color, segments.labels, segments.offset)[0]


def test_it_grows_from_the_unmarked_end_to_the_marked_one() -> None:
    along = towards(painted(CAP))[MIDDLE_ROW]
    ends = along[15], along[round(MIDDLE)], along[48]
    assert ends[0] < -0.02
    assert abs(ends[1]) < 0.003
    assert ends[2] > 0.02


def test_it_is_no_more_than_the_distance_from_the_middle() -> None:
    image = towards(painted(CAP))
    distance = np.hypot(*np.moveaxis(bar().offset, -1, 0))
    assert (np.abs(image) <= distance + 1e-6).all()


def test_the_whole_segment_knows_how_far_from_its_middle_the_marking_is() -> None:
    known = away(painted(CAP))[bar().there]
    np.testing.assert_allclose(known, known[0], rtol=1e-6)
    assert known[0] == pytest.approx(CELL * (48 - MIDDLE), rel=0.4)


@pytest.mark.parametrize("paint", [WHITE, (0.0, 0.0, 0.0), (0.78, 0.30, 0.12)])
def test_a_marking_may_have_any_color(paint: tuple[float, ...]) -> None:
    assert towards(painted(CAP, paint=paint))[MIDDLE_ROW, 48] > 0.015


def test_a_segment_of_one_color_has_no_marked_side() -> None:
    assert not towards(painted()).any()
    assert not away(painted()).any()


def test_noise_of_a_camera_and_speckles_all_over_mark_no_side() -> None:
    rng = np.random.default_rng(0)
    noisy = painted() + rng.normal(0, 0.02, (*SHAPE, 3)).astype(np.float32)
    assert np.abs(towards(noisy)).max() < 0.002
    speckled = painted()
    speckled[rng.random(SHAPE) < 0.15] = 0.3
    assert np.abs(towards(speckled)).max() < 0.008
    assert away(speckled).max() < 0.005


def test_a_segment_with_the_same_marking_at_both_ends_has_no_marked_side() -> None:
    other = (BAR[0], slice(13, 18))
    assert np.abs(towards(painted(CAP, other))).max() < 0.003


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_it_turns_with_the_view(turns: int) -> None:
    segments, color = bar(), painted(CAP)
    turned = (np.rot90(each, turns) for each in (color, segments.labels, segments.offset))
    away_turned, towards_turned = find_markings(*turned)
    np.testing.assert_allclose(towards_turned, np.rot90(towards(color), turns), atol=1e-6)
    np.testing.assert_allclose(away_turned, np.rot90(away(color), turns), atol=1e-6)


def test_what_is_painted_beside_a_segment_says_nothing_of_it() -> None:
    beside = (slice(36, 50), slice(10, 54))
    assert not towards(painted(beside)).any()


def test_without_a_segment_there_is_nothing_to_say() -> None:
    nothing = np.zeros(SHAPE, np.int32)
    for image in find_markings(painted(CAP), nothing, np.zeros((*SHAPE, 2), np.float32)):
        assert not image.any()
