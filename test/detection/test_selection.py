import numpy as np
import pytest
from helpers.annotation_scenes import Block, frame
from hypothesis import given, settings
from hypothesis import strategies as st

from grasp_affordance.annotation.metrics import rectangle_iou
from grasp_affordance.detection.pose import grasp_pose
from grasp_affordance.detection.samples import ScoredRectangle
from grasp_affordance.detection.selection import SelectionConfig, select, suppress
from grasp_affordance.errors import ConfigError, FrameError, GeometryError
from grasp_affordance.rectangle import GraspRectangle, JawConfig

rectangles = st.lists(
    st.builds(
        GraspRectangle,
        x=st.floats(0, 60),
        y=st.floats(0, 60),
        theta=st.sampled_from([0.0, 0.3, np.pi / 2, 3.0]),  # parallel ones too
        w=st.floats(2, 30),
        h=st.floats(2, 30),
    ),
    max_size=12,
)
WIDE = JawConfig(maximum_opening=10.0)


@settings(max_examples=30)
@given(rectangles, st.sampled_from([0.0, 0.25, 0.6]))
def test_suppression_keeps_what_greedy_suppression_by_definition_keeps(
    found: list[GraspRectangle], overlap: float
) -> None:
    kept: list[int] = []
    for index, rectangle in enumerate(found):
        if all(rectangle_iou(rectangle, found[other]) <= overlap + 1e-9 for other in kept):
            kept.append(index)
    exact = [rectangle_iou(a, b) for a in found for b in found]
    if not any(abs(value - overlap) < 1e-6 for value in exact if value > 0):
        assert suppress(found, overlap) == kept


def test_the_best_come_first_and_no_more_than_asked_for() -> None:
    view = frame()
    proposals = [
        ScoredRectangle(GraspRectangle(20.0 + 25 * n, 100, 0.0, 8, 16), score)
        for n, score in enumerate([0.5, 0.9, 0.2, 0.7])
    ]
    chosen = select(proposals, view, 0.3, WIDE, SelectionConfig(count=2))
    assert [grasp.score for grasp in chosen] == [0.9, 0.7]
    everything = select(proposals, view, 0.3, WIDE, SelectionConfig())
    assert [grasp.score for grasp in everything] == [0.9, 0.7, 0.5]


def test_what_the_gripper_cannot_open_for_is_dropped() -> None:
    view = frame()  # a floor at 0.8 m: 300 pixels are 0.8 m
    narrow, wide = (ScoredRectangle(GraspRectangle(160, 120, 0.0, 8, h), 0.9) for h in (20, 60))
    jaw = JawConfig(maximum_opening=0.1)
    assert select([narrow], view, 0.0, jaw, SelectionConfig()) == (narrow,)
    assert select([wide], view, 0.0, jaw, SelectionConfig()) == ()


def test_a_place_without_depth_is_no_grasp() -> None:
    view = frame()
    view.depth[90:150, 130:190] = np.nan
    blind = ScoredRectangle(GraspRectangle(160, 120, 0.0, 8, 16), 0.9)
    seen = ScoredRectangle(GraspRectangle(60, 120, 0.0, 8, 16), 0.8)
    assert select([blind, seen], view, 0.0, WIDE, SelectionConfig()) == (seen,)


def test_what_is_dropped_does_not_suppress_what_it_covers() -> None:
    view = frame()
    wide = ScoredRectangle(GraspRectangle(160, 120, 0.0, 8, 60), 0.9)
    narrow = ScoredRectangle(GraspRectangle(160, 120, 0.0, 8, 30), 0.8)
    assert rectangle_iou(wide.rectangle, narrow.rectangle) > 0.4
    jaw = JawConfig(maximum_opening=0.1)
    assert select([wide, narrow], view, 0.0, jaw, SelectionConfig()) == (narrow,)


def test_a_region_bounds_the_centres() -> None:
    view = frame()
    region = np.zeros(view.shape, bool)
    region[:, :160] = True
    inside, outside = (ScoredRectangle(GraspRectangle(u, 120, 0.0, 8, 16), 0.9) for u in (100, 200))
    beyond = ScoredRectangle(GraspRectangle(-3, 120, 0.0, 8, 16), 0.9)
    chosen = select([inside, outside, beyond], view, 0.0, WIDE, SelectionConfig(), region)
    assert chosen == (inside,)
    with pytest.raises(FrameError, match="differ in size"):
        select([inside], view, 0.0, WIDE, SelectionConfig(), region[:10])


@pytest.mark.parametrize(
    "wrong", [{"threshold": 1.2}, {"threshold": float("nan")}, {"count": 0}, {"overlap": -0.1}]
)
def test_an_impossible_selection_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="detection"):
        SelectionConfig(**wrong)  # type: ignore[arg-type]


