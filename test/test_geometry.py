"""Rigid transforms and the pinhole camera."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grasp_affordance.errors import GeometryError
from grasp_affordance.geometry import (
    Intrinsics,
    approach_pose,
    check_rigid,
    from_quaternion,
    invert,
    rotate_vectors,
    to_quaternion,
    transform_points,
)
from grasp_affordance.lens import Lens

CAMERA = Intrinsics(fx=616.8, fy=617.3, cx=310.5, cy=247.7, width=640, height=480)

metres = st.floats(-5, 5)
part = st.floats(-1, 1)


@st.composite
def poses(draw: st.DrawFn) -> np.ndarray:
    q = np.array([draw(part) for _ in range(4)])
    if np.linalg.norm(q) < 0.1:
        q = np.array([0.0, 0.0, 0.0, 1.0])
    return from_quaternion([draw(metres) for _ in range(3)], q)


@given(st.floats(-100, 740), st.floats(-100, 580), st.floats(0.05, 20))
def test_the_inverse_of_projection_is_deprojection(u: float, v: float, z: float) -> None:
    point = CAMERA.deproject(u, v, z)
    assert point[2] == z
    np.testing.assert_allclose(CAMERA.project(point), [u, v], atol=1e-9)


def test_deprojection_is_equation_1_of_the_suction_paper() -> None:
    u, v, z = 123.0, 45.0, 0.7
    expected = z * np.linalg.inv(CAMERA.matrix) @ [u, v, 1]
    np.testing.assert_allclose(CAMERA.deproject(u, v, z), expected)


def test_points_behind_the_camera_have_no_pixel() -> None:
    assert np.isnan(CAMERA.project([[0.1, 0.1, -1.0], [0.1, 0.1, 0.0]])).all()


def test_the_image_is_deprojected_as_its_pixels_are() -> None:
    depth = np.random.default_rng(0).uniform(0.3, 2, (480, 640)).astype(np.float32)
    depth[7, 9] = np.nan
    points = CAMERA.deproject_image(depth)
    assert points.dtype == np.float32
    assert np.isnan(points[7, 9]).all()
    for u, v in ((0, 0), (639, 479), (200, 300)):
        np.testing.assert_allclose(points[v, u], CAMERA.deproject(u, v, depth[v, u]), rtol=1e-5)
    with pytest.raises(GeometryError, match="640x480"):
        CAMERA.deproject_image(depth[:100])


def test_a_crop_sees_the_same_ray() -> None:
    part = CAMERA.cropped(100, 50, 200, 150)
    np.testing.assert_allclose(part.deproject(20, 30, 0.8), CAMERA.deproject(120, 80, 0.8))


@pytest.mark.parametrize("multiple", [1, 8])
def test_the_window_of_points_holds_their_pixels_and_hardly_more(multiple: int) -> None:
    points = CAMERA.deproject([210.2, 330.7], [100.5, 180.1], [0.7, 0.9])
    window = CAMERA.window(points, multiple)
    assert window is not None
    rows, columns = window
    assert columns.start in range(211 - multiple, 211)
    assert columns.stop in range(331, 332 + multiple)
    assert rows.start in range(101 - multiple, 101)
    assert rows.stop in range(181, 182 + multiple)
    assert all(edge % multiple == 0 for part in window for edge in (part.start, part.stop))


def test_points_beside_the_image_or_behind_the_camera_have_no_window() -> None:
    assert CAMERA.window(CAMERA.deproject([-50, -20], [10, 90], 0.7)) is None
    assert CAMERA.window([[0.0, 0.0, -0.1], [0.1, 0.0, -0.5]]) is None
    whole = slice(0, CAMERA.height), slice(0, CAMERA.width)
    assert CAMERA.window([[0.0, 0.0, 0.5], [0.1, 0.0, -0.5]]) == whole
    assert CAMERA.window(CAMERA.deproject([-9, 9999], [-9, 9999], 0.7), 8) == whole


@pytest.mark.parametrize("factor", [0.5, 0.25, 2.0])
def test_a_resized_image_has_its_corners_where_they_were(factor: float) -> None:
    resized = CAMERA.scaled(factor)
    assert (resized.width, resized.height) == (640 * factor, 480 * factor)
    corner = CAMERA.deproject(-0.5, -0.5, 1.0)  # the outer corner of the first pixel
    np.testing.assert_allclose(resized.project(corner), [-0.5, -0.5], atol=1e-9)
    far = CAMERA.deproject(639.5, 479.5, 1.0)
    np.testing.assert_allclose(
        resized.project(far), [resized.width - 0.5, resized.height - 0.5], atol=1e-9
    )


@pytest.mark.parametrize("field", ["fx", "fy"])
@pytest.mark.parametrize("value", [0.0, -600.0, np.nan])
def test_intrinsics_without_focal_length_are_refused(field: str, value: float) -> None:
    good = {"fx": 600.0, "fy": 600.0, "cx": 320.0, "cy": 240.0, "width": 640, "height": 480}
    with pytest.raises(GeometryError, match="not those of a camera"):
        Intrinsics(**(good | {field: value}))  # type: ignore[arg-type]


@given(poses(), poses())
@settings(max_examples=50)
def test_transforms_compose_and_invert(T_a_b: np.ndarray, T_b_c: np.ndarray) -> None:
    p_c = np.array([[0.1, -0.2, 0.7], [1.0, 2.0, 3.0]])
    chained = transform_points(T_a_b, transform_points(T_b_c, p_c))
    np.testing.assert_allclose(transform_points(T_a_b @ T_b_c, p_c), chained, atol=1e-9)
    np.testing.assert_allclose(invert(T_a_b) @ T_a_b, np.eye(4), atol=1e-9)
    check_rigid(T_a_b @ T_b_c)


@given(poses())
def test_a_pose_survives_its_quaternion(T: np.ndarray) -> None:
    q = to_quaternion(T)
    assert q[3] >= 0
    np.testing.assert_allclose(np.linalg.norm(q), 1)
    np.testing.assert_allclose(from_quaternion(T[:3, 3], q), T, atol=1e-9)


@pytest.mark.parametrize("axis", range(3))
def test_half_turns_have_a_quaternion(axis: int) -> None:
    R = -np.eye(3)
    R[axis, axis] = 1
    T = np.eye(4)
    T[:3, :3] = R
    expected = np.zeros(4)
    expected[axis] = 1
    np.testing.assert_allclose(np.abs(to_quaternion(T)), expected)


def test_vectors_turn_without_moving() -> None:
    T = from_quaternion([1, 2, 3], [0, 0, np.sqrt(0.5), np.sqrt(0.5)])  # 90 degrees about z
    np.testing.assert_allclose(rotate_vectors(T, [1, 0, 0]), [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(transform_points(T, [1, 0, 0]), [1, 3, 3], atol=1e-12)


@given(st.tuples(part, part, part).filter(lambda a: np.linalg.norm(a) > 1e-3), st.floats(-3, 3))
def test_the_tool_points_along_the_approach(approach: tuple, yaw: float) -> None:
    T = check_rigid(approach_pose([0.1, 0.2, 0.3], approach, yaw))
    np.testing.assert_allclose(T[:3, 2], np.asarray(approach) / np.linalg.norm(approach))
    np.testing.assert_allclose(T[:3, 3], [0.1, 0.2, 0.3])


def test_an_approach_without_direction_is_refused() -> None:
    with pytest.raises(GeometryError, match="no length"):
        approach_pose([0, 0, 0], [0, 0, 0])
    with pytest.raises(GeometryError, match="no direction"):
        from_quaternion([0, 0, 0], [0, 0, 0, 0])


@pytest.mark.parametrize(
    "matrix",
    [
        np.eye(3),
        np.diag([1.0, 1.0, 1.1, 1.0]),
        np.diag([1.0, 1.0, -1.0, 1.0]),
        np.full((4, 4), np.nan),
        np.eye(4) + np.eye(4)[3][:, None] * 0.1,
    ],
)
def test_what_is_not_rigid_is_refused(matrix: np.ndarray) -> None:
    with pytest.raises(GeometryError, match="hand-eye"):
        check_rigid(matrix, "hand-eye")


@pytest.mark.parametrize("step", [1, 2, 3, 4])
@pytest.mark.parametrize("lens", [None, Lens("plumb_bob", (-0.2, 0.05, 0.001, -0.002, 0.0))])
def test_every_nth_pixel_shows_the_points_that_the_whole_image_has_there(
    step: int, lens: Lens | None
) -> None:
    camera = Intrinsics(230.0, 240.0, 63.2, 41.7, 127, 83, lens)
    depth = np.random.default_rng(step).uniform(0.4, 1.2, (83, 127)).astype(np.float32)
    few = camera.every(step).deproject_image(depth[::step, ::step])
    np.testing.assert_allclose(few, camera.deproject_image(depth)[::step, ::step], atol=1e-6)
