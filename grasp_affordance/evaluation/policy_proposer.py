"""A policy as the executor's proposer: it looks with the cell's camera and asks the policy."""

import time

import numpy as np

from grasp_affordance.cell import Cell
from grasp_affordance.execution.proposal import Proposal
from grasp_affordance.policies.policy import Policy, View
from grasp_affordance.suction import Failures, Rejection, Selection


class PolicyProposer:
    """`execution.proposal.Proposer` over a policy in the same process.

    Attributes:
        seconds: spent choosing since the count was last set to 0, wall clock.
    """

    def __init__(self, policy: Policy, cell: Cell, rng: np.random.Generator) -> None:
        """Ask `policy`, which draws from `rng`, about views of the cell's camera."""
        self.seconds = 0.0
        self._policy, self._cell, self._rng = policy, cell, rng

    def __call__(self, failures: Failures, minimum_probability: float) -> Proposal:
        """Evaluate a view taken after this call began, hence without the arm in it.

        Raises:
            CameraError: there is none, or the camera's pose is unknown.
        """
        cell, policy = self._cell, self._policy
        frame = cell.camera.read(newer_than_ns=cell.now_ns())
        T_base_camera = cell.camera.pose()
        view = View(frame, T_base_camera, cell.bin, cell.cup, self._rng, failures)
        began = time.perf_counter()
        selection = _at_least(minimum_probability, policy.choose(view))
        self.seconds += time.perf_counter() - began
        causes = ", ".join(f"{cause} {count}" for cause, count in selection.rejections.items())
        return Proposal(
            points=selection.points,
            T_base_camera=T_base_camera,
            frame=frame,
            rejections=selection.rejections,
            policy=policy.name,
            message="" if selection.points else f"{policy.name} offers no point: {causes}",
        )


def _at_least(probability: float, selection: Selection) -> Selection:
    """Return the selection without its points below a probability."""
    points = tuple(point for point in selection.points if point.probability >= probability)
    unlikely = len(selection.points) - len(points)
    if not unlikely:
        return selection
    counts = dict(selection.rejections)
    counts[Rejection.BELOW_THRESHOLD] = counts.get(Rejection.BELOW_THRESHOLD, 0) + unlikely
    return Selection(points, counts)