def test_a_rectangle_becomes_a_pose_in_metres() -> None:
    """A block 100 mm by 40 mm, 60 mm high, seen from 0.8 m: the grasp is at its top."""
    z = 0.74
    view = frame(
        Block(190, 100, length=0.1 * 300 / z, width=0.04 * 300 / z, angle=0.5, height=0.06)
    )
    pose = grasp_pose(GraspRectangle(190, 100, 0.5, 0.02 * 300 / z, 0.04 * 300 / z), view)
    assert pose is not None
    assert pose.opening == pytest.approx(0.04, abs=1e-4)
    assert pose.plate_length == pytest.approx(0.02, abs=1e-4)
    R, position = pose.T_camera_grasp[:3, :3], pose.T_camera_grasp[:3, 3]
    assert np.allclose(R @ R.T, np.eye(3))
    assert np.linalg.det(R) == pytest.approx(1.0)
    assert np.allclose(view.intrinsics.project(position), (190, 100), atol=1e-6)
    assert position[2] == pytest.approx(z, abs=1e-6)
    assert np.allclose(R[:, 0], [np.cos(0.5), np.sin(0.5), 0.0])
    assert np.allclose(R[:, 2], [0, 0, 1])


def test_the_closing_direction_and_opening_agree_with_the_rectangles_corners() -> None:
    """Deprojected, the plates are the opening apart along y, also where fx is not fy."""
    view = frame()
    camera = type(view.intrinsics)(300.0, 420.0, 159.5, 119.5, 320, 240)
    view = type(view)(view.color, view.depth, camera)
    rectangle = GraspRectangle(140, 90, np.pi / 2, 14, 30)
    pose = grasp_pose(rectangle, view)
    assert pose is not None
    u, v = rectangle.corners().T
    corners = camera.deproject(u, v, 0.8)
    local = (corners - pose.T_camera_grasp[:3, 3]) @ pose.T_camera_grasp[:3, :3]
    assert np.ptp(local[:, 1]) == pytest.approx(pose.opening, rel=1e-5)
    assert np.ptp(local[:, 0]) == pytest.approx(pose.plate_length, rel=1e-5)


@pytest.mark.parametrize("tilt", [-0.4, 0.0, 0.3])
@pytest.mark.parametrize("heading", [0.0, 0.6, 2.0])
def test_a_vertical_approach_gives_the_true_opening_whatever_the_cameras_tilt(
    tilt: float, heading: float
) -> None:
    """A level rectangle 20 by 50 mm, projected into a tilted view, is measured as that."""
    c, s = np.cos(tilt), np.sin(tilt)
    down = np.array([0.0, s, c])  # in a camera that is tilted about its x axis
    across, along = np.array([1.0, 0.0, 0.0]), np.cross(down, [1.0, 0.0, 0.0])
    x = np.cos(heading) * across + np.sin(heading) * along
    y = np.cross(down, x)
    camera, centre = frame().intrinsics, np.array([0.05, -0.03, 0.8])
    ends = camera.project(np.array([centre, centre + 0.01 * x, centre + 0.025 * y]))
    plate, opening = ends[1] - ends[0], ends[2] - ends[0]
    theta = float(np.arctan2(plate[1], plate[0]) % np.pi)
    normal = np.array([-np.sin(theta), np.cos(theta)])
    rectangle = GraspRectangle(
        ends[0, 0], ends[0, 1], theta, 2 * float(np.hypot(*plate)), 2 * abs(float(opening @ normal))
    )
    view = frame()
    view.depth[:] = 0.8
    pose = grasp_pose(rectangle, view, down)
    assert pose is not None
    assert pose.opening == pytest.approx(0.05, rel=0.05)
    assert pose.plate_length == pytest.approx(0.02, rel=0.05)
    assert np.allclose(pose.T_camera_grasp[:3, 2], down)
    assert abs(pose.T_camera_grasp[:3, 0] @ x) > 0.999


def test_an_approach_towards_the_camera_is_refused() -> None:
    rectangle = GraspRectangle(160, 120, 0.0, 30, 30)
    for wrong in ([0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]):
        with pytest.raises(GeometryError, match="approach"):
            grasp_pose(rectangle, frame(), np.array(wrong))


def test_there_is_no_pose_without_depth_and_a_hole_at_the_centre_is_bridged() -> None:
    view = frame()
    view.depth[118:123, 158:163] = np.nan
    assert grasp_pose(GraspRectangle(160, 120, 0.0, 30, 30), view) is not None
    view.depth[:] = np.nan
    assert grasp_pose(GraspRectangle(160, 120, 0.0, 30, 30), view) is None
