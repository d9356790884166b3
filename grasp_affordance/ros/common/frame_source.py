"""The newest RGB-D frame of a camera's topics, for whoever needs one: waits, checks, explains.

A frame counts as newer than a question only if both say so: its stamp, and the time when it came.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from grasp_affordance.errors import (
    CameraError,
    ConfigError,
    GraspAffordanceError,
    StaleFrameError,
)
from grasp_affordance.messages.images import (
    MILLIMETRE,
    check_depth_unit,
    from_rgbd_msgs,
    is_rectified,
)
from grasp_affordance.messages.synchroniser import Synchroniser, SynchroniserConfig
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.conversions import from_time_msg
from grasp_affordance.ros.common.freshness import Arrival, NodeClock

_POLL = 0.01  # seconds between looks at a stamp that is a little ahead of the clock


@dataclass(frozen=True)
class FrameSourceConfig:
    """Which frames are good enough.

    Attributes:
        camera: prefix of the camera's topics, relative to the node's namespace.
        max_age: a frame is stale when its stamp is older than this, or when it came longer ago,
            seconds; 0 means no limit.
        timeout: how long to wait for a fresh frame, seconds.
        depth_unit: metres per count of a 16-bit depth image.
        trust_depth_frame: take the depth as aligned to color although its header names another
            frame than the color's; some drivers stamp it so.
        synchroniser: when color, depth and camera info belong together.
    """

    camera: str = topics.CAMERA
    max_age: float = 1.0
    timeout: float = 2.0
    depth_unit: float = MILLIMETRE
    trust_depth_frame: bool = False
    synchroniser: SynchroniserConfig = field(default_factory=SynchroniserConfig)

    def __post_init__(self) -> None:
        if not (self.max_age >= 0 and self.timeout >= 0):
            raise ConfigError(f"max_age {self.max_age} s and timeout {self.timeout} s: below 0")
        check_depth_unit(self.depth_unit)


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

    def __init__(
        self,
        arrived: tuple[tuple[Any, Arrival], ...],
        config: FrameSourceConfig,
        rectified: bool,
    ) -> None:
        self._config, self._rectified = config, rectified
        self._messages = tuple(message for message, _ in arrived)
        self.stamp_ns = from_time_msg(self._messages[0].header.stamp)
        self.arrival = min((arrival for _, arrival in arrived), key=lambda each: each.steady)

    @cached_property
    def frame(self) -> RgbdFrame:
        """The frame; raises FrameError or GeometryError where it cannot be used."""
        color, depth, info = self._messages
        return from_rgbd_msgs(
            color,
            depth,
            info,
            self._rectified,
            depth_unit=self._config.depth_unit,
            trust_depth_frame=self._config.trust_depth_frame,
        )


class FrameSource:
    """Subscribes to color, aligned depth and camera info, and keeps the newest matching set.

    Messages become a `RgbdFrame` only when somebody asks, once per frame.
    """

    def __init__(self, node: Node, config: FrameSourceConfig) -> None:
        self.config = config
        self._node = node
        self._clock = NodeClock(node, self._forget)
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
        chosen: _MatchedSet | None = None
        with self._arrived:
            while True:
                if chosen is None or self._doubt(chosen):
                    chosen = self._fresh(newer_than_ns)
                # Its stamp may be a little ahead: by the time it is returned, it is past.
                if chosen is not None and self._clock.ahead(chosen.stamp_ns) <= 0:
                    return chosen.frame
                left = deadline - time.monotonic()
                if left <= 0 or self._closed:
                    raise self._missing(newer_than_ns, patience)
                self._arrived.wait(left if chosen is None else min(left, _POLL))

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

    def problem(self, find_pose: Callable[[str], object] = lambda _: None) -> str:
        """Return why nothing can be evaluated, for diagnostics; empty when all is well.

        Args:
            find_pose: looks the camera's pose up for an optical frame, and raises what is wrong.
        """
        with self._arrived:
            if not self._fresh(None):
                return self._why()
        try:
            frame = self.newest()
            if frame is not None:
                find_pose(frame.frame_id)
        except GraspAffordanceError as error:
            return f"{type(error).__name__}: {error}"
        return ""

    def close(self) -> None:
        """Stop listening; whoever waits gets a CameraError."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._clock.close()

    def _receiver(self, topic: str) -> Any:
        def receive(message: Image | CameraInfo) -> None:
            with self._arrived:
                arrival = self._clock.arrival()
                if arrival.ros_ns == 0:
                    return  # before /clock has said the time nothing can be evaluated
                stamp = from_time_msg(message.header.stamp)
                matched = self._synchroniser.add(topic, stamp, (message, arrival))
                if matched is not None:
                    self._add(_MatchedSet(matched, self.config, self._rectified))
                    self._arrived.notify_all()

        return receive

    def _add(self, matched: _MatchedSet) -> None:
        """Keep a set, and drop those that are too many or too old; the lock is held."""
        kept, keep = self._kept, self._keep
        kept.append(matched)
        came = matched.arrival.steady
        while len(kept) > keep.count or came - kept[0].arrival.steady > keep.age:
            kept.popleft()

    def _forget(self) -> None:
        """Drop all that came before the clock started again."""
        with self._arrived:
            self._kept.clear()
            self._synchroniser.clear()

    def _find(self, stamp_ns: int) -> _MatchedSet | None:
        return next((kept for kept in reversed(self._kept) if kept.stamp_ns == stamp_ns), None)

    def _is_past(self, stamp_ns: int) -> bool:
        """Whether a newer set has come: no topic gives its messages in another order."""
        return bool(self._kept) and self._kept[-1].stamp_ns > stamp_ns

    def _fresh(self, newer_than_ns: int | None) -> _MatchedSet | None:
        """Return the newest set if it may be used; the lock is held."""
        if not self._kept:
            return None
        newest = self._kept[-1]
        # A camera whose clock is ahead stamps what it saw before the question as later than it.
        came = min(newest.stamp_ns, newest.arrival.ros_ns)
        if (newer_than_ns and came <= newer_than_ns) or self._doubt(newest):
            return None
        return newest

    def _doubt(self, matched: _MatchedSet) -> str:
        limit = self.config.max_age or math.inf
        return self._clock.penalty(matched.stamp_ns, limit, matched.arrival)

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
        return StaleFrameError(f"no frame {asked} within {patience:.1f} s: {self._why()}")

    def _why(self) -> str:
        """Return why there is no frame that may be used; the lock is held."""
        if problem := self._clock.problem():
            return problem
        apart = self._synchroniser.problem()
        running = f"is the camera running, and does it publish {', '.join(self._topics)}?"
        if not self._kept:
            return "; ".join(filter(None, (self._clock.restarted(), apart or running)))
        newest = self._kept[-1]
        penalty, silence = self._doubt(newest), self._clock.silence(newest.arrival)
        if penalty and silence <= self.config.max_age:
            return penalty
        return f"{penalty or f'the newest came {silence:.1f} s ago'}; {apart or running}"
