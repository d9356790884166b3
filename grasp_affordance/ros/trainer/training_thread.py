"""Training in a thread that yields to everything else."""

import os
import threading
from collections.abc import Callable

from grasp_affordance.learning.log.follower import LogTrainer
from grasp_affordance.learning.trainer import TrainingReport


class TrainingThread:
    """Learns from one attempt after the other while there are any and nobody has paused it.

    Attributes:
        lock: held during each step and while it is told; whoever else uses the trainer, or tells
            of it, takes it.
        paused: by a user, or by an error that only a user can mend.
    """

    def __init__(
        self,
        source: LogTrainer,
        on_report: Callable[[TrainingReport], None],
        on_error: Callable[[Exception], None],
        poll: float,
        niceness: int,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            source: where training samples come from.
            on_report: told what each attempt taught.
            on_error: told why training has paused.
            poll: seconds between looks where nobody calls `wake`.
            niceness: of this thread alone, as in nice(2); a process that is nicer stays so.
        """
        self.lock = threading.RLock()
        self.paused = False
        self._source, self._poll, self._niceness = source, poll, niceness
        self._on_report, self._on_error = on_report, on_error
        self._wake, self._end = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to learn."""
        self._end.clear()
        self._thread = threading.Thread(target=self._run, name="training")
        self._thread.start()

    def stop(self) -> None:
        """End after the step under way; all that was learned is on the disk."""
        self._end.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """Look at the log now."""
        self._wake.set()

    def _run(self) -> None:
        # Linux gives each thread a priority of its own; the node's callbacks keep theirs.
        thread = threading.get_native_id()
        present = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, max(present, self._niceness))
        while not self._end.is_set():
            if self.paused or not self._step():
                self._wake.wait(self._poll)
                self._wake.clear()

    def _step(self) -> bool:
        """Learn from the next attempt and tell of it; return whether there was one."""
        with self.lock:
            try:
                report = self._source.step()
                if report is not None:
                    self._on_report(report)
            except Exception as error:  # noqa: BLE001 - a thread that died would look like one that waits
                self.paused = True
                self._on_error(error)
                return False
            return report is not None
