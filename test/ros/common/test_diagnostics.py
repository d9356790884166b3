"""Every node says on /diagnostics how it is, and says it again when that changes."""

from pathlib import Path
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from helpers.ros_harness import Ros
from helpers.ros_scenes import box_frame

from grasp_affordance.ros.affordance.affordance_node import AffordanceNode
from grasp_affordance.ros.calibration.calibration_node import CalibrationNode
from grasp_affordance.ros.camera.camera_node import CameraNode
from grasp_affordance.ros.common.diagnostics import Diagnostics
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.rgbd_publisher import RgbdPublisher
from grasp_affordance.ros.executor.executor_node import ExecutorNode
from grasp_affordance.ros.recorder.recorder_node import RecorderNode
from grasp_affordance.ros.trainer.trainer_node import TrainerNode

OK, ERROR = DiagnosticStatus.OK, DiagnosticStatus.ERROR


class Health:
    """The newest level and message of every status."""

    def __init__(self, ros: Ros) -> None:
        self.levels: dict[str, bytes] = {}
        self.values: dict[str, dict[str, str]] = {}
        ros.node.create_subscription(DiagnosticArray, "/diagnostics", self._note, 10)

    def _note(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.levels[status.name] = status.level
            self.values[status.name] = {v.key: v.value for v in status.values}
            assert status.message, status.name
            assert status.hardware_id.startswith("/"), status.name


def started(ros: Ros, kind: type[ManagedNode], folder: Path, sequence: Path) -> None:
    parameters: dict[type[ManagedNode], dict[str, Any]] = {
        CameraNode: {"recording": str(sequence)},
        TrainerNode: {"directory": str(folder / "log"), "cell": "sim"},
        CalibrationNode: {"folder": str(folder / "samples")},
        ExecutorNode: {"simulation__scene": "rows", "cell": "sim"},
        RecorderNode: {"folder": str(folder / "recording")},
    }
    ros.start(kind, **parameters.get(kind, {}))


EXPECTED = {
    AffordanceNode: ("affordance_node", {"camera": ERROR, "model": OK}),
    CalibrationNode: ("calibration_node", {"camera": ERROR}),
    CameraNode: ("camera_node", {"playback": OK}),
    ExecutorNode: ("executor_node", {"cell": OK, "camera": OK, "permission": OK}),
    RecorderNode: ("recorder_node", {"camera": ERROR}),
    TrainerNode: ("trainer_node", {"training": OK}),
}


@pytest.mark.parametrize("kind", list(EXPECTED), ids=lambda kind: kind.__name__)
def test_a_node_tells_how_it_is(
    ros: Ros, kind: type[ManagedNode], tmp_path: Path, sequence: Path
) -> None:
    health = Health(ros)
    started(ros, kind, tmp_path, sequence)
    name, parts = EXPECTED[kind]
    expected = {f"/{name}: {part}": level for part, level in parts.items()}
    ros.wait_until(lambda: expected.items() <= health.levels.items(), f"{expected}")


def test_a_camera_that_comes_turns_an_error_into_good_health(ros: Ros) -> None:
    health = Health(ros)
    ros.start(CalibrationNode)
    status = "/calibration_node: camera"
    ros.wait_until(lambda: health.levels.get(status) == ERROR, "in error")
    camera = RgbdPublisher(ros.node)
    ros.node.create_timer(
        0.1, lambda: camera.publish(box_frame(stamp_ns=ros.node.get_clock().now().nanoseconds))
    )
    ros.wait_until(lambda: health.levels.get(status) == OK, "well")


def test_a_message_is_logged_when_it_is_new_not_when_its_numbers_are(ros: Ros) -> None:
    diagnostics = Diagnostics(ros.node)
    for seconds in (1.5, 2.5, 30.0):
        diagnostics.set("camera", ERROR, f"the newest frame is {seconds} s old")
    diagnostics.set("camera", ERROR, "no frame at all")
    ros.wait_for_log("no frame at all")
    assert sum("the newest frame" in line for line in ros.rosout) == 1


@pytest.mark.parametrize("kind", [AffordanceNode, ExecutorNode])
def test_a_camera_that_starts_beside_a_node_is_no_error_before_the_node_is_active(
    ros: Ros, kind: type[ManagedNode]
) -> None:
    """Who waits for a node to become active takes an error on its log for the end of that."""
    cell = ros.cell({"camera.topics": "no_such_camera"})
    node: Any = ros.start(kind, autostart=False, cell=cell)
    look = node._check if kind is AffordanceNode else node._diagnose
    node.trigger_configure()
    look()
    assert node.diagnostics.level("camera") is None
    node.trigger_activate()
    look()
    assert node.diagnostics.level("camera") == ERROR
