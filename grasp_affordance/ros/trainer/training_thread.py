"""Training in a thread that yields to everything else."""

import os
import threading
import time
from collections.abc import Callable

from grasp_affordance.learning.log.follower import LogTrainer
from grasp_affordance.learning.trainer import TrainingReport


class TrainingThread:
    """Learns from one attempt after the other while there are any and nobody has paused it.

    After an error it waits, tries the same attempt again, and so goes on by itself once a full disk
    has space again.

    Attributes:
        lock: held during each step and while it is told; whoever else uses the trainer, or tells
            of it, takes it.
        paused: by a user.
        trouble: the error of the last try; None where it succeeded.
    """

    def __init__(
        self,
        source: LogTrainer,
        on_report: Callable[[TrainingReport], None],
        on_trouble: Callable[[Exception | None], None],
        poll: float,
        retry: float,
        niceness: int,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            source: where training samples come from.
            on_report: told what each attempt taught.
            on_trouble: told why training waits, once for tries that end with the same kind of
                error, and None as soon as a try succeeds again.
            poll: seconds between looks where nobody calls `wake`.
            retry: seconds from an error to the next try.
            niceness: of this thread alone, as in nice(2); a process that is nicer stays so.
        """
        self.lock = threading.RLock()
        self.paused = False
        self.trouble: Exception | None = None
        self._source, self._poll, self._retry, self._niceness = source, poll, retry, niceness
        self._on_report, self._on_trouble = on_report, on_trouble
        self._wake, self._end = threading.Event(), threading.Event()
        self._not_before = 0.0  # time.monotonic() of the next try
        self._thread: threading.Thread | None = None

    @property
    def waits(self) -> bool:
        """Whether nothing is learned now: a user has paused it, or the last try ended in error."""
        return self.paused or self.trouble is not None

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
        """Look at the log now, unless the next try after an error is still to come."""
        self._wake.set()

    def try_again(self) -> None:
        """Do not wait for the next try any longer."""
        self._not_before = 0.0
        self._wake.set()

    def _run(self) -> None:
        # Linux gives each thread a priority of its own; the node's callbacks keep theirs.
        thread = threading.get_native_id()
        present = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, max(present, self._niceness))
        while not self._end.is_set():
            left = self._not_before - time.monotonic()
            if self.paused or left > 0 or not self._step():
                left = self._not_before - time.monotonic()
                self._wake.wait(left if left > 0 else self._poll)
                self._wake.clear()

    def _step(self) -> bool:
        """Learn from the next attempt and tell of it; return whether there was one."""
        with self.lock:
            try:
                report = self._source.step()
                self._set_trouble(None)
                if report is not None:
                    self._on_report(report)
            except Exception as error:  # noqa: BLE001 - a thread that died would look like one that waits
                self._not_before = time.monotonic() + self._retry
                self._set_trouble(error)
                return False
            return report is not None

    def _set_trouble(self, error: Exception | None) -> None:
        before, self.trouble = self.trouble, error
        if type(error) is not type(before):
            self._on_trouble(error)
