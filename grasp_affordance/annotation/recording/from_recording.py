"""Record a sequence from a stream of frames: the offline form of the acquisition protocol."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grasp_affordance.annotation.recording.recorder import (
    RecordDecision,
    RecorderConfig,
    RecorderState,
    consider,
)
from grasp_affordance.errors import SequenceError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import SequenceCamera, SequenceWriter


@dataclass(frozen=True)
class Recording:
    """What came of a stream.

    Attributes:
        names: of the frames that were written.
        reasons: how many frames ended with each reason.
    """

    names: tuple[str, ...]
    reasons: dict[str, int]


class Recorder:
    """Writes the frames that are worth keeping, each at once: a kill loses the one in flight.

    Raises:
        SequenceError: the folder holds a sequence of another camera.
    """

    def __init__(self, folder: Path, camera: SequenceCamera, config: RecorderConfig) -> None:
        self._writer = SequenceWriter(folder, camera)
        self._config = config
        self._state = RecorderState()

    @property
    def camera(self) -> SequenceCamera:
        """What `camera.json` says."""
        return self._writer.camera

    def describe(self, camera: SequenceCamera) -> None:
        """Say more of the same camera; raises SequenceError where it is another one."""
        self._writer = SequenceWriter(self._writer.folder, camera)

    def resume(self, kept: RgbdFrame) -> None:
        """Go on after the last frame that was written before."""
        self._state = RecorderState(kept=kept)

    def offer(
        self, frame: RgbdFrame, now_ns: int, asked: bool = False
    ) -> tuple[RecordDecision, str | None]:
        """Evaluate a frame and write it if it is kept; return the decision and its name.

        Raises:
            SequenceError: it cannot be written.
        """
        state, decision = consider(self._state, frame, now_ns, self._config, asked)
        name = None
        if decision.keep:
            name = self._writer.append(frame, {"recorded": decision.reason.value})
        self._state = state  # after the write: a frame that could not be written is tried again
        return decision, name


def record_stream(
    frames: Iterable[RgbdFrame], folder: Path, camera: SequenceCamera, config: RecorderConfig
) -> Recording:
    """Record a stream as it was recorded; each frame is evaluated at the time of its stamp.

    Raises:
        SequenceError: no frame was worth keeping, or one cannot be read or written.
    """
    recorder = Recorder(folder, camera, config)
    names: list[str] = []
    reasons: Counter[str] = Counter()
    for frame in frames:
        decision, name = recorder.offer(frame, frame.stamp_ns)
        reasons[decision.reason.value] += 1
        if name is not None:
            names.append(name)
    if not names:
        ends = ", ".join(f"{reason} {count}" for reason, count in reasons.items()) or "no frame"
        raise SequenceError(f"{folder}: nothing was worth recording ({ends})")
    return Recording(tuple(names), dict(reasons))
