"""What the UR's controller is told of tool and load; the service itself is in test_standin.py."""

import numpy as np
import pytest

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Load
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import to_quaternion
from grasp_affordance.ros.common.cell_configs import pick_config, ur_config
from grasp_affordance.ros.drivers.ur.ur_payload import UrPayloadConfig, payload_of


def test_the_payload_of_the_tool_alone_is_what_the_cell_says() -> None:
    config = UrPayloadConfig(mass=0.4, centre=(0.01, -0.02, 0.05))
    for load in (None, Load(mass=0.0, length=0.1)):
        mass, centre = payload_of(config, load)
        assert mass == 0.4
        np.testing.assert_allclose(centre, config.centre)


def test_a_load_hangs_along_the_tools_axis_below_the_rim() -> None:
    c, s = np.cos(0.5), np.sin(0.5)
    T = np.eye(4)
    T[:3, :3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]  # the cup leans by 0.5 rad
    T[:3, 3] = [0.05, 0.0, 0.15]
    config = UrPayloadConfig(mass=0.5, centre=(0.0, 0.0, 0.06), rim=(*T[:3, 3], *to_quaternion(T)))
    mass, centre = payload_of(config, Load(mass=1.5, length=0.08))
    middle = np.array([0.05 + 0.04 * s, 0.0, 0.15 + 0.04 * c])
    assert mass == 2.0
    np.testing.assert_allclose(centre, 0.25 * np.array(config.centre) + 0.75 * middle)


def test_the_cells_description_reaches_the_robot_and_the_pick() -> None:
    cell = CellDescription(bin=BinGeometry()).changed(
        {
            "tool.mass": 0.4,
            "tool.centre_of_mass": [0.0, 0.01, 0.06],
            "pick.load_mass": 0.3,
            "pick.load_radius": 0.08,
        }
    )
    payload, pick = ur_config(cell).payload, pick_config(cell)
    assert (payload.mass, payload.centre, payload.rim) == (0.4, (0.0, 0.01, 0.06), cell.tool.rim)
    assert (pick.load_mass, pick.load_radius) == (0.3, 0.08)


def test_a_load_without_a_tool_is_refused_because_both_are_told_together() -> None:
    with pytest.raises(ConfigError, match="needs tool"):
        CellDescription().changed({"pick.load_mass": 0.3})
