"""What the picks of a run amount to: a line for each, a table at the end."""

from collections import Counter
from dataclasses import dataclass, field

from grasp_affordance_interfaces.msg import PickResult

from grasp_affordance.attempt import Outcome
from grasp_affordance.console import ReportTable
from grasp_affordance.ros.executor.pick_messages import from_outcome_number

_MARKS = {
    Outcome.SUCCESS: "[green]success[/]",
    Outcome.FAILURE: "[red]failure[/]",
    Outcome.UNCERTAIN: "[yellow]uncertain[/]",
    Outcome.ABORTED: "[magenta]aborted[/]",
}


@dataclass
class Summary:
    """Counts of one run.

    Attributes:
        attempts, successes: as the cell sensed them.
        disagreements: successes and failures as sensed that the simulator contradicts.
        uncertain: attempts whose pressure and depth difference contradict each other.
        sensed_causes, true_causes: of attempts without success.
        cell_seconds: simulated duration of all phases.
    """

    attempts: int = 0
    successes: int = 0
    disagreements: int = 0
    uncertain: int = 0
    sensed_causes: Counter[str] = field(default_factory=Counter)
    true_causes: Counter[str] = field(default_factory=Counter)
    cell_seconds: float = 0.0

    def add(self, result: PickResult) -> str:
        """Count an attempt; return its line, with rich's markup."""
        outcome = from_outcome_number(result.outcome)
        seconds = sum(phase.duration for phase in result.phases)
        self.attempts += 1
        self.cell_seconds += seconds
        if outcome is Outcome.SUCCESS:
            self.successes += 1
        else:
            self.sensed_causes[result.cause] += 1
            self.true_causes[result.true_cause or "unknown"] += 1
        self.uncertain += int(outcome is Outcome.UNCERTAIN)
        sensed = outcome in (Outcome.SUCCESS, Outcome.FAILURE)
        self.disagreements += int(sensed and str(outcome) != result.true_outcome)
        ended = result.phases[-1].phase if result.phases else "checks"
        reason = "" if outcome is Outcome.SUCCESS else f" {result.cause} ({result.true_cause})"
        return (
            f"pick {result.index + 1:3d}  {_MARKS[outcome]}{reason:<32s}"
            f"  p {result.point.probability:.2f}  {result.policy:<8s} until {ended:<9s}"
            f"  {seconds:4.1f} s  rate {self.successes / self.attempts:4.0%}"
        )

    def table(self, wall_seconds: float, ending: str) -> ReportTable:
        """Return the table of the run."""
        table = ReportTable(title="Emptying the bin", title_justify="left", show_header=False)
        rate = self.successes / self.attempts if self.attempts else 0.0
        for name, value in (
            ("ended", ending),
            ("attempts", str(self.attempts)),
            ("successes", f"{self.successes} ({rate:.0%})"),
            ("other outcomes as sensed", _counts(self.sensed_causes)),
            ("their true causes (simulator)", _counts(self.true_causes)),
            ("sensed and true outcome differ", f"{self.disagreements} of {self.attempts}"),
            ("sensors disagree, no label", str(self.uncertain)),
            ("picks per hour, robot's time", _per_hour(self.successes, self.cell_seconds)),
            ("picks per hour, this computer", _per_hour(self.successes, wall_seconds)),
        ):
            table.add_row(name, value)
        return table


def _counts(causes: Counter[str]) -> str:
    return ", ".join(f"{cause} {count}" for cause, count in causes.most_common()) or "none"


def _per_hour(count: int, seconds: float) -> str:
    return f"{3600 * count / seconds:.0f}" if seconds > 0 else "-"
