"""What is kept of a learning run: a row per attempt, on disk as soon as it is known."""

import csv
import io
import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from grasp_affordance.attempt import GraspAttempt, Outcome
from grasp_affordance.errors import ConfigError
from grasp_affordance.files import write_atomically
from grasp_affordance.learning.curve import WINDOW, rolling_success
from grasp_affordance.suction import Source


@dataclass(frozen=True)
class LearningRow:
    """One attempt of a learning run; one line of the CSV.

    Attributes:
        number: of the attempt, from 0.
        pile: number of the pile, from 0; stack: its type.
        u, v: pixel.
        probability: as predicted before the pick; source: who proposed the point.
        outcome, cause: as the cell sensed it, and as was learned from it.
        true_outcome, true_cause: as it was.
        rolling_success: true successes per attempt over the last hundred, this one included.
        exploration: probability with which this pick was exploratory.
        loss: of the step that followed; NaN without one, or where a kill came before the row.
        version: weights in service afterwards.
        decision_seconds, learning_seconds, wall_seconds: wall clock: of choosing, of learning, and
            of everything since the attempt before. The last two are NaN where a kill came before
            the row.
    """

    number: int
    pile: int
    stack: str
    u: int
    v: int
    probability: float
    source: str
    outcome: str
    cause: str
    true_outcome: str
    true_cause: str
    rolling_success: float
    exploration: float
    loss: float
    version: str
    decision_seconds: float
    learning_seconds: float
    wall_seconds: float

    @property
    def succeeded(self) -> bool:
        """Whether the attempt truly succeeded."""
        return self.true_outcome == Outcome.SUCCESS

    @property
    def exploratory(self) -> bool:
        """Whether the point was chosen to learn, not to succeed."""
        return Source(self.source).explores


@dataclass(frozen=True)
class RunFacts:
    """What is known of an attempt of a run before anything is learned from it.

    It goes into the attempt log, so that a kill loses no row. Attributes as of `LearningRow`.
    """

    pile: int
    stack: str
    exploration: float
    decision_seconds: float


def learning_row(
    attempt: GraspAttempt,
    facts: RunFacts,
    version: str,
    loss: float = math.nan,
    learning_seconds: float = math.nan,
    wall_seconds: float = math.nan,
) -> LearningRow:
    """Return the row of an attempt; its rolling success is filled in by the table."""
    point = attempt.point
    return LearningRow(
        number=attempt.index,
        pile=facts.pile,
        stack=facts.stack,
        u=point.u,
        v=point.v,
        probability=point.probability,
        source=str(point.source),
        outcome=str(attempt.outcome),
        cause=str(attempt.cause),
        true_outcome=str(attempt.true_outcome or attempt.outcome),
        true_cause=str(attempt.true_cause or attempt.cause),
        rolling_success=math.nan,
        exploration=facts.exploration,
        loss=loss,
        version=version,
        decision_seconds=facts.decision_seconds,
        learning_seconds=learning_seconds,
        wall_seconds=wall_seconds,
    )


class LearningTable:
    """The rows of one run, appended to a CSV; whole lines survive a kill.

    Raises:
        ConfigError: the file is no such table.
    """

    def __init__(self, path: Path, keep: int = 0) -> None:
        """Open a table and cut it back to the rows of the first `keep` attempts."""
        self.path = path
        present = read_learning_rows(path) if path.exists() and keep else []
        self.rows = [row for row in present if row.number < keep]
        self._write()

    def complete(self, logged: Iterable[tuple[GraspAttempt, RunFacts]], version: str) -> None:
        """Add the rows that kills have taken.

        Args:
            logged: attempts that were learned from, in their order.
            version: weights in service after the last of them.
        """
        known = {row.number: row for row in self.rows}
        attempts = list(logged)
        after = [*(attempt.model_version for attempt, _ in attempts[1:]), version]
        for (attempt, facts), served in zip(attempts, after, strict=bool(attempts)):
            known.setdefault(attempt.index, learning_row(attempt, facts, served))
        if len(known) == len(self.rows):
            return
        self.rows = []
        for _, row in sorted(known.items()):
            self.rows.append(self._with_rolling(row))
        self._write()

    def append(self, row: LearningRow) -> LearningRow:
        """Write one row and return it with its rolling success; on return it is on the disk."""
        row = self._with_rolling(row)
        self.rows.append(row)
        with self.path.open("a") as file:
            file.write(_line(row))
            file.flush()
            os.fsync(file.fileno())
        return row

    def _with_rolling(self, row: LearningRow) -> LearningRow:
        """Return a row that follows those present with its rolling success."""
        before = [earlier.succeeded for earlier in self.rows[-WINDOW:]]
        return replace(row, rolling_success=rolling_success([*before, row.succeeded]))

    def _write(self) -> None:
        write_atomically(self.path, (_header() + "".join(map(_line, self.rows))).encode())


def read_learning_rows(path: Path) -> list[LearningRow]:
    """Read the table of a run, without a last line that a kill left unfinished.

    Raises:
        ConfigError: it cannot be read, or a column is missing or not of its type.
    """
    kinds = {field.name: field.type for field in fields(LearningRow)}
    try:
        whole, _, _ = path.read_text().rpartition("\n")
        return [
            LearningRow(**{name: kind(line[name]) for name, kind in kinds.items()})  # type: ignore[operator]
            for line in csv.DictReader(io.StringIO(whole))
        ]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is no table of a learning run: {error!r}") from error


def _header() -> str:
    return ",".join(field.name for field in fields(LearningRow)) + "\n"


def _line(row: LearningRow) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(asdict(row).values())
    return text.getvalue()
