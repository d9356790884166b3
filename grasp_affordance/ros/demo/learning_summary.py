"""What a robot that learns has shown: a line per attempt, a table and a curve at the end."""

import math
from pathlib import Path

from grasp_affordance_interfaces.msg import PickResult, TrainerStatus

from grasp_affordance.attempt import Outcome
from grasp_affordance.console import ReportTable
from grasp_affordance.learning.curve import Curve, plot_learning_curves, rolling_success
from grasp_affordance.ros.common.conversions import from_source_number
from grasp_affordance.ros.demo.demo_summary import Summary
from grasp_affordance.ros.executor.pick_messages import from_outcome_number

WINDOW = 25  # attempts: a demonstration is short


class LearningSummary:
    """Counts attempts, piles and versions of one demonstration."""

    def __init__(self) -> None:
        self.summary = Summary()
        self.success: list[bool] = []
        self.piles = 0
        self._exploratory: list[bool] = []
        self._status = TrainerStatus(loss=math.nan)
        self._versions: set[str] = set()

    def hear(self, status: TrainerStatus) -> None:
        """Take note of what the trainer says."""
        self._status = status
        self._versions.add(status.model_version)

    def add(self, result: PickResult) -> str:
        """Count an attempt; return its line, with rich's markup."""
        line = self.summary.add(result)
        self.success.append(from_outcome_number(result.outcome) is Outcome.SUCCESS)
        source = from_source_number(result.point.source)
        self._exploratory.append(source is not None and source.explores)
        head, _, _ = line.partition("  until")
        recent = rolling_success(self.success, WINDOW)
        return (
            f"{len(self.success):4d}  {head}  last {WINDOW}: {recent:4.0%}"
            f"  learned {self._status.attempts}, loss {self._status.loss:.2f},"
            f" serving {result.point.model_version or 'the prior'}"
        )

    def table(self, wall_seconds: float, start: str) -> ReportTable:
        """Return the table of the demonstration."""
        table = ReportTable(title="Learning to pick", title_justify="left", show_header=False)
        first, last = self.success[:WINDOW], self.success[-WINDOW:]
        status = self._status
        for name, value in (
            ("began with", start),
            ("attempts, piles", f"{len(self.success)}, {self.piles}"),
            (f"success, first {WINDOW} attempts", f"{rolling_success(first, WINDOW):.0%}"),
            (f"success, last {WINDOW} attempts", f"{rolling_success(last, WINDOW):.0%}"),
            ("success, all attempts", f"{rolling_success(self.success, len(self.success)):.0%}"),
            ("training samples, gradient steps", f"{status.attempts}, {status.steps}"),
            ("versions in service", str(len(self._versions))),
            (
                "Brier score, calibration error",
                f"{status.brier:.2f}, {status.calibration_error:.2f}",
            ),
            ("seconds per attempt, all included", f"{wall_seconds / len(self.success):.1f}"),
        ):
            table.add_row(name, value)
        return table

    def draw(self, path: Path, title: str) -> None:
        """Draw the learning curve, by what the robot sensed."""
        curve = Curve(self.success, self._exploratory)
        plot_learning_curves({"sensed by the robot": curve}, path, title, WINDOW)
