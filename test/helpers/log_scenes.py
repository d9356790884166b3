"""Logs on the floor of the bin under the simulated cell's camera, and rectangles across them."""

import numpy as np

from grasp_affordance.geometry import Array, Intrinsics, invert, transform_points
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.sim import SimConfig
from grasp_affordance.sim.vision.camera import intrinsics, true_camera_pose
from research.log_piles.cylinders import Cylinder

CONFIG = SimConfig()
BIN = CONFIG.bin
CAMERA: Intrinsics = intrinsics(CONFIG)
T_BASE_CAMERA: Array = true_camera_pose(CONFIG)


def log(
    x: float = 0.0,
    y: float = 0.0,
    radius: float = 0.02,
    length: float = 0.2,
    yaw: float = 0.0,
    above: float = 0.0,
) -> Cylinder:
    """A log that lies with its axis along `yaw`, `above` the floor; (x, y) in the bin frame."""
    c, s = np.cos(yaw), np.sin(yaw)
    T = np.eye(4)
    T[:3, :3] = np.column_stack([[0, 0, 1], [s, -c, 0], [c, s, 0]])
    T[:3, 3] = [BIN.centre[0] + x, BIN.centre[1] + y, BIN.floor + radius + above]
    return Cylinder(radius, length, T)


def across(
    log: Cylinder,
    at: float = 0.0,
    turn: float = 0.0,
    opening: float = 1.0,
    aside: float = 0.0,
    T_base_camera: Array = T_BASE_CAMERA,
) -> GraspRectangle:
    """The rectangle that holds a log `at` metres from its middle along its axis.

    Turned by `turn` radians, as wide as `opening` times the log, shifted `aside` metres across.
    """
    T_camera_base = invert(T_base_camera)
    normal = np.cross([0.0, 0.0, 1.0], log.axis)
    middle = log.centre + at * log.axis + aside * normal
    pixels = CAMERA.project(
        transform_points(T_camera_base, np.array([middle, middle + 0.001 * log.axis]))
    )
    u, v = pixels[0]
    theta = np.arctan2(*(pixels[1] - pixels[0])[::-1]) + turn
    z = float(transform_points(T_camera_base, middle)[2])
    h = 2 * log.radius * CAMERA.fx / z * opening
    return GraspRectangle(u, v, float(theta % np.pi), 0.02 * CAMERA.fx / z, h)
