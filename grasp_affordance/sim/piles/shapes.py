"""Rigid objects as convex segments: what they look like, collide with, and where they have holes.

All shapes are centred on their body frame; the long axis of round ones is z. Native
cylinder-cylinder contacts jitter when parallel, so cylinders collide as 32-gon prisms.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from grasp_affordance.arrays import Array

_PRISM_SIDES = 32
_RING_WEDGES = 12
_OVERLAP = 3e-4  # radians by which wedges overlap, so that no ray passes between them


@dataclass(frozen=True)
class Hole:
    """A circular through hole: a point on its axis, the axis (body frame), and its radius."""

    centre: tuple[float, float, float]
    axis: tuple[float, float, float]
    radius: float


@dataclass(frozen=True, eq=False)
class Shape:
    """A rigid shape.

    Attributes:
        family: its name in reports.
        size: bounding box (x, y, z), metres.
        cylinder: (radius, half length) of an analytic cylinder to draw; None draws the segments.
        segments: vertices (N, 3) of the convex segments that collide.
        holes: through holes, which leak.
    """

    family: str
    size: tuple[float, float, float]
    cylinder: tuple[float, float] | None = None
    segments: tuple[Array, ...] = ()
    holes: tuple[Hole, ...] = ()

    @property
    def radius(self) -> float:
        """Of a sphere around the centre that holds the shape, metres."""
        return float(np.linalg.norm(self.size) / 2)


def _circle(radius: float, angles: NDArray[np.float64]) -> NDArray[np.float64]:
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _extrude(outline: NDArray[np.float64], low: float, high: float) -> Array:
    """Return the prism (2N, 3) over an outline (N, 2)."""
    bottom = np.column_stack([outline, np.full(len(outline), low)])
    top = np.column_stack([outline, np.full(len(outline), high)])
    return np.concatenate([bottom, top])


def _prism(radius: float, half_length: float) -> Array:
    angles = np.arange(_PRISM_SIDES) * 2 * np.pi / _PRISM_SIDES
    circumscribed = radius / np.cos(np.pi / _PRISM_SIDES / 2)  # the mean radius is the cylinder's
    return _extrude(_circle(circumscribed, angles), -half_length, half_length)


def _ring(inner: float, outer: float, low: float, high: float) -> list[Array]:
    """Return wedges that together make a ring; each spans one flat inside and two outside."""
    step = 2 * np.pi / _RING_WEDGES
    segments = []
    for k in range(_RING_WEDGES):
        start, end = k * step - _OVERLAP, (k + 1) * step + _OVERLAP
        outside = _circle(outer, np.linspace(start, end, 4))
        inside = _circle(inner, np.array([end, start]))
        segments.append(_extrude(np.concatenate([outside, inside]), low, high))
    return segments


def cylinder(radius: float, length: float) -> Shape:
    """A solid cylinder."""
    return Shape(
        "cylinder",
        (2 * radius, 2 * radius, length),
        cylinder=(radius, length / 2),
        segments=(_prism(radius, length / 2),),
    )


def box(x: float, y: float, z: float, family: str = "box") -> Shape:
    """A cuboid with sides x, y, z; as a mesh, because native box contacts do not come to rest."""
    corners = np.array([[-x, -y], [x, -y], [x, y], [-x, y]]) / 2
    return Shape(family, (x, y, z), segments=(_extrude(corners, -z / 2, z / 2),))


def tube(radius: float, wall: float, length: float) -> Shape:
    """A pipe, open at both ends."""
    segments = _ring(radius - wall, radius, -length / 2, length / 2)
    hole = Hole((0.0, 0.0, 0.0), (0.0, 0.0, 1.0), radius - wall)
    return Shape("tube", (2 * radius, 2 * radius, length), segments=tuple(segments), holes=(hole,))


def lid(radius: float, height: float, thickness: float = 0.004) -> Shape:
    """A jar's lid: a disc on top, a skirt below."""
    angles = np.arange(_PRISM_SIDES) * 2 * np.pi / _PRISM_SIDES
    half = height / 2
    top = _extrude(_circle(radius, angles), half - thickness, half)
    skirt = _ring(radius - thickness, radius, -half, half - thickness)
    return Shape("lid", (2 * radius, 2 * radius, height), segments=(top, *skirt))


def dome(radius: float, height: float, rise: float) -> Shape:
    """A cylinder of `height` whose top bulges by `rise` (a spherical cap)."""
    sphere = (radius**2 + rise**2) / (2 * rise)
    angles = np.arange(24) * 2 * np.pi / 24
    low = -(height + rise) / 2
    rings = [_extrude(_circle(radius, angles), low, low + height)]
    for share in (0.75, 0.5, 0.25):
        r = radius * share
        z = low + height + np.sqrt(sphere**2 - r**2) - (sphere - rise)
        rings.append(np.column_stack([_circle(r, angles), np.full(24, z)]))
    rings.append(np.array([[0.0, 0.0, low + height + rise]]))
    return Shape("dome", (2 * radius, 2 * radius, height + rise), segments=(np.concatenate(rings),))


def irregular(rng: np.random.Generator, size: tuple[float, float, float]) -> Shape:
    """A random convex polytope with flat faces in an ellipsoid of the given axes."""
    directions = rng.normal(size=(14, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points = directions * np.asarray(size) / 2
    hull = points[ConvexHull(points).vertices]
    hull = hull - (hull.min(axis=0) + hull.max(axis=0)) / 2
    extent = hull.max(axis=0) - hull.min(axis=0)
    x, y, z = (float(side) for side in extent)
    return Shape("irregular", (x, y, z), segments=(hull,))


def washer(radius: float, hole: float, thickness: float) -> Shape:
    """A thick disc with a through hole in its middle."""
    segments = _ring(hole, radius, -thickness / 2, thickness / 2)
    through = Hole((0.0, 0.0, 0.0), (0.0, 0.0, 1.0), hole)
    size = (2 * radius, 2 * radius, thickness)
    return Shape("washer", size, segments=tuple(segments), holes=(through,))


def bracket(x: float, y: float, thickness: float, hole: float) -> Shape:
    """A rectangular plate with one through hole off its middle."""
    cx, octagon = x / 5, np.arange(8) * np.pi / 4 + np.pi / 8
    rim = _circle(hole / np.cos(np.pi / 8), octagon) + np.array([cx, 0.0])
    hx, hy = x / 2, y / 2
    reach = hole * 1.6
    left, right = cx - reach, cx + reach
    outlines = [
        np.array([[-hx, -hy], [left, -hy], [left, hy], [-hx, hy]]),
        np.array([[right, -hy], [hx, -hy], [hx, hy], [right, hy]]),
        np.array([[left, hy], [right, hy], rim[1], rim[2]]),
        np.array([[left, -hy], [right, -hy], rim[5], rim[6]]),
        np.array([[right, hy], [right, -hy], rim[6], rim[7], rim[0], rim[1]]),
        np.array([[left, hy], [left, -hy], rim[5], rim[4], rim[3], rim[2]]),
    ]
    segments = tuple(_extrude(o, -thickness / 2, thickness / 2) for o in outlines)
    through = Hole((float(cx), 0.0, 0.0), (0.0, 0.0, 1.0), hole)
    return Shape("bracket", (x, y, thickness), segments=segments, holes=(through,))
