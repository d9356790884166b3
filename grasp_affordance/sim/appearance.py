"""Textures made of noise, and the look of a scene's background."""

from dataclasses import dataclass
from functools import cache

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.sim.objects import RGBA

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


def add_materials(spec: mujoco.MjSpec, look: Theme) -> None:
    """Add the materials `wood`, `porous` and `metal`, and tint `table`, in place."""
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
