"""One use of the arm at a time, and a stop that returns when the arm is really at rest."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from grasp_affordance.attempt import Cause
from grasp_affordance.cell import Arm
from grasp_affordance.errors import CellError
from grasp_affordance.execution.cancellation import Cancellation

_log = logging.getLogger(__name__)

_STOP_PERIOD = 0.02  # seconds


class Activity:
    """Who may move the arm: nobody, or one pick or run of picks at a time."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._cancellation: Cancellation | None = None
        self._ending = False

    @property
    def busy(self) -> bool:
        """Whether somebody uses the arm."""
        return not self._idle.is_set()

    @contextmanager
    def acquire(self) -> Iterator[bool]:
        """Hold the arm inside the `with` block; gives False where somebody else has it."""
        with self._lock:
            acquired = not self.busy
            if acquired:
                self._idle.clear()
                self._ending = False
        try:
            yield acquired
        finally:
            if acquired:
                with self._lock:
                    self._cancellation = None
                    self._idle.set()

    def begin(self) -> Cancellation | None:
        """Return what can cancel the next pick of the holder; None once it should end."""
        with self._lock:
            if self._ending or not self.busy:
                return None
            self._cancellation = Cancellation()
            return self._cancellation

    def check(self) -> None:
        """Raise StoppedError where the pick under way should end; for whoever waits meanwhile."""
        if self._cancellation is not None:
            self._cancellation.check()

    def stop(self, cause: Cause, reason: str, timeout: float) -> bool:
        """End whatever is under way, now; return whether the arm is free within `timeout` seconds.

        Stops the arm again and again until then: a motion may have passed its check just before
        the request and begun just after the first stop.
        """
        with self._lock:
            self._ending = True
            if self._cancellation is not None:
                self._cancellation.request(cause, reason)
        deadline, refusal = time.monotonic() + timeout, ""
        while not self._idle.is_set() and time.monotonic() < deadline:
            try:
                self._arm.stop()
            except CellError as error:  # the next try may do, and whoever moves it must end
                refusal = f"{type(error).__name__}: {error}"
            self._idle.wait(_STOP_PERIOD)
        if refusal:
            _log.error("the arm did not confirm its stop: %s", refusal)
        return self._idle.is_set()
