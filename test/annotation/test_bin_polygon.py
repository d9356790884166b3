import cv2
import numpy as np
import pytest
from helpers.annotation_scenes import INTRINSICS

from grasp_affordance.annotation.bin_polygon import HEAP_OVER_RIM, bin_polygon
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.geometry import invert, transform_points

BIN = BinGeometry(centre=(0.5, 0.1), size=(0.3, 0.2, 0.1), floor=0.05, yaw=0.3)
T_BASE_CAMERA = np.diag([1.0, -1.0, -1.0, 1.0])  # looks straight down
T_BASE_CAMERA[:3, 3] = 0.45, 0.05, 0.85


def inside(polygon: np.ndarray, point: tuple[float, float, float]) -> bool:
    """Whether a point of the bin's frame is seen within the polygon."""
    T_camera_bin = invert(T_BASE_CAMERA) @ BIN.T_base_bin
    u, v = INTRINSICS.project(transform_points(T_camera_bin, np.array(point)))
    return cv2.pointPolygonTest(polygon.astype(np.float32), (float(u), float(v)), False) >= 0


def test_the_polygon_holds_the_contents_up_to_the_heaps_top_and_little_else() -> None:
    polygon = bin_polygon(BIN, INTRINSICS, T_BASE_CAMERA)
    flat = bin_polygon(BIN, INTRINSICS, T_BASE_CAMERA, heap=0.02)
    assert polygon is not None
    assert flat is not None
    top = BIN.size[2] + HEAP_OVER_RIM
    for x in np.linspace(-0.149, 0.149, 5):
        for y in np.linspace(-0.099, 0.099, 5):
            assert all(inside(polygon, (x, y, z)) for z in (0.0, 0.05, top - 0.001))
            assert inside(flat, (x, y, 0.01))
    assert not inside(flat, (0.165, 0.0, 0.0))
    assert not inside(flat, (0.0, -0.115, 0.0))
    assert not inside(polygon, (0.25, 0.0, 0.0))


@pytest.mark.parametrize("height", [0.15, np.nan])
def test_an_unknown_pose_or_a_camera_in_the_bin_outlines_nothing(height: float) -> None:
    pose = T_BASE_CAMERA.copy()
    pose[2, 3] = height
    assert bin_polygon(BIN, INTRINSICS, pose) is None
