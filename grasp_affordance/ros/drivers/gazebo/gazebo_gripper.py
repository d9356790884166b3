"""`VacuumSystem` in Gazebo: detachable joints that are closed and opened as a real cup would.

Subscribes (relative names): gazebo/arm_poses (of the arm's links), gazebo/object_poses,
    tool/wrench, suction/<object>/state
Publishes: suction/<object>/attach, suction/<object>/detach
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from geometry_msgs.msg import WrenchStamped
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from std_msgs.msg import Empty, String

from grasp_affordance.cell import Cup
from grasp_affordance.errors import ConfigError, GripperError
from grasp_affordance.geometry import Array
from grasp_affordance.ros.common.conversions import from_time_msg, from_transform_msg
from grasp_affordance.ros.common.freshness import NodeClock
from grasp_affordance.ros.drivers.foreign import require
from grasp_affordance.ros.drivers.gazebo.gazebo_load import LoadMeter, ToolConfig
from grasp_affordance.ros.drivers.gazebo.gazebo_seal import Solid, holds, touch
from grasp_affordance.ros.drivers.gripper.vacuum_gripper import Reading

ARM_POSES, OBJECT_POSES, WRENCH = "gazebo/arm_poses", "gazebo/object_poses", "tool/wrench"

_SHAPES = {"box": Solid((0.09, 0.06, 0.05)), "cylinder": Solid((0.025, 0.095))}
_SENSOR_NOISE = 0.05  # kilopascals; readings that never tremble would count as a stuck sensor
_MAX_AGE = 0.5  # seconds; without newer poses and wrenches there is no reading of the vacuum
_REPEAT = 0.2  # seconds between requests to open a joint that has not said that it is open
_QUEUE = 50  # messages: half a second of poses, a quarter of a second of wrenches


@dataclass(frozen=True)
class GazeboGripperConfig:
    """The world's names; its objects alternate cylinder, box, cylinder, ...

    Attributes:
        objects: how many there are.
        link: whose pose carries the cup.
        rim: of the cup before that link, along its z, metres.
        tool: what hangs on that link.
        leak: vacuum of a cup that touches but does not seal, kilopascals.
        free: vacuum of a cup in the air, kilopascals.
        rise: time constant of the vacuum, seconds.
        period: between looks, seconds.
        timeout: for Gazebo to answer, seconds.
        seed: of the sensor's noise.
    """

    objects: int = 8
    link: str = "wrist_3_link"
    rim: float = 0.150
    tool: ToolConfig = field(default_factory=ToolConfig)
    leak: float = 18.0
    free: float = 3.0
    rise: float = 0.03
    period: float = 0.01
    timeout: float = 3.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.objects < 1 or min(self.rise, self.period, self.timeout) <= 0:
            raise ConfigError("objects, rise, period and timeout must be positive")


class GazeboGripper:
    """Evaluates the seal in every period and closes or opens the joint of the object it is on.

    All durations are in the node's time: simulated where `use_sim_time` is set.
    """

    def __init__(self, node: Node, config: GazeboGripperConfig, cup: Cup) -> None:
        """Subscribe; raises ConfigError where tf2_msgs is not installed."""
        poses = require("tf2_msgs.msg", "tf2_msgs", "the suction in Gazebo").TFMessage
        self._node, self._config, self._cup = node, config, cup
        self._clock = NodeClock(node)
        self._rng = np.random.default_rng(config.seed)
        self._listeners: list[Callable[[Reading], None]] = []
        self._reading: Reading | None = None
        self._arm: Array | None = None
        self._objects: dict[str, Array] = {}
        self._meter = LoadMeter(config.tool, config.rim)
        self._arm_at = self._wrench_at = self._looked_at = -np.inf
        self._on, self._vacuum, self._held = False, 0.0, ""
        self._torn = False  # whether a load was lost that the cup rim still touches
        self._used = False  # whether the vacuum has been on since the start
        self._began = self._asked_at = np.nan  # asking for open joints
        self._lock = threading.Condition()
        kinds = ("cylinder", "box")
        names = [f"object_{n}" for n in range(1, config.objects + 1)]
        self._solids = {name: _SHAPES[kinds[i % 2]] for i, name in enumerate(names)}
        self._maybe_closed = set(names)  # joints that have not said that they are open
        self._attach = {n: node.create_publisher(Empty, f"suction/{n}/attach", 1) for n in names}
        self._detach = {n: node.create_publisher(Empty, f"suction/{n}/detach", 1) for n in names}

        def listen(kind: type, topic: str, note: Callable[[Any], None]) -> Any:
            # In a group of its own: messages of one topic are noted in their order.
            group = MutuallyExclusiveCallbackGroup()
            return node.create_subscription(kind, topic, note, _QUEUE, callback_group=group)

        self._subscriptions = [
            listen(poses, ARM_POSES, self._note_arm),
            listen(poses, OBJECT_POSES, self._note_objects),
            listen(WrenchStamped, WRENCH, self._note_wrench),
            *(listen(String, f"suction/{n}/state", self._stating(n)) for n in names),
        ]
        self._timer = node.create_timer(
            config.period, self._look, callback_group=MutuallyExclusiveCallbackGroup()
        )

    def switch_vacuum(self, on: bool) -> None:
        """See `VacuumSystem`; switching on, in the air, tares the load.

        Switching off opens the joint and waits until Gazebo says so.
        """
        with self._lock:
            if on:
                self._wait(self._meter.ready)
                self._meter.tare()
            self._on = on
            self._used = self._used or on
            self._torn = False
            held = self._held
            if not on or not held:
                self._open(held)

    def switch_blow_off(self, on: bool) -> None:
        """Do nothing: an opened joint lets go at once."""

    def newest(self) -> Reading | None:
        """See `VacuumSystem`."""
        return self._reading

    def listen(self, listener: Callable[[Reading], None]) -> None:
        """See `VacuumSystem`."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Stop; what hangs on the cup stays there."""
        self._node.destroy_timer(self._timer)
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        for publisher in [*self._attach.values(), *self._detach.values()]:
            self._node.destroy_publisher(publisher)
        self._clock.close()

    def _open(self, held: str) -> None:
        """Open what may be closed; wait until the object that is held is free."""
        for publisher in self._detach.values():
            if publisher.get_subscription_count() == 0:
                raise GripperError(f"nobody bridges {publisher.topic_name}: is ros_gz_bridge up?")
        for name in self._maybe_closed:
            self._detach[name].publish(Empty())
        if held and not self._wait(lambda: self._held != held):
            raise GripperError(f"Gazebo did not let go of {held} in {self._config.timeout:.0f} s")

    def _wait(self, condition: Callable[[], bool]) -> bool:
        """Let go of the lock until a condition holds; return whether it does within `timeout`."""
        deadline = self._clock.seconds() + self._config.timeout
        while not condition() and self._clock.seconds() < deadline:
            self._lock.wait(self._config.period)
        return condition()

    def _stating(self, name: str) -> Callable[[String], None]:
        def note(message: String) -> None:
            with self._lock:
                if message.data != "attached":
                    self._maybe_closed.discard(name)
                    if self._held == name:
                        self._held = ""
                        self._lock.notify_all()
                    return
                self._maybe_closed.add(name)
                if self._on:
                    self._held = name
                else:  # closed by Gazebo at its start, or after the vacuum was switched off
                    self._detach[name].publish(Empty())

        return note

    def _note_arm(self, message: Any) -> None:
        for stamped in message.transforms:
            if _own_name(stamped.child_frame_id) == self._config.link:
                T_world_link = from_transform_msg(stamped.transform)
                with self._lock:
                    self._arm, self._arm_at = T_world_link, self._clock.seconds()
                    self._meter.note_pose(_seconds(stamped.header.stamp), T_world_link)

    def _note_objects(self, message: Any) -> None:
        poses = {
            _own_name(t.child_frame_id): from_transform_msg(t.transform) for t in message.transforms
        }
        with self._lock:
            self._objects.update(poses)

    def _note_wrench(self, message: WrenchStamped) -> None:
        f, t = message.wrench.force, message.wrench.torque
        with self._lock:
            self._wrench_at = self._clock.seconds()
            wrench = np.array([f.x, f.y, f.z, t.x, t.y, t.z])
            self._meter.note_wrench(_seconds(message.header.stamp), wrench)

    def _look(self) -> None:
        """Advance the vacuum; close or open the joint where it must."""
        config = self._config
        with self._lock:
            now = self._clock.seconds()
            elapsed, self._looked_at = now - self._looked_at, now
            if self._arm is None or now - min(self._arm_at, self._wrench_at) > _MAX_AGE:
                return  # no reading: the gripper's own timeout says that the sensor is silent
            self._open_at_start(now)
            target = self._target(self._arm) if self._on else 0.0
            self._vacuum += (1 - np.exp(-max(0.0, elapsed) / config.rise)) * (target - self._vacuum)
            if self._held and not self._bears():
                self._torn = True
                self._detach[self._held].publish(Empty())
            noise = self._rng.normal(0, _SENSOR_NOISE)
            self._reading = Reading(now, float(self._vacuum + noise))
        for listener in self._listeners:
            listener(self._reading)

    def _open_at_start(self, now: float) -> None:
        """Ask for open joints until each has answered, or the first pick, or for `timeout`.

        Gazebo's joints begin closed, and open when the arm's model is there. A joint that is open
        already, as when only this node is started anew, gives no answer.
        """
        if np.isnan(self._began):
            self._began = now
        late = now - self._began > self._config.timeout
        if self._used or late or now - self._asked_at < _REPEAT:
            return
        self._asked_at = now
        for name in self._maybe_closed:
            self._detach[name].publish(Empty())

    def _target(self, T_world_link: Array) -> float:
        """Return the vacuum that is being reached, kilopascals; close the joint of a sealed cup."""
        if self._held and not self._torn:
            return self._cup.vacuum
        T_link_rim = np.eye(4)
        T_link_rim[2, 3] = self._config.rim
        poses = self._objects
        bodies = {n: (solid, poses[n]) for n, solid in self._solids.items() if n in poses}
        contact = touch(T_world_link @ T_link_rim, bodies, self._cup)
        self._torn = self._torn and bool(contact.name)
        if contact.sealed and not self._torn:
            self._maybe_closed.add(contact.name)
            self._attach[contact.name].publish(Empty())
            return self._cup.vacuum
        return self._config.leak if contact.name else self._config.free

    def _bears(self) -> bool:
        """Whether the seal bears what has come onto the tool since the vacuum was switched on.

        A load that is not known is not evaluated; the reading soon ends when that lasts.
        """
        load = self._meter.load()
        return load is None or holds(self._cup, self._vacuum, load.pull, load.moment)


def _own_name(scoped: str) -> str:
    """Return a name without its scope: ur::wrist_3_link, or ur/wrist_3_link from the bridge."""
    return scoped.replace("::", "/").rsplit("/", 1)[-1]


def _seconds(stamp: Any) -> float:
    return from_time_msg(stamp) * 1e-9
