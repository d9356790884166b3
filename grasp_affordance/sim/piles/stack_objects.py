"""What lies in a stack: objects of random sizes, before they are placed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from grasp_affordance.sim.piles import shapes
from grasp_affordance.sim.piles.objects import BLUE, ObjectSpec, make_dark, make_shiny, random_color

Objects = Callable[[np.random.Generator], list[ObjectSpec]]
OneShape = Callable[[np.random.Generator], shapes.Shape]


def cylinders(
    count: int, radius: tuple[float, float], length: tuple[float, float], rng: np.random.Generator
) -> list[ObjectSpec]:
    """Return solid cylinders of radius and length (from, to), metres, in all colours."""
    return [
        ObjectSpec(
            shapes.cylinder(float(rng.uniform(*radius)), float(rng.uniform(*length))),
            random_color(rng),
        )
        for _ in range(count)
    ]


def twenty(rng: np.random.Generator) -> list[ObjectSpec]:
    """Return the paper's twenty cylinders."""
    return cylinders(20, (0.027, 0.030), (0.105, 0.120), rng)


def other_twenty(rng: np.random.Generator) -> list[ObjectSpec]:
    """Return twenty cylinders of more sizes (test 1)."""
    return cylinders(20, (0.024, 0.030), (0.090, 0.120), rng)


def forty(rng: np.random.Generator) -> list[ObjectSpec]:
    """Return forty smaller cylinders (test 2)."""
    return cylinders(40, (0.0225, 0.025), (0.090, 0.100), rng)


def all_blue(rng: np.random.Generator) -> list[ObjectSpec]:
    """Return forty blue cylinders (test 3)."""
    return [replace(spec, rgba=BLUE) for spec in forty(rng)]


def dark_shiny(rng: np.random.Generator) -> list[ObjectSpec]:
    """Return twenty cylinders of which the camera sees little or no depth."""
    return [
        make_dark(spec, rng) if k % 2 else make_shiny(spec, rng)
        for k, spec in enumerate(twenty(rng))
    ]


def each(count: int, make: OneShape) -> Objects:
    """Return what makes `count` objects of a shape's random sizes, in all colours."""
    return lambda rng: [ObjectSpec(make(rng), random_color(rng)) for _ in range(count)]


def box(rng: np.random.Generator) -> shapes.Shape:
    """Return a box."""
    x, y, z = rng.uniform((0.07, 0.05, 0.03), (0.12, 0.08, 0.05))
    return shapes.box(x, y, z)


def lid(rng: np.random.Generator) -> shapes.Shape:
    """Return a jar's lid."""
    return shapes.lid(float(rng.uniform(0.030, 0.042)), float(rng.uniform(0.014, 0.020)))


def tube(rng: np.random.Generator) -> shapes.Shape:
    """Return a tube."""
    return shapes.tube(float(rng.uniform(0.024, 0.030)), 0.005, float(rng.uniform(0.08, 0.11)))


def dome(rng: np.random.Generator) -> shapes.Shape:
    """Return a dome."""
    return shapes.dome(
        float(rng.uniform(0.028, 0.036)),
        float(rng.uniform(0.020, 0.045)),
        float(rng.uniform(0.008, 0.016)),
    )


def irregular(rng: np.random.Generator) -> shapes.Shape:
    """Return an irregular object."""
    x, y, z = rng.uniform((0.08, 0.06, 0.05), (0.12, 0.09, 0.07))
    return shapes.irregular(rng, (x, y, z))


def thin(rng: np.random.Generator) -> shapes.Shape:
    """Return a plate."""
    x, y = rng.uniform((0.08, 0.05), (0.12, 0.08))
    return shapes.box(x, y, float(rng.uniform(0.004, 0.007)), family="plate")


def holed(rng: np.random.Generator) -> shapes.Shape:
    """Return a washer or a bracket."""
    if rng.random() < 0.5:
        radius, hole = rng.uniform((0.036, 0.008), (0.045, 0.012))
        return shapes.washer(float(radius), float(hole), 0.014)
    x, y = rng.uniform((0.09, 0.055), (0.12, 0.07))
    return shapes.bracket(x, y, 0.012, float(rng.uniform(0.007, 0.010)))


def _one_of(*makers: OneShape) -> OneShape:
    return lambda rng: makers[int(rng.integers(len(makers)))](rng)


def _any_cylinder(rng: np.random.Generator) -> shapes.Shape:
    return shapes.cylinder(float(rng.uniform(0.018, 0.034)), float(rng.uniform(0.05, 0.13)))


small_or_large = _one_of(_any_cylinder, box, dome, lid, thin, irregular)
_other_than_cylinders = _one_of(box, dome, lid, irregular)


def thick(rng: np.random.Generator) -> shapes.Shape:
    """Return half of the time a cylinder, else another shape; none is a plate.

    The weight of forty objects presses plates into the floor.
    """
    if rng.random() < 0.5:
        return shapes.cylinder(float(rng.uniform(0.016, 0.030)), float(rng.uniform(0.06, 0.12)))
    return _other_than_cylinders(rng)
