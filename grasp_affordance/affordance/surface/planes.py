"""Planes in the visible surface: what is level, and the floor under a pile."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.surface.surface import Surface
from grasp_affordance.arrays import Array, Image, Mask

_UNEVEN = 0.003  # metres from a plane within which a cell lies on it, however good the sensor
_SIGMAS = 3.0  # of the depth's noise within which a cell lies on a plane
_AGREE = float(np.cos(np.radians(15)))  # of a cell's normal with that of its plane
_LEVEL = float(np.cos(np.radians(12)))  # of a level plane with a vertical that is known
_OBLIQUE = float(np.cos(np.radians(65)))  # and with the optical axis: a camera looks down
_PARALLEL = float(np.cos(np.radians(3)))
_PLANES = 8  # at most as many are looked for
_LEAST_SHARE, _FEWEST = 0.01, 30  # of the cells, and cells, that make a plane


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

    def aligned(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return points (..., 3) in a frame whose z is the height above the plane."""
        across = np.linalg.svd(self.normal[None])[2][1:]
        rotated = points @ np.vstack([across, self.normal]).T.astype(np.float32)
        rotated[..., 2] += np.float32(self.offset)
        return np.asarray(rotated)


def fit_plane(points: NDArray[np.floating]) -> Plane:
    """Least squares plane of at least three points (N, 3), facing the camera (total distance)."""
    p = np.asarray(points, dtype=np.float64)
    centre = p.mean(axis=0)
    normal = np.linalg.eigh(np.cov((p - centre).T))[1][:, 0]
    if normal @ centre > 0:
        normal = -normal
    return Plane(normal, float(-normal @ centre))


@dataclass(frozen=True, eq=False)
class Level:
    """What is level in a view, by consensus: floor, table and the tops of flat parts are parallel.

    Attributes:
        up: (3,) float64 unit normal that the level planes share, camera frame.
        planes: the level planes, those near which most cells lie first.
    """

    up: Array
    planes: tuple[Plane, ...]


def find_level(
    surface: Surface, inside: Mask, rng: np.random.Generator, up: Array | None = None
) -> Level | None:
    """Find which planes of a view are level; None if there are none.

    One plane alone may run askew through a floor and the tops of parts that are hardly thicker
    than its tolerance. Several parallel planes cannot.

    Args:
        inside: (h, w) cells to look at.
        rng: for RANSAC.
        up: (3,) unit vector, camera frame; where it is known, only planes across it are level.
    """
    planes = _planes(surface, inside, rng)
    axis, least = (np.array([0.0, 0.0, -1.0]), _OBLIQUE) if up is None else (up, _LEVEL)
    planes = [each for each in planes if each.plane.normal @ axis > least]
    if not planes:
        return None
    planes.sort(key=lambda each: -each.cells)
    largest = planes[0].plane
    # The planes parallel to it say more about the vertical than it does alone.
    level = [each for each in planes if each.plane.normal @ largest.normal > _PARALLEL]
    common = np.linalg.eigh(sum(each.scatter for each in level))[1][:, 0]
    common *= np.sign(common @ largest.normal)
    return Level(common, tuple(each.plane for each in level))


@dataclass(frozen=True, eq=False)
class _Patch:
    """A plane, how many cells lie on it, and their scatter (3, 3) about their centre."""

    plane: Plane
    cells: int
    scatter: Array


def _planes(surface: Surface, inside: Mask, rng: np.random.Generator) -> list[_Patch]:
    """Find the largest planes one after the other.

    RANSAC (Fischler and Bolles 1981) in which one oriented point is a whole hypothesis, with the
    credit of MSAC (Torr and Zisserman 2000), then least squares.
    """
    usable = inside & np.isfinite(surface.normals[..., 0])
    points, normals = surface.points[usable], surface.normals[usable]
    limit = np.maximum(_UNEVEN, _SIGMAS * surface.noise[usable])
    least = max(_FEWEST, round(_LEAST_SHARE * len(points)))
    found: list[_Patch] = []
    while len(points) >= least and len(found) < _PLANES:
        sample = rng.choice(len(points), min(len(points), 2000), replace=False)
        chosen = rng.choice(len(points), min(len(points), 200), replace=False)
        offsets = -np.einsum("ij,ij->i", normals[chosen], points[chosen])
        agree = normals[sample] @ normals[chosen].T > _AGREE
        distances = points[sample] @ normals[chosen].T + offsets
        best = chosen[int(np.argmax((agree * _credit(distances, limit[sample, None])).sum(axis=0)))]
        plane = Plane(normals[best].astype(np.float64), -float(normals[best] @ points[best]))
        plane = _settle(points, plane, limit, fit_plane)
        near = np.abs(plane.height(points)) < limit
        inliers = near & (normals @ plane.normal.astype(np.float32) > _AGREE)
        cells = int(inliers.sum())
        if cells >= least:
            p = points[inliers].astype(np.float64)
            found.append(_Patch(plane, cells, np.cov(p.T) * cells))
        rest = ~near
        if rest.all():
            break
        points, normals, limit = points[rest], normals[rest], limit[rest]
    return found


