"""The right to write to a folder: who has it is alone, until it lets go or its process ends."""

from pathlib import Path

from filelock import FileLock, Timeout

from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.files import Closing

_LOCK = ".lock"  # a file, because NFS locks no folder


class BusyError(GraspAffordanceError):
    """Somebody else writes to the folder."""


class FolderLock(Closing):
    """Keeps others away from a folder, be they in this process or another.

    The lock is the operating system's: a kill releases it. So does forgetting the last reference.

    Args:
        folder: made when missing.

    Raises:
        BusyError: another holds it.
        OSError: the folder cannot be written, or its file system knows no locks.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / _LOCK, thread_local=False)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise BusyError(
                f"another process is writing to {folder}; stop it, or choose another folder"
            ) from None

    @property
    def held(self) -> bool:
        """Whether it has not been let go."""
        return self._lock.is_locked

    def close(self) -> None:
        """Let others have the folder; a second time does nothing."""
        self._lock.release()
