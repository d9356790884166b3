"""The newest RGB-D frame of a camera's topics, for whoever needs one: waits, checks, explains."""

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from grasp_affordance.errors import CameraError, ConfigError, StaleFrameError
from grasp_affordance.messages.images import from_rgbd_msgs, is_rectified
from grasp_affordance.messages.synchroniser import Synchroniser, SynchroniserConfig
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.conversions import from_time_msg


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


@dataclass(frozen=True)
class Keep:
    """What is kept for `FrameSource.at`; the newest frame is in any case.

    Attributes:
        count: at most so many frames.
        age: since they came, seconds; looked at when the next one comes.
    """

    count: int = 1
    age: float = math.inf

    def __post_init__(self) -> None:
        if not (self.count >= 1 and self.age >= 0):
            raise ConfigError(f"cannot keep {self.count} frames for {self.age} s")


class _MatchedSet:
    """Color, depth and camera info of one instant, as they came."""

    def __init__(self, messages: tuple[Any, ...], rectified: bool) -> None:
        self._messages, self._rectified = messages, rectified
        self.stamp_ns = from_time_msg(messages[0].header.stamp)
        self.came_at = time.monotonic()

    @cached_property
    def frame(self) -> RgbdFrame:
        """The frame; raises FrameError or GeometryError where it cannot be used."""
        color, depth, info = self._messages
        return from_rgbd_msgs(color, depth, info, self._rectified)


class FrameSource:
    """Subscribes to color, aligned depth and camera info, and keeps the newest matching set.

    Messages become a `RgbdFrame` only when somebody asks, once per frame.
    """

    def __init__(self, node: Node, config: FrameSourceConfig) -> None:
        self.config = config
        self._node = node
        names = (topics.COLOR, topics.ALIGNED_DEPTH, topics.COLOR_INFO)
        self._topics = tuple(f"{config.camera}/{name}" for name in names)
        self._rectified = is_rectified(node.resolve_topic_name(self._topics[0]))
        self._synchroniser = Synchroniser(self._topics, config.synchroniser)
        self._arrived = threading.Condition()
        self._keep = Keep()
        self._kept: deque[_MatchedSet] = deque()  # the newest last
        self._closed = False
        group = MutuallyExclusiveCallbackGroup()
        self._subscriptions = [
            node.create_subscription(
                kind, topic, self._receiver(topic), topics.IMAGE_SUBSCRIPTION, callback_group=group
            )
            for kind, topic in zip((Image, Image, CameraInfo), self._topics, strict=True)
        ]

    def remember(self, keep: Keep) -> None:
        """Keep more than the newest set from now on, for `at`."""
        with self._arrived:
            self._keep = keep

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
            return self._kept[-1].frame

    def newest(self) -> RgbdFrame | None:
        """Return the newest frame at once, however old; None before the first.

        Raises:
            FrameError, GeometryError: it cannot be used.
        """
        with self._arrived:
            return self._kept[-1].frame if self._kept else None

    def at(self, stamp_ns: int, timeout: float = 0.0) -> RgbdFrame:
        """Return the frame of this very stamp, however old.

        One that may still come is waited for, at most `timeout` seconds.

        Raises:
            CameraError: it is not kept any more, or did not come.
            FrameError, GeometryError: it cannot be used.
        """
        deadline = time.monotonic() + timeout
        with self._arrived:
            while (found := self._find(stamp_ns)) is None:
                left = deadline - time.monotonic()
                if left <= 0 or self._closed or self._is_past(stamp_ns):
                    raise self._lost(stamp_ns, timeout)
                self._arrived.wait(left)
            return found.frame

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
                    self._add(_MatchedSet(matched, self._rectified))
                    self._arrived.notify_all()

        return receive

    def _add(self, matched: _MatchedSet) -> None:
        """Keep a set, and drop those that are too many or too old; the lock is held."""
        kept, keep = self._kept, self._keep
        kept.append(matched)
        while len(kept) > keep.count or matched.came_at - kept[0].came_at > keep.age:
            kept.popleft()

    def _find(self, stamp_ns: int) -> _MatchedSet | None:
        return next((kept for kept in reversed(self._kept) if kept.stamp_ns == stamp_ns), None)

    def _is_past(self, stamp_ns: int) -> bool:
        """Whether a newer set has come: no topic gives its messages in another order."""
        return bool(self._kept) and self._kept[-1].stamp_ns > stamp_ns

    def _age(self) -> float:
        """Return the age of the newest set by the node's clock, seconds."""
        return (self._node.get_clock().now().nanoseconds - self._kept[-1].stamp_ns) * 1e-9

    def _is_fresh(self, newer_than_ns: int | None) -> bool:
        if not self._kept:
            return False
        if newer_than_ns and self._kept[-1].stamp_ns <= newer_than_ns:
            return False
        return self.config.max_age == 0 or self._age() <= self.config.max_age

    def _lost(self, stamp_ns: int, patience: float) -> CameraError:
        if not self._is_past(stamp_ns):
            return CameraError(f"it has not come within {patience:.1f} s: {self._why()}")
        if self._kept[0].stamp_ns < stamp_ns:
            return CameraError("it was lost on the way here, and newer ones have come")
        reach = (self._kept[-1].stamp_ns - self._kept[0].stamp_ns) * 1e-9
        behind = (self._kept[-1].stamp_ns - stamp_ns) * 1e-9
        return CameraError(
            f"it is not kept any more: the last {len(self._kept)} frames reach back {reach:.1f} s, "
            f"it is {behind:.1f} s older than the newest"
        )

    def _missing(self, newer_than_ns: int | None, patience: float) -> CameraError:
        if not self._kept:
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
