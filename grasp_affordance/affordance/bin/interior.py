"""Masks over the working grid: the bin's interior, its walls, patches worth a cup."""

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.surface.planes import Plane
from grasp_affordance.affordance.surface.surface import Surface
from grasp_affordance.arrays import Array, Mask, Window
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import FrameError
from grasp_affordance.geometry import Intrinsics, box_corners, invert, transform_points

_STRIDE = 8  # pixels, of which a window is a multiple
_FLOOR_SHARE = 0.03  # of the known cells that make a patch worth the question
_RING = 9  # cells across of the surroundings that tell a floor from a top
_DROPS = 0.2  # as many of them as go up may go down at a floor: errors of the depth
_GAPS = 0.005  # as many cells as a floor has may be seen to lie lower within its outline
_PART = 0.1  # of the largest connected part of a plane, for another part to count


def window_of(camera: Intrinsics, box: BinGeometry, T_base_camera: Array, margin: float) -> Window:
    """Return the rows and columns of an image in which a bin is seen; all where it is not.

    It depends on no depth: arrays of the same sizes come again and again, and memory stays whole.

    Args:
        margin: metres of surroundings on every side of the floor; half of it beside the rim, which
            is nearer to the camera, and above which a heap may stand.
    """
    x, y, depth = box.size
    corners = []
    for height, reach in ((0.0, margin), (depth, margin / 2)):
        corner = np.array([x / 2 + reach, y / 2 + reach, height])
        corners.append(box_corners(corner * [-1, -1, 1], corner))
    T_camera_bin = invert(T_base_camera) @ box.T_base_bin
    # Sizes of few kinds; cells of the grid stay where they are in the whole image.
    seen = camera.window(transform_points(T_camera_bin, np.concatenate(corners)), _STRIDE)
    return seen or (slice(0, camera.height), slice(0, camera.width))


