"""Whether the tool fits into the bin at a pose, before anything moves."""

import numpy as np

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import UnreachableError
from grasp_affordance.geometry import Array
from grasp_affordance.sim.scene import WALL

_CLEARANCE = 0.002  # metres between tool and wall
# sections of the tool and the wrist behind it: (radius, distance from the TCP), metres
_SECTIONS = ((0.0095, 0.020), (0.025, 0.095), (0.033, 0.140), (0.040, 0.165), (0.060, 0.230))
_SAMPLES = 24


def check_tool_clearance(T_base_tool: Array, geometry: BinGeometry, cup_radius: float) -> None:
    """Raise UnreachableError if cup, tool or wrist at `T_base_tool` (4, 4) touched a bin wall."""
    distances = np.linspace(0.0, 0.26, _SAMPLES)
    radii = np.full(_SAMPLES, cup_radius)
    for radius, start in _SECTIONS:
        radii = np.where(distances >= start, radius, radii)
    axis = T_base_tool[:3, 3] - distances[:, None] * T_base_tool[:3, 2]
    T = geometry.T_base_bin
    local = (axis - T[:3, 3]) @ T[:3, :3]
    # a tilted disc of radius r reaches r sin(tilt) below its centre
    below = local[:, 2] - radii * np.hypot(*T_base_tool[:2, 2]) < geometry.size[2]
    beyond = np.maximum(
        np.abs(local[:, 0]) - geometry.size[0] / 2, np.abs(local[:, 1]) - geometry.size[1] / 2
    )
    inside = beyond <= -(radii + _CLEARANCE)
    outside = beyond >= WALL + radii + _CLEARANCE
    blocked = below & ~inside & ~outside
    if blocked.any():
        near = float((beyond[blocked] + radii[blocked]).max())
        raise UnreachableError(
            f"the tool would touch the bin's wall (by {near * 1e3:.0f} mm at this pose)"
        )
