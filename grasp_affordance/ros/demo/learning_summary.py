"""What a robot that learns has shown: a view that keeps up with it, a sentence, a curve."""

import math
from pathlib import Path

from grasp_affordance_interfaces.msg import PickResult, TrainerStatus
from rich.console import Group
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from grasp_affordance.attempt import Outcome
from grasp_affordance.console import text_curve
from grasp_affordance.learning.curve import Curve, plot_learning_curves, rolling_success
from grasp_affordance.ros.common.conversions import from_source_number
from grasp_affordance.ros.executor.pick_messages import from_outcome_number

WINDOW = 50  # attempts: a demonstration is short
_GOAL = 0.9  # of a window


class LearningSummary:
    """Counts attempts, piles and versions of one demonstration.

    Attributes:
        success: of each attempt, as the robot sensed it.
        piles: that it has been given.
    """

    def __init__(self) -> None:
        self.success: list[bool] = []
        self.piles = 0
        self._rates: list[float] = []
        self._exploratory: list[bool] = []
        self._status = TrainerStatus(loss=math.nan)
        self._last = ""
        self._reached = ""
        self._bar = Progress(
            TextColumn("learning"),
            BarColumn(bar_width=50),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
        )
        self._task = self._bar.add_task("", total=1.0)

    def hear(self, status: TrainerStatus) -> None:
        """Take note of what the trainer says."""
        self._status = status

    def add(self, result: PickResult, seconds: float) -> None:
        """Count an attempt, that ended so many seconds after the first began."""
        outcome = from_outcome_number(result.outcome)
        self.success.append(outcome is Outcome.SUCCESS)
        self._rates.append(rolling_success(self.success, WINDOW))
        count = len(self.success)
        if count >= WINDOW and self._rates[-1] >= _GOAL and not self._reached:
            self._reached = f"{_GOAL:.0%} of {WINDOW} succeeded by attempt {count}, {seconds:.0f} s"
        source = from_source_number(result.point.source)
        self._exploratory.append(source is not None and source.explores)
        self._last = str(outcome)
        if outcome is not Outcome.SUCCESS:
            self._last += f" ({result.cause.replace('_', ' ')})"

    def view(self, share: float) -> Group:
        """Return what is shown while it learns.

        Args:
            share: of the demonstration that is over, in [0, 1].
        """
        count = len(self.success)
        recent = f"{self._rates[-1]:.0%} of the last {min(count, WINDOW)}" if count else ""
        self._bar.update(self._task, completed=share, description=recent)
        learned = f"learned from {self._status.attempts}, serves {self._status.model_version}"
        now = Text(f"attempt {count}, pile {self.piles}: {self._last}; {learned}")
        return Group(self._bar, now, Text(text_curve(self._rates)))

    def sentence(self, seconds: float, start: str) -> str:
        """Return what came of it.

        Args:
            seconds: of picking, by the clock on the wall.
            start: what the robot knew at first.
        """
        first = rolling_success(self.success[:WINDOW], WINDOW)
        count, last = len(self.success), self._rates[-1]
        window = min(count, WINDOW)
        return (
            f"It began with {start}, and made {count} attempts in {seconds:.0f} s. {first:.0%} of "
            f"the first {window} succeeded, {last:.0%} of the last {window}; "
            f"{self._reached or f'never {_GOAL:.0%} of {WINDOW}'}."
        )

    def draw(self, path: Path, title: str) -> None:
        """Draw the learning curve, by what the robot sensed."""
        curve = Curve(self.success, self._exploratory)
        plot_learning_curves({"sensed by the robot": curve}, path, title, WINDOW)
