"""Tells the UR's controller what hangs on the flange, through its driver's service `set_payload`.

A controller that reckons with the wrong mass stops by itself, or feels a force where there is none.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import Vector3
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from grasp_affordance.arrays import Array
from grasp_affordance.cell import Load, Point
from grasp_affordance.cell_description import Pose, ToolDescription
from grasp_affordance.errors import ConfigError, PayloadError
from grasp_affordance.geometry import from_quaternion
from grasp_affordance.ros.common.service_retry import call_within
from grasp_affordance.ros.drivers.foreign import require


@dataclass(frozen=True)
class UrPayloadConfig:
    """The tool, and where a load hangs on it; the frame is that of the flange (`tool0`).

    Attributes:
        controller: name of the driver's I/O controller, relative to the namespace.
        mass: of the tool, kilograms; 0 leaves the payload as the pendant has it.
        centre: (x, y, z) of the tool's centre of mass, metres.
        rim: of the cup: x y z (metres) and quaternion x y z w; a load hangs along its z axis.
        timeout: for the service to answer, seconds.
    """

    controller: str = "io_and_status_controller"
    mass: float = ToolDescription.mass
    centre: Point = ToolDescription.centre_of_mass
    rim: Pose = ToolDescription.rim
    timeout: float = 2.0

    def __post_init__(self) -> None:
        if not self.mass >= 0 or self.timeout <= 0:
            raise ConfigError("the tool's mass must not be negative, timeout must be positive")


class UrPayload:
    """Keeps the controller's payload at that of the tool, or of tool and load."""

    def __init__(self, node: Node, config: UrPayloadConfig) -> None:
        """Make the client.

        Raises:
            ConfigError: ur_msgs is not installed.
        """
        self._node, self._config = node, config
        self._set_payload: Any = require("ur_msgs.srv", "ur_msgs", "the robot's payload").SetPayload
        self._client = node.create_client(
            self._set_payload,
            f"{config.controller}/set_payload",
            callback_group=ReentrantCallbackGroup(),
        )

    def tell(self, load: Load | None) -> None:
        """Have the controller balance tool and load; None: the tool alone.

        Raises:
            PayloadError: it refuses, or its driver does not answer.
        """
        mass, centre = payload_of(self._config, load)
        # Newer drivers have inertia and transition time beside; what is not set is as before them.
        request = self._set_payload.Request(
            mass=mass, center_of_gravity=Vector3(**dict(zip("xyz", centre.tolist(), strict=True)))
        )
        answer = call_within(self._client, request, self._config.timeout, PayloadError)
        if not answer.success:
            what = "the tool alone" if load is None else "tool and load"
            raise PayloadError(
                f"the robot refused a payload of {mass:.2f} kg ({what}): is its program running, "
                "and is the mass within what this arm may carry (tool.mass, pick.load_mass)?"
            )

    def close(self) -> None:
        """Take the client out of the graph; the payload stays as it is."""
        self._node.destroy_client(self._client)


def payload_of(config: UrPayloadConfig, load: Load | None) -> tuple[float, Array]:
    """Return mass, kilograms, and centre of mass (3,), metres, flange frame, of tool and load."""
    centre = np.array(config.centre, dtype=np.float64)
    if load is None or load.mass == 0:
        return config.mass, centre
    T_flange_rim = from_quaternion(config.rim[:3], config.rim[3:])
    hanging = T_flange_rim[:3, 3] + load.length / 2 * T_flange_rim[:3, 2]
    mass = config.mass + load.mass
    return mass, (config.mass * centre + load.mass * hanging) / mass
