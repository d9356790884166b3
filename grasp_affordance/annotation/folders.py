"""Folders that are complete or not there, and that one at a time may change."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grasp_affordance.errors import SequenceError
from grasp_affordance.folder_lock import BusyError, FolderLock


@contextmanager
def complete_folder(output: Path) -> Iterator[Path]:
    """Yield a new folder that takes the name `output` when the block ends without an error.

    It is made beside `output`, so that a kill leaves at most a hidden temporary folder. A folder
    that has the name then is replaced: the caller checks beforehand that it may be.

    Raises:
        SequenceError: the folder cannot be made or renamed.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent)
    except OSError as error:
        raise SequenceError(f"{output} cannot be written: {error}") from error
    with temporary as name:
        folder = Path(name) / "new"
        folder.mkdir()
        yield folder
        try:
            if output.exists():
                output.rename(Path(name) / "replaced")
            folder.rename(output)
        except OSError as error:
            raise SequenceError(f"{output} cannot be written: {error}") from error


def refuse_unless_empty(output: Path) -> None:
    """Raise SequenceError if `output` is a file or a folder that holds something."""
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise SequenceError(f"{output} exists and is not empty; choose another folder")


def claim_labels(labels: Path) -> FolderLock:
    """Return the right to change a folder of labels, or what was decided about them.

    Raises:
        BusyError: another process, or another desk, has it.
        SequenceError: the folder cannot be written.
    """
    try:
        return FolderLock(labels)
    except BusyError:
        raise BusyError(
            f"{labels} is open on a review page, or is being annotated; end that first"
        ) from None
    except OSError as error:
        raise SequenceError(f"{labels} cannot be written: {error}") from error
