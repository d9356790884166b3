"""Serves suction points from a camera's frames, shows them, and swaps models while running.

Subscribes (relative names): camera/camera/color/image_raw, .../color/camera_info,
    .../aligned_depth_to_color/image_raw, .../base_camera; model (latched ModelAnnouncement);
    trainer_node/status (how often to explore); robot_description, with TF
Publishes: ~/affordance (32FC1), ~/overlay (rgb8), ~/markers, ~/points, /diagnostics
Serves: ~/get_suction_points, ~/load_model
"""

import sys
import time
from functools import partial

from grasp_affordance_interfaces.msg import ModelAnnouncement
from grasp_affordance_interfaces.srv import GetSuctionPoints, LoadModel
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

from grasp_affordance.affordance.cell_config import predictor_config
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.cell_file import read_cell
from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.ros.affordance.affordance_config import AffordanceNodeConfig
from grasp_affordance.ros.affordance.bin_view import BinViewSource
from grasp_affordance.ros.affordance.detection import FrameEvaluator, FrameResult, ModelSlot
from grasp_affordance.ros.affordance.explorer import Explorer
from grasp_affordance.ros.affordance.robot_in_view import RobotInView
from grasp_affordance.ros.affordance.suction_service import answer_request
from grasp_affordance.ros.affordance.views import Views
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.cell_configs import (
    bin_config,
    camera_pose_config,
    frame_source_config,
)
from grasp_affordance.ros.common.conversions import refuse
from grasp_affordance.ros.common.diagnostics import ERROR, OK
from grasp_affordance.ros.common.frame_source import FrameSource
from grasp_affordance.ros.common.freshness import steady_clock
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.spin import run
from grasp_affordance.ros.common.transforms import CameraPose
from grasp_affordance.ros.drivers.moveit.moveit_config import MoveItConfig

_ASKED_RECENTLY = 2.0  # seconds in which the views follow the callers, at no cost of their own


class AffordanceNode(ManagedNode[AffordanceNodeConfig]):
    """Wires camera, evaluate and views to topics and services.

    Attributes:
        cell: as its file describes it; from configure on.
    """

    cell: CellDescription

    def __init__(self, config: AffordanceNodeConfig | None = None, **options: object) -> None:
        super().__init__("affordance_node", config or AffordanceNodeConfig(), **options)
        self.slot = ModelSlot()
        # Each may wait or work for long without holding up the others.
        service_retry, self._loading, self._showing = (
            MutuallyExclusiveCallbackGroup() for _ in range(3)
        )
        service = "~/get_suction_points"
        self.create_service(GetSuctionPoints, service, self._serve, callback_group=service_retry)
        self.create_service(LoadModel, "~/load_model", self._load, callback_group=self._loading)

    def setup(self) -> None:
        """Load the model, find the bin's reference, subscribe to the camera."""
        config = self.config
        cell = self.cell = read_cell(config.cell)
        predictor, frames = predictor_config(cell), frame_source_config(cell)
        self.slot.load(config.first_weights(cell.offer.source))
        self._tell_model()
        bin_view = BinViewSource(bin_config(cell))
        pose = CameraPose(self, camera_pose_config(cell), frames.camera)
        self.resources.callback(pose.close)
        self._frames = FrameSource(self, frames)
        self.resources.callback(self._frames.close)
        robot = None
        if pose.tf.installed:
            tip = cell.tf_prefix + MoveItConfig.tip_link
            robot = RobotInView(self, pose.tf, cell.base_frame_id, cell.tool, tip)
            self.resources.callback(robot.close)
        self._evaluate = FrameEvaluator(
            predictor, config.explorer.decision, bin_view, pose, self.slot, robot
        )
        self._explorer = Explorer(self, config.explorer)
        self.resources.callback(self._explorer.close)
        self._views = Views(self, config.cloud_stride, cell)
        self.resources.callback(self._views.close)
        self._shown: FrameResult | None = None
        # Not before: an announcement must not be undone by the checkpoint of the parameters.
        group = self._loading
        announced = self.create_subscription(
            ModelAnnouncement, "model", self._announced, topics.LATCHED, callback_group=group
        )
        self.resources.callback(self.destroy_subscription, announced)
        for period, callback in ((1.0 / config.view_rate, self._show), (1.0, self._check)):
            timer = self.create_timer(
                period, callback, callback_group=self._showing, clock=steady_clock()
            )
            self.resources.callback(self.destroy_timer, timer)

    def _serve(
        self, request: GetSuctionPoints.Request, response: GetSuctionPoints.Response
    ) -> GetSuctionPoints.Response:
        if not self.active:
            response.message = self.why_inactive()
            return response
        base = self.cell.base_frame_id
        try:
            return answer_request(
                self._frames, self._evaluate, self._explorer, base, request, response
            )
        except GraspAffordanceError as error:
            return refuse(error, self.report(error), response)

    def _load(self, request: LoadModel.Request, response: LoadModel.Response) -> LoadModel.Response:
        response.message = self._swap(request.path)
        response.success = not response.message
        response.version = self.slot.version
        return response

    def _announced(self, message: ModelAnnouncement) -> None:
        self._swap(message.path)

    def _swap(self, path: str) -> str:
        """Put a checkpoint into service; return what went wrong, empty if nothing."""
        try:
            self.slot.load(path)
        except GraspAffordanceError as error:
            kept = f"{type(error).__name__}: {error}; {self.slot.version or 'the prior'} stays"
            self.diagnostics.set("model", ERROR, kept)
            return kept
        self._tell_model()
        return ""

    def _tell_model(self) -> None:
        what = "learned weights serve" if self.slot.version else "the prior serves"
        self.diagnostics.set("model", OK, what, {"version": self.slot.version})

    def _show(self) -> None:
        """Publish what callers were told; while nobody asks, a result of each new frame."""
        if not (self.active and self._views.wanted):
            return
        try:
            result = self._evaluate.asked
            if time.monotonic() - self._evaluate.asked_at > _ASKED_RECENTLY:
                frame = self._frames.newest()
                result = self._evaluate.evaluate(frame) if frame is not None else None
            if result is not None and result is not self._shown:
                self._views.publish(result)
                self._shown = result
                self.diagnostics.set("views", OK, "up to date")
        except GraspAffordanceError as error:
            self.diagnostics.set("views", ERROR, f"{type(error).__name__}: {error}")

    def _check(self) -> None:
        """Say what is wrong before anybody asks; to whoever waits for the start it is no error."""
        if not self.active:
            return
        problem = self._frames.problem(partial(self._evaluate.pose_of, required=False))
        self.diagnostics.set("camera", ERROR if problem else OK, problem or "frames arrive")


def main() -> int:
    """Run the affordance node."""
    return run(AffordanceNode)


if __name__ == "__main__":
    sys.exit(main())
