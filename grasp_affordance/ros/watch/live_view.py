"""What a running system publishes, as a Rerun recording: `grasp-affordance watch`.

That command starts it, with all flags.

Subscribes (relative names): the camera's topics; affordance_node/{overlay, markers};
    executor_node/{state, pick_result}; trainer_node/status; robot_description; joint_states
Calls: affordance_node/get_parameters, where no cell is given
"""

import os
import signal
import sys
import threading
import time
from typing import Annotated, Any

import rclpy
import tyro
from grasp_affordance_interfaces.msg import PickResult, TrainerStatus
from rcl_interfaces.srv import GetParameters
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

from grasp_affordance.cell_description import CellDescription
from grasp_affordance.cell_file import CellFileError, read_cell
from grasp_affordance.errors import FrameError, GeometryError, GraspAffordanceError
from grasp_affordance.messages.images import from_image_msg
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.affordance.markers import from_marker_array_msg
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.cell_configs import camera_pose_config, frame_source_config
from grasp_affordance.ros.common.client import Client
from grasp_affordance.ros.common.conversions import from_suction_point_msg
from grasp_affordance.ros.common.frame_source import FrameSource
from grasp_affordance.ros.common.share import transport_environment
from grasp_affordance.ros.common.spin import spinning, start_ros
from grasp_affordance.ros.common.transforms import CameraPose
from grasp_affordance.ros.executor.pick_messages import from_outcome_number
from grasp_affordance.viewer import Recording, ViewerConfig, outcome_text

_JOINTS_EVERY = 0.1  # seconds; a controller says it 500 times in one
_ASK = 60.0  # seconds for the affordance node to name its cell


class LiveView:
    """Logs what arrives, as long as the node spins.

    Args:
        rate: of frames and overlays, per second at most.
    """

    def __init__(
        self, node: Node, cell: CellDescription, recording: Recording, rate: float
    ) -> None:
        self._recording, self._cell, self._period = recording, cell, 1.0 / rate
        source = frame_source_config(cell)
        self._frames = FrameSource(node, source)
        self._pose = CameraPose(node, camera_pose_config(cell), source.camera)
        self._shown: RgbdFrame | None = None
        self._due: dict[str, float] = {}
        # One callback at a time: they share what is shown.
        group = MutuallyExclusiveCallbackGroup()
        newest = topics.IMAGE_SUBSCRIPTION
        for kind, topic, receive, quality in (
            (Image, "affordance_node/overlay", self._overlay, newest),
            (MarkerArray, "affordance_node/markers", self._markers, newest),
            (String, "executor_node/state", self._state, topics.LATCHED),
            (PickResult, "executor_node/pick_result", self._picked, 100),
            (TrainerStatus, "trainer_node/status", self._status, topics.LATCHED),
            (String, "robot_description", self._robot, topics.LATCHED),
            (JointState, "joint_states", self._joints, newest),
        ):
            node.create_subscription(kind, topic, receive, quality, callback_group=group)
        node.create_timer(self._period, self._frame, callback_group=group)

    def _frame(self) -> None:
        try:
            frame = self._frames.newest()
        except (FrameError, GeometryError) as error:
            self._recording.state(f"no frame: {error}")
            return
        if frame is None or frame is self._shown:
            return
        self._shown = frame
        self._recording.image("color", frame.color)
        self._recording.cloud(frame, self._pose.find(frame.frame_id, needed=False))

    def _overlay(self, message: Image) -> None:
        if self._is_due("overlay", self._period):
            self._recording.image("overlay", from_image_msg(message))

    def _markers(self, message: MarkerArray) -> None:
        if self._shown is not None:
            points = from_marker_array_msg(message, self._shown.intrinsics)
            pose = self._pose.find(self._shown.frame_id, needed=False)
            self._recording.points(points, pose)

    def _state(self, message: String) -> None:
        self._recording.state(message.data)

    def _picked(self, result: PickResult) -> None:
        outcome = from_outcome_number(result.outcome)
        point = from_suction_point_msg(result.point)
        text = outcome_text(
            result.index, outcome, result.cause, result.policy, result.point.model_version
        )
        self._recording.outcome(point, outcome, f"{text}\n{result.detail}\n")

    def _status(self, status: TrainerStatus) -> None:
        for name in ("loss", "exploration", "brier", "calibration_error"):
            self._recording.value(name, getattr(status, name))
        if status.message:
            self._recording.state(f"trainer: {status.message}")

    def _robot(self, message: String) -> None:
        self._recording.robot(message.data, self._cell.base_frame_id)

    def _joints(self, message: JointState) -> None:
        if self._is_due("joints", _JOINTS_EVERY):
            self._recording.joints(dict(zip(message.name, message.position, strict=False)))

    def _is_due(self, what: str, period: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + period
        return True


def watch(
    namespace: str, cell: str, rate: float, viewer: Annotated[ViewerConfig, tyro.conf.arg(name="")]
) -> int:
    """Show a running system until Ctrl-C; see `grasp-affordance watch`."""
    os.environ.update(transport_environment())
    stop = threading.Event()
    try:
        start_ros([])
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        node = Node("watch", namespace=namespace)
        with spinning(node, on_end=stop.set):
            described = _cell(node, cell)
            with Recording(viewer, "live", namespace or "cell", described.bin) as recording:
                LiveView(node, described, recording, rate)
                sys.stderr.write(f"{recording.told()}\n")
                stop.wait()
        node.destroy_node()
        return 0
    except GraspAffordanceError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    finally:
        rclpy.try_shutdown()


def _cell(node: Node, name: str) -> CellDescription:
    """Return the cell; where no name is given, that of the affordance node.

    Raises:
        CallError: there is no such node. CellFileError: its cell's file is not on this computer.
    """
    if name:
        return read_cell(name)
    service = "affordance_node/get_parameters"
    request = GetParameters.Request(names=["cell"])
    answer: Any = Client(node).call(GetParameters, service, request, _ASK)
    try:
        return read_cell(answer.values[0].string_value)
    except CellFileError as error:
        raise CellFileError(f"{error}; the affordance node names it: give --cell") from error


if __name__ == "__main__":
    sys.exit(tyro.cli(watch))
