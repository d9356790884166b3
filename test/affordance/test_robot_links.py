"""The robot's own links are no objects, and what they hide is not taken for empty."""

import struct
from pathlib import Path

import numpy as np
import pytest

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.bin.robot_links import link_boxes, read_stl, robot_mask
from grasp_affordance.affordance.predictor import AffordancePredictor, PredictorConfig
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import approach_pose, invert
from grasp_affordance.sim import Hardness, SimCell, SimConfig
from grasp_affordance.sim.robot import kinematics
from grasp_affordance.sim.robot.urdf import arm_urdf
from grasp_affordance.sim.scene import ARM, TOOL
from grasp_affordance.suction import Rejection

URDF = """<robot name="r"><link name="a">
  <collision><origin xyz="0.1 0 0" rpy="0 0 1.5707963"/><geometry>{}</geometry></collision>
</link></robot>"""


def no_mesh(address: str) -> Path:
    raise AssertionError(address)


def write_stl(path: Path, corners: np.ndarray) -> None:
    rows = [struct.pack("<12fH", 0, 0, 0, *triangle.ravel(), 0) for triangle in corners]
    path.write_bytes(b" " * 80 + struct.pack("<I", len(rows)) + b"".join(rows))


@pytest.mark.parametrize(
    ("shape", "half"),
    [
        ('<box size="0.2 0.4 0.6"/>', (0.1, 0.2, 0.3)),
        ('<sphere radius="0.05"/>', (0.05, 0.05, 0.05)),
        ('<cylinder radius="0.05" length="0.3"/>', (0.05, 0.05, 0.15)),
        ('<capsule radius="0.05" length="0.3"/>', (0.05, 0.05, 0.2)),
    ],
)
def test_a_shape_is_boxed_where_its_origin_puts_it(shape: str, half: tuple[float, ...]) -> None:
    (box,) = link_boxes(URDF.format(shape), no_mesh)
    assert box.link == "a"
    np.testing.assert_allclose(box.half, half)
    np.testing.assert_allclose(box.T_link_box @ [0, 0, 0, 1], [0.1, 0, 0, 1])
    np.testing.assert_allclose(box.T_link_box @ [1, 0, 0, 0], [0, 1, 0, 0], atol=1e-6)


def test_a_mesh_is_boxed_by_its_corners(tmp_path: Path) -> None:
    corners = np.array([[[0, 0, 0], [2, 0, 0], [0, 4, 6]]], dtype=float)
    write_stl(tmp_path / "a.stl", corners)
    shape = '<mesh filename="package://p/a.stl" scale="0.1 0.1 0.1"/>'
    (box,) = link_boxes(URDF.format(shape), lambda address: tmp_path / address.rpartition("/")[2])
    np.testing.assert_allclose(box.half, [0.1, 0.2, 0.3])
    middle = box.T_link_box @ [0, 0, 0, 1]
    np.testing.assert_allclose(middle[:3], [0.1 - 0.2, 0.1, 0.3], atol=1e-6)


def test_what_is_no_mesh_or_no_description_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.stl").write_text("solid a")
    with pytest.raises(ConfigError, match=r"a\.stl is no binary STL"):
        read_stl(tmp_path / "a.stl")
    with pytest.raises(ConfigError, match="no URDF"):
        link_boxes("robot", no_mesh)
    with pytest.raises(ConfigError, match="kind 'cone'"):
        link_boxes(URDF.format("<cone/>"), no_mesh)


def links_of(sim: SimCell) -> dict[str, np.ndarray]:
    """Return link -> its pose in the base frame, as TF would have it."""
    poses = {"base": np.eye(4)}
    names = ("shoulder", "upper_arm", "forearm", "wrist_1", "wrist_2", "wrist_3")
    with sim.world.lock:
        for name in names:
            body = sim.world.data.body(f"{ARM}{name}")
            T = np.eye(4)
            T[:3, :3], T[:3, 3] = body.xmat.reshape(3, 3), body.xpos
            poses[f"{name}_link"] = T
    poses["vacuum_tool"] = kinematics.forward(sim.arm.joints)
    return poses


def test_the_arm_over_the_bin_is_cut_out_of_the_view_and_hides_what_is_beneath() -> None:
    with SimCell(SimConfig(scene="boxes", hardness=Hardness.IDEAL)) as sim:
        config, T = PredictorConfig(), sim.camera.pose()
        free = AffordancePredictor(config).predict(sim.camera.read(), BinView(T, sim.bin))
        sim.arm.move_to(approach_pose([0.5, 0.0, 0.16], (0, 0, -1)))
        frame, links = sim.camera.read(), links_of(sim)
        boxes = link_boxes(arm_urdf(), no_mesh)
        mask = robot_mask(frame, boxes, lambda link: invert(T) @ links[link])
        model, ids = sim.world.model, sim.camera.geom_ids()
        names = [model.body(int(body)).name for body in model.geom_bodyid]
        robot = np.array([name.startswith((ARM, TOOL)) for name in names] + [False])
        assert robot[ids].sum() > 1000
        assert mask[robot[ids]].all()
        view = BinView(T, sim.bin, robot=mask)
        seen = AffordancePredictor(config).predict(frame, view).selection
    hidden = seen.rejections.get(Rejection.OBSTRUCTED, 0)
    assert hidden > free.selection.rejections.get(Rejection.OBSTRUCTED, 0)
    assert not [point for point in seen.points if mask[point.v, point.u]]
