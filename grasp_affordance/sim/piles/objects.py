"""Objects of a stack: a shape with a look and the properties that geometry does not show."""

import colorsys
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.sim.piles.shapes import Shape

RGBA = tuple[float, float, float, float]

BLUE: RGBA = (0.12, 0.30, 0.78, 1.0)


class Material(StrEnum):
    """What an object is made of, and by what one sees it."""

    PLAIN = "plain"  # one colour
    POROUS = "porous"  # speckled cardboard: never seals
    DARK = "dark"  # nearly black: no depth
    SHINY = "shiny"  # bare metal: no depth
    WEIGHTED = "weighted"  # a white band marks the heavy end
    BARK = "bark"  # rough, with rings at the ends: never seals


@dataclass(frozen=True, eq=False)
class ObjectSpec:
    """One object.

    Attributes:
        shape: geometry.
        rgba: colour, each in [0, 1].
        density: kg/m^3 of the solid.
        material: decides texture and sealing.
        mass_shift: of the centre of mass along the body's z axis, as a share of the length.
        depth_return: share of its pixels for which a depth sensor gives a value, in [0, 1].
    """

    shape: Shape
    rgba: RGBA
    density: float = 1100.0
    material: Material = Material.PLAIN
    mass_shift: float = 0.0
    depth_return: float = 1.0

    @property
    def porous(self) -> bool:
        """Whether no cup ever seals on it."""
        return self.material in (Material.POROUS, Material.BARK)


@dataclass(frozen=True, eq=False)
class Placement:
    """An object and where it starts, bin frame: position (3,) metres, quaternion wxyz (4,)."""

    spec: ObjectSpec
    position: NDArray[np.float64]
    wxyz: NDArray[np.float64]


def lying(yaw: float, roll: float = 0.0) -> NDArray[np.float64]:
    """Quaternion wxyz that lays z along the horizontal direction `yaw`, turned about z by `roll`.

    Radians.
    """
    half = np.sqrt(0.5)
    c, s = np.cos(yaw / 2), np.sin(yaw / 2)
    w, x, y, z = c * half, -s * half, c * half, s * half
    a, b = np.cos(roll / 2), np.sin(roll / 2)
    return np.array([w * a - z * b, x * a + y * b, y * a - x * b, z * a + w * b])


def random_color(rng: np.random.Generator) -> RGBA:
    """A bright colour of any hue."""
    hue, saturation, value = rng.uniform((0.0, 0.55, 0.62), (1.0, 0.92, 0.95))
    r, g, b = colorsys.hsv_to_rgb(hue, saturation, value)
    return (r, g, b, 1.0)


def make_dark(spec: ObjectSpec, rng: np.random.Generator) -> ObjectSpec:
    """Return the object nearly black: an active depth sensor sees little of it."""
    v = float(rng.uniform(0.02, 0.06))
    return replace(spec, rgba=(v, v, v, 1.0), material=Material.DARK, depth_return=0.05)


def make_shiny(spec: ObjectSpec, rng: np.random.Generator) -> ObjectSpec:
    """Return the object in bare metal: the sensor's pattern is mirrored away."""
    v = float(rng.uniform(0.66, 0.78))
    return replace(spec, rgba=(v, v, v * 1.02, 1.0), material=Material.SHINY, depth_return=0.10)


def make_porous(spec: ObjectSpec, rng: np.random.Generator, keep_color: bool) -> ObjectSpec:
    """Return the object in speckled cardboard; `keep_color` leaves only the speckles to tell."""
    rgba = spec.rgba if keep_color else (*rng.uniform((0.55, 0.38, 0.20), (0.68, 0.48, 0.28)), 1.0)
    return replace(spec, rgba=rgba, material=Material.POROUS)


def make_weighted(spec: ObjectSpec, rng: np.random.Generator) -> ObjectSpec:
    """Return the object with its contents at one end, marked by a white band."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    return replace(
        spec, material=Material.WEIGHTED, mass_shift=0.30 * side, density=spec.density * 1.35
    )


def adverse(specs: list[ObjectSpec], rng: np.random.Generator, one_color: bool) -> list[ObjectSpec]:
    """Return the objects of an adverse cell: a quarter porous, a fifth dark or shiny, a fifth
    weighted at one end (cylinders only; the rest plain)."""
    return [_adverse(spec, rng, one_color) for spec in specs]


def _adverse(spec: ObjectSpec, rng: np.random.Generator, one_color: bool) -> ObjectSpec:
    draw = rng.random()
    if draw < 0.25:
        return make_porous(spec, rng, keep_color=one_color)
    if draw < 0.37:
        return make_dark(spec, rng)
    if draw < 0.45:
        return make_shiny(spec, rng)
    if draw < 0.65 and spec.shape.cylinder is not None:
        return make_weighted(spec, rng)
    return spec
