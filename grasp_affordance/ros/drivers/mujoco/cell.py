"""The simulated cell in the graph: its camera on the topics of a RealSense, its bin refilled.

Physics and camera live in the executor's process; everything else sees topics and services only,
as with a physical cell. Frames get the node's present time as their stamp, because everybody else
in the graph lives in that time; durations of picks stay in simulated seconds.
"""

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

from numpy import float64
from numpy.typing import NDArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.errors import ConfigError
from grasp_affordance.execution.activity import Activity
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common.config_values import FilePath
from grasp_affordance.ros.common.conversions import to_header_msg
from grasp_affordance.ros.common.rgbd_publisher import RgbdPublisher
from grasp_affordance.ros.drivers.moveit.moveit_config import MoveItConfig
from grasp_affordance.ros.executor.executor_config import SimulationConfig
from grasp_affordance.ros.executor.topic_camera import TopicCamera
from grasp_affordance.sim import SimCell, SimConfig
from grasp_affordance.sim.vision.film import Film, FilmConfig

_JOINT_RATE = 15.0  # Hz, of the joint states that RViz shows


@dataclass(frozen=True)
class MujocoConfig:
    """The simulated cell as a driver.

    Attributes:
        camera_rate: frames per second that its camera publishes unasked.
        tf_prefix: before the name of its camera's frame.
        bin: as described; None where it has to be found.
        sim: what is simulated.
        film_path: MP4 that shows every motion from the side; it appears when the cell is
            disconnected. Empty: none.
        film: how it looks.
    """

    camera_rate: float = 2.0
    tf_prefix: str = ""
    bin: BinGeometry | None = None
    sim: SimConfig = field(default_factory=SimConfig)
    film_path: FilePath = ""
    film: FilmConfig = field(
        default_factory=lambda: FilmConfig(640, 368, fps=12, speed=4.0, shadows=False)
    )

    def __post_init__(self) -> None:
        if not 0 < self.camera_rate <= 100:
            raise ConfigError(f"camera_rate {self.camera_rate} Hz is not between 0 and 100")


def mujoco_config(cell: CellDescription, play: SimulationConfig) -> MujocoConfig:
    """Return the simulated cell of a description, and what it plays.

    A bin that has to be found is the first of `bins`, where the default bin stands.

    Raises:
        ConfigError: the cell has no bin.
    """
    cell.require_bin()
    box = cell.bin or BinGeometry(size=cell.bins[0])
    return MujocoConfig(
        camera_rate=play.camera_rate,
        tf_prefix=cell.tf_prefix,
        bin=cell.bin,
        sim=SimConfig.of(
            replace(cell, bin=box, bins=()),
            scene=play.scene,
            hardness=play.hardness,
            objects=play.objects,
            seed=play.seed,
            real_time_factor=play.real_time_factor,
        ),
        film_path=play.film_path,
    )


class MujocoDriver:
    """Serves `~/refill` (a new stack) and `~/camera_power` (an unplugged camera).

    Attributes:
        cell: arm and gripper of the simulator, camera through the topics.
        activity: who may move the arm; a refill waits its turn as well.
    """

    def __init__(
        self, node: Node, config: MujocoConfig, camera: TopicCamera, base_frame_id: str
    ) -> None:
        self._node = node
        self._sim = SimCell(config.sim)
        self._film = (
            Film(self._sim, Path(config.film_path), config.film) if config.film_path else None
        )
        self._camera = camera
        self._exposing = threading.Lock()
        self._powered = self._connected = True
        self._prefix = config.tf_prefix
        self._publisher = RgbdPublisher(node)
        simulated = self._sim.as_cell()
        self.activity = Activity(simulated.arm)
        self.cell = replace(simulated, camera=self, bin=config.bin, now_ns=self._now_ns)
        frame_id = self._expose().frame_id
        self._publisher.publish_pose(self._sim.camera.pose(), base_frame_id, frame_id)
        # Not the group of anything that waits for a frame.
        group = MutuallyExclusiveCallbackGroup()
        self._timer = node.create_timer(
            1.0 / config.camera_rate, self._expose_if_powered, callback_group=group
        )
        self._joints = node.create_publisher(JointState, "joint_states", 10)
        self._joint_names = [config.tf_prefix + name for name in MoveItConfig().joint_names]
        self._joint_timer = node.create_timer(
            1.0 / _JOINT_RATE, self._tell_joints, callback_group=MutuallyExclusiveCallbackGroup()
        )
        self._services = [
            node.create_service(Trigger, "~/refill", self._refill),
            node.create_service(SetBool, "~/camera_power", self._switch_camera),
        ]

    def read(self, newer_than_ns: int | None = None) -> RgbdFrame:
        """Expose a frame now and take it from the topics, as everybody else does.

        Raises:
            CameraError: the camera is off, or the topics do not arrive.
        """
        self._expose_if_powered()
        return self._camera.read(newer_than_ns)

    def pose(self) -> NDArray[float64]:
        """Return `T_base_camera` (4, 4) as calibrated."""
        return self._camera.pose()

    def problem(self) -> str:
        """Return why the arm cannot move: never, here."""
        return ""

    def facts(self) -> dict[str, object]:
        """Return what the driver of a robot would know: nothing, here."""
        return {}

    def close(self) -> None:
        """Take the cell out of the graph."""
        for timer in (self._timer, self._joint_timer):
            self._node.destroy_timer(timer)
        for service in self._services:
            self._node.destroy_service(service)
        self._publisher.close()
        with self._exposing:
            self._powered = self._connected = False
            self._node.destroy_publisher(self._joints)
            if self._film is not None:
                self._film.close()
            self._sim.close()

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)

    def _expose_if_powered(self) -> None:
        with self._exposing:
            if self._powered:
                self._expose()

    def _expose(self) -> RgbdFrame:
        """Publish a frame; it shows the physics between two control periods."""
        stamp_ns = self._now_ns()
        frame = self._sim.camera.read()
        frame = replace(frame, stamp_ns=stamp_ns, frame_id=self._prefix + frame.frame_id)
        self._publisher.publish(frame)
        return frame

    def _tell_joints(self) -> None:
        """Publish where the arm is, for RViz."""
        with self._exposing:
            if not self._connected or not self._joints.get_subscription_count():
                return
            with self._sim.world.lock:
                angles = self._sim.arm.joints.tolist()
            header = to_header_msg(self._now_ns(), "")
            self._joints.publish(JointState(header=header, name=self._joint_names, position=angles))

    def _refill(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        with self.activity.acquire() as free, self._exposing:
            if free:
                self._sim.next_stack()
        response.success = free
        response.message = (
            f"{self._sim.objects_left()} objects, stack {self._sim.stack}"
            if free
            else "the arm is at work; stop picking first"
        )
        return response

    def _switch_camera(
        self, request: SetBool.Request, response: SetBool.Response
    ) -> SetBool.Response:
        self._powered = bool(request.data)
        response.success = True
        response.message = f"the camera is {'on' if request.data else 'off'}"
        return response
