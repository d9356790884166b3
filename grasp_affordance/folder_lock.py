"""The right to write to a folder: who has it is alone, until it lets go or its process ends."""

import fcntl
import os
import weakref
from pathlib import Path

from grasp_affordance.closing import Closing
from grasp_affordance.errors import GraspAffordanceError

_LOCK = ".lock"  # a file, because NFS locks no folder


class BusyError(GraspAffordanceError):
    """Somebody else writes to the folder."""


class FolderLock(Closing):
    """Keeps others away from a folder, be they in this process or another.

    The lock is the operating system's: a kill releases it. So does forgetting the last reference.

    Args:
        folder: made when missing.

    Raises:
        BusyError: it is claimed already.
        OSError: the folder cannot be written, or its file system knows no locks.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise BusyError(
                f"another process is writing to {folder}; stop it, or choose another folder"
            ) from None
        except OSError:
            os.close(descriptor)
            raise
        self._release = weakref.finalize(self, os.close, descriptor)

    @property
    def held(self) -> bool:
        """Whether it has not been let go."""
        return bool(self._release.alive)

    def close(self) -> None:
        """Let others have the folder; a second time does nothing."""
        self._release()
