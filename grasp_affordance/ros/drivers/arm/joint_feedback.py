"""Where the joints are and whether they stand still, from `/joint_states`."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState

from grasp_affordance.arrays import Array
from grasp_affordance.errors import DriverLostError

_NEWEST = QoSProfile(depth=1)
_POLL = 0.02  # seconds of real time between looks at the clock
_STILL_SAMPLES = 3  # in a row


@dataclass(frozen=True, eq=False)
class JointSample:
    """One joint state in the planner's order.

    Attributes:
        number: counts the samples.
        time: of arrival, seconds, by the clock of the feedback.
        positions, velocities: (J,) radians and rad/s.
    """

    number: int
    time: float
    positions: Array
    velocities: Array


class JointFeedback:
    """Keeps the newest sample; joints of other machines on the same topic are left out."""

    def __init__(
        self,
        node: Node,
        joint_names: tuple[str, ...],
        topic: str,
        on_sample: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Subscribe.

        Args:
            on_sample: called whenever all joints came.
            clock: seconds, for times and timeouts.
        """
        self._clock = clock
        self._node = node
        self._names = joint_names
        self._on_sample = on_sample
        self._arrived = threading.Condition()
        self._newest: JointSample | None = None
        # Not the group of the transitions and of ~/stop, which wait for what is heard here.
        group = MutuallyExclusiveCallbackGroup()
        self._subscription = node.create_subscription(
            JointState, topic, self._note, _NEWEST, callback_group=group
        )

    def newest(self) -> JointSample:
        """Return the newest sample.

        Raises:
            DriverLostError: none has come yet.
        """
        with self._arrived:
            if self._newest is None:
                raise DriverLostError(
                    f"no joint state with {', '.join(self._names)}: is the robot's driver running, "
                    "and is the prefix of its joints right?"
                )
            return self._newest

    def wait(self, after: int, timeout: float) -> JointSample | None:
        """Return the first sample after a number; None when none comes within `timeout` seconds."""
        deadline = self._clock() + timeout
        with self._arrived:
            while True:
                newest = self._newest
                if newest is not None and newest.number > after:
                    return newest
                if self._clock() >= deadline:
                    return None
                self._arrived.wait(_POLL)

    def wait_still(self, speed: float, timeout: float) -> bool:
        """Wait until no joint is faster than `speed`, rad/s; return whether that was in time.

        Only samples from now on count.
        """
        deadline = self._clock() + timeout
        still, number = 0, self.newest().number
        while still < _STILL_SAMPLES:
            sample = self.wait(number, max(0.0, deadline - self._clock()))
            if sample is None:
                return False
            number = sample.number
            still = still + 1 if np.abs(sample.velocities).max() <= speed else 0
            if still < _STILL_SAMPLES and self._clock() > deadline:
                return False
        return True

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)

    def _note(self, message: JointState) -> None:
        index = {name: i for i, name in enumerate(message.name)}
        if not all(name in index for name in self._names):
            return
        order = [index[name] for name in self._names]
        positions = np.array([message.position[i] for i in order])
        if not np.isfinite(positions).all():
            return
        now = self._clock()
        with self._arrived:
            last = self._newest
            if len(message.velocity) == len(message.name):
                velocities = np.array([message.velocity[i] for i in order])
            elif last is not None and now > last.time:
                velocities = (positions - last.positions) / (now - last.time)
            else:
                velocities = np.full(len(order), np.inf)  # not known to stand still
            number = 0 if last is None else last.number + 1
            self._newest = JointSample(number, now, positions, velocities)
            self._arrived.notify_all()
        self._on_sample()
