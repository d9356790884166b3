"""Serves grasp rectangles for a parallel gripper from a camera's frames, and shows them.

Subscribes (relative names): the camera's topics, as affordance_node does
Publishes: ~/rectangles (RViz markers, while somebody listens), /diagnostics
Serves: ~/get_grasp_rectangles, ~/load_model
"""

import sys
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from grasp_affordance_interfaces.srv import GetGraspRectangles, LoadModel
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from visualization_msgs.msg import MarkerArray

from grasp_affordance.cell_file import read_cell
from grasp_affordance.detection.selection import SelectionConfig
from grasp_affordance.errors import ConfigError, GraspAffordanceError
from grasp_affordance.geometry import Array
from grasp_affordance.rectangle import JawConfig
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.affordance.bin_view import BinViewSource
from grasp_affordance.ros.common.cell_configs import (
    bin_config,
    camera_pose_config,
    frame_source_config,
)
from grasp_affordance.ros.common.config_values import FilePath
from grasp_affordance.ros.common.conversions import (
    from_duration_msg,
    from_time_msg,
    refuse,
    to_header_msg,
    to_rejection_msgs,
)
from grasp_affordance.ros.common.diagnostics import ERROR, OK
from grasp_affordance.ros.common.frame_source import FrameSource
from grasp_affordance.ros.common.freshness import steady_clock
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.spin import run
from grasp_affordance.ros.common.transforms import CameraPose
from grasp_affordance.ros.detector.grasp_detection import GraspEvaluator, GraspResult
from grasp_affordance.ros.detector.grasp_messages import (
    to_grasp_rectangle_msg,
    to_rectangle_marker_array_msg,
)


@dataclass(frozen=True)
class DetectorNodeConfig:
    """Which detector serves, and which of its rectangles are offered.

    Attributes:
        cell: file of the cell's description, or the name of one that comes with the package; empty
            where nothing is known of the cell. A rectangle outside of its bin is not offered.
        weights: checkpoint of `grasp-affordance train_detector`.
        threshold: least score; unset: the one that validation chose.
        count: at most this many rectangles, where a caller asks for no other number.
        jaw: the gripper; unset: the one of the labels that the detector was trained on.
        check_room: drop rectangles beside which the depth shows no room for the plates.
        view_rate: the markers are refreshed at most this often, Hz.
    """

    PARAMETERS: ClassVar[tuple[str, ...]] = (
        "cell",
        "weights",
        "threshold",
        "count",
        "check_room",
        "view_rate",
        "jaw",
    )

    cell: FilePath = ""
    weights: FilePath = ""
    threshold: float | None = None
    count: int = 20
    jaw: JawConfig | None = None
    check_room: bool = True
    view_rate: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.view_rate <= 100:
            raise ConfigError(f"view_rate {self.view_rate} Hz is not in (0, 100]")
        _ = self.selection  # checks its values

    @property
    def selection(self) -> SelectionConfig:
        """The last stage of the detector."""
        return SelectionConfig(
            threshold=self.threshold, count=self.count, jaw=self.jaw, check_room=self.check_room
        )


