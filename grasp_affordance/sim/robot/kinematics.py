"""Forward and analytic inverse kinematics of the UR5 (CB3).

Denavit-Hartenberg parameters as published by Universal Robots ("DH parameters for calculations of
kinematics and dynamics"). The base frame is the controller's. The inverse is the usual closed form
for a spherical-wrist-like chain with three parallel axes: shoulder from the wrist's projection,
wrist 2 from the offset d4, then a planar two-link problem.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import UnreachableError
from grasp_affordance.geometry import Array

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
    """Return the joints of one branch, None where it does not reach; scalar maths for speed."""
    (r00, r01, r02, px), (r10, r11, r12, py), (r20, r21, r22, pz) = T[:3].tolist()
    wrist_x, wrist_y = px - D6 * r02, py - D6 * r12
    radius = math.hypot(wrist_x, wrist_y)
    if radius < D4:
        return None
    q1 = math.atan2(wrist_y, wrist_x) + branch.shoulder * math.acos(D4 / radius) + math.pi / 2
    s1, c1 = math.sin(q1), math.cos(q1)
    cosine = (px * s1 - py * c1 - D4) / D6
    if abs(cosine) > 1.0 + _SINGULAR:
        return None
    q5 = branch.wrist * math.acos(min(max(cosine, -1.0), 1.0))
    s5 = math.sin(q5)
    if abs(s5) < _SINGULAR:
        return None
    q6 = math.atan2((-r01 * s1 + r11 * c1) / s5, (r00 * s1 - r10 * c1) / s5)
    # z axis of frame 4 in the plane of upper arm and forearm: x along the arm, y up
    s6, c6 = math.sin(q6), math.cos(q6)
    zx = -(c1 * (s6 * r00 + c6 * r01) + s1 * (s6 * r10 + c6 * r11))
    zy = -(s6 * r20 + c6 * r21)
    q234 = math.atan2(zx, -zy)
    x = c1 * wrist_x + s1 * wrist_y - D5 * zx
    y = pz - D6 * r22 - D1 - D5 * zy
    cosine = (x * x + y * y - A2 * A2 - A3 * A3) / (2 * A2 * A3)
    if abs(cosine) > 1.0:
        return None
    q3 = branch.elbow * math.acos(cosine)
    q2 = math.atan2(y, x) - math.atan2(A3 * math.sin(q3), A2 + A3 * math.cos(q3))
    return np.array([q1, q2, q3, q234 - q2 - q3, q5, q6])


def inverse_all(T_base_flange: Array, branches: Sequence[Branch] = BRANCHES) -> list[Array]:
    """Return up to eight joint vectors (6,) in (-pi, pi] that reach a pose."""
    solutions = (_solve(T_base_flange, branch) for branch in branches)
    return [(q + np.pi) % (2 * np.pi) - np.pi for q in solutions if q is not None]


def inverse(T_base_flange: Array, near: Array, branches: Sequence[Branch] = BRANCHES) -> Array:
    """Return the joint angles (6,) that reach a pose, nearest to `near` (6,), within the limits.

    Only the given branches are considered: an arm that keeps to one never flips over.

    Raises:
        UnreachableError: no solution within the joint limits.
    """
    solutions = np.array(inverse_all(T_base_flange, branches)).reshape(-1, 6)
    lowest = np.ceil((-JOINT_LIMITS - solutions) / (2 * np.pi))
    highest = np.floor((JOINT_LIMITS - solutions) / (2 * np.pi))
    turns = np.clip(np.round((near - solutions) / (2 * np.pi)), lowest, highest)
    solutions = solutions + 2 * np.pi * turns
    solutions = solutions[(np.abs(solutions) <= JOINT_LIMITS).all(axis=1)]
    if not len(solutions):
        x, y, z = T_base_flange[:3, 3]
        raise UnreachableError(
            f"the flange cannot reach ({x:.3f}, {y:.3f}, {z:.3f}) m: outside the UR5's workspace"
        )
    return np.asarray(solutions[np.abs(solutions - near).max(axis=1).argmin()])
