"""The Enter key of the terminal in which a node runs, as a trigger."""

import logging
import os
import select
import sys
import threading
from collections.abc import Callable
from typing import TextIO

_LOG = logging.getLogger(__name__)
_LOOK = 0.2  # seconds between looks at whether to end


class EnterKey:
    """Calls back, in a thread of its own, at each line that is typed."""

    def __init__(self, terminal: TextIO, pressed: Callable[[], None]) -> None:
        self._file, self._pressed = terminal.fileno(), pressed
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="enter key", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._end.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._end.is_set():
            if not _in_foreground(self._file):  # reading would stop the process
                self._end.wait(_LOOK)
            elif not self._read():
                return

    def _read(self) -> bool:
        """Wait a moment for what is typed; return whether more can come."""
        try:
            if not select.select([self._file], [], [], _LOOK)[0]:
                return True
            typed = os.read(self._file, 4096)
        except OSError as error:  # the terminal was closed
            _LOG.info("no more keys: %s", error)
            return False
        for _ in range(typed.count(b"\n")):
            self._pressed()
        return bool(typed)


def terminal() -> TextIO | None:
    """Return the terminal that this process can read keys from; None where there is none."""
    stream = sys.stdin
    return stream if stream is not None and not stream.closed and stream.isatty() else None


def _in_foreground(file: int) -> bool:
    """Whether this process may read from a terminal; another's is none of its jobs."""
    try:
        return os.tcgetpgrp(file) == os.getpgrp()
    except OSError:  # not the terminal that controls this process
        return True