class DetectorNode(ManagedNode[DetectorNodeConfig]):
    """Wires camera and detector to topics and services."""

    def __init__(self, config: DetectorNodeConfig | None = None, **options: object) -> None:
        super().__init__("detector_node", config or DetectorNodeConfig(), **options)
        self._markers = self.create_lifecycle_publisher(MarkerArray, "~/rectangles", 1)
        # Each may wait or work for long without holding up the others.
        answering, loading, self._showing = (MutuallyExclusiveCallbackGroup() for _ in range(3))
        service = "~/get_grasp_rectangles"
        self.create_service(GetGraspRectangles, service, self._serve, callback_group=answering)
        self.create_service(LoadModel, "~/load_model", self._load, callback_group=loading)

    def setup(self) -> None:
        """Load the detector, find the bin's reference, subscribe to the camera."""
        config = self.config
        if not config.weights:
            raise ConfigError(
                "the parameter 'weights' is not set; name a file of "
                "`grasp-affordance train_detector`"
            )
        cell = self.cell = read_cell(config.cell)
        frames = frame_source_config(cell)
        self._bin_view = BinViewSource(bin_config(cell))
        self._pose = CameraPose(self, camera_pose_config(cell), frames.camera)
        self.resources.callback(self._pose.close)
        self._evaluate = GraspEvaluator(
            config.weights, config.selection, self._bin_view, self._pose_of
        )
        self._tell_model()
        self._frames = FrameSource(self, frames)
        self.resources.callback(self._frames.close)
        self._shown: tuple[RgbdFrame, str] | None = None
        for period, callback in ((1.0 / config.view_rate, self._show), (1.0, self._check)):
            timer = self.create_timer(
                period, callback, callback_group=self._showing, clock=steady_clock()
            )
            self.resources.callback(self.destroy_timer, timer)

    def _serve(
        self, request: GetGraspRectangles.Request, response: GetGraspRectangles.Response
    ) -> GetGraspRectangles.Response:
        response.message = self.why_inactive()
        if response.message:
            return response
        try:
            self._answer(request, response)
        except GraspAffordanceError as error:
            refuse(error, self.report(error), response)
        return response

    def _answer(
        self, request: GetGraspRectangles.Request, response: GetGraspRectangles.Response
    ) -> None:
        """Fill in a response; raises GraspAffordanceError where no answer can be given."""
        config = self._evaluate.settings(
            request.count, float(request.minimum_score), request.maximum_opening
        )
        timeout = from_duration_msg(request.timeout) or None
        frame = self._frames.read(from_time_msg(request.newer_than) or None, timeout)
        response.header = header = to_header_msg(frame.stamp_ns, frame.frame_id)
        result = self._evaluate.evaluate(frame, config, patient=True)
        base = self.cell.base_frame_id
        response.success = True
        response.rectangles = [
            to_grasp_rectangle_msg(grasp, pose, header, result.T_base_camera, base)
            for grasp, pose in result.grasps
        ]
        response.rejections = to_rejection_msgs(result.rejections)
        response.model_version = result.model_version
        response.message = "" if result.grasps else _why_nothing(result)

    def _load(self, request: LoadModel.Request, response: LoadModel.Response) -> LoadModel.Response:
        """Serve another detector; where it does not load, the one in service stays."""
        response.message = self.why_inactive()
        if response.message:
            return response
        try:
            self._evaluate.load(request.path)
            response.success = True
            self._tell_model()
        except GraspAffordanceError as error:
            kept = f"{type(error).__name__}: {error}; {self._evaluate.version} stays"
            response.message = kept
            self.diagnostics.set("model", ERROR, kept)
        response.version = self._evaluate.version
        return response

    def _tell_model(self) -> None:
        values = {"version": self._evaluate.version}
        self.diagnostics.set("model", OK, "the detector serves", values)

    def _show(self) -> None:
        """Publish the rectangles of each new frame while somebody looks."""
        if not (self.active and self._markers.get_subscription_count()):
            return
        try:
            frame = self._frames.newest()
            if frame is None or (frame, self._evaluate.version) == self._shown:
                return
            result = self._evaluate.evaluate(frame)
            header = to_header_msg(frame.stamp_ns, frame.frame_id)
            self._markers.publish(to_rectangle_marker_array_msg(result.grasps, header))
            self._shown = frame, result.model_version
            self.diagnostics.set("rectangles", OK, "up to date")
        except GraspAffordanceError as error:
            self.diagnostics.set("rectangles", ERROR, f"{type(error).__name__}: {error}")

    def _check(self) -> None:
        """Tell in the diagnostics what is wrong before anybody asks."""
        if not self.active:
            return
        problem = self._frames.problem(partial(self._pose_of, patient=False))
        self.diagnostics.set("camera", ERROR if problem else OK, problem or "frames arrive")

    def _pose_of(self, frame_id: str, patient: bool) -> Array | None:
        return self._pose.find(frame_id, self._bin_view.needs_pose, patient)


def _why_nothing(result: GraspResult) -> str:
    causes = ", ".join(f"{cause} {count}" for cause, count in result.rejections.items())
    return f"no place for a parallel gripper that scores well enough; rejected: {causes}"


def main() -> int:
    """Run the detector node."""
    return run(DetectorNode)


if __name__ == "__main__":
    sys.exit(main())
