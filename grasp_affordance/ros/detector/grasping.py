"""The grasp detector in the affordance node: `~/get_grasp_rectangles` and `~/rectangles`."""

from grasp_affordance_interfaces.srv import GetGraspRectangles
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from visualization_msgs.msg import MarkerArray

from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.affordance.affordance_config import AffordanceNodeConfig
from grasp_affordance.ros.affordance.bin_view import BinViewSource
from grasp_affordance.ros.affordance.detection import FrameEvaluator
from grasp_affordance.ros.affordance.suction_service import refuse
from grasp_affordance.ros.common.conversions import (
    from_duration_msg,
    from_time_msg,
    to_header_msg,
    to_rejection_msgs,
)
from grasp_affordance.ros.common.diagnostics import ERROR, OK
from grasp_affordance.ros.common.frame_source import FrameSource
from grasp_affordance.ros.common.freshness import steady_clock
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.detector.grasp_detection import GraspEvaluator, GraspResult
from grasp_affordance.ros.detector.grasp_messages import (
    to_grasp_rectangle_msg,
    to_rectangle_marker_array_msg,
)


class Grasping:
    """Answers, and shows what it would answer while somebody looks."""

    def __init__(self, node: ManagedNode[AffordanceNodeConfig]) -> None:
        """Offer the service; it says that the node is inactive until `begin`."""
        self._node = node
        self._markers = node.create_lifecycle_publisher(MarkerArray, "~/rectangles", 1)
        self._shown: RgbdFrame | None = None
        # Evaluating takes long: not in the way of others, nor of each other.
        service_retry, self._showing = (
            MutuallyExclusiveCallbackGroup(),
            MutuallyExclusiveCallbackGroup(),
        )
        service = "~/get_grasp_rectangles"
        node.create_service(GetGraspRectangles, service, self._serve, callback_group=service_retry)

    def begin(
        self,
        frames: FrameSource,
        bin_view: BinViewSource,
        poses: FrameEvaluator,
        base_frame_id: str,
    ) -> None:
        """Load the detector that the node's parameters name, if any.

        Args:
            poses: knows where the camera is.
            base_frame_id: name of the robot's base frame.

        Raises:
            CheckpointError: it cannot be read.
        """
        node, config = self._node, self._node.config
        self._frames, self._poses, self._base = frames, poses, base_frame_id
        self._evaluate = GraspEvaluator(
            config.detector_checkpoint, config.grasps, bin_view, poses.pose_of
        )
        serving = self._evaluate.version or "none; see the parameter detector_checkpoint"
        node.diagnostics.set("detector", OK, f"serving {serving}")
        timer = node.create_timer(
            1.0 / config.view_rate, self._show, callback_group=self._showing, clock=steady_clock()
        )
        node.resources.callback(node.destroy_timer, timer)

    def _serve(
        self, request: GetGraspRectangles.Request, response: GetGraspRectangles.Response
    ) -> GetGraspRectangles.Response:
        response.message = self._node.why_inactive()
        if response.message:
            return response
        try:
            self._answer(request, response)
        except GraspAffordanceError as error:
            refuse(error, self._node.report(error), response)
        return response

    def _answer(
        self, request: GetGraspRectangles.Request, response: GetGraspRectangles.Response
    ) -> None:
        config = self._evaluate.settings(
            request.count, float(request.minimum_score), request.maximum_opening
        )
        timeout = from_duration_msg(request.timeout) or None
        frame = self._frames.read(from_time_msg(request.newer_than) or None, timeout)
        response.header = header = to_header_msg(frame.stamp_ns, frame.frame_id)
        result = self._evaluate.evaluate(frame, config, patient=True)
        response.success = True
        response.rectangles = [
            to_grasp_rectangle_msg(grasp, pose, header, result.T_base_camera, self._base)
            for grasp, pose in result.grasps
        ]
        response.rejections = to_rejection_msgs(result.rejections)
        response.model_version = result.model_version
        response.message = "" if result.grasps else _why_nothing(result)

    def _show(self) -> None:
        """Publish the rectangles of each new frame while somebody looks and there is a detector."""
        node = self._node
        wanted = node.active and self._markers.get_subscription_count()
        if not (wanted and self._evaluate.version):
            return
        try:
            frame = self._frames.newest()
            if frame is None or frame is self._shown:
                return
            result = self._evaluate.evaluate(frame)
            header = to_header_msg(frame.stamp_ns, frame.frame_id)
            self._markers.publish(to_rectangle_marker_array_msg(result.grasps, header))
            self._shown = frame
            node.diagnostics.set("rectangles", OK, "up to date")
        except GraspAffordanceError as error:
            node.diagnostics.set("rectangles", ERROR, f"{type(error).__name__}: {error}")


def _why_nothing(result: GraspResult) -> str:
    causes = ", ".join(f"{cause} {count}" for cause, count in result.rejections.items())
    return f"no place for a parallel gripper that scores well enough; rejected: {causes}"
