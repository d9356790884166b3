"""Records a sequence of removals under a static camera: by itself, and when asked.

Subscribes (relative names): the camera's topics, as affordance_node does
Publishes: ~/state (std_msgs/String, latched: the last frame kept, or why none is), /diagnostics
Serves: ~/record (std_srvs/Trigger): keep the scene as it is now, or say why not
The Enter key does the same, where the node runs in a terminal (`ros2 run`).
"""

import logging
import os
import select
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from std_msgs.msg import String
from std_srvs.srv import Trigger

from grasp_affordance.annotation.recording.live_recorder import LiveRecorder
from grasp_affordance.annotation.recording.recorder import RecordDecision
from grasp_affordance.cell_file import read_cell
from grasp_affordance.errors import ConfigError, GraspAffordanceError, TransformError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.cell_configs import camera_pose_config, frame_source_config
from grasp_affordance.ros.common.diagnostics import ERROR, OK, WARN
from grasp_affordance.ros.common.frame_source import FrameSource
from grasp_affordance.ros.common.freshness import steady_clock
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.spin import run
from grasp_affordance.ros.common.transforms import CameraPose
from grasp_affordance.ros.recorder.recorder_config import (
    RecorderNodeConfig,
    headline,
    in_words,
    is_refusal,
)

_LOG = logging.getLogger(__name__)
_LOOK = 0.2  # seconds between looks at whether to end


class RecorderNode(ManagedNode[RecorderNodeConfig]):
    """Offers the camera's frames to the recorder."""

    def __init__(self, config: RecorderNodeConfig | None = None, **options: object) -> None:
        super().__init__("recorder_node", config or RecorderNodeConfig(), **options)
        self._state = self.create_publisher(String, "~/state", topics.LATCHED)
        # The service waits for a frame: not in the way of the frames that come by themselves.
        service_retry = MutuallyExclusiveCallbackGroup()
        self.create_service(Trigger, "~/record", self._record, callback_group=service_retry)

    def setup(self) -> None:
        """Look at the folder and subscribe to the camera."""
        config = self.config
        if not config.folder:
            raise ConfigError("the parameter 'folder' is not set; name the sequence to write")
        cell = read_cell(config.cell)
        region = np.array(cell.camera.region) if cell.camera.region else None
        self._recorder = LiveRecorder(Path(config.folder), config.recorder, region, cell.bin)
        self._pose = CameraPose(self, camera_pose_config(cell), cell.camera.topics)
        self.resources.callback(self._pose.close)
        self._frames = FrameSource(self, frame_source_config(cell))
        self.resources.callback(self._frames.close)
        if (keys := terminal()) is not None:
            self.resources.callback(EnterKey(keys, self._enter).close)
        self._seen = 0
        looking = MutuallyExclusiveCallbackGroup()
        for period, callback in ((1.0 / config.rate, self._look), (1.0, self._diagnose)):
            timer = self.create_timer(
                period, callback, callback_group=looking, clock=steady_clock()
            )
            self.resources.callback(self.destroy_timer, timer)

    def _record(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Keep a frame that is exposed from now on."""
        response.message = self.why_inactive()
        if response.message:
            return response
        try:
            frame = self._frames.read(newer_than_ns=self._now_ns())
            decision, name = self._offer(frame, asked=True)
        except GraspAffordanceError as error:
            response.message = self.report(error)
            return response
        response.success, response.message = decision.keep, in_words(decision, name)
        return response

    def _enter(self) -> None:
        """Somebody has pressed the key."""
        self.get_logger().info(self._record(Trigger.Request(), Trigger.Response()).message)

    def _look(self) -> None:
        """Evaluate the newest frame, once."""
        if not (self.active and self.config.by_itself):
            return
        try:
            frame = self._frames.newest()
            if frame is not None and frame.stamp_ns != self._seen:
                self._seen = frame.stamp_ns
                self._offer(frame)
        except GraspAffordanceError as error:
            self.diagnostics.set("recorder", ERROR, f"{type(error).__name__}: {error}")

    def _offer(self, frame: RgbdFrame, asked: bool = False) -> tuple[RecordDecision, str | None]:
        pose = self._known_pose(frame.frame_id)
        decision, name = self._recorder.offer(frame, self._now_ns(), asked, pose)
        text = in_words(decision, name)
        if name is not None:
            self.get_logger().info(text)
        level = WARN if is_refusal(decision) else OK
        # The measured facts change with every frame: they are no news.
        self.diagnostics.set("recorder", level, headline(decision), {"detail": text})
        self._state.publish(String(data=text))
        return decision, name

    def _known_pose(self, frame_id: str) -> NDArray[np.float64] | None:
        try:
            return self._pose.lookup(frame_id)
        except TransformError:
            return None

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _diagnose(self) -> None:
        problem = self._frames.problem()
        self.diagnostics.set("camera", ERROR if problem else OK, problem or "frames arrive")


class EnterKey:
    """Calls back, in a thread of its own, at each line that is typed."""

    def __init__(self, terminal: TextIO, pressed: Callable[[], None]) -> None:
        self._file, self._pressed = terminal.fileno(), pressed
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="enter key", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._end.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._end.is_set():
            if not _in_foreground(self._file):  # reading would stop the process
                self._end.wait(_LOOK)
            elif not self._read():
                return

    def _read(self) -> bool:
        """Wait a moment for what is typed; return whether more can come."""
        try:
            if not select.select([self._file], [], [], _LOOK)[0]:
                return True
            typed = os.read(self._file, 4096)
        except OSError as error:  # the terminal was closed
            _LOG.info("no more keys: %s", error)
            return False
        for _ in range(typed.count(b"\n")):
            self._pressed()
        return bool(typed)


def terminal() -> TextIO | None:
    """Return the terminal that this process can read keys from; None where there is none."""
    stream = sys.stdin
    return stream if stream is not None and not stream.closed and stream.isatty() else None


def _in_foreground(file: int) -> bool:
    """Whether this process may read from a terminal; another's is none of its jobs."""
    try:
        return os.tcgetpgrp(file) == os.getpgrp()
    except OSError:  # not the terminal that controls this process
        return True


def main() -> int:
    """Run the recorder node."""
    return run(RecorderNode)


if __name__ == "__main__":
    sys.exit(main())
