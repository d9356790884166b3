"""Single objects for the simulator's tests."""

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.sim import SimCell
from grasp_affordance.sim.piles.objects import ObjectSpec, Placement
from grasp_affordance.sim.piles.shapes import Shape

UPRIGHT = (1.0, 0.0, 0.0, 0.0)
LYING = (0.5**0.5, 0.0, 0.5**0.5, 0.0)  # the body's z axis along the base's x


def place(
    shape: Shape,
    at: tuple[float, float, float],
    wxyz: tuple[float, float, float, float] = UPRIGHT,
    **properties: object,
) -> Placement:
    """One red object in the bin frame."""
    spec = ObjectSpec(shape, (0.8, 0.2, 0.2, 1.0), **properties)  # type: ignore[arg-type]
    return Placement(spec, np.array(at), np.array(wxyz))


def tilted(angle: float) -> tuple[float, float, float, float]:
    """Quaternion wxyz of a rotation about y."""
    return (float(np.cos(angle / 2)), 0.0, float(np.sin(angle / 2)), 0.0)


def top_of(cell: SimCell, object_id: int = 0) -> NDArray[np.float64]:
    """Return the point (3,) above an object's origin where a vertical cup meets it."""
    x, y = cell.world.positions()[object_id][:2]
    seal = cell.oracle.seal_at(np.array([x, y, 0.2]), np.array([0.0, 0.0, -1.0]), reach=0.3)
    return np.array([x, y, 0.2 - seal.height])