def through_opening(
    points: NDArray[np.floating], camera: Array, size: tuple[float, float, float]
) -> Mask:
    """Whether points (..., 3) are above a bin's rim, or seen through the opening that it frames.

    What is seen past the outside of a bin may lie right beneath it.

    Args:
        points: in the bin's frame, metres.
        camera: (3,) where it is in this frame.
        size: interior of the bin, metres.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (camera[2] - size[2]) / (camera[2] - points[..., 2])
        inside = np.asarray(points[..., 2] >= size[2])
        crossing = [camera[k] + share * (points[..., k] - camera[k]) for k in (0, 1)]
        through = (np.abs(crossing[0]) <= size[0] / 2) & (np.abs(crossing[1]) <= size[1] / 2)
        return np.asarray(inside | through)


def polygon_mask(surface: Surface, polygon: Array) -> Mask:
    """Cells (h, w) whose pixels lie in a polygon (N, 2) of the image.

    Raises:
        FrameError: none does.
    """
    mask = np.zeros(surface.image_shape, np.uint8)
    cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 1)
    if not mask.any():
        height, width = mask.shape
        raise FrameError(
            f"the bin's polygon is outside the image ({width}x{height} pixels); set bin.polygon or "
            "the recording's region anew"
        )
    return surface.mask_to_grid(mask > 0)


def above_patch(surface: Surface, plane: Plane, known: Mask, tolerance: float = 0.010) -> Mask:
    """Cells (h, w) that stand on the visible patch of a plane, or are seen through a gap in it.

    The patch is the plane's large connected parts, such as the tops of parts side by side. What is
    above the plane must stand over the patch's convex hull. What is beneath is seen through a gap
    if the patch goes on at three sides of it in the image, and beyond the plane's edge otherwise.
    """
    height = plane.height(surface.points)
    with np.errstate(invalid="ignore"):
        flat = known & (np.abs(height) < tolerance)
        beneath = known & (height < -tolerance)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(flat.astype(np.uint8))
    if count < 2:
        return np.zeros_like(known)
    cells = stats[1:, cv2.CC_STAT_AREA]
    patch = np.isin(labels, 1 + np.flatnonzero(cells >= _PART * cells.max()))
    foot = np.ascontiguousarray(plane.aligned(surface.points)[..., :2])  # along the normal
    hull = cv2.convexHull(foot[patch]).reshape(-1, 2)
    edges = np.roll(hull, -1, axis=0) - hull
    outward = np.stack([edges[:, 1], -edges[:, 0]], axis=-1)
    outward *= np.sign(np.einsum("ij,ij->i", outward, hull - hull.mean(axis=0)))[:, None]
    with np.errstate(invalid="ignore"):
        beyond = foot @ outward.T - np.einsum("ij,ij->i", outward, hull)
        over = known & (beyond <= 1e-6).all(axis=-1)
    return np.where(beneath, _sides(patch) >= 3, over)


def floor_patches(surface: Surface, plane: Plane, known: Mask, tolerance: float = 0.006) -> Mask:
    """Cells (h, w) of a level plane that are floor and no top: around them all goes up.

    The floor of a bin ends at walls and at what stands on it, the top of an object at a step down,
    and through a layer of objects something lower is seen.
    """
    height = plane.height(surface.points)
    with np.errstate(invalid="ignore"):
        flat = known & (np.abs(height) < tolerance)
        up, down = known & (height > tolerance), known & (height < -tolerance)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(flat.astype(np.uint8))
    floors = np.zeros_like(known)
    for label in 1 + np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= _FLOOR_SHARE * known.sum()):
        patch = labels == label
        ring = (cv2.dilate(patch.astype(np.uint8), np.ones((_RING, _RING))) > 0) & ~patch
        higher, lower = int((ring & up).sum()), int((ring & down).sum())
        outline = cv2.convexHull(np.argwhere(patch)[:, ::-1].astype(np.int32))
        within = cv2.fillConvexPoly(np.zeros(patch.shape, np.uint8), outline, 1) > 0
        through = int((within & down).sum())
        if lower < _DROPS * higher and through < _GAPS * int(patch.sum()):
            floors |= patch
    return cv2.dilate(floors.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _sides(patch: Mask) -> NDArray[np.uint8]:
    """Count at how many of the four sides of each cell, along its row and column, `patch` is."""
    sides = np.zeros(patch.shape, np.uint8)
    for axis in (0, 1):
        sides += np.logical_or.accumulate(patch, axis=axis)
        sides += np.flip(np.logical_or.accumulate(np.flip(patch, axis), axis=axis), axis)
    return sides


def steep_from_border(
    surface: Surface, inside: Mask, up: Array, border: NDArray[np.float32], angle: float
) -> Mask:
    """Walls: cells (h, w) of surfaces steeper than `angle` radians that reach the border.

    Args:
        border: (h, w) distance to the border in cells.
    """
    with np.errstate(invalid="ignore"):
        steep = inside & (surface.normals @ up.astype(np.float32) < np.cos(angle))
    _, labels = cv2.connectedComponents(steep.astype(np.uint8))
    touching = np.unique(labels[steep & (border <= 3)])
    return steep & np.isin(labels, touching)


def large_enough(mask: Mask, surface: Surface, area: float) -> Mask:
    """Keep the connected patches of at least `area` square metres (seen face on)."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    cell = np.where(mask, surface.spacing * surface.spacing, 0)
    areas = np.bincount(np.ravel(labels).astype(np.intp), weights=cell.ravel(), minlength=count)
    keep = areas >= area
    keep[0] = False
    return keep[labels]


def reaching(mask: Mask, distance: NDArray[np.float32], least: float) -> Mask:
    """Keep the connected patches (h, w) of which some cell has at least a distance of `least`."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    keep = np.zeros(count, np.bool_)
    keep[labels[mask & (distance >= least)]] = True
    keep[0] = False
    return keep[labels]
