"""The optional meshes sit where the arm is."""

from importlib import metadata

import numpy as np
import pytest

from grasp_affordance.errors import ConfigError
from grasp_affordance.sim import SimConfig, scene
from grasp_affordance.sim.piles.appearance import theme
from grasp_affordance.sim.robot import arm_meshes, kinematics
from grasp_affordance.sim.vision.camera import true_camera_pose


def test_the_last_link_ends_at_the_flange() -> None:
    T_base_wrist = np.eye(4)
    for joint in range(5):
        T_base_wrist = T_base_wrist @ kinematics.link_transform(joint, 0.0)
    flange = T_base_wrist @ arm_meshes.link_poses()[-1] @ [0.0, 0.0823, 0.0, 1.0]
    np.testing.assert_allclose(flange[:3], kinematics.forward(np.zeros(6))[:3, 3], atol=1e-6)


def test_every_link_turns_about_the_axis_of_its_joint() -> None:
    axes = [(0, 0, 1), (0, 1, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1), (0, 1, 0)]  # in the URDF
    for T, axis in zip(arm_meshes.link_poses()[1:], axes, strict=True):
        np.testing.assert_allclose(T[:3, :3] @ axis, [0, 0, 1], atol=1e-9)
        np.testing.assert_allclose(T[:2, 3], [0, 0], atol=1e-9)  # its origin lies on the axis


def test_without_the_package_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", missing)
    with pytest.raises(ConfigError, match="pip install example-robot-data"):
        arm_meshes.mesh_folder()


def test_the_meshes_change_the_look_and_not_the_physics() -> None:
    try:
        metadata.distribution("example-robot-data")
    except metadata.PackageNotFoundError:
        pytest.skip("example-robot-data is not installed")
    plain, dressed = (
        scene.build(config, theme("random"), [], true_camera_pose(config), 0.01)
        for config in (SimConfig(meshes=False), SimConfig(meshes=True))
    )
    assert dressed.nmesh == plain.nmesh + 7
    np.testing.assert_allclose(dressed.body_mass, plain.body_mass)
    np.testing.assert_allclose(dressed.body_inertia, plain.body_inertia)
    assert (dressed.geom_contype != 0).sum() == (plain.geom_contype != 0).sum()
