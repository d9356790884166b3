"""The next pick is prepared while the arm carries an object and places it."""

from collections.abc import Callable

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.execution.proposal import LookAhead, Proposal
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Failures

_BESIDE_HOME = 0.10  # metres beside its home, within which the arm hides nothing of the bin either


class Ahead:
    """Where the arm may wait between two picks, and what the next view offers.

    At home the arm hides nothing of the bin: that is what home is for. Over a place beside its home
    it stands nearly as it does there. So the view after a pick may be taken there, before the
    release, and the next pick may begin there.

    Attributes:
        waits: whether the arm is over the place area rather than at home.
    """

    def __init__(self, look_ahead: LookAhead | None) -> None:
        """Have views judged by `look_ahead`; None where nobody can."""
        self._look_ahead = look_ahead
        self._answer: Callable[[], Proposal] | None = None
        self._home: Array | None = None
        self.waits = False

    def note_home(self, T_base_tool: Array) -> None:
        """The arm is at home, with its tool at this pose (4, 4)."""
        self._home, self.waits = T_base_tool, False

    def sees_bin(self, T_base_tool: Array) -> bool:
        """Whether an arm with its tool at this pose (4, 4) hides nothing of the bin."""
        if self._home is None:
            return False
        return bool(np.linalg.norm(T_base_tool[:2, 3] - self._home[:2, 3]) <= _BESIDE_HOME)

    def judge(self, view: RgbdFrame, failures: Failures, minimum_probability: float) -> None:
        """Begin to judge the view in which the next pick looks for its point."""
        if self._look_ahead is not None:
            self._answer = self._look_ahead(view, failures, minimum_probability)

    def forget(self) -> None:
        """Drop what was judged: the bin is another one, or something failed in it."""
        self._answer = None

    def take(self) -> Callable[[], Proposal] | None:
        """Return what waits for the proposal, once; None where there is none."""
        answer, self._answer = self._answer, None
        return answer
