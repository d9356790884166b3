"""Files and folders that exist either as they were or completely: never half-written.

And JSON as this package reads it: every number finite, whoever wrote the file.
"""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Return the content of a JSON text.

    Raises:
        ValueError: it is no JSON, is nested too deeply, or holds a number that is not finite.
    """
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("brackets are nested too deeply for a file of this package") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path` so that a reader, or a crash at any moment, sees all of it or nothing.

    The bytes go to a temporary file beside `path`, reach the disk (fsync), and only then take the
    name. Missing parent folders are made.

    Raises:
        OSError: the folder cannot be written; the temporary file is removed.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), 0o644)  # mkstemp makes it private
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield where to make a folder of the same name; it becomes `path` when the block has ended.

    If the block raises, what it made is removed, and `path` does not exist. Who is killed leaves a
    hidden folder beside `path`.

    Raises:
        FileExistsError: `path` exists already.
        OSError: the folder around it cannot be written.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists already")
    path.parent.mkdir(parents=True, exist_ok=True)
    around = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield around / path.name
        (around / path.name).rename(path)
    finally:
        shutil.rmtree(around)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
