import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grasp_affordance.annotation.metrics import (
    agreement,
    angle_between,
    mask_iou,
    matches,
    rectangle_iou,
)
from grasp_affordance.errors import FrameError
from grasp_affordance.rectangle import GraspRectangle

RECTANGLES = st.builds(
    GraspRectangle,
    x=st.floats(0, 640),
    y=st.floats(0, 480),
    theta=st.floats(0, np.pi, exclude_max=True),
    w=st.floats(2, 200),
    h=st.floats(2, 200),
)


@given(RECTANGLES)
@settings(max_examples=50)
def test_a_rectangle_agrees_with_itself_entirely(rectangle: GraspRectangle) -> None:
    assert rectangle_iou(rectangle, rectangle) == pytest.approx(1.0, abs=1e-3)
    assert matches(rectangle, rectangle, iou=0.75)


@given(RECTANGLES, RECTANGLES)
@settings(max_examples=100)
def test_rectangle_iou_is_symmetric(first: GraspRectangle, second: GraspRectangle) -> None:
    assert rectangle_iou(first, second) == pytest.approx(rectangle_iou(second, first), abs=1e-3)


def test_half_shifted_rectangles_share_a_third() -> None:
    first = GraspRectangle(100, 100, 0.6, 40, 20)
    along = 20 * np.array([np.cos(0.6), np.sin(0.6)])
    second = GraspRectangle(100 + along[0], 100 + along[1], 0.6, 40, 20)
    assert rectangle_iou(first, second) == pytest.approx(1 / 3, abs=1e-4)


def test_a_quarter_turn_of_a_square_changes_the_angle_but_not_the_area() -> None:
    first = GraspRectangle(50, 50, 0.1, 30, 30)
    second = GraspRectangle(50, 50, 0.1 + np.pi / 2, 30, 30)
    assert rectangle_iou(first, second) == pytest.approx(1.0, abs=1e-3)
    assert not matches(first, second)


def test_angles_wrap_at_a_half_turn() -> None:
    assert angle_between(0.05, np.pi - 0.05) == pytest.approx(0.1)
    assert angle_between(0.0, np.pi / 2) == pytest.approx(np.pi / 2)


def test_agreement_counts_both_ways() -> None:
    label = GraspRectangle(100, 100, 0.0, 40, 20)
    near, far = GraspRectangle(104, 100, 0.1, 40, 20), GraspRectangle(300, 300, 0.0, 40, 20)
    result = agreement([near, far, far], [label, far])
    assert (result.precision, result.recall) == (1.0, 1.0)
    result = agreement([near, far], [label])
    assert (result.precision, result.recall) == (0.5, 1.0)
    assert np.isnan(agreement([], [label]).precision)
    assert agreement([], [label]).recall == 0.0


def test_mask_iou_refuses_masks_of_different_size() -> None:
    with pytest.raises(FrameError, match="cannot be compared"):
        mask_iou(np.zeros((4, 4), bool), np.zeros((4, 5), bool))
    assert mask_iou(np.zeros((4, 4), bool), np.zeros((4, 4), bool)) == 1.0