def find_floor(
    surface: Surface,
    inside: Mask,
    level: Level,
    *,
    least_area: float = 3e-4,
    gap: float = 0.015,
    gap_share: float = 0.005,
) -> Plane | None:
    """Find the lowest level plane beneath which nothing is visible.

    A layer of flat objects may well be the largest plane of a full tote. Only the floor has nothing
    beneath it: between objects the camera sees something lower, on a floor never. A layer without a
    single gap cannot be told from a floor by depth; it counts as floor.

    Args:
        inside: (h, w) cells that belong to the bin's interior.
        level: what is level; small floors between objects are looked for besides.
        least_area: square metres across the view that must lie on it: a cup's footprint.
        gap: metres beneath a plane from which a cell counts as seen through a gap.
        gap_share: of the known cells; more than that beneath a plane and it is no floor, and a
            plane of fewer cells is none either.
    """
    up = level.up
    known = inside & np.isfinite(surface.points[..., 2])
    total = int(known.sum())
    flat = known & (surface.normals @ up.astype(np.float32) > np.cos(np.radians(25)))
    if total == 0 or not flat.any():
        return None
    points = surface.points[flat]
    uneven = max(_UNEVEN, _SIGMAS * float(np.median(surface.noise[known])))
    least = max(3, round(least_area * surface.cells_per_metre**2), round(gap_share * total))
    middle = points.mean(axis=0)
    levels = _levels(points @ up.astype(np.float32), uneven, least)
    guesses = [*level.planes, *(Plane(up, -height) for height in levels)]
    fits = [_settle(points, each, uneven, partial(_fit_across, up)) for each in guesses]
    fits.sort(key=lambda each: -float(each.height(middle)))  # the lowest first
    found: list[Plane] = []
    for plane in fits:
        if found and found[0].height(middle) - plane.height(middle) > 2 * uneven:
            break  # another level
        if (np.abs(plane.height(points)) < uneven).sum() < least:
            continue
        beneath = known & (plane.height(surface.points) < -max(gap, 2 * uneven))
        if without_specks(beneath, 2).sum() <= gap_share * total:
            found.append(plane)
    if not found:
        return None
    return max(found, key=lambda each: float(_credit(each.height(points), uneven).sum()))


def _credit(distance: NDArray[np.float32], limit: NDArray[np.float32] | float) -> Image:
    """Return what points add to the credit of a plane, 1 on it, 0 from `limit` on."""
    return np.maximum(1 - np.square(distance / limit), 0)


def _settle(
    points: NDArray[np.float32],
    plane: Plane,
    limit: NDArray[np.float32] | float,
    fit: Callable[[NDArray[np.float32]], Plane],
) -> Plane:
    """Fit a plane step by step, and return the step with the most credit.

    The last need not be the best: thin parts on a floor pull a plane towards their tops.
    """
    best, most = plane, float(_credit(plane.height(points), limit).sum())
    for step in (1.5, 1, 1, 1, 0.5, 0.5, 0.5):
        near = np.abs(plane.height(points)) < step * limit
        if near.sum() < 3:
            break
        plane = fit(points[near])
        credit = float(_credit(plane.height(points), limit).sum())
        if credit > most:
            best, most = plane, credit
    return best


def _fit_across(up: Array, points: NDArray[np.float32]) -> Plane:
    """Fit a plane; a patch too small or too uneven to give its slope is taken as level."""
    plane = fit_plane(points)
    if plane.normal @ up >= np.cos(np.radians(12)):
        return plane
    return Plane(up, -float(np.median(points @ up.astype(np.float32))))


def _levels(heights: NDArray[np.float32], width: float, least: int) -> Array:
    """Return the heights at which at least `least` cells gather within ±width, lowest first."""
    low, high = float(heights.min()) - width, float(heights.max()) + width
    bins = int(np.ceil((high - low) / (width / 2)))
    return peaks(*np.histogram(heights, bins=bins, range=(low, high)), 4, least)


def peaks(
    counts: NDArray[np.integer], edges: NDArray[np.floating], window: int, least: int
) -> Array:
    """Return where values gather in a histogram, the lowest first.

    Args:
        counts: (N,) of its bins.
        edges: (N + 1,) of its bins.
        window: bins whose values gather.
        least: values that must.
    """
    gathered = np.convolve(counts, np.ones(window), mode="same")
    padded = np.pad(gathered, 1, constant_values=-1)
    peak = (gathered >= padded[:-2]) & (gathered > padded[2:]) & (gathered >= least)
    return np.asarray((edges[:-1] + edges[1:]) / 2)[peak]


def without_specks(mask: Mask, size: int) -> Mask:
    """Return `mask` (h, w) without what is narrower than `size` cells."""
    kernel = np.ones((size, size), np.uint8)
    return np.asarray(cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, kernel) > 0)
