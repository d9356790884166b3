"""Every attempt of the executor on the disk, and its labels, where a folder is named for it."""

import logging
import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.cell import Cell
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.errors import CameraError, ConfigError, GraspAffordanceError
from grasp_affordance.learning.log.attempt_log import AttemptLog, AttemptLogError, Retention
from grasp_affordance.learning.log.pick_labelling import prior_seal, write_label
from grasp_affordance.learning.log.setup import LogSetup, open_log
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common.config_values import FilePath

_LOG = logging.getLogger(__name__)
_POLL = 0.1  # seconds between looks for the camera, or at whether to end
_MOST_WAITING = 20  # attempts that wait, with their frames in memory


@dataclass(frozen=True)
class RecordConfig:
    """What is kept of each attempt.

    Attributes:
        directory: folder of the attempt log, with the frames around each pick; empty: nothing is
            kept, and no trainer can learn.
        label: write the removed object's mask, dense positives and grasp rectangles of each pick
            into `labels` beside.
        retention: of the frames.
        patience: for so long an activation waits for the camera's first frame and its pose, which
            the log's setup names, seconds: a camera that starts beside it takes its time.
    """

    directory: FilePath = ""
    label: bool = True
    retention: Retention = field(default_factory=Retention)
    patience: float = 20.0

    def __post_init__(self) -> None:
        if not 0 <= self.patience <= 600:
            raise ConfigError(f"patience {self.patience} s is not between 0 and 600 s")


class PickRecord:
    """The attempt log of an executor; an attempt that could not be written is kept until it can.

    Picking must stop meanwhile: an attempt that nobody keeps teaches nothing.
    """

    def __init__(self, config: RecordConfig, cell: Cell, described: CellDescription) -> None:
        self._config, self._cell, self._described = config, cell, described
        self._log: AttemptLog | None = None
        self._labeller: PickLabeller | None = None
        self._unwritten: GraspAttempt | None = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Open the log, if one is asked for; needs a frame of the camera.

        Raises:
            AttemptLogError: the folder is of another setup, or cannot be written.
            CameraError: there is no frame, or the camera's pose is not known.
        """
        if not self._config.directory or self._log is not None:
            return
        setup = LogSetup.of(self._described)
        frame, T_base_camera = self._first_view()
        try:
            self._log = open_log(
                self._config.directory, setup, frame, T_base_camera, self._config.retention
            )
        except OSError as error:
            raise AttemptLogError(f"{self._config.directory} cannot be used: {error}") from error
        if self._config.label:
            self._labeller = PickLabeller(self._log.folder, setup)
        _LOG.info("attempts go to %s, which has %d", self._config.directory, len(self._log))

    def _first_view(self) -> tuple[RgbdFrame, NDArray[np.float64]]:
        """Return a frame and `T_base_camera`; raises CameraError where they do not come in time."""
        camera, deadline, told = self._cell.camera, time.monotonic() + self._config.patience, False
        while True:
            try:
                return camera.read(), camera.pose()
            except CameraError as error:
                if time.monotonic() >= deadline:
                    raise
                if not told:
                    _LOG.info("the attempt log waits for the camera: %s", error)
                told = True
                time.sleep(_POLL)

    def close(self) -> None:
        """Finish the labels, and let others write; the attempts are on the disk already."""
        if self._labeller is not None:
            self._labeller.close()
            self._labeller = None
        if self._log is not None:
            self._log.close()

    def append(self, attempt: GraspAttempt) -> str:
        """Keep an attempt; return where, as FOLDER#NUMBER, or an empty string without a log.

        Raises:
            AttemptLogError: it could not be written; `blocking_reason` tries again.
        """
        with self._lock:
            if self._log is None:
                return ""
            self._unwritten = attempt
            return self._write(self._log, attempt)

    def blocking_reason(self) -> str:
        """Return why no further attempt may be made; empty when all are written."""
        with self._lock:
            if self._log is not None and self._unwritten is not None:
                try:
                    self._write(self._log, self._unwritten)
                except AttemptLogError as error:
                    return str(error)
            return ""

    def _write(self, log: AttemptLog, attempt: GraspAttempt) -> str:
        number = log.append(attempt)
        self._unwritten = None
        if self._labeller is not None:
            self._labeller.add(number, attempt)
        return f"{log.folder}#{number}"


class PickLabeller:
    """Labels recorded picks in a thread of its own: the arm does not wait for masks.

    What it does not get to, `attempts LOG label` makes up for.
    """

    def __init__(self, log: Path, setup: LogSetup) -> None:
        self._log, self._seal = log, prior_seal(setup)
        self._waiting: queue.Queue[tuple[int, GraspAttempt]] = queue.Queue(_MOST_WAITING)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="labelling")
        self._thread.start()

    def add(self, number: int, attempt: GraspAttempt) -> None:
        """Have an attempt labelled that is in the log."""
        try:
            self._waiting.put_nowait((number, attempt))
        except queue.Full:
            _LOG.warning("attempt %d has no label: the computer is too busy", number)

    def close(self) -> None:
        """End after the label under way."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.is_set():
            with suppress(queue.Empty):
                number, attempt = self._waiting.get(timeout=_POLL)
                self._label(number, attempt)

    def _label(self, number: int, attempt: GraspAttempt) -> None:
        try:
            write_label(self._log, number, attempt, self._seal)
        except (GraspAffordanceError, OSError) as error:
            _LOG.error("attempt %d has no label: %s", number, error)
