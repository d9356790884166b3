"""Planes in the visible surface: the dominant one, and the floor under a pile."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.surface.surface import Surface
from grasp_affordance.arrays import Array, Mask


@dataclass(frozen=True, eq=False)
class Plane:
    """The points p with `normal @ p + offset == 0`, camera frame, metres.

    Attributes:
        normal: (3,) float64 unit vector towards the camera.
        offset: metres; the camera is this high above the plane.
    """

    normal: Array
    offset: float

    def height(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the signed distance (...) of points (..., 3), positive towards the camera."""
        return np.asarray(points @ self.normal.astype(np.float32) + np.float32(self.offset))


def fit_plane(points: NDArray[np.floating]) -> Plane:
    """Least squares plane of at least three points (N, 3), facing the camera (total distance)."""
    p = np.asarray(points, dtype=np.float64)
    centre = p.mean(axis=0)
    normal = np.linalg.eigh(np.cov((p - centre).T))[1][:, 0]
    if normal @ centre > 0:
        normal = -normal
    return Plane(normal, float(-normal @ centre))


def dominant_plane(
    surface: Surface, inside: Mask, rng: np.random.Generator, tolerance: float = 0.008
) -> Plane | None:
    """Find the plane near which most of the cells of `inside` (h, w) lie; None if none has normals.

    RANSAC (Fischler and Bolles 1981) in which one oriented point is a whole hypothesis, then least
    squares over its inliers.
    """
    usable = inside & np.isfinite(surface.normals[..., 0])
    points, normals = surface.points[usable], surface.normals[usable]
    if len(points) < 3:
        return None
    sample = points[rng.choice(len(points), min(len(points), 1000), replace=False)]
    chosen = rng.choice(len(points), min(len(points), 128), replace=False)
    offsets = -np.einsum("ij,ij->i", normals[chosen], points[chosen])
    votes = (np.abs(sample @ normals[chosen].T + offsets) < tolerance).sum(axis=0)
    best = int(np.argmax(votes))
    plane = Plane(normals[chosen[best]].astype(np.float64), float(offsets[best]))
    for _ in range(3):
        inliers = np.abs(plane.height(points)) < tolerance
        if inliers.sum() < 3:
            return plane
        plane = fit_plane(points[inliers])
    return plane


def find_floor(
    surface: Surface,
    inside: Mask,
    up: Array,
    *,
    tolerance: float = 0.010,
    least_area: float = 3e-4,
    gap: float = 0.015,
    gap_share: float = 0.005,
) -> Plane | None:
    """Find the lowest plane across `up` beneath which nothing is visible.

    A layer of flat objects may well be the dominant plane of a full tote. Only the floor has
    nothing beneath it: between objects the camera sees something lower, on a floor never. A layer
    without a single gap cannot be told from a floor by depth; it counts as floor.

    Args:
        inside: (h, w) cells that belong to the bin's interior.
        up: (3,) unit vector, camera frame.
        tolerance: metres by which the floor may be uneven.
        least_area: square metres across the view that must lie on it: a cup's footprint.
        gap: metres beneath a plane from which a cell counts as seen through a gap.
        gap_share: of the known cells; more than that beneath a plane and it is no floor.
    """
    known = inside & np.isfinite(surface.points[..., 2])
    total = int(known.sum())
    level = known & (surface.normals @ up.astype(np.float32) > np.cos(np.radians(25)))
    if total == 0 or not level.any():
        return None
    heights = surface.points @ up.astype(np.float32)
    least = max(3, round(least_area * surface.cells_per_metre**2))
    for height in _levels(heights[level], tolerance, least):
        near = level & (np.abs(heights - height) < 1.5 * tolerance)
        plane = _fit_across(surface.points[near], up)
        near = level & (np.abs(plane.height(surface.points)) < tolerance)
        if near.sum() < least:
            continue
        plane = _fit_across(surface.points[near], up)
        beneath = known & (plane.height(surface.points) < -gap)
        if without_specks(beneath, 2).sum() <= gap_share * total:
            return plane
    return None


def _fit_across(points: NDArray[np.float32], up: Array) -> Plane:
    """Fit a plane; a patch too small or too uneven to give its slope is taken as level."""
    plane = fit_plane(points)
    if plane.normal @ up >= np.cos(np.radians(12)):
        return plane
    return Plane(up, -float(np.median(points @ up.astype(np.float32))))


def _levels(heights: NDArray[np.float32], width: float, least: int) -> Array:
    """Return the heights at which at least `least` cells gather within ±width, lowest first."""
    low, high = float(heights.min()) - width, float(heights.max()) + width
    bins = int(np.ceil((high - low) / (width / 2)))
    counts, edges = np.histogram(heights, bins=bins, range=(low, high))
    gathered = np.convolve(counts, np.ones(4), mode="same")
    padded = np.pad(gathered, 1, constant_values=-1)
    peaks = (gathered >= padded[:-2]) & (gathered > padded[2:]) & (gathered >= least)
    return ((edges[:-1] + edges[1:]) / 2)[peaks]


def without_specks(mask: Mask, size: int) -> Mask:
    """Return `mask` (h, w) without what is narrower than `size` cells."""
    kernel = np.ones((size, size), np.uint8)
    return np.asarray(cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, kernel) > 0)
