"""Grasp rectangles, and the gripper that they are made for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasp_affordance.errors import ConfigError
from grasp_affordance.rectangle import GraspRectangle, JawConfig


@given(
    st.floats(0, 640),
    st.floats(0, 480),
    st.floats(0, np.pi, exclude_max=True),
    st.floats(1, 100),
    st.floats(1, 100),
)
def test_the_corners_span_the_rectangle(
    x: float, y: float, theta: float, w: float, h: float
) -> None:
    corners = GraspRectangle(x, y, theta, w, h).corners()
    np.testing.assert_allclose(corners.mean(axis=0), [x, y], atol=1e-9)
    plate, opening = corners[1] - corners[0], corners[2] - corners[1]
    np.testing.assert_allclose(plate, w * np.array([np.cos(theta), np.sin(theta)]), atol=1e-9)
    assert np.linalg.norm(opening) == pytest.approx(h)
    assert plate @ opening == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize(
    "values", [(0, 0, np.pi, 1, 1), (0, 0, -0.1, 1, 1), (0, 0, 0, 0, 1), (0, np.nan, 0, 1, 1)]
)
def test_a_senseless_rectangle_is_refused(values: tuple) -> None:
    with pytest.raises(ConfigError):
        GraspRectangle(*values)


@pytest.mark.parametrize(
    ("plate_length", "minimum", "maximum"), [(0.0, 0.0, 0.1), (0.02, 0.02, 0.01), (0.02, -0.1, 0.1)]
)
def test_a_gripper_that_cannot_be_built_is_refused(
    plate_length: float, minimum: float, maximum: float
) -> None:
    with pytest.raises(ConfigError, match="are not possible"):
        JawConfig(plate_length, maximum, minimum)
