"""Textures made of noise, and the look of a scene's background."""

from dataclasses import dataclass
from functools import cache

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.sim.piles.objects import RGBA

_SIZE = 256


@dataclass(frozen=True)
class Theme:
    """Colours of the background: dark and light grain of the bin, and the table."""

    grain: tuple[tuple[float, float, float], tuple[float, float, float]]
    table: RGBA


_WOOD = Theme(((0.52, 0.36, 0.21), (0.76, 0.58, 0.38)), (0.56, 0.58, 0.60, 1.0))
_THEMES = {
    # the paper's first test has another background than the training
    "test1": Theme(((0.20, 0.30, 0.27), (0.36, 0.47, 0.42)), (0.80, 0.77, 0.70, 1.0)),
}


def theme(stack: str) -> Theme:
    """Return the background of a stack type."""
    return _THEMES.get(stack, _WOOD)


def _smooth_noise(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.float64]:
    """Return (_SIZE, _SIZE) noise in [0, 1] with the given number of features per side."""
    coarse = rng.random((rows, columns)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (_SIZE, _SIZE), interpolation=cv2.INTER_CUBIC), np.float64)


@cache
def _grain(theme: Theme) -> NDArray[np.uint8]:
    """Return an image (_SIZE, _SIZE, 3) of planks with grain along the columns."""
    rng = np.random.default_rng(7)  # the look is part of the cell, not of the stack
    warp = _smooth_noise(rng, 5, 5) * 2.0
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (np.linspace(0, 5, _SIZE)[:, None] + warp))
    fibre = _smooth_noise(rng, _SIZE, 12)
    mix = np.clip(0.45 * rings + 0.55 * fibre, 0, 1)[..., None]
    dark, light = np.array(theme.grain[0]), np.array(theme.grain[1])
    image = dark + (light - dark) * mix
    image[:: _SIZE // 4] *= 0.6  # joints between planks
    return np.asarray(np.clip(image * 255, 0, 255), np.uint8)


@cache
def _bark() -> NDArray[np.uint8]:
    """Return a cube map (6 * _SIZE, _SIZE, 3), near white: bark around z, rings at its two ends."""
    rng = np.random.default_rng(11)
    sides = [_furrows(rng) for _ in range(4)]
    ends = [_rings(rng) for _ in range(2)]
    faces = [sides[0], sides[1], sides[2], sides[3], ends[0], ends[1]]
    return np.concatenate(faces)


def _furrows(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return (_SIZE, _SIZE, 3) of bark: furrows along the columns, blotches, dark knots."""
    fibre = _smooth_noise(rng, 14, _SIZE // 3)
    plates = _smooth_noise(rng, 40, 24)
    blotches = _smooth_noise(rng, 5, 5)
    level = 0.45 + 0.35 * fibre + 0.25 * plates + 0.25 * blotches
    level[plates < 0.22] *= 0.55
    return np.asarray(np.clip(level * 200, 0, 255), np.uint8)[..., None].repeat(3, axis=2)


def _rings(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return (_SIZE, _SIZE, 3) of a cut end: light wood with year rings.

    Beyond the unit circle the face reaches round the edge onto the side: bark again.
    """
    y, x = np.mgrid[-1 : 1 : _SIZE * 1j, -1 : 1 : _SIZE * 1j]
    radius = np.hypot(x, y) + 0.06 * _smooth_noise(rng, 4, 4)
    level = 0.85 + 0.12 * np.sin(2 * np.pi * 9 * radius)
    wood = np.clip(level[..., None] * np.array([255, 235, 200]), 0, 255)
    return np.asarray(np.where(np.hypot(x, y)[..., None] < 0.95, wood, _furrows(rng)), np.uint8)


def add_materials(spec: mujoco.MjSpec, look: Theme) -> None:
    """Add the materials `wood`, `porous`, `metal`, `plastic`, and tint `table`."""
    image = _grain(look)
    texture = spec.add_texture(name="wood", type=mujoco.mjtTexture.mjTEXTURE_2D)
    texture.width = texture.height = _SIZE
    texture.nchannel = 3
    texture.data = image.tobytes()
    wood = spec.add_material(name="wood", specular=0.1, shininess=0.1, texrepeat=[4, 4])
    wood.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "wood"
    wood.texuniform = True
    speckles = spec.add_texture(
        name="speckles",
        type=mujoco.mjtTexture.mjTEXTURE_CUBE,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
        mark=mujoco.mjtMark.mjMARK_RANDOM,
        rgb1=[1, 1, 1],
        rgb2=[1, 1, 1],
        markrgb=[0.30, 0.28, 0.25],
        random=0.12,
        width=48,
        height=48,
    )
    porous = spec.add_material(name="porous", specular=0.0, shininess=0.0)
    porous.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = speckles.name
    spec.add_material(name="metal", specular=1.0, shininess=0.8, reflectance=0.0)
    spec.add_material(name="plastic", specular=0.35, shininess=0.5)
    spec.material("table").rgba = look.table


def add_bark(spec: mujoco.MjSpec) -> None:
    """Add the material `bark`."""
    texture = spec.add_texture(name="bark", type=mujoco.mjtTexture.mjTEXTURE_CUBE)
    texture.width, texture.height, texture.nchannel = _SIZE, 6 * _SIZE, 3
    texture.data = _bark().tobytes()
    material = spec.add_material(name="bark", specular=0.0, shininess=0.0)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = texture.name
