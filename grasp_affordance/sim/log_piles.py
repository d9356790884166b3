"""Piles of logs: nearly parallel cylinders of mixed radius and length in bark-like colours.

The scene of the annotation paper (its figure 2), at the size of this cell's bin.
"""

import colorsys

import numpy as np

from grasp_affordance.cell import BinGeometry
from grasp_affordance.sim import shapes
from grasp_affordance.sim.objects import RGBA, Material, ObjectSpec, Placement, lying

RADIUS = (0.012, 0.032)  # metres: the thickest fit a gripper that opens 85 mm with room to spare
LENGTH = (0.14, 0.27)  # metres
COUNT = 13  # logs of a pile

_DENSITY = 600.0  # kg/m^3, dry wood
_HEADING = float(np.radians(25))  # of a pile, to either side of one of the bin's axes
_SKEW = float(np.radians(6))  # of a log, to either side of its pile's heading
_GAP = (0.002, 0.022)  # metres between logs of a layer before they fall
_MARGIN = 0.03  # metres from the walls across the logs
_LAYER_GAP = 0.004

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


def log_pile(geometry: BinGeometry, rng: np.random.Generator) -> list[Placement]:
    """Return a pile's logs where they start, bin frame: layers, each narrower than the one below.

    All point the same way but for a few degrees; which way is drawn for each pile.
    """
    heading = float(rng.integers(2) * np.pi / 2 + rng.uniform(-_HEADING, _HEADING))
    waiting = [_log(rng) for _ in range(COUNT)]
    room = min(geometry.size[:2]) - 2 * _MARGIN
    placements: list[Placement] = []
    height = 0.001
    while waiting:
        layer = _fitting(waiting, room, rng)
        waiting = waiting[len(layer) :]
        placements += _layer(layer, heading, height, geometry, rng)
        height += 2 * max(spec.shape.size[0] / 2 for spec, _ in layer) + _LAYER_GAP
        room *= 0.75
    return placements


def _log(rng: np.random.Generator) -> ObjectSpec:
    shape = shapes.cylinder(float(rng.uniform(*RADIUS)), float(rng.uniform(*LENGTH)))
    return ObjectSpec(shape, bark_color(rng), density=_DENSITY, material=Material.BARK)


def bark_color(rng: np.random.Generator) -> RGBA:
    """A colour of bark: brown to grey, sometimes the white of birch."""
    kind = _BARKS[int(rng.integers(len(_BARKS)))]
    hue, saturation, value = np.clip(kind + rng.normal(0.0, (0.008, 0.04, 0.05)), 0.02, 0.95)
    return (*colorsys.hsv_to_rgb(float(hue), float(saturation), float(value)), 1.0)


def _fitting(
    waiting: list[ObjectSpec], room: float, rng: np.random.Generator
) -> list[tuple[ObjectSpec, float]]:
    """Return the first logs that fit into a layer `room` wide, each with where it lies across."""
    row: list[tuple[ObjectSpec, float]] = []
    used = 0.0
    for spec in waiting:
        width = spec.shape.size[0]
        gap = float(rng.uniform(*_GAP))
        if row and used + gap + width > room:
            break
        row.append((spec, used + gap + width / 2))
        used += gap + width
    return [(spec, across - used / 2) for spec, across in row]


def _layer(
    row: list[tuple[ObjectSpec, float]],
    heading: float,
    height: float,
    geometry: BinGeometry,
    rng: np.random.Generator,
) -> list[Placement]:
    along = np.array([np.cos(heading), np.sin(heading)])
    normal = np.array([-along[1], along[0]])
    placements = []
    for spec, across in row:
        yaw = heading + float(rng.uniform(-_SKEW, _SKEW))
        axis = np.array([np.cos(yaw), np.sin(yaw)])
        radius, half = spec.shape.size[0] / 2, spec.shape.size[2] / 2
        slack = _slack(axis, half, radius, normal * across, along, geometry)
        xy = normal * across + along * rng.uniform(-slack, slack)
        quaternion = lying(yaw, float(rng.uniform(0, 2 * np.pi)))
        placements.append(Placement(spec, np.array([*xy, height + radius]), quaternion))
    return placements


def _slack(
    axis: np.ndarray,
    half: float,
    radius: float,
    centre: np.ndarray,
    along: np.ndarray,
    geometry: BinGeometry,
) -> float:
    """How far a log may be shifted either way along the pile before it leaves the bin, metres."""
    reach = np.abs(axis) * half + radius  # no less than its footprint's
    free = np.array(geometry.size[:2]) / 2 - reach - np.abs(centre)
    steps = free / np.maximum(np.abs(along), 1e-6)
    return max(0.0, min(0.06, float(steps.min())))
