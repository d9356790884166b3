"""One file of a cell decides what affordance node, executor and trainer do, all three."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.ros_harness import Ros
from helpers.training_sample_log import SMALL

from grasp_affordance.cell_file import read_cell
from grasp_affordance.learning.log.attempt_log import read_setup
from grasp_affordance.learning.log.follower import setup_for
from grasp_affordance.ros.affordance.affordance_node import AffordanceNode
from grasp_affordance.ros.common.cell_configs import (
    camera_pose_config,
    gazebo_gripper_config,
    ur_config,
)
from grasp_affordance.ros.common.config_values import flatten
from grasp_affordance.ros.executor.executor_node import ExecutorNode
from grasp_affordance.ros.trainer.trainer_node import TrainerNode

PLAY: dict[str, Any] = {
    "simulation__scene": "rows",
    "simulation__hardness": "ideal",
    "simulation__objects": 1,
}
CHANGES: dict[str, Any] = {
    "bin.floor": 0.004,
    "cup.radius": 0.012,
    "base_frame": "robot",
    "tf_prefix": "left_",
    "camera.max_age": 7.0,
    "offer.min_probability": 0.11,
    "offer.max_tilt": 0.2,
    "pick.clearance": 0.05,
    "pick.place": [0.2, -0.5, 0.13],
    "tool.rim": [0.0, 0.0, 0.17, 0.0, 0.0, 0.0, 1.0],
}


def test_one_file_changes_affordance_node_executor_and_trainer_together(
    ros: Ros, tmp_path: Path
) -> None:
    cell, log = ros.cell(CHANGES), tmp_path / "log"
    executor: Any = ros.start(ExecutorNode, cell=cell, record__directory=str(log), **PLAY)
    affordance: Any = ros.start(AffordanceNode, cell=cell, from_scratch=True)
    small: dict[str, Any] = {
        f"trainer__{k.replace('.', '__')}": v for k, v in flatten(type(SMALL), SMALL).items()
    }
    trainer: Any = ros.start(TrainerNode, directory=str(log), cell=cell, from_scratch=True, **small)
    assert executor.active, ros.rosout
    assert affordance.active, ros.rosout
    assert trainer.active, ros.rosout

    connected = executor.driver.cell
    predictor = affordance._evaluate.config
    setup = trainer.source._setup
    network = trainer.source.trainer.config.learner.network
    assert {connected.bin, affordance.cell.bin, setup.cell.bin} == {connected.bin}
    assert connected.bin.floor == 0.004
    radii = (connected.cup, predictor.cup, setup.predictor.cup)
    assert [cup.radius for cup in radii] == [0.012] * 3
    assert network.cup_radius == 0.012
    assert (predictor.candidates.min_probability, predictor.candidates.max_tilt) == (0.11, 0.2)
    assert setup.predictor == predictor
    assert affordance._frames.config.max_age == executor._camera._frames.config.max_age == 7.0
    assert executor.described.base_frame_id == affordance.cell.base_frame_id == "left_robot"
    assert connected.camera.read().frame_id.startswith("left_camera")
    assert read_setup(log)["cell"]["pick"]["clearance"] == 0.05
    assert setup_for(log, executor.described).cell == executor.described


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "bin: {centre: [0.5, 0.0], size: [0.4, 0.4, 0.12]}\n"
            "arm: {kind: ur, lowest: [0.4, -0.8, -0.01]}",
            "do not contain the bin's interior",
        ),
        ("{}", "bin: a cell that picks needs it"),
    ],
)
def test_a_cell_that_cannot_pick_is_refused_by_key(
    ros: Ros, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "cell.yaml"
    path.write_text(text)
    node = ros.start(ExecutorNode, cell=str(path), **PLAY)
    ros.wait_for_log(said)
    assert not node.active


def test_an_executor_that_knows_no_cell_moves_none(ros: Ros) -> None:
    node = ros.start(ExecutorNode, **PLAY)
    ros.wait_for_log("CellFileError: the parameter 'cell' is not set")
    assert not node.active


def test_names_of_drivers_are_relative_and_names_of_frames_take_the_prefix() -> None:
    described = read_cell("gazebo").changed({"tf_prefix": "left_"})
    config = ur_config(described)
    names = [
        config.arm.action,
        config.arm.joint_states,
        config.arm.contact.force_topic,
        config.speed_topic,
        config.io.controller,
        config.service_gripper.switch_name,
        config.service_gripper.signal_name,
    ]
    assert not [name for name in names if name.startswith("/")]
    moveit = config.moveit
    links = (moveit.tip_link, moveit.mount_link, moveit.tool_link, *moveit.joint_names)
    assert all(name.startswith("left_") for name in links)
    assert camera_pose_config(described).base_frame_id == "left_base"
    assert gazebo_gripper_config(described).rim == pytest.approx(0.15)
    np.testing.assert_array_equal(config.moveit.tool, described.tool.rim)
