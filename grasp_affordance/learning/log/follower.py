"""A trainer that follows an attempt log, also one that another process is writing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from grasp_affordance.cell_description import CellDescription
from grasp_affordance.errors import CheckpointError, ConfigError
from grasp_affordance.files import parse_json
from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.learning.log.attempt_log import ATTEMPTS, SETUP, AttemptLogError, load_attempt
from grasp_affordance.learning.training_samples import training_sample_of
from grasp_affordance.learning.log.setup import LogSetup
from grasp_affordance.learning.trainer import TrainingReport, Trainer


class AttemptReader:
    """Reads a log line by line, each once, as they are written."""

    def __init__(self, folder: str | Path, first: int = 0) -> None:
        """Begin with attempt number `first`; the log need not be there yet."""
        self.folder = Path(folder)
        self._path = self.folder / ATTEMPTS
        self._skip, self._offset = first, 0

    def next(self) -> GraspAttempt | None:
        """Return the next attempt with its frames; None while there is none.

        Raises:
            AttemptLogError: a line is damaged, or the log is shorter than it has been.
        """
        while (line := self._line()) is not None:
            if self._skip:
                self._skip -= 1
                continue
            try:
                data = parse_json(line)
            except ValueError as error:
                raise AttemptLogError(f"{self._path}: a line is damaged ({error})") from error
            return load_attempt(self.folder, data, frames=True)
        return None

    @property
    def started(self) -> bool:
        """Whether the log is there."""
        return self._path.exists()

    @property
    def behind(self) -> int:
        """Attempts that should be in the log but have not been seen in it."""
        return self._skip

    def _line(self) -> bytes | None:
        """Return the next whole line; one without its newline is still being written."""
        if not self._path.exists():
            return None
        if self._path.stat().st_size < self._offset:
            raise AttemptLogError(f"{self._path} has become shorter; restore it")
        with self._path.open("rb") as file:
            file.seek(self._offset)
            line = file.readline()
        if not line.endswith(b"\n"):
            return None
        self._offset += len(line)
        return line


class LogTrainer:
    """Teaches a trainer what a log holds, in its order, from where the trainer stopped.

    Attributes:
        trainer: in use; another one after an error.
    """

    def __init__(
        self,
        make_trainer: Callable[[], Trainer],
        folder: str | Path,
        setup: LogSetup,
    ) -> None:
        """Follow the log in `folder`.

        Args:
            make_trainer: makes the trainer, or brings it back as it is on the disk.
            setup: what attempts are evaluated by where the weights serve; see `setup_for`.
        """
        self._make_trainer, self._folder = make_trainer, folder
        self._setup = setup
        self._checked = self._broken = False
        self._restart()

    def step(self) -> TrainingReport | None:
        """Learn from the next attempt; return None where there is none yet.

        Raises:
            AttemptLogError: the log is damaged, or not the one that the trainer has learned from.
            ConfigError: the log is of another cell; the message names the keys.
            CheckpointError: the state cannot be written. After any error the next call goes on from
                what is on the disk, so that no attempt is lost or learned from twice.
        """
        return self._wholly(self._learn)

    def roll_back(self) -> bool:
        """See `Trainer.roll_back`; raises CheckpointError where it cannot be written."""
        return self._wholly(Trainer.roll_back)

    def keep(self) -> Path:
        """See `Trainer.keep`; raises CheckpointError where it cannot be written."""
        return self._wholly(Trainer.keep)

    def _wholly[Result](self, action: Callable[[Trainer], Result]) -> Result:
        """Do something with the trainer; one that was left half-way is brought back first."""
        try:
            if self._broken:
                self._restart()
            self._broken = True  # until the action has ended as it should
            result = action(self.trainer)
        except OSError as error:
            raise CheckpointError(
                f"{self.trainer.folder} cannot be written ({error}); free space"
            ) from error
        self._broken = False
        return result

    def _restart(self) -> None:
        self.trainer = self._make_trainer()
        self._reader = AttemptReader(self._folder, self.trainer.state.consumed)

    def _learn(self, trainer: Trainer) -> TrainingReport | None:
        attempt = self._reader.next()
        if attempt is None:
            if self._reader.behind and self._reader.started:
                raise AttemptLogError(
                    f"{self._folder} has {self._reader.behind} attempts less than the trainer in "
                    f"{trainer.folder} has learned from; restore it, or choose another folder "
                    "for the weights"
                )
            return None
        self._check_setup()
        network = trainer.config.learner.network
        training_sample = training_sample_of(attempt, self._setup.predictor, network)
        return trainer.consume(training_sample)

    def _check_setup(self) -> None:
        """Refuse a log whose attempts would look otherwise than those that will be evaluated."""
        if self._checked:
            return
        self._setup.refuse_other(self._reader.folder)
        self._checked = True


def setup_for(folder: str | Path, cell: CellDescription | None) -> LogSetup:
    """Return what a trainer takes the attempts of a log to be evaluated by: what the log says.

    Args:
        folder: of the log; it need not be there yet where the cell is known.
        cell: in which the weights will serve; None where only the log knows.

    Raises:
        ConfigError: the log is of another cell, or neither log nor cell is there.
        AttemptLogError: the log's setup cannot be read.
    """
    if not (Path(folder) / SETUP).exists():
        if cell is None:
            raise ConfigError(
                f"{folder} holds no attempt log yet: start the executor first, or name the cell"
            )
        return LogSetup.of(cell)
    if cell is not None:
        LogSetup.of(cell).refuse_other(folder)
    return LogSetup.read(folder)
