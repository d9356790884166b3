"""What is kept of a learning run: a row per attempt, on disk as soon as it is known."""

import csv
import io
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from grasp_affordance.attempt import Outcome
from grasp_affordance.errors import ConfigError
from grasp_affordance.files import write_atomically
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
        loss: of the step that followed; NaN without one.
        version: weights in service afterwards.
        decision_seconds, learning_seconds, wall_seconds: wall clock: of choosing, of learning, and
            of everything since the attempt before.
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


class LearningTable:
    """The rows of one run, appended to a CSV; whole lines survive a kill.

    Raises:
        ConfigError: the file is no such table.
    """

    def __init__(self, path: Path, keep: int = 0) -> None:
        """Open a table and cut it back to the rows of the first `keep` attempts."""
        self.path = path
        self.rows = read_learning_rows(path)[:keep] if path.exists() and keep else []
        write_atomically(path, (_header() + "".join(map(_line, self.rows))).encode())

    def append(self, row: LearningRow) -> None:
        """Write one row; on return it is on the disk."""
        self.rows.append(row)
        with self.path.open("a") as file:
            file.write(_line(row))
            file.flush()
            os.fsync(file.fileno())


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
