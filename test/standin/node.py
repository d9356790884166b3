"""Stands in for ur_robot_driver and realsense2_camera over the MuJoCo cell.

Publishes: /joint_states, /io_and_status_controller/{io_states, robot_mode, safety_mode,
    robot_program_running}, /speed_scaling_state_broadcaster/speed_scaling, the camera's topics
Serves: /scaled_joint_trajectory_controller/follow_joint_trajectory (action),
    /io_and_status_controller/{set_io, set_payload},
    /dashboard_client/{unlock_protective_stop, power_on, brake_release, play}
    ~/refill, ~/truth (not of any robot)
Faults: the parameters fault.kind, fault.motion, fault.progress
"""

import sys
from dataclasses import dataclass, field, replace

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from grasp_affordance.errors import ConfigError
from grasp_affordance.ros.common import parameters
from grasp_affordance.ros.common.conversions import to_header_msg
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.rgbd_publisher import RgbdPublisher
from grasp_affordance.ros.common.spin import run
from grasp_affordance.ros.drivers.gripper.vacuum_sensor import VacuumSensorConfig
from grasp_affordance.ros.drivers.moveit.moveit_config import MoveItConfig
from grasp_affordance.sim import SimConfig
from standin.faults import FaultConfig, FaultKind
from standin.io_server import IoServer
from standin.machine import Machine
from standin.trajectory_server import TrajectoryServer

_UNKNOWN_FRAME = "another_camera_color_optical_frame"


@dataclass(frozen=True)
class StandinConfig:
    """What stands in for what.

    Attributes:
        base_frame_id: frame in which the camera's pose is published.
        camera_rate: frames per second.
        vacuum_pin: digital output of the ejector.
        unlock_delay: a protective stop can be unlocked only after this, seconds (a real one: 5).
        every: publish joint and I/O states after so many control periods of 8 ms.
        sensor: how the vacuum is wired.
        sim: the simulated cell.
        fault: what goes wrong.
    """

    base_frame_id: str = "base"
    camera_rate: float = 5.0
    vacuum_pin: int = 0
    unlock_delay: float = 5.0
    every: int = 1
    sensor: VacuumSensorConfig = field(default_factory=VacuumSensorConfig)
    sim: SimConfig = field(default_factory=lambda: SimConfig(real_time_factor=1.0))
    fault: FaultConfig = field(default_factory=FaultConfig)

    def __post_init__(self) -> None:
        if not 0 < self.camera_rate <= 60 or self.every < 1 or self.unlock_delay < 0:
            raise ConfigError("camera_rate in (0, 60], every at least 1, unlock_delay at least 0")
        if self.sim.real_time_factor <= 0:
            raise ConfigError("sim.real_time_factor must be positive: a machine runs in time")


class StandinNode(ManagedNode[StandinConfig]):
    """Wires the machine to the names of the real drivers."""

    APPLIED_AT_ONCE = ("fault.",)

    def __init__(self, **options: object) -> None:
        super().__init__("ur_standin", StandinConfig(), **options)
        self._periods = 0
        self.add_post_set_parameters_callback(self._changed)

    def setup(self) -> None:
        """Build the machine and connect it; time passes from here on."""
        config = self.config
        self._names = MoveItConfig().joint_names
        self.machine = Machine(
            config.sim, config.vacuum_pin, config.unlock_delay, self._after_period
        )
        self.resources.callback(self.machine.close)
        self._joint_states = self.create_publisher(JointState, "joint_states", 10)
        self._io = IoServer(self, self.machine, config.sensor)
        self.resources.callback(self._io.close)
        server = TrajectoryServer(self, self.machine, self._names)
        self.resources.callback(server.close)
        self._camera = RgbdPublisher(self, depth_encoding="16UC1")
        self.resources.callback(self._camera.close)
        frame_id = self.machine.expose().frame_id
        self._camera.publish_pose(self.machine.camera_pose, config.base_frame_id, frame_id)
        timer = self.create_timer(
            1.0 / config.camera_rate, self._expose, callback_group=MutuallyExclusiveCallbackGroup()
        )
        self.resources.callback(self.destroy_timer, timer)
        for name, serve in (("~/refill", self._refill), ("~/truth", self._tell_truth)):
            self.create_service(Trigger, name, serve, callback_group=ReentrantCallbackGroup())
        self.machine.start()

    @property
    def payloads(self) -> list[tuple[float, tuple[float, float, float]]]:
        """What the robot was told to balance, in order: kilograms, and metres from the flange."""
        return self._io.payloads

    def _after_period(self) -> None:
        """Publish what the control loop publishes; in the physics thread."""
        self._periods += 1
        silent = self.machine.faults.active is FaultKind.SILENCE
        if silent or self._periods % self.config.every:
            return
        now = self.get_clock().now().nanoseconds
        self._joint_states.publish(
            JointState(
                header=to_header_msg(now, self.config.base_frame_id),
                name=list(self._names),
                position=self.machine.joints.tolist(),
                velocity=self.machine.velocities.tolist(),
            )
        )
        self._io.publish()

    def _expose(self) -> None:
        active = self.machine.faults.active
        if active is FaultKind.CAMERA_FREEZES:
            return
        frame = replace(self.machine.expose(), stamp_ns=int(self.get_clock().now().nanoseconds))
        if active is FaultKind.TF_MISSING:
            frame = replace(frame, frame_id=_UNKNOWN_FRAME)
        self._camera.publish(frame)

    def _changed(self, changes: list[object]) -> None:
        """Arm the fault that the parameters name now."""
        if any(str(getattr(c, "name", "")).startswith("fault.") for c in changes):
            self.machine.arm_fault(parameters.read(self, self._default).fault)

    def _refill(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = True, self.machine.refill()
        return response

    def _tell_truth(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = True, self.machine.truth()
        return response


def main() -> int:
    """Run the stand-in."""
    return run(StandinNode)


if __name__ == "__main__":
    sys.exit(main())
