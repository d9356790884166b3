"""A ChArUco board on a moving tool, rendered as a camera would see it."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from grasp_affordance.calibration.board import BoardConfig
from grasp_affordance.calibration.hand_eye import Mount
from grasp_affordance.geometry import Array, Intrinsics, invert
from grasp_affordance.lens import Lens

CAMERA = Intrinsics(900.0, 900.0, 480.0, 270.0, 960, 540)
WIDE = Intrinsics(
    *(620.0, 620.0, 482.0, 268.0, 960, 540),
    Lens("plumb_bob", (-0.30, 0.12, 0.0012, -0.0008, -0.02)),
)
BOARD = BoardConfig()


def transform(rotation: Rotation, position: tuple[float, ...] | Array) -> Array:
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rotation.as_matrix(), position
    return T


# Looks straight down from 0.8 m, turned a little as a real mount is.
T_BASE_CAMERA = transform(
    Rotation.from_euler("xyz", [180.0, 0.0, 90.0], degrees=True)
    * Rotation.from_rotvec([0.03, -0.05, 0.02]),
    (0.52, 0.03, 0.83),
)
T_TOOL_BOARD = transform(Rotation.from_rotvec([0.05, 3.1, 0.1]), (0.11, -0.07, 0.02))
T_TOOL_CAMERA = transform(Rotation.from_rotvec([0.02, 0.04, 1.5]), (0.02, -0.09, -0.06))
T_BASE_BOARD = transform(Rotation.from_rotvec([3.1, 0.05, 0.0]), (0.45, 0.1, 0.01))


@dataclass(frozen=True)
class Shot:
    name: str
    image: NDArray[np.uint8]
    T_base_tool: Array


def render(
    T_camera_board: Array,
    rng: np.random.Generator,
    noise: float = 3.0,
    camera: Intrinsics = CAMERA,
) -> NDArray:
    """The board in front of a grey wall: (H, W, 3) uint8 with blur and noise."""
    scale = 60
    metres = np.diag([BOARD.square / scale, BOARD.square / scale, 1.0])
    metres[:2, 2] = BOARD.square / scale / 2  # a pixel's coordinates are its centre
    size = (2 * camera.width, 2 * camera.height)
    double = np.array([[2.0, 0, 0.5], [0, 2.0, 0.5], [0, 0, 1]])
    page = cv2.copyMakeBorder(BOARD.picture(scale), 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=255)
    shift = np.array([[1.0, 0, -20], [0, 1, -20], [0, 0, 1]])
    if camera.lens is None:
        H = double @ camera.matrix @ T_camera_board[:3, [0, 1, 3]] @ metres @ shift
        large = cv2.warpPerspective(page, H, size, flags=cv2.INTER_LINEAR, borderValue=120)
    else:
        large = _through_lens(page, metres @ shift, T_camera_board, camera)
    grey = cv2.resize(large, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    noisy = cv2.GaussianBlur(grey, (3, 3), 0.6) + rng.normal(0, noise, grey.shape)
    return np.repeat(np.clip(noisy, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _through_lens(page: NDArray, from_board: Array, T: Array, camera: Intrinsics) -> NDArray:
    """The page as `camera` sees it, twice as large; OpenCV undoes the lens, not our own code."""
    u, v = np.meshgrid(np.arange(2 * camera.width), np.arange(2 * camera.height))
    pixels = (np.stack([u, v], axis=-1).reshape(-1, 1, 2) - 0.5) / 2.0
    model, d = camera.distortion
    assert model != "equidistant"
    precise = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 60, 1e-9)
    K, D = camera.matrix, np.array(d)
    undistort: Any = getattr(cv2, "undistortPointsIter", cv2.undistortPoints)  # the former in 4.6
    rays = undistort(pixels, K, D, R=np.eye(3), P=np.eye(3), criteria=precise)
    rays = np.c_[np.asarray(rays).reshape(-1, 2), np.ones(u.size)]
    on_page = rays @ np.linalg.inv(T[:3, [0, 1, 3]] @ from_board).T
    x, y = (on_page[:, :2] / on_page[:, 2:]).astype(np.float32).T.reshape(2, *u.shape)
    return np.asarray(cv2.remap(page, x, y, cv2.INTER_LINEAR, borderValue=120))


def board_poses(count: int, rng: np.random.Generator, tilt: float = 30.0) -> list[Array]:
    """T_camera_board of boards in view, tilted by up to `tilt` degrees about both axes."""
    middle = np.array([BOARD.columns, BOARD.rows, 0]) * BOARD.square / 2
    poses = []
    for _ in range(count):
        angles = rng.uniform(-tilt, tilt, 2)
        R = Rotation.from_euler("xyz", [*angles, rng.uniform(-20, 20)], degrees=True)
        centre = [*rng.uniform([-0.08, -0.04], [0.08, 0.04]), rng.uniform(0.42, 0.55)]
        poses.append(transform(R, centre - R.apply(middle)))
    return poses


def tool_pose(T_camera_board: Array, mount: Mount) -> Array:
    """T_base_tool at which the camera sees the board so."""
    if mount is Mount.EYE_TO_HAND:
        return T_BASE_CAMERA @ T_camera_board @ invert(T_TOOL_BOARD)
    return T_BASE_BOARD @ invert(T_TOOL_CAMERA @ T_camera_board)


def shots(mount: Mount, seed: int, count: int = 12, robot_noise: bool = True) -> list[Shot]:
    """Rendered samples; the robot's poses are 0.1 mm and 0.01 degrees unsure, as a UR5's are."""
    rng = np.random.default_rng(seed)
    result = []
    for index, pose in enumerate(board_poses(count, rng)):
        exact = tool_pose(pose, mount)
        sigma = (1e-4, np.radians(0.01)) if robot_noise else (0.0, 0.0)
        unsure = transform(
            Rotation.from_rotvec(rng.normal(0, sigma[1], 3)), rng.normal(0, sigma[0], 3)
        )
        result.append(Shot(f"{index + 1:04d}", render(pose, rng), exact @ unsure))
    return result
