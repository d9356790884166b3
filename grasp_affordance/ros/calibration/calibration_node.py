"""Collects what a hand-eye calibration and its verification need, and solves it, by services.

Subscribes (relative names): the camera's topics; TF or /tcp_pose_broadcaster/pose
Publishes: /diagnostics
Serves (std_srvs/Trigger): ~/capture a sample, ~/solve for the camera's pose and write it,
    ~/see the board that is touched next, ~/touch its next corner, ~/pivot a pose of the tip on one
    fixed point
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from std_srvs.srv import Trigger

from grasp_affordance.arrays import Array
from grasp_affordance.calibration.board import find_board
from grasp_affordance.calibration.calibrate import CalibrateConfig, calibrate, find_samples
from grasp_affordance.calibration.calibration_file import describe, write_calibration
from grasp_affordance.calibration.errors import CalibrationError
from grasp_affordance.calibration.folder import SampleFolder
from grasp_affordance.calibration.hand_eye import Mount
from grasp_affordance.calibration.touching import TouchFile, outer_corners
from grasp_affordance.cell_file import read_cell
from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.ros.calibration.tool_pose import ToolPose, ToolPoseConfig, moved
from grasp_affordance.ros.common.cell_configs import frame_source_config
from grasp_affordance.ros.common.config_values import FilePath
from grasp_affordance.ros.common.diagnostics import ERROR, OK
from grasp_affordance.ros.common.frame_source import FrameSource
from grasp_affordance.ros.common.freshness import steady_clock
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.spin import run


@dataclass(frozen=True)
class CalibrationNodeConfig:
    """What is collected, and where it goes.

    Attributes:
        cell: file of the cell's description, or the name of one that comes with the package; names
            the camera's topics and the robot's base frame.
        folder: of the samples.
        output: YAML file of the camera's pose.
        touched: JSON file of touched points.
        calibrate: board, mount and limits.
        tool_frame_id: whose pose is asked of TF, without the cell's prefix. For samples any frame
            that is fixed to the tool will do; for touching it must be the tip (the cup's rim).
        tool_max_age: an older pose of it is none, seconds.
    """

    PARAMETERS: ClassVar[tuple[str, ...]] = (
        "cell",
        "folder",
        "output",
        "touched",
        "calibrate.mount",
        "calibrate.board.columns",
        "calibrate.board.rows",
        "calibrate.board.square",
        "calibrate.board.marker",
        "calibrate.board.dictionary",
        "calibrate.board.legacy",
        "tool_frame_id",
    )

    cell: FilePath = ""
    folder: FilePath = "calibration/samples"
    output: FilePath = "calibration/camera.yaml"
    touched: FilePath = "calibration/touched.json"
    calibrate: CalibrateConfig = field(default_factory=CalibrateConfig)
    tool_frame_id: str = "tool0"
    tool_max_age: float = 0.5


class CalibrationNode(ManagedNode[CalibrationNodeConfig]):
    """Wires camera and robot to the calibration."""

    def __init__(self, config: CalibrationNodeConfig | None = None, **options: object) -> None:
        super().__init__("calibration_node", config or CalibrationNodeConfig(), **options)
        steps = (self._capture, self._solve, self._see, self._touch, self._pivot)
        group = MutuallyExclusiveCallbackGroup()  # waits for frames: not in the way of others
        for step in steps:
            name = f"~/{step.__name__.lstrip('_')}"
            self.create_service(Trigger, name, self._answering(step), callback_group=group)

    def setup(self) -> None:
        """Subscribe to camera and robot."""
        cell = read_cell(self.config.cell)
        self._frames = FrameSource(self, frame_source_config(cell))
        self.resources.callback(self._frames.close)
        self._base = cell.base_frame_id
        self._tip = cell.tf_prefix + self.config.tool_frame_id
        tool = ToolPoseConfig(self._base, self._tip, max_age=self.config.tool_max_age)
        self._tool = ToolPose(self, tool)
        self.resources.callback(self._tool.close)
        self._touches = TouchFile(Path(self.config.touched))
        timer = self.create_timer(1.0, self._diagnose, clock=steady_clock())
        self.resources.callback(self.destroy_timer, timer)

    def _answering(self, step: Callable[[], str]) -> Callable[..., Trigger.Response]:
        def answer(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            try:
                response.message = self.why_inactive() or step()
                response.success = self.active
            except GraspAffordanceError as error:
                response.message = self.report(error)
            return response

        return answer

    def _capture(self) -> str:
        """Take an image between two equal poses; keep it only if the board is seen."""
        before = self._pose_of_now()
        frame = self._frames.read(newer_than_ns=self.get_clock().now().nanoseconds)
        if moved(before, self._tool.read(newer_than_ns=frame.stamp_ns)):
            raise CalibrationError("the arm moved while the image was taken: wait until it stands")
        view = find_board(frame.color, frame.intrinsics, self.config.calibrate.board)
        folder = SampleFolder(Path(self.config.folder))
        name = folder.add(frame.color, before, frame.intrinsics, frame.frame_id)
        return f"sample {name}: {len(view.corners)} corners, {view.error:.2f} pixels"

    def _pose_of_now(self) -> Array:
        return self._tool.read(newer_than_ns=self.get_clock().now().nanoseconds)

    def _solve(self) -> str:
        config = self.config.calibrate
        folder = SampleFolder(Path(self.config.folder))
        intrinsics, frame_id = folder.camera()
        samples, rejected = find_samples(folder.samples(), intrinsics, config)
        result = calibrate(samples, intrinsics, config, rejected)
        fixed = config.mount is Mount.EYE_TO_HAND
        parent = self._base if fixed else self._tip
        write_calibration(Path(self.config.output), describe(result, parent, frame_id))
        reasons = "".join(f"; {name} left out: {why}" for name, why in result.rejected.items())
        return (
            f"{result.rms_translation * 1000:.2f} mm, {np.degrees(result.rms_rotation):.3f} "
            f"degrees rms of {len(result.used)} samples; written to {self.config.output}{reasons}"
        )

    def _see(self) -> str:
        frame = self._frames.read(newer_than_ns=self.get_clock().now().nanoseconds)
        board = self.config.calibrate.board
        points = outer_corners(find_board(frame.color, frame.intrinsics, board), board)
        self._touches.see(points)
        pixels = np.rint(frame.intrinsics.project(points)).astype(int)
        u, v = pixels.T
        depth = frame.depth[v.clip(0, frame.shape[0] - 1), u.clip(0, frame.shape[1] - 1)]
        off = np.nanmedian(depth - points[:, 2]) if np.isfinite(depth).any() else float("nan")
        return (
            f"touch the 4 outer corners in order, pixels {pixels.tolist()}; the "
            f"depth image is {off * 1000:.1f} mm off the board"
        )

    def _touch(self) -> str:
        return f"{self._touches.touch(self._pose_of_now())} points left"

    def _pivot(self) -> str:
        return f"{self._touches.pivot(self._pose_of_now())} poses on the point"

    def _diagnose(self) -> None:
        problem = self._frames.problem()
        self.diagnostics.set("camera", ERROR if problem else OK, problem or "frames arrive")


def main() -> int:
    """Run the calibration node."""
    return run(CalibrationNode)


if __name__ == "__main__":
    sys.exit(main())
