"""The RGB-D camera above the bin: true rendering, a sensor's flaws, a calibration's error."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import CameraError
from grasp_affordance.geometry import Array, Intrinsics
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sim.config import Hardness, SimConfig
from grasp_affordance.sim.vision.render import Renderer
from grasp_affordance.sim.vision.sensor import Sensor, SensorConfig
from grasp_affordance.sim.world import World

_LONGEST_WAIT = 1.0  # simulated seconds to wait for a frame that is new enough


def intrinsics(config: SimConfig) -> Intrinsics:
    """Return the camera's intrinsics; the optical axis meets the middle of the image."""
    f = config.height / 2 / np.tan(np.radians(config.fovy) / 2)
    return Intrinsics(
        f, f, (config.width - 1) / 2, (config.height - 1) / 2, config.width, config.height
    )


def true_camera_pose(config: SimConfig) -> Array:
    """Return the true `T_base_camera`: over the bin, looking at the middle of its floor.

    Without a turn, image up is the base's +x as far as the line of sight allows.
    """
    offset = np.array([*config.camera_offset, config.camera_height])
    z = -offset / np.linalg.norm(offset)
    x = np.cross(z, [1.0, 0.0, 0.0])  # level, and image down is away from +x
    x /= np.linalg.norm(x)
    c, s = np.cos(config.camera_turn), np.sin(config.camera_turn)
    T = np.eye(4)
    T[:3, :3] = np.column_stack([x, np.cross(z, x), z]) @ [[c, -s, 0], [s, c, 0], [0, 0, 1]]
    T[:3, 3] = np.array([*config.bin.centre, config.bin.floor]) + offset
    return T


def calibrated_pose(config: SimConfig, T_base_camera: Array) -> Array:
    """Return what calibration found: +-2 mm wrong when realistic, several mm when adverse.

    The error belongs to the cell and follows from its seed.
    """
    if config.hardness is Hardness.IDEAL:
        return T_base_camera.copy()
    rng = np.random.default_rng([config.seed, 0xCA11])
    T = T_base_camera.copy()
    T[:3, 3] += rng.uniform(-0.002, 0.002, 3)
    if config.hardness is Hardness.ADVERSE:
        angle = rng.uniform(0, 2 * np.pi)
        T[:2, 3] += rng.uniform(0.004, 0.006) * np.array([np.cos(angle), np.sin(angle)])
    return T


class SimCamera:
    """`cell.Camera` in the simulator; frames are exposed when they are asked for."""

    def __init__(self, config: SimConfig, renderer: Renderer) -> None:
        self._config = config
        self._renderer = renderer
        self.intrinsics = intrinsics(config)
        self.T_base_camera_true = true_camera_pose(config)
        self._calibrated = calibrated_pose(config, self.T_base_camera_true)
        self._last_stamp = -1
        self._sensor: Sensor | None = None
        if config.hardness is not Hardness.IDEAL:
            own = np.random.default_rng([config.seed, 0x5E45])  # a sensor keeps its patterns
            self._sensor = Sensor(SensorConfig(), self.intrinsics, own)

    def enter(self, world: World, epoch_ns: int, rng: np.random.Generator) -> None:
        """Look at a new stack; its time zero is `epoch_ns`."""
        self._world, self._epoch, self._rng = world, epoch_ns, rng
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._view.fixedcamid = world.model.camera("rgbd").id
        if self._sensor is not None:
            self._sensor.new_light(rng)
        returns = np.array([o.depth_return for o in world.objects], dtype=np.float32)
        self._returns = None if (returns >= 1.0).all() else np.append(returns, 1.0)

    def read(self, newer_than_ns: int | None = None) -> RgbdFrame:
        """Return a frame exposed now; simulated time passes until it is newer than asked.

        Raises:
            CameraError: the frame asked for lies more than a second in the simulated future.
        """
        if newer_than_ns is not None:
            ahead = (newer_than_ns - self.now_ns()) * 1e-9
            if ahead > _LONGEST_WAIT:
                raise CameraError(
                    f"a frame {ahead:.1f} s in the future of simulated time was asked for; stamps "
                    "of this camera are simulated time"
                )
            while self.now_ns() <= newer_than_ns:
                self._world.step()
        stamp = max(self.now_ns(), self._last_stamp + 1)
        self._last_stamp = stamp
        color, depth = self.render()
        if self._sensor is not None:
            returns = None if self._returns is None else self._returns[self.object_ids()]
            depth = self._sensor.depth(depth, returns, self._rng)
            color = self._sensor.color(color, self._rng)
        return RgbdFrame(color, depth, self.intrinsics, stamp)

    def pose(self) -> Array:
        """Return `T_base_camera` as calibrated."""
        return self._calibrated.copy()

    def now_ns(self) -> int:
        """Simulated time, nanoseconds since the cell was made."""
        return self._epoch + round(self._world.time * 1e9)

    def render(self) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return the perfect colour (H, W, 3) and depth (H, W) images."""
        return self._renderer.rgbd(self._world.data, self._view, self._world.lock, shadows=False)

    def geom_ids(self) -> NDArray[np.int32]:
        """Return the model's geom id (H, W) of every pixel, -1 where there is none."""
        return self._renderer.ids(self._world.data, self._view, self._world.lock)

    def object_ids(self) -> NDArray[np.int32]:
        """Return the true object id (H, W) of every pixel, -1 for everything else."""
        ids = np.append(self._world.object_of_geom, np.int32(-1))
        return np.asarray(ids[self.geom_ids()], dtype=np.int32)
