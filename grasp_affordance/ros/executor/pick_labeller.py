"""Labels the recorded picks in a thread of its own: the arm does not wait for masks."""

import logging
import queue
import threading
from contextlib import suppress
from pathlib import Path

from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.learning.log.pick_labelling import prior_seal, write_label
from grasp_affordance.learning.log.setup import LogSetup

_LOG = logging.getLogger(__name__)
_MOST = 20  # attempts that wait, with their frames in memory
_LOOK = 0.1  # seconds between looks at whether to end


class PickLabeller:
    """Writes the labels of a log; what it does not get to, `attempts LOG label` makes up for."""

    def __init__(self, log: Path, setup: LogSetup) -> None:
        self._log, self._box, self._seal = log, setup.cell.required_bin(), prior_seal(setup)
        self._waiting: queue.Queue[tuple[int, GraspAttempt]] = queue.Queue(_MOST)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="labelling")
        self._thread.start()

    def add(self, number: int, attempt: GraspAttempt) -> None:
        """Have an attempt labelled that is in the log."""
        try:
            self._waiting.put_nowait((number, attempt))
        except queue.Full:
            _LOG.warning("attempt %d has no label: the computer is too busy", number)

    def close(self) -> None:
        """End after the label under way."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.is_set():
            with suppress(queue.Empty):
                number, attempt = self._waiting.get(timeout=_LOOK)
                self._label(number, attempt)

    def _label(self, number: int, attempt: GraspAttempt) -> None:
        try:
            write_label(self._log, number, attempt, self._box, self._seal)
        except (GraspAffordanceError, OSError) as error:
            _LOG.error("attempt %d has no label: %s", number, error)
