"""How far a calibration is off, measured at points whose place is known otherwise."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from grasp_affordance.calibration.errors import CalibrationError
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Array


@dataclass(frozen=True)
class Tolerance:
    """What is good enough for the cup.

    Attributes:
        worst: distance of any point, metres. A 20 mm cup still seals 3 mm beside its aim.
        mean: distance of their means, metres.
    """

    worst: float = 0.005
    mean: float = 0.003

    def __post_init__(self) -> None:
        if min(self.worst, self.mean) <= 0:
            raise ConfigError("tolerances must be positive")


@dataclass(frozen=True, eq=False)
class Verification:
    """Seen against known.

    Attributes:
        distances: (N,) metres per point.
        shift: (3,) mean of seen minus known in the base frame, metres.
        turn: rotation that would bring seen onto known, radians; NaN for fewer than 3 points.
        remaining: root mean square distance after that correction, metres: what no new
            calibration mends. NaN for fewer than 3 points.
        problem: what is wrong and what it points to; empty where all is well.
    """

    distances: Array
    shift: Array
    turn: float
    remaining: float
    problem: str


def verify(seen: Array, known: Array, tolerance: Tolerance | None = None) -> Verification:
    """Compare points (N, 3) as the camera sees them with where they are, base frame, metres.

    Raises:
        CalibrationError: no points, other shapes, or points that were not seen.
    """
    tolerance = tolerance or Tolerance()
    if seen.shape != known.shape or seen.ndim != 2 or seen.shape[1] != 3 or not len(seen):
        raise CalibrationError(f"seen {seen.shape} and known {known.shape} must both be (N, 3)")
    if not (np.isfinite(seen).all() and np.isfinite(known).all()):
        raise CalibrationError("a point is not known: no depth at its pixel?")
    distances = np.linalg.norm(seen - known, axis=1)
    shift = (seen - known).mean(axis=0)
    turn, remaining = _aligned(seen, known)
    problem = ""
    if distances.max() > tolerance.worst or np.linalg.norm(shift) > tolerance.mean:
        problem = (
            f"up to {distances.max() * 1000:.1f} mm off, "
            f"{np.linalg.norm(shift) * 1000:.1f} mm in the mean: "
        )
        problem += (
            "calibrate again"
            if not remaining > tolerance.worst  # also for NaN: too few points to tell
            else f"{remaining * 1000:.1f} mm remain after any correction of the camera's pose, so "
            "the depth, the intrinsics, or the known points are wrong"
        )
    return Verification(distances, shift, turn, remaining, problem)


def _aligned(seen: Array, known: Array) -> tuple[float, float]:
    """Return angle and remaining rms of the best rigid motion (Kabsch) of seen onto known."""
    if len(seen) < 3:
        return float("nan"), float("nan")
    a, b = seen - seen.mean(axis=0), known - known.mean(axis=0)
    rotation = Rotation.align_vectors(b, a)[0]
    rest = rotation.apply(a) - b
    return float(rotation.magnitude()), float(np.sqrt((rest**2).sum(axis=1).mean()))
