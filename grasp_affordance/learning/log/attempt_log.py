"""The attempt log: every pick on disk, append-only, whole after a kill at any instant.

    setup.json       what the attempts were evaluated by: the cell, the predictor, the camera
    attempts.jsonl   one attempt a line
    camera.json, NNNN.color.png, NNNN.depth.png, NNNN.frame.json
                     the frames around the picks, as a sequence that can be annotated as it is
    labels           what the frames tell of each pick (`pick_labelling`)

Frames reach the disk before the line that names them, and a line counts once it ends in a newline:
a kill between the two leaves a frame that nobody names, never an attempt without its frames.
"""

import json
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grasp_affordance.annotation.pick_labels import remove_labels
from grasp_affordance.folder_lock import BusyError, FolderLock
from grasp_affordance.config_dict import differences
from grasp_affordance.errors import ConfigError, GraspAffordanceError, SequenceError
from grasp_affordance.files import parse_json, read_json, write_atomically
from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.learning.log.attempt_codec import from_json, to_json
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import (
    CAMERA_FILE,
    SequenceCamera,
    SequenceWriter,
    drop_unpaired,
    is_whole,
    read_frame,
    remove_frame,
    stored_frames,
)

_LOG = logging.getLogger(__name__)
SETUP, ATTEMPTS, LABELS = "setup.json", "attempts.jsonl", "labels"
_BLOCK = 1 << 16  # bytes

Differences = Callable[[Mapping[str, Any], Mapping[str, Any]], Iterable[tuple[str, Any, Any]]]


class AttemptLogError(GraspAffordanceError):
    """The log cannot be written or read, or belongs to another setup."""


@dataclass(frozen=True)
class Retention:
    """How many attempts keep their frames.

    Attributes:
        attempts_with_frames: the newest this many, and their labels; 0 keeps all. The lines are
            kept for ever.
    """

    attempts_with_frames: int = 0

    def __post_init__(self) -> None:
        if self.attempts_with_frames < 0:
            raise ConfigError("retention: attempts_with_frames must not be negative")


class AttemptLog:
    """Appends attempts to a folder, new or already a log of the same setup.

    It keeps other writers away from the folder until it is closed, or forgotten.

    Args:
        folder: made when missing.
        camera: of all frames.
        setup: JSON values: what the attempts are evaluated by.
        differences: yields (key, present value, new value) of what must be the same in two setups
            for attempts to be comparable; all by default. The rest of a present one is replaced.

    Raises:
        AttemptLogError: the folder holds attempts of another setup; the message names what differs.
            Or another log writes to it.
    """

    def __init__(
        self,
        folder: str | Path,
        camera: SequenceCamera,
        setup: Mapping[str, Any],
        retention: Retention | None = None,
        differences: Differences = differences,
    ) -> None:
        self.folder = Path(folder)
        self._retention = retention or Retention()
        self._frames: dict[int, str] = {}  # names of the last stored frames, by stamp
        try:
            self._lock = FolderLock(self.folder)
        except BusyError as error:
            raise AttemptLogError(str(error)) from error
        _check_setup(self.folder / SETUP, _full_setup(camera, setup), differences)
        self._path = self.folder / ATTEMPTS
        _repair(self._path)
        self._count = 0
        # Names of the frames of the newest attempts: a robot that picks for weeks has no room for
        # all that it has ever done.
        self._newest: deque[frozenset[str]] = deque(maxlen=self._retention.attempts_with_frames)
        first = 0  # frame whose name no attempt has, not even one whose frames are gone
        for line in _whole_lines(self._path):
            self._count += 1
            names = _frames_of(line)
            self._newest.append(names)
            first = max([first, *(int(name) + 1 for name in names if name.isdecimal())])
        for name in drop_unpaired(self.folder):
            _LOG.warning("%s: dropped the incomplete frame %s", self.folder, name)
        self._prune()
        self._writer = SequenceWriter(self.folder, camera, first)

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        """Let others write; everything is on the disk already."""
        self._lock.close()

    def append(self, attempt: GraspAttempt, facts: Mapping[str, Any] | None = None) -> int:
        """Write one attempt; return its number in the log, 0-based. On return it is on the disk.

        Args:
            facts: what else is worth keeping of it, JSON values; see `read_facts`.

        Raises:
            AttemptLogError: the disk is full or not writable, the frames are not of the log's
                camera, or the log is closed; it is as it was before.
        """
        if not self._lock.held:
            raise AttemptLogError(f"{self.folder}: an attempt came after the log was closed")
        before_size = self._path.stat().st_size if self._path.exists() else 0
        try:
            data = to_json(attempt, self._store(attempt.before), self._store(attempt.after))
            data["facts"] = dict(facts or {})
            line = json.dumps(data, allow_nan=False)
            with self._path.open("ab") as file:
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except SequenceError as error:
            raise AttemptLogError(
                f"{self.folder}: attempt {self._count} could not be written ({error}); "
                "restore the camera as it was, or log into a new folder"
            ) from error
        except OSError as error:
            if self._path.exists():
                os.truncate(self._path, before_size)
            raise AttemptLogError(
                f"{self.folder}: attempt {self._count} could not be written ({error}); free "
                "space or choose another folder, then go on: nothing before it is lost"
            ) from error
        oldest = self._newest[0] if self._newest else frozenset()
        self._newest.append(_frames_of(data))
        self._count += 1
        past = self._count - self._retention.attempts_with_frames - 1
        if self._newest and past >= 0:
            self._forget(oldest, [f"{past:04d}"])
        return self._count - 1

    def _store(self, frame: RgbdFrame | None) -> str | None:
        """Store a frame once: the frame after a pick is often the one before the next."""
        if frame is None:
            return None
        name = self._frames.get(frame.stamp_ns) if frame.stamp_ns else None
        if name is None:
            name = self._writer.append(frame)
            self._frames = {**dict(list(self._frames.items())[-3:]), frame.stamp_ns: name}
        return name

    def _prune(self) -> None:
        """Remove what is past retention: it may have changed, or a kill ended a removal."""
        keep = self._retention.attempts_with_frames
        if not keep or self._count <= keep:
            return
        labels = (path.stem for path in (self.folder / LABELS).glob("*.json"))
        past = [name for name in labels if int(name) < self._count - keep]
        self._forget(stored_frames(self.folder), past)

    def _forget(self, frames: Iterable[str], labels: Iterable[str]) -> None:
        """Remove frames that none of the newest attempts has, and labels."""
        for name in set(frames).difference(*self._newest):
            remove_frame(self.folder, name)
        for name in labels:
            remove_labels(self.folder / LABELS, name)


