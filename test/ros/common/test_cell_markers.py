"""RViz draws the bin, the workspace, the place and the tool's way where they are."""

import numpy as np
import pytest
from helpers.marker_checks import check_drawable
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.cell_file import read_cell
from grasp_affordance.geometry import approach_pose
from grasp_affordance.ros.common.cell_markers import to_cell_msg, to_plan_msg


def points_of(array: MarkerArray, ns: str) -> np.ndarray:
    (marker,) = [m for m in array.markers if m.ns == ns and m.points]
    return np.array([[p.x, p.y, p.z] for p in marker.points])


@pytest.mark.parametrize("name", ["sim", "ur5", "gazebo"])
def test_every_shipped_cell_can_be_drawn(name: str) -> None:
    cell = read_cell(name)
    array = to_cell_msg(cell, Header(frame_id=cell.base_frame_id), cell.bin)
    check_drawable(array)
    names = {marker.ns for marker in array.markers if marker.ns}
    assert names == {"bin", "place"} | ({"workspace"} if cell.limited else set())
    assert {marker.header.frame_id for marker in array.markers} == {"base"}
    (plate,) = [m for m in array.markers if m.ns == "place" and m.type == Marker.CUBE]
    position = plate.pose.position
    assert (position.x, position.y, position.z) == pytest.approx(cell.pick.place)


def test_the_bin_is_drawn_by_its_twelve_edges() -> None:
    box = BinGeometry(centre=(0.5, 0.1), size=(0.4, 0.3, 0.12), floor=0.02, yaw=0.3)
    ends = points_of(to_cell_msg(CellDescription(bin=box), Header(), box), "bin").reshape(-1, 2, 3)
    assert len(ends) == 12
    lengths = sorted(np.round(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1), 6))
    assert lengths == [0.12] * 4 + [0.3] * 4 + [0.4] * 4
    local = (ends.reshape(-1, 3) - box.T_base_bin[:3, 3]) @ box.T_base_bin[:3, :3]
    half = np.array([0.2, 0.15])
    np.testing.assert_allclose(np.abs(local[:, :2]), np.broadcast_to(half, (24, 2)), atol=1e-9)
    assert set(np.round(local[:, 2], 6)) == {0.0, 0.12}


def test_a_cell_of_which_nothing_is_known_is_drawn_empty() -> None:
    array = to_cell_msg(CellDescription(), Header())
    assert [marker.action for marker in array.markers] == [Marker.DELETEALL]


def test_the_way_is_one_line_that_an_empty_way_takes_away() -> None:
    poses = [approach_pose([0.5, 0.1 * k, 0.3], (0, 0, -1)) for k in range(4)]
    array = to_plan_msg(poses, Header(frame_id="base"))
    check_drawable(array)
    np.testing.assert_allclose(points_of(array, "plan"), [T[:3, 3] for T in poses])
    assert [m.action for m in to_plan_msg([], Header()).markers] == [Marker.DELETEALL]
