"""Whether a cup seals on the boxes and cylinders of a Gazebo world, and when it lets go.

Gazebo has no suction: its detachable joint holds whatever it is told to hold. So the seal is
evaluated here, from where cup and objects are, by the rule of the MuJoCo cell: rays from the rim, a
plane through what they meet; and the load on the cup rim by its limits for tension and moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grasp_affordance.cell import Cup
from grasp_affordance.geometry import Array, invert, rotate_vectors, transform_points

_ANGLES = (np.arange(24) + 0.3) * 2 * np.pi / 24  # off the symmetry of objects
_RIM = np.stack([np.cos(_ANGLES), np.sin(_ANGLES), np.zeros(24)], axis=1)
_START = 0.03  # metres behind the rim from which rays start
_TILT_MARGIN = np.radians(3.0)  # what the cup rim itself follows
_COMPLIANCE = 0.35  # largest step along the rim, as a share of its radius


@dataclass(frozen=True)
class Solid:
    """A convex body whose origin is its middle.

    Attributes:
        size: of a box (x, y, z), or of a cylinder along z (radius, length), metres.
    """

    size: tuple[float, ...]

    @property
    def bound(self) -> float:
        """Radius of a sphere about the middle that holds the body, metres."""
        if len(self.size) == 2:
            return float(np.hypot(self.size[0], self.size[1] / 2))
        return float(np.linalg.norm(self.size)) / 2

    def distances(self, starts: Array, direction: Array) -> Array:
        """Return where rays (N, 3) along `direction` (3,) enter, metres; inf for those that miss.

        All in the body's own frame.
        """
        half = np.array(self.size[-1:] if len(self.size) == 2 else self.size) / 2
        axes = [2] if len(self.size) == 2 else [0, 1, 2]
        near, far = np.full(len(starts), -np.inf), np.full(len(starts), np.inf)
        for axis, extent in zip(axes, half, strict=True):
            low, high = _slab(starts[:, axis], direction[axis], extent)
            near, far = np.maximum(near, low), np.minimum(far, high)
        if len(self.size) == 2:
            low, high = _tube(starts[:, :2], direction[:2], self.size[0])
            near, far = np.maximum(near, low), np.minimum(far, high)
        return np.where((near <= far) & (near >= 0), near, np.inf)


@dataclass(frozen=True)
class Contact:
    """What the rim meets.

    Attributes:
        name: of the body under most of the rim; empty for none within reach.
        sealed: whether the cup seals on it.
        gap: from the rim to the first contact along the approach, metres; negative when pressed,
            inf where nothing is near.
    """

    name: str
    sealed: bool
    gap: float


def touch(
    T_world_rim: Array, bodies: Mapping[str, tuple[Solid, Array]], cup: Cup, reach: float = 0.002
) -> Contact:
    """Evaluate a rim (4, 4), +z along the approach, over bodies name -> (solid, T_world_body)."""
    rim = transform_points(T_world_rim, cup.radius * _RIM)
    direction = T_world_rim[:3, 2]
    starts = rim - _START * direction
    # What is farther away cannot be met; eight bodies a hundred times a second are dear.
    beyond = float(np.hypot(cup.radius, _START + reach + cup.stroke))
    origin = T_world_rim[:3, 3]
    names = [
        name
        for name, (solid, T_world_body) in bodies.items()
        if np.linalg.norm(T_world_body[:3, 3] - origin) <= solid.bound + beyond
    ]
    table = np.full((len(names), len(rim)), np.inf)
    for row, name in enumerate(names):
        solid, T_world_body = bodies[name]
        T = invert(T_world_body)
        table[row] = solid.distances(transform_points(T, starts), rotate_vectors(T, direction))
    if not names or not np.isfinite(table).any():
        return Contact("", False, float("inf"))
    distances = table.min(axis=0) - _START
    first = float(distances.min())
    if first > reach:
        return Contact("", False, first)
    reached = distances <= first + cup.stroke
    owner = table.argmin(axis=0)
    most = int(np.bincount(owner[reached]).argmax())
    on = reached & (owner == most)
    return Contact(names[most], bool(on.all()) and _flat(distances, cup), first)


def holds(cup: Cup, vacuum: float, tension: float, moment: float) -> bool:
    """Whether a sealed cup bears a load: tension <= V and moment <= (V - tension) * radius.

    A cup that is pressed bears whatever comes: the object stands on something that bears it.

    Args:
        vacuum: kilopascals below ambient.
        tension: newtons that pull; negative for a cup that is pressed.
        moment: newton metres.
    """
    V = cup.force * vacuum / cup.vacuum
    return tension <= 0 or (tension <= V and moment <= (V - tension) * cup.radius)


def _flat(distances: Array, cup: Cup) -> bool:
    """Whether the cup rim follows a surface at these distances (24,) along the rim."""
    design = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES), np.ones(24)])
    plane, *_ = np.linalg.lstsq(design, distances, rcond=None)
    tilt = np.arctan(np.hypot(plane[0], plane[1]) / cup.radius)
    step = np.ptp(distances - design @ plane)
    return bool(tilt <= cup.tilt + _TILT_MARGIN and step <= _COMPLIANCE * cup.radius)


def _slab(start: Array, slope: float, extent: float) -> tuple[Array, Array]:
    """Return where rays enter and leave |x| <= extent."""
    if abs(slope) < 1e-12:
        inside = np.abs(start) <= extent
        return np.where(inside, -np.inf, np.inf), np.where(inside, np.inf, -np.inf)
    a, b = (-extent - start) / slope, (extent - start) / slope
    return np.minimum(a, b), np.maximum(a, b)


def _tube(start: Array, slope: Array, radius: float) -> tuple[Array, Array]:
    """Return where rays (N, 2) enter and leave x^2 + y^2 <= radius^2."""
    a = float(slope @ slope)
    c = (start**2).sum(axis=1) - radius**2
    if a < 1e-12:
        return np.where(c <= 0, -np.inf, np.inf), np.where(c <= 0, np.inf, -np.inf)
    b = start @ slope
    root = b**2 - a * c
    hit = root >= 0
    s = np.sqrt(np.where(hit, root, 0.0))
    return np.where(hit, (-b - s) / a, np.inf), np.where(hit, (-b + s) / a, -np.inf)
