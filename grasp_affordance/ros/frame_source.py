"""The newest RGB-D frame of a camera's topics, for whoever needs one: waits, checks, explains."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from grasp_affordance.errors import CameraError, ConfigError, StaleFrameError
from grasp_affordance.messages.images import from_rgbd_msgs
from grasp_affordance.messages.synchroniser import Synchroniser, SynchroniserConfig
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros import topics
from grasp_affordance.ros.conversions import from_time_msg


@dataclass(frozen=True)
class FrameSourceConfig:
    """Which frames are good enough.

    Attributes:
        camera: prefix of the camera's topics, relative to the node's namespace.
        max_age: a frame older than this is stale, seconds; 0 means no limit.
        timeout: how long to wait for a fresh frame, seconds.
        synchroniser: when color, depth and camera info belong together.
    """

    camera: str = topics.CAMERA
    max_age: float = 1.0
    timeout: float = 2.0
    synchroniser: SynchroniserConfig = field(default_factory=SynchroniserConfig)

    def __post_init__(self) -> None:
        if not (self.max_age >= 0 and self.timeout >= 0):
            raise ConfigError(f"max_age {self.max_age} s and timeout {self.timeout} s: below 0")


class FrameSource:
    """Subscribes to color, aligned depth and camera info, and keeps the newest matching set.

    Messages become a `RgbdFrame` only when somebody asks, once per frame.
    """

    def __init__(self, node: Node, config: FrameSourceConfig) -> None:
        self.config = config
        self._node = node
        names = (topics.COLOR, topics.ALIGNED_DEPTH, topics.COLOR_INFO)
        self._topics = tuple(f"{config.camera}/{name}" for name in names)
        self._synchroniser = Synchroniser(self._topics, config.synchroniser)
        self._arrived = threading.Condition()
        self._newest: tuple[Any, ...] | None = None
        self._converted: tuple[tuple[Any, ...], RgbdFrame] | None = None
        self._closed = False
        group = MutuallyExclusiveCallbackGroup()
        self._subscriptions = [
            node.create_subscription(
                kind, topic, self._receiver(topic), topics.IMAGE_SUBSCRIPTION, callback_group=group
            )
            for kind, topic in zip((Image, Image, CameraInfo), self._topics, strict=True)
        ]

    def read(self, newer_than_ns: int | None = None, timeout: float | None = None) -> RgbdFrame:
        """Return a fresh frame, waiting for it at most `timeout` seconds (default: the config's).

        Args:
            newer_than_ns: only a frame exposed after this stamp, nanoseconds.

        Raises:
            CameraError: no frame at all came; StaleFrameError: none fresh enough came.
            FrameError, GeometryError: the frame cannot be used.
        """
        patience = self.config.timeout if timeout is None else timeout
        deadline = time.monotonic() + patience
        with self._arrived:
            while not self._is_fresh(newer_than_ns):
                left = deadline - time.monotonic()
                if left <= 0 or self._closed:
                    raise self._missing(newer_than_ns, patience)
                self._arrived.wait(left)
            return self._frame()

    def newest(self) -> RgbdFrame | None:
        """Return the newest frame at once, however old; None before the first.

        Raises:
            FrameError, GeometryError: it cannot be used.
        """
        with self._arrived:
            return None if self._newest is None else self._frame()

    def problem(self) -> str:
        """Return why no frames come, for diagnostics; empty when all is well."""
        with self._arrived:
            if self._is_fresh(None):
                return ""
            return self._why()

    def close(self) -> None:
        """Stop listening; whoever waits gets a CameraError."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _receiver(self, topic: str) -> Any:
        def receive(message: Image | CameraInfo) -> None:
            with self._arrived:
                stamp = from_time_msg(message.header.stamp)
                matched = self._synchroniser.add(topic, stamp, message)
                if matched is not None:
                    self._newest = matched
                    self._arrived.notify_all()

        return receive

    def _frame(self) -> RgbdFrame:
        """Convert the newest set; the lock is held."""
        assert self._newest is not None
        if self._converted is None or self._converted[0] is not self._newest:
            self._converted = (self._newest, from_rgbd_msgs(*self._newest))
        return self._converted[1]

    def _age(self) -> float:
        """Return the age of the newest set by the node's clock, seconds."""
        assert self._newest is not None
        stamp = from_time_msg(self._newest[0].header.stamp)
        return (self._node.get_clock().now().nanoseconds - stamp) * 1e-9

    def _is_fresh(self, newer_than_ns: int | None) -> bool:
        if self._newest is None:
            return False
        if newer_than_ns and from_time_msg(self._newest[0].header.stamp) <= newer_than_ns:
            return False
        return self.config.max_age == 0 or self._age() <= self.config.max_age

    def _missing(self, newer_than_ns: int | None, patience: float) -> CameraError:
        if self._newest is None:
            return CameraError(f"no frame within {patience:.1f} s: {self._why()}")
        asked = "newer than asked" if newer_than_ns else f"of the last {self.config.max_age:.1f} s"
        return StaleFrameError(
            f"no frame {asked} within {patience:.1f} s; the newest is {self._age():.1f} s old: "
            f"{self._why()}"
        )

    def _why(self) -> str:
        return self._synchroniser.problem() or (
            f"is the camera running, and does it publish {', '.join(self._topics)}?"
        )
