"""Files and folders that exist either as they were or completely; reading what others wrote.

What is read may come from anywhere. A file that does not hold what it should ends in one named
error, and never leads outside the folder that was asked for.
"""

import json
import math
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, Self

from grasp_affordance.errors import SequenceError


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


def inside(folder: Path, name: str) -> Path:
    """Return the path of `name` in `folder`, where it is sure to be in that folder.

    Raises:
        SequenceError: the name leads outside: by `..`, as an absolute path, or by a link.
    """
    path = folder / name
    try:
        whole = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, NUL, too long
        raise SequenceError(f"{folder}: the name {name!r} is no file's: {error}") from error
    if not whole:
        raise SequenceError(f"{folder}: the name {name!r} leads outside of the folder")
    return path


def parse_json(text: str | bytes, finite: bool = True) -> Any:
    """Return the value of a JSON text.

    Args:
        text: in UTF-8 where it is bytes.
        finite: refuse numbers that are NaN, infinite or too large for 64 bits.

    Raises:
        ValueError: it is no JSON, is nested too deeply, or has a refused number.
    """
    try:
        if not finite:
            return json.loads(text)
        return json.loads(
            text, parse_constant=_refuse_number, parse_float=_finite, parse_int=_whole_number
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; see `parse_json`.

    Raises:
        SequenceError: it is missing, unreadable or no such JSON.
    """
    try:
        return parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SequenceError(f"{path} cannot be read: {error}") from error


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"the number {text[:20]} is not finite or too large")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse_number(text)


def _whole_number(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= (value := int(text)) < 2**64:
        _refuse_number(text)
    return value


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Closing(ABC):
    """Something that ends with its `with` block, however that ends."""

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds."""

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()
