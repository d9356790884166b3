"""Forward and analytic inverse kinematics of the UR5 (CB3).

Denavit-Hartenberg parameters as published by Universal Robots ("DH parameters for calculations of
kinematics and dynamics"). The base frame is the controller's. The inverse is the usual closed form
for a spherical-wrist-like chain with three parallel axes: shoulder from the wrist's projection,
wrist 2 from the offset d4, then a planar two-link problem.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import UnreachableError
from grasp_affordance.geometry import Array, invert

D1, D4, D5, D6 = 0.089159, 0.10915, 0.09465, 0.0823  # metres
A2, A3 = -0.425, -0.39225  # metres
JOINT_LIMITS = np.radians([360.0, 360.0, 180.0, 360.0, 360.0, 360.0])  # +-; the elbow is +-180

_ALPHA = np.array([np.pi / 2, 0.0, 0.0, np.pi / 2, -np.pi / 2, 0.0])
_D = np.array([D1, 0.0, 0.0, D4, D5, D6])
_A = np.array([0.0, A2, A3, 0.0, 0.0, 0.0])
_SINGULAR = 1e-9


class Branch(NamedTuple):
    """Which of the eight solutions: each +1 or -1."""

    shoulder: int
    wrist: int
    elbow: int


BRANCHES = tuple(Branch(s, w, e) for s in (1, -1) for w in (1, -1) for e in (1, -1))


def link_transform(joint: int, angle: float) -> Array:
    """Return the DH transform (4, 4) from frame `joint` to frame `joint + 1`."""
    ct, st = np.cos(angle), np.sin(angle)
    ca, sa = np.cos(_ALPHA[joint]), np.sin(_ALPHA[joint])
    a, d = _A[joint], _D[joint]
    return np.array(
        [
            [ct, -st * ca, st * sa, a * ct],
            [st, ct * ca, -ct * sa, a * st],
            [0.0, sa, ca, d],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )


def forward(joints: NDArray[np.float64]) -> Array:
    """Return `T_base_flange` (4, 4) of joint angles (6,) in radians."""
    T = np.eye(4)
    for joint, angle in enumerate(joints):
        T = T @ link_transform(joint, float(angle))
    return T


def _solve(T: Array, branch: Branch) -> Array | None:
    wrist = T[:3, 3] - D6 * T[:3, 2]
    radius = np.hypot(wrist[0], wrist[1])
    if radius < D4:
        return None
    q1 = np.arctan2(wrist[1], wrist[0]) + branch.shoulder * np.arccos(D4 / radius) + np.pi / 2
    s1, c1 = np.sin(q1), np.cos(q1)
    cosine = (T[0, 3] * s1 - T[1, 3] * c1 - D4) / D6
    if abs(cosine) > 1.0 + 1e-9:
        return None
    q5 = branch.wrist * np.arccos(np.clip(cosine, -1.0, 1.0))
    s5 = np.sin(q5)
    if abs(s5) < _SINGULAR:
        return None
    q6 = np.arctan2(
        (-T[0, 1] * s1 + T[1, 1] * c1) / s5,
        (T[0, 0] * s1 - T[1, 0] * c1) / s5,
    )
    T_1_4 = (
        invert(link_transform(0, q1)) @ T @ invert(link_transform(4, q5) @ link_transform(5, q6))
    )
    p = T_1_4[:3, 3] - D4 * T_1_4[:3, 1]
    reach = p[0] * p[0] + p[1] * p[1]
    cosine = (reach - A2 * A2 - A3 * A3) / (2 * A2 * A3)
    if abs(cosine) > 1.0:
        return None
    q3 = branch.elbow * np.arccos(cosine)
    q2 = np.arctan2(-p[1], -p[0]) - np.arcsin(-A3 * np.sin(q3) / np.sqrt(reach))
    T_3_4 = invert(link_transform(1, q2) @ link_transform(2, q3)) @ T_1_4
    q4 = np.arctan2(T_3_4[1, 0], T_3_4[0, 0])
    return np.array([q1, q2, q3, q4, q5, q6])


def _nearest_turn(angles: Array, reference: Array) -> Array:
    """Add full turns so that every joint is as near as its limits allow to the reference."""
    turned = angles + 2 * np.pi * np.round((reference - angles) / (2 * np.pi))
    turned = np.where(turned > JOINT_LIMITS, turned - 2 * np.pi, turned)
    return np.where(turned < -JOINT_LIMITS, turned + 2 * np.pi, turned)


def inverse_all(T_base_flange: Array) -> list[Array]:
    """Return up to eight joint vectors (6,) in (-pi, pi] that reach a pose."""
    solutions = []
    for branch in BRANCHES:
        q = _solve(T_base_flange, branch)
        if q is not None:
            solutions.append((q + np.pi) % (2 * np.pi) - np.pi)
    return solutions


def inverse(T_base_flange: Array, near: Array) -> Array:
    """Return the joint angles (6,) that reach a pose, nearest to `near` (6,), within the limits.

    Raises:
        UnreachableError: no solution within the joint limits.
    """
    solutions = [_nearest_turn(q, near) for q in inverse_all(T_base_flange)]
    within = [q for q in solutions if (np.abs(q) <= JOINT_LIMITS).all()]
    if not within:
        x, y, z = T_base_flange[:3, 3]
        raise UnreachableError(
            f"the flange cannot reach ({x:.3f}, {y:.3f}, {z:.3f}) m: outside the UR5's workspace"
        )
    return min(within, key=lambda q: float(np.abs(q - near).max()))
