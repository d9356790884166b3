"""`VacuumSystem` in Gazebo: detachable joints that are closed and opened as a real cup would.

Subscribes: /gazebo/poses (of links and objects), /tool/wrench, /suction/<object>/state
Publishes: /suction/<object>/attach, /suction/<object>/detach
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import WrenchStamped
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from std_msgs.msg import Empty, String

from grasp_affordance.cell import Cup
from grasp_affordance.errors import ConfigError, GripperError
from grasp_affordance.geometry import Array
from grasp_affordance.ros.common.conversions import from_transform_msg
from grasp_affordance.ros.drivers.foreign import require
from grasp_affordance.ros.drivers.gazebo.gazebo_seal import Solid, holds, touch
from grasp_affordance.ros.drivers.gripper.vacuum_gripper import Reading

_SHAPES = {"box": Solid((0.09, 0.06, 0.05)), "cylinder": Solid((0.025, 0.095))}
_SENSOR_NOISE = 0.05  # kilopascals; readings that never tremble would count as a stuck sensor


@dataclass(frozen=True)
class GazeboGripperConfig:
    """The world's names; its objects alternate cylinder, box, cylinder, ...

    Attributes:
        objects: how many there are.
        link: whose pose carries the cup.
        rim: of the cup before that link, along its z, metres.
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
    """Evaluates the seal in every period and closes or opens the joint of the object it is on."""

    def __init__(self, node: Node, config: GazeboGripperConfig, cup: Cup) -> None:
        """Subscribe; raises ConfigError where tf2_msgs is not installed."""
        poses = require("tf2_msgs.msg", "tf2_msgs", "the suction in Gazebo").TFMessage
        self._node, self._config, self._cup = node, config, cup
        self._rng = np.random.default_rng(config.seed)
        self._listeners: list[Callable[[Reading], None]] = []
        self._reading: Reading | None = None
        self._poses: dict[str, Array] = {}
        self._wrench, self._unloaded = np.zeros(6), np.zeros(6)
        self._on, self._vacuum, self._held = False, 0.0, ""
        self._torn = False  # whether a load was lost that the cup rim still touches
        self._used = False  # whether the vacuum has been on since the start
        self._free = threading.Event()
        self._lock = threading.Lock()
        kinds = ("cylinder", "box")
        names = [f"object_{n}" for n in range(1, config.objects + 1)]
        self._solids = {name: _SHAPES[kinds[i % 2]] for i, name in enumerate(names)}
        self._attach = {n: node.create_publisher(Empty, f"suction/{n}/attach", 1) for n in names}
        self._detach = {n: node.create_publisher(Empty, f"suction/{n}/detach", 1) for n in names}
        group = ReentrantCallbackGroup()
        listen = node.create_subscription
        self._subscriptions = [
            listen(poses, "gazebo/poses", self._note_poses, 1, callback_group=group),
            listen(WrenchStamped, "tool/wrench", self._note_wrench, 1, callback_group=group),
            *(
                listen(String, f"suction/{n}/state", self._stating(n), 10, callback_group=group)
                for n in names
            ),
        ]
        self._timer = node.create_timer(config.period, self._look, callback_group=group)

    def switch_vacuum(self, on: bool) -> None:
        """See `VacuumSystem`; switching off opens the joint and waits until Gazebo says so."""
        with self._lock:
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

    def _open(self, held: str) -> None:
        self._free.clear()
        for publisher in self._detach.values():
            if publisher.get_subscription_count() == 0:
                raise GripperError(f"nobody bridges {publisher.topic_name}: is ros_gz_bridge up?")
            publisher.publish(Empty())
        if held and not self._free.wait(self._config.timeout):
            raise GripperError(f"Gazebo did not let go of {held} in {self._config.timeout:.0f} s")

    def _stating(self, name: str) -> Callable[[String], None]:
        def note(message: String) -> None:
            with self._lock:
                if message.data == "attached":
                    self._held = name
                elif self._held == name:
                    self._held = ""
                    self._free.set()

        return note

    def _note_poses(self, message: Any) -> None:
        # Gazebo scopes names: ur::wrist_3_link, which the bridge may turn into ur/wrist_3_link.
        poses = {
            t.child_frame_id.replace("::", "/").rsplit("/", 1)[-1]: from_transform_msg(t.transform)
            for t in message.transforms
        }
        with self._lock:
            self._poses.update(poses)

    def _note_wrench(self, message: WrenchStamped) -> None:
        f, t = message.wrench.force, message.wrench.torque
        self._wrench = np.array([f.x, f.y, f.z, t.x, t.y, t.z])

    def _look(self) -> None:
        """Advance the vacuum by one period; close or open the joint where it must."""
        config = self._config
        with self._lock:
            if not self._used:  # Gazebo's joints begin closed, and may appear after this node
                for publisher in self._detach.values():
                    publisher.publish(Empty())
            if config.link not in self._poses:
                return  # no reading: the gripper's own timeout says that the sensor is silent
            target = self._target() if self._on else 0.0
            share = 1 - np.exp(-config.period / config.rise)
            self._vacuum += share * (target - self._vacuum)
            if self._held and not self._bears():
                self._torn = True
                self._detach[self._held].publish(Empty())
            noise = self._rng.normal(0, _SENSOR_NOISE)
            self._reading = Reading(time.monotonic(), float(self._vacuum + noise))
        for listener in self._listeners:
            listener(self._reading)

    def _target(self) -> float:
        """Return the vacuum that is being reached, kilopascals; close the joint of a sealed cup."""
        if self._held and not self._torn:
            return self._cup.vacuum
        T_link_rim = np.eye(4)
        T_link_rim[2, 3] = self._config.rim
        bodies = {n: (s, self._poses[n]) for n, s in self._solids.items() if n in self._poses}
        contact = touch(self._poses[self._config.link] @ T_link_rim, bodies, self._cup)
        self._torn = self._torn and bool(contact.name)
        if contact.sealed and not self._torn:
            self._unloaded = self._wrench.copy()
            self._attach[contact.name].publish(Empty())
            return self._cup.vacuum
        return self._config.leak if contact.name else self._config.free

    def _bears(self) -> bool:
        """Whether the seal bears what has come onto the tool since it closed."""
        force, torque = np.split(self._wrench - self._unloaded, 2)
        # The measured moment is about the joint; the cup rim is `rim` further along z.
        at_cup_rim = torque - np.cross([0.0, 0.0, self._config.rim], force)
        moment = float(np.hypot(at_cup_rim[0], at_cup_rim[1]))
        return holds(self._cup, self._vacuum, abs(float(force[2])), moment)
