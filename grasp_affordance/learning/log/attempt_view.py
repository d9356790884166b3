"""An attempt log as a Rerun recording, in which a person goes from attempt to attempt."""

from collections.abc import Callable
from pathlib import Path

from grasp_affordance.annotation.pick_labels import read_labels
from grasp_affordance.learning.log.attempt_log import LABELS, read_log
from grasp_affordance.learning.log.setup import LogSetup
from grasp_affordance.viewer import Recording, ViewerConfig


def open_recording(folder: Path, viewer: ViewerConfig) -> Recording:
    """Return an empty recording for a log.

    Raises:
        AttemptLogError: there is no log. ConfigError: see `Recording`.
    """
    return Recording(viewer, "log", str(folder), LogSetup.read(folder).cell.bin)


def record_log(
    folder: Path, recording: Recording, progress: Callable[[int], object] = lambda _: None
) -> int:
    """Show all attempts of a log, with their labels where there are any; return their number.

    Args:
        progress: is told how many are done.

    Raises:
        AttemptLogError: there is no log, or it is damaged. SequenceError: a label is damaged.
    """
    count = 0
    for count, attempt in enumerate(read_log(folder), 1):
        name = f"{count - 1:04d}"
        labelled = (folder / LABELS / f"{name}.json").exists()
        labels = read_labels(folder / LABELS, name) if labelled else None
        recording.attempt(count - 1, attempt, labels)
        progress(count)
    return count
