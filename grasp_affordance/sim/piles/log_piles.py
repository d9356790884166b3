"""Piles of logs: nearly parallel cylinders of mixed radius and length in bark-like colours.

The scene of the annotation paper (its figure 2), at the size of this cell's bin. Logs lie in the
grooves between those below. They are not packed as tightly as they could be: a gripper's plates
find room beside most of those that nothing lies on.
"""

import colorsys
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.sim.piles import shapes
from grasp_affordance.sim.piles.objects import RGBA, Material, ObjectSpec, Placement, lying

RADIUS = (0.016, 0.028)  # metres
LENGTH = (0.14, 0.26)  # metres
COUNT = 13  # logs of a pile, at most
DENSITY = 600.0  # kg/m^3, dry wood

_HEADING = float(np.radians(12))  # of a pile, to either side of one of the bin's axes
_SKEW = float(np.radians(1.5))  # of a log, to either side of its pile's heading
_GAP = (0.013, 0.9)  # between logs on the floor: metres at least, times their radius at most
_DISORDER = 0.003  # metres by which radii are mixed up between the layers, standard deviation
_ROOM = 0.013  # metres between neighbours that lie on others, but for...
_CROWDED = 0.1  # this share of them, which may touch
_MARGIN = 0.022  # metres from the walls across the logs
_SHIFT = 0.03  # metres along the pile, at most, either way
_APART = 0.001  # metres between logs before they settle

# hue, saturation and value: oak, spruce, beech, birch, pine
_BARKS = np.array(
    [
        [0.080, 0.35, 0.46],
        [0.062, 0.38, 0.56],
        [0.095, 0.14, 0.60],
        [0.110, 0.08, 0.88],
        [0.068, 0.48, 0.68],
    ]
)


@dataclass(frozen=True)
class _Lying:
    """A log's place in the pile's cross-section and along it, metres."""

    across: float
    height: float
    along: float
    radius: float


def log_pile(geometry: BinGeometry, rng: np.random.Generator) -> list[Placement]:
    """Return up to `COUNT` logs where they start, bin frame: on the floor, others in the grooves.

    All point the same way but for a few degrees; which way is drawn for each pile.
    """
    heading = float(rng.integers(2) * np.pi / 2 + rng.uniform(-_HEADING, _HEADING))
    radii = rng.uniform(*RADIUS, COUNT)
    # thin logs sink into the grooves between thick ones: those below are the thinner, more or less
    waiting = list(radii[np.argsort(radii + rng.normal(0.0, _DISORDER, COUNT))])
    layer = _floor(waiting, min(geometry.size[:2]) - 2 * _MARGIN, rng)
    pile = list(layer)
    while len(pile) < COUNT:
        layer = _upon(layer, waiting[len(pile) :], rng)
        if not layer:  # no groove is left
            break
        pile += layer
    return [_placement(each, heading, rng) for each in pile]


def bark_color(rng: np.random.Generator) -> RGBA:
    """A colour of bark: brown to grey, sometimes the white of birch."""
    kind = _BARKS[int(rng.integers(len(_BARKS)))]
    hue, saturation, value = np.clip(kind + rng.normal(0.0, (0.008, 0.04, 0.05)), 0.02, 0.95)
    return (*colorsys.hsv_to_rgb(float(hue), float(saturation), float(value)), 1.0)


def _floor(waiting: list[float], room: float, rng: np.random.Generator) -> list[_Lying]:
    """Return the first logs side by side on the floor, as many as find `room`."""
    row: list[_Lying] = []
    used = 0.0
    for radius in waiting:
        widest = max(_GAP[1] * radius, _GAP[0])
        gap = float(rng.uniform(_GAP[0], widest)) if row else 0.0
        if used + gap + 2 * radius > room:
            break
        along = float(rng.uniform(-_SHIFT, _SHIFT))
        row.append(_Lying(used + gap + radius, radius + _APART, along, radius))
        used += gap + 2 * radius
    return [_Lying(each.across - used / 2, each.height, each.along, each.radius) for each in row]


def _upon(below: list[_Lying], waiting: list[float], rng: np.random.Generator) -> list[_Lying]:
    """Return the next logs in most of the grooves of the layer below; none if there is none."""
    places = [
        (pair, radius)
        for pair, radius in zip(pairwise(below), waiting, strict=False)
        if _carries(pair, radius)
    ]
    layer: list[_Lying] = []
    for (first, second), radius in places:
        room = _APART if rng.random() < _CROWDED else _ROOM
        across, height = _rest(first, second, radius + _APART)
        along = (first.along + second.along) / 2 + float(rng.uniform(-0.02, 0.02))
        each = _Lying(across, height, along, radius)
        if not layer or _gap(layer[-1], each) > room:
            layer.append(each)
    return layer


def _carries(pair: tuple[_Lying, _Lying], radius: float) -> bool:
    """Whether a log on two others is held by both, well above their middles."""
    first, second = pair
    if _gap(first, second) >= 2 * radius:
        return False
    return _rest(first, second, radius)[1] > max(first.height, second.height) + radius / 2


def _rest(first: _Lying, second: _Lying, radius: float) -> tuple[float, float]:
    """Return (across, height) of a log that touches two others from above."""
    start = np.array([first.across, first.height])
    step = np.array([second.across, second.height]) - start
    distance = float(np.linalg.norm(step))
    to_first, to_second = first.radius + radius, second.radius + radius
    along = (distance**2 + to_first**2 - to_second**2) / (2 * distance)
    up = np.sqrt(max(to_first**2 - along**2, 0.0))
    across, height = start + (along * step + up * np.array([-step[1], step[0]])) / distance
    return float(across), float(height)


def _gap(first: _Lying, second: _Lying) -> float:
    distance = np.hypot(second.across - first.across, second.height - first.height)
    return float(distance) - first.radius - second.radius


def _placement(each: _Lying, heading: float, rng: np.random.Generator) -> Placement:
    shape = shapes.cylinder(each.radius, float(rng.uniform(*LENGTH)))
    spec = ObjectSpec(shape, bark_color(rng), density=DENSITY, material=Material.BARK)
    c, s = np.cos(heading), np.sin(heading)
    position = np.array(
        [c * each.along - s * each.across, s * each.along + c * each.across, each.height]
    )
    yaw = heading + float(rng.uniform(-_SKEW, _SKEW))
    return Placement(spec, position, lying(yaw, float(rng.uniform(0, 2 * np.pi))))
