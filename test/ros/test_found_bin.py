"""A bin whose place nobody has described is found, picked from, logged and learned from."""

from pathlib import Path
from typing import Any

import numpy as np
from grasp_affordance_interfaces.action import Pick
from grasp_affordance_interfaces.srv import GetSuctionPoints
from helpers.ros_harness import TIMEOUT, Ros
from helpers.training_sample_log import SMALL
from visualization_msgs.msg import MarkerArray

from grasp_affordance.attempt import Outcome
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.learning.log.attempt_log import LABELS, read_log
from grasp_affordance.ros.affordance.affordance_node import AffordanceNode
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.config_values import flatten
from grasp_affordance.ros.common.conversions import from_bin_msgs
from grasp_affordance.ros.drivers.ordered_action_client import OrderedActionClient
from grasp_affordance.ros.executor.executor_node import ExecutorNode
from grasp_affordance.ros.trainer.trainer_node import TrainerNode

TRUE = BinGeometry()  # where the simulator puts it
PLAY: dict[str, Any] = {
    "simulation__scene": "rows",
    "simulation__hardness": "ideal",
    "simulation__objects": 3,
}


def close_to_truth(box: BinGeometry | None) -> bool:
    """Within 10 mm and 1 degree, and of the right size."""
    if box is None or box.size != TRUE.size:
        return False
    turned = abs((box.yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4)  # a square has four yaws
    away = np.linalg.norm([*np.subtract(box.centre, TRUE.centre), box.floor - TRUE.floor])
    return bool(away < 0.010 and turned < np.radians(1))


def picked(ros: Ros) -> Any:
    """Ask the executor for one pick; return its result."""
    client = OrderedActionClient(ros.node, Pick, "executor_node/pick")
    assert client.wait_for_server(TIMEOUT)
    sent = client.send_goal_async(Pick.Goal())
    ros.wait_until(sent.done, "accepted", 4 * TIMEOUT)
    result = sent.result().get_result_async()
    ros.wait_until(result.done, "ended", 4 * TIMEOUT)
    return result.result().result


def test_a_bin_is_found_picked_from_logged_and_learned_from(ros: Ros, tmp_path: Path) -> None:
    changes = {"bin": None, "bins": [list(TRUE.size), [0.3, 0.2, 0.1]], "camera.max_age": 10.0}
    cell, log = ros.cell(changes), tmp_path / "log"
    executor: Any = ros.start(ExecutorNode, cell=cell, record__directory=str(log), **PLAY)
    ros.start(AffordanceNode, cell=cell, from_scratch=True)
    outlines = ros.listen(MarkerArray, "affordance_node/cell", topics.LATCHED)
    assert executor.active, ros.rosout
    assert executor.driver.cell.bin is None
    assert "bin" not in {marker.ns for marker in outlines.get(timeout=TIMEOUT).markers}

    answer = ros.client.call(
        GetSuctionPoints, "/affordance_node/get_suction_points", GetSuctionPoints.Request(), TIMEOUT
    )
    assert answer.success, answer.message
    assert answer.floor_known
    assert close_to_truth(from_bin_msgs(answer.bin_pose, answer.bin_size))

    ros.listen(MarkerArray, "affordance_node/markers")  # somebody looks
    result = picked(ros)
    assert result.success, result.message
    drawn = outlines.get(timeout=TIMEOUT)
    assert "bin" in {marker.ns for marker in drawn.markers}

    (attempt,) = read_log(log)
    assert attempt.outcome is Outcome.SUCCESS
    assert close_to_truth(attempt.bin)
    ros.wait_until((log / LABELS / "0000.json").exists, "labelled")
    small: dict[str, Any] = {
        f"trainer__{k.replace('.', '__')}": v for k, v in flatten(type(SMALL), SMALL).items()
    }
    trainer: Any = ros.start(TrainerNode, directory=str(log), cell=cell, from_scratch=True, **small)
    assert trainer.active, ros.rosout
    ros.wait_until(lambda: trainer.source.trainer.report().attempts == 1, "learned from")


def test_a_bin_of_another_size_is_not_picked_from(ros: Ros) -> None:
    found = {"bin": None, "camera.max_age": 10.0}
    cell = ros.cell({**found, "bins": [list(TRUE.size)]})
    executor: Any = ros.start(ExecutorNode, cell=cell, **PLAY)
    cell = ros.cell({**found, "bins": [[0.3, 0.2, 0.1]]})
    ros.start(AffordanceNode, cell=cell, from_scratch=True)
    before = executor.driver.cell.arm.tcp_pose()
    assert "BinNotFoundError" in picked(ros).message
    np.testing.assert_array_equal(executor.driver.cell.arm.tcp_pose(), before)