def read_log(folder: str | Path, frames: bool = True) -> Iterator[GraspAttempt]:
    """Yield the attempts of a log, also while it is being written.

    Raises:
        AttemptLogError: there is no log in the folder, or a line is not an attempt.
    """
    path = Path(folder) / ATTEMPTS
    if not path.exists():
        raise AttemptLogError(f"{folder}: no attempt log here ({ATTEMPTS} is missing)")
    for line in _whole_lines(path):
        yield load_attempt(Path(folder), line, frames)


def read_facts(folder: str | Path) -> list[dict[str, Any]]:
    """Return what `AttemptLog.append` was told besides each attempt, in the order of the log.

    Raises:
        AttemptLogError: there is no log in the folder, or a line is not an attempt.
    """
    path = Path(folder) / ATTEMPTS
    if not path.exists():
        raise AttemptLogError(f"{folder}: no attempt log here ({ATTEMPTS} is missing)")
    return [dict(line.get("facts", {})) for line in _whole_lines(path)]


def read_attempt(folder: str | Path, number: int) -> GraspAttempt:
    """Return one attempt of a log with its frames.

    Raises:
        AttemptLogError: there is no such attempt.
    """
    count = 0
    for count, line in enumerate(_whole_lines(Path(folder) / ATTEMPTS), 1):
        if count - 1 == number:
            return load_attempt(Path(folder), line, frames=True)
    raise AttemptLogError(f"{folder}: attempt {number} is not there (it has {count})")


def read_setup(folder: str | Path) -> dict[str, Any]:
    """Return the setup of a log as it was given to it, with its camera.

    Raises:
        AttemptLogError: it cannot be read.
    """
    path = Path(folder) / SETUP
    try:
        return dict(parse_json(path.read_bytes(), finite=False))
    except (OSError, ValueError) as error:
        raise AttemptLogError(f"{path} cannot be read ({error}); restore it") from error


def load_attempt(folder: Path, data: dict[str, Any], frames: bool) -> GraspAttempt:
    """Return the attempt of one line of a log, with its frames where they were kept.

    Raises:
        AttemptLogError: the line is not an attempt, or the camera's file cannot be read.
    """
    try:
        camera = _camera(folder) if frames else None
        before, after = (_frame(folder, camera, data[key]) for key in ("before", "after"))
        return from_json(data, before, after)
    except (KeyError, TypeError, ValueError) as error:
        raise AttemptLogError(f"{folder}: a line is not an attempt ({error!r})") from error


def _frame(folder: Path, camera: SequenceCamera | None, name: str | None) -> RgbdFrame | None:
    """Return a stored frame; None where it is past retention, maybe since this very moment."""
    if camera is None or name is None or not is_whole(folder, name):
        return None
    try:
        return read_frame(folder, camera, name)
    except SequenceError:
        if is_whole(folder, name):
            raise
        return None


def _camera(folder: Path) -> SequenceCamera:
    try:
        return SequenceCamera.from_dict(read_json(folder / CAMERA_FILE))
    except SequenceError as error:
        raise AttemptLogError(f"{folder / CAMERA_FILE} cannot be read ({error})") from error


def _frames_of(line: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the frames of an attempt."""
    return frozenset(name for name in (line.get("before"), line.get("after")) if name)


def _whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the attempts of a file; none where there is no file."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return  # it is being written
            try:
                data = parse_json(line)
            except ValueError as error:  # no JSON, or no text at all
                raise AttemptLogError(
                    f"{path}: a line is damaged ({error}); restore the file"
                ) from error
            if not isinstance(data, dict):
                raise AttemptLogError(f"{path}: a line is no JSON object; restore the file")
            yield data


def _repair(path: Path) -> None:
    """Cut off a last line that a kill left unfinished."""
    if not path.exists():
        return
    size = end = path.stat().st_size
    with path.open("rb") as file:
        while end:
            start = max(0, end - _BLOCK)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
    if end < size:
        _LOG.warning("%s: dropped an unfinished last line of %d bytes", path, size - end)
        os.truncate(path, end)


def _full_setup(camera: SequenceCamera, setup: Mapping[str, Any]) -> dict[str, Any]:
    return {**setup, "camera": camera.intrinsics.to_dict() | {"frame_id": camera.frame_id}}


def _check_setup(path: Path, setup: dict[str, Any], differences: Differences) -> None:
    setup = json.loads(json.dumps(setup))  # tuples become lists, as they come back
    present = read_setup(path.parent) if path.exists() else setup
    different = [f"{key} was {was}, is {now}" for key, was, now in differences(present, setup)]
    if different:
        raise AttemptLogError(
            f"{path.parent} holds attempts of another setup: {'; '.join(different)}. Log into a "
            "new folder, or restore the setup"
        )
    if present != setup or not path.exists():
        write_atomically(path, (json.dumps(setup, indent=2) + "\n").encode())
