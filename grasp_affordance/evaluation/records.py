"""What is kept of an evaluation: a row per attempt, counts per clearance."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from grasp_affordance.attempt import Outcome
from grasp_affordance.errors import ConfigError

CLEARED = "cleared"
"""How a clearance ends that leaves nothing which can be picked."""


@dataclass(frozen=True)
class AttemptRow:
    """One attempt as scored; one line of the CSV.

    Attributes:
        seed, clearance, attempt: which one; `attempt` counts from 0 in its clearance.
        stack: type of the pile.
        u, v: pixel. x, y, z: base-frame point as the cell believed it, metres.
        probability: as the policy predicted; source: who proposed the point.
        outcome, cause: as the cell sensed it.
        true_outcome, true_cause: as it was.
        lifted: whether an object truly hung clear of everything.
        placed: objects that this attempt brought to the place area, truly.
        seconds: duration in the cell's clock, from the look at the bin to the pile at rest;
        decision_seconds: of choosing, wall clock.
    """

    seed: int
    clearance: int
    attempt: int
    stack: str
    u: int
    v: int
    x: float
    y: float
    z: float
    probability: float
    source: str
    outcome: str
    cause: str
    true_outcome: str
    true_cause: str
    lifted: bool
    placed: int
    seconds: float
    decision_seconds: float

    @property
    def succeeded(self) -> bool:
        """Whether the attempt truly succeeded."""
        return self.true_outcome == Outcome.SUCCESS

    @property
    def sensed_success(self) -> bool:
        """Whether the cell took it for a success."""
        return self.outcome == Outcome.SUCCESS

    @property
    def disagrees(self) -> bool:
        """Whether the cell was sure, and wrong."""
        sure = self.outcome in (Outcome.SUCCESS, Outcome.FAILURE)
        return sure and self.succeeded != self.sensed_success


@dataclass(frozen=True)
class Clearance:
    """The counts of one pile.

    Attributes:
        seed, index, stack: which pile.
        objects: in the bin at the start; placed: brought to the place area; left: still in the bin
            at the end. The rest was lost beside both.
        end: why it ended: `CLEARED`, or one of `execution.continuous.End`.
        attempts, successes: picks carried out, and those that truly succeeded.
        lifted: attempts that lifted something clear.
        sensed_successes, disagreements, uncertain: what the cell's own removal check said.
        refusals: points that the executor refused before moving; no attempts.
        abstentions: requests for which the policy had nothing to propose; no attempts.
        causes: true cause -> failed attempts; sensed_causes: the same as sensed.
        seconds: in the cell's clock; phase_seconds: of these, by phase of a pick;
            decision_seconds: spent choosing, wall clock; wall_seconds: all of it, wall clock.
    """

    seed: int
    index: int
    stack: str
    objects: int
    placed: int
    left: int
    end: str
    attempts: int
    successes: int
    lifted: int
    sensed_successes: int
    disagreements: int
    uncertain: int
    refusals: int
    abstentions: int
    causes: Mapping[str, int]
    sensed_causes: Mapping[str, int]
    seconds: float
    phase_seconds: Mapping[str, float]
    decision_seconds: float
    wall_seconds: float

    @property
    def key(self) -> tuple[int, int]:
        """(seed, index): names the pile, the same for all policies."""
        return self.seed, self.index

    @property
    def cleared(self) -> bool:
        """Whether the bin was emptied."""
        return self.left == 0

    @property
    def lost(self) -> int:
        """Objects that fell beside bin and place area."""
        return self.objects - self.placed - self.left

    @property
    def interventions(self) -> int:
        """What a person had to do: see to a bin that was not emptied, fetch each lost object."""
        return int(not self.cleared) + self.lost

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Clearance":
        """Build from a JSON object; the inverse of `dataclasses.asdict`.

        Raises:
            ConfigError: keys are missing or unknown: the file is of another version.
        """
        names = {field.name for field in fields(cls)}
        if set(data) != names:
            wrong = ", ".join(sorted(set(data) ^ names))
            raise ConfigError(f"a clearance with other fields ({wrong}); run it again")
        return cls(**data)


def count_rows(rows: Iterable[AttemptRow]) -> dict[str, Any]:
    """Return the counts of `Clearance` that follow from the rows."""
    rows = list(rows)
    failed = [row for row in rows if not row.succeeded]
    return {
        "attempts": len(rows),
        "successes": len(rows) - len(failed),
        "lifted": sum(row.lifted for row in rows),
        "sensed_successes": sum(row.sensed_success for row in rows),
        "disagreements": sum(row.disagrees for row in rows),
        "uncertain": sum(row.outcome == Outcome.UNCERTAIN for row in rows),
        "causes": dict(Counter(row.true_cause for row in failed)),
        "sensed_causes": dict(Counter(row.cause for row in rows if not row.sensed_success)),
    }
