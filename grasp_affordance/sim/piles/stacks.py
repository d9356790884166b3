"""Stacks of objects by name: how they start, before physics settles them.

`random`, `rows`, `crossed` and `standing` are the paper's four training types of 20 cylinders; the
tests 1 to 3 are its scenes of 20 coloured, 40 coloured and 40 blue cylinders. The families are what
no experiment learns from, `full` is a bin of forty objects of several shapes, and `logs` are the
piles of the annotation paper. What lies in them is in `stack_objects.py`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import ConfigError
from grasp_affordance.sim.config import Hardness
from grasp_affordance.sim.piles import stack_objects
from grasp_affordance.sim.piles.log_piles import log_pile
from grasp_affordance.sim.piles.objects import ObjectSpec, Placement, adverse, lying

TRAINING = ("random", "rows", "crossed", "standing")
TESTS = ("test1", "test2", "test3")
FAMILIES = (
    "boxes",
    "mixed",
    "lids",
    "tubes",
    "domed",
    "irregular",
    "thin",
    "holes",
    "dark_shiny",
)
FULL = "full"
SCENES = (*TRAINING, *TESTS, *FAMILIES, FULL)
LOGS = "logs"  # for a parallel gripper: no cup seals on bark, so it is no scene of suction picking

_UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])
_LAYER_GAP = 0.001  # metres between layers before they fall


def _random_rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    q = rng.normal(size=4)
    return q / np.linalg.norm(q)


def dropped(
    specs: Iterable[ObjectSpec],
    geometry: BinGeometry,
    rng: np.random.Generator,
    above: float = 0.02,
) -> list[Placement]:
    """Place objects in random poses in layers above the bin, clear of each other."""
    placements: list[Placement] = []
    waiting = list(specs)
    height = above
    while waiting:
        radius = max(spec.shape.radius for spec in waiting)
        columns = [max(1, int(side // (2 * radius + 0.004))) for side in geometry.size[:2]]
        pitch = [side / count for side, count in zip(geometry.size[:2], columns, strict=True)]
        cells = rng.permutation(columns[0] * columns[1])[: len(waiting)]
        for cell in cells:
            row, column = divmod(int(cell), columns[1])
            spec = waiting.pop()
            slack = np.array(pitch) / 2 - spec.shape.radius
            xy = (np.array([row, column]) + 0.5) * pitch - np.array(geometry.size[:2]) / 2
            xy = xy + rng.uniform(-1, 1, 2) * np.maximum(slack, 0.0)
            z = height + radius
            placements.append(Placement(spec, np.array([*xy, z]), _random_rotation(rng)))
        height += 2 * radius + 0.004
    return placements


def _layer(
    specs: list[ObjectSpec],
    geometry: BinGeometry,
    rng: np.random.Generator,
    z: float,
    across: bool,
    spread: float,
) -> list[Placement]:
    """Place up to 12 lying cylinders in two columns, `spread` diameters apart at most."""
    placements = []
    per_column = (len(specs) + 1) // 2
    pitch = min(0.97 * min(geometry.size[:2]) / per_column, spread * 0.060)
    for k, spec in enumerate(specs):
        column, row = divmod(k, per_column)
        radius, length = spec.shape.size[0] / 2, spec.shape.size[2]
        along = (column - 0.5) * (length + 0.020) + rng.uniform(-0.006, 0.006)
        side = (row + 0.5 - per_column / 2) * pitch + rng.uniform(-0.001, 0.001)
        xy = (side, along) if across else (along, side)
        yaw = (np.pi / 2 if across else 0.0) + rng.uniform(-0.02, 0.02)
        placements.append(Placement(spec, np.array([*xy, z + radius]), lying(yaw)))
    return placements


def _layers(
    counts: tuple[int, ...], crossed: bool, geometry: BinGeometry, rng: np.random.Generator
) -> list[Placement]:
    specs = stack_objects.cylinders(sum(counts), (0.0295, 0.030), (0.115, 0.120), rng)
    placements: list[Placement] = []
    first = bool(rng.random() < 0.5)
    z = 0.0005
    for index, count in enumerate(counts):
        across = first ^ (crossed and index % 2 == 1)
        layer = [specs.pop() for _ in range(count)]
        placements += _layer(layer, geometry, rng, z, across, spread=1.08 if crossed else 9.0)
        z += 2 * 0.030 + _LAYER_GAP
    return placements


def rows(geometry: BinGeometry, rng: np.random.Generator) -> list[Placement]:
    """Twenty cylinders, all parallel: a layer of 12 and one of 8 on it."""
    return _layers((12, 8), False, geometry, rng)


def crossed(geometry: BinGeometry, rng: np.random.Generator) -> list[Placement]:
    """Twenty cylinders, a layer of 12 and one of 8 across it."""
    return _layers((12, 8), True, geometry, rng)


def standing(geometry: BinGeometry, rng: np.random.Generator) -> list[Placement]:
    """Twelve cylinders upright on the floor, eight dropped among and on them."""
    specs = stack_objects.twenty(rng)
    cells = rng.permutation(25)[:12]
    placements = []
    for cell in cells:
        row, column = divmod(int(cell), 5)
        spec = specs.pop()
        pitch = np.array(geometry.size[:2]) / 5
        xy = (np.array([row, column]) - 2) * pitch + rng.uniform(-0.005, 0.005, 2)
        z = spec.shape.size[2] / 2 + 0.001
        placements.append(Placement(spec, np.array([*xy, z]), _UPRIGHT))
    return placements + dropped(specs, geometry, rng, above=0.14)


def _drop_of(make: stack_objects.Objects) -> "Stack":
    def stack(geometry: BinGeometry, rng: np.random.Generator) -> list[Placement]:
        specs = make(rng)
        return dropped(specs, geometry, rng)

    return stack


Stack = Callable[[BinGeometry, np.random.Generator], list[Placement]]

_STACKS: dict[str, Stack] = {
    "random": _drop_of(stack_objects.twenty),
    "rows": rows,
    "crossed": crossed,
    "standing": standing,
    "test1": _drop_of(stack_objects.other_twenty),
    "test2": _drop_of(stack_objects.forty),
    "test3": _drop_of(stack_objects.all_blue),
    "boxes": _drop_of(stack_objects.each(20, stack_objects.box)),
    "mixed": _drop_of(stack_objects.each(20, stack_objects.small_or_large)),
    "lids": _drop_of(stack_objects.each(20, stack_objects.lid)),
    "tubes": _drop_of(stack_objects.each(14, stack_objects.tube)),
    "domed": _drop_of(stack_objects.each(20, stack_objects.dome)),
    "irregular": _drop_of(stack_objects.each(20, stack_objects.irregular)),
    "thin": _drop_of(stack_objects.each(16, stack_objects.thin)),
    "holes": _drop_of(stack_objects.each(16, stack_objects.holed)),
    "dark_shiny": _drop_of(stack_objects.dark_shiny),
    FULL: _drop_of(stack_objects.each(40, stack_objects.thick)),
    LOGS: log_pile,
}


def choose(scene: str, rng: np.random.Generator) -> str:
    """Return the stack type for a scene: itself, or a random training type for `train`.

    Raises:
        ConfigError: no such scene.
    """
    if scene == "train":
        return TRAINING[int(rng.integers(len(TRAINING)))]
    if scene not in _STACKS:
        raise ConfigError(f"scene '{scene}' is unknown; use train or one of {', '.join(SCENES)}")
    return scene


def build(
    stack: str, geometry: BinGeometry, rng: np.random.Generator, hardness: Hardness
) -> list[Placement]:
    """Return the objects of a stack where they start, in the bin frame.

    Raises:
        ConfigError: no such stack.
    """
    placements = _STACKS[choose(stack, rng)](geometry, rng)
    if hardness is Hardness.ADVERSE:
        specs = adverse([p.spec for p in placements], rng, one_color=stack == "test3")
        placements = [replace(p, spec=s) for p, s in zip(placements, specs, strict=True)]
    return placements
