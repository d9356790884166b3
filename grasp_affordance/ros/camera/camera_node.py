"""Plays a recording back on the topics of realsense2_camera, so that a real camera can replace it.

Publishes (relative names):
    camera/camera/color/image_raw, .../color/camera_info
    camera/camera/aligned_depth_to_color/image_raw, .../camera_info
    camera/camera/base_camera and /tf_static: the camera's pose, where the recording has it
"""

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from grasp_affordance.cell_file import read_cell
from grasp_affordance.errors import ConfigError, GraspAffordanceError, SequenceError
from grasp_affordance.messages.bag import BagTopics
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.camera.playback import open_recording
from grasp_affordance.ros.common.config_values import FilePath
from grasp_affordance.ros.common.diagnostics import ERROR, OK, WARN
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.rgbd_publisher import RgbdPublisher
from grasp_affordance.ros.common.spin import run


@dataclass(frozen=True)
class CameraNodeConfig:
    """What is played back, and how.

    Attributes:
        recording: folder of a sequence (`camera.json`, `NNNN.color.png`, `NNNN.depth.png`) or
            rosbag2 (folder, `.db3` or `.mcap`).
        only: name of the one frame of a sequence folder to play; empty for all.
        rate: frames per second.
        loop: start again at the end.
        keep_stamps: publish the recorded stamps instead of the present time.
        depth_encoding: 32FC1 (metres, exact) or 16UC1 (millimetres, as realsense2_camera).
        cell: file of the cell's description, or the name of one that comes with the package; names
            the robot's base frame.
        bag: topics of a rosbag2.
    """

    PARAMETERS: ClassVar[tuple[str, ...]] = (
        "recording",
        "only",
        "rate",
        "loop",
        "keep_stamps",
        "depth_encoding",
        "cell",
        "bag.color",
        "bag.depth",
        "bag.info",
        "bag.depth_unit",
        "bag.trust_depth_frame",
    )

    recording: FilePath = ""
    only: str = ""
    rate: float = 5.0
    loop: bool = True
    keep_stamps: bool = False
    depth_encoding: str = "32FC1"
    cell: FilePath = ""
    bag: BagTopics = field(default_factory=BagTopics)

    def __post_init__(self) -> None:
        if not (0 < self.rate <= 1000):
            raise ConfigError(f"rate {self.rate} is not a number of frames per second up to 1000")
        if self.depth_encoding not in ("32FC1", "16UC1"):
            raise ConfigError(f"depth_encoding '{self.depth_encoding}': use 32FC1 or 16UC1")


class CameraNode(ManagedNode[CameraNodeConfig]):
    """Publishes one recorded frame per tick."""

    def __init__(self, config: CameraNodeConfig | None = None, **options: object) -> None:
        super().__init__("camera_node", config or CameraNodeConfig(), **options)

    def setup(self) -> None:
        """Open the recording and read its first frame, so that a broken one is refused here."""
        if not self.config.recording:
            raise SequenceError("the parameter 'recording' is not set; name a folder or rosbag2")
        self._recording = open_recording(
            Path(self.config.recording), self.config.bag, self.config.only
        )
        self._frames = self._recording.frames()
        first = next(self._frames)
        self._pending: RgbdFrame | None = first
        self._publisher = RgbdPublisher(
            self,
            depth_encoding=self.config.depth_encoding,
            create_publisher=self.create_lifecycle_publisher,
        )
        self.resources.callback(self._publisher.close)
        self._timer = self.create_timer(1.0 / self.config.rate, self._tick, autostart=False)
        self.resources.callback(self.destroy_timer, self._timer)
        base = read_cell(self.config.cell).base_frame_id
        pose = self._recording.T_base_camera(base)
        if pose is not None:
            self._publisher.publish_pose(pose, base, first.frame_id)

    def start(self) -> None:
        """Play."""
        self._timer.reset()

    def stop(self) -> None:
        """Pause."""
        self._timer.cancel()

    def _tick(self) -> None:
        """Publish the next frame; a broken one is reported and left out."""
        try:
            frame = self._next()
            if frame is not None:
                self._publisher.publish(self._stamped(frame))
                self.diagnostics.set("playback", OK, f"playing {self.config.recording}")
        except GraspAffordanceError as error:
            self.diagnostics.set("playback", ERROR, f"{type(error).__name__}: {error}")

    def _next(self) -> RgbdFrame | None:
        """Return the next frame, the first one again at the end, or None when all is played."""
        frame, self._pending = self._pending, None
        if frame is None:
            frame = next(self._frames, None)
        if frame is None and self.config.loop:
            self._frames = self._recording.frames()
            frame = next(self._frames, None)
        if frame is None:
            self._timer.cancel()
            self.diagnostics.set("playback", WARN, f"{self.config.recording} is at its end")
        return frame

    def _stamped(self, frame: RgbdFrame) -> RgbdFrame:
        if self.config.keep_stamps:
            return frame
        return dataclasses.replace(frame, stamp_ns=self.get_clock().now().nanoseconds)


def main() -> int:
    """Run the camera node."""
    return run(CameraNode)


if __name__ == "__main__":
    sys.exit(main())
