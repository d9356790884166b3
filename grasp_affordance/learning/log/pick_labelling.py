"""Labels beside the outcomes of an attempt log: in its folder `labels`, one per attempt.

labels/NNNN.json, NNNN.mask.png, NNNN.positives.png, where NNNN is the attempt's number in the log.
They follow from the log: what a kill or a crash has kept from being written is made up for.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.predictor import look
from grasp_affordance.annotation.bin_polygon import bin_polygon
from grasp_affordance.annotation.pick_labels import (
    PickLabelConfig,
    PickLabels,
    SealMap,
    label_pick,
    write_labels,
)
from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.suction import Source
from grasp_affordance.learning.log.attempt_log import LABELS, read_log
from grasp_affordance.learning.log.setup import LogSetup
from grasp_affordance.rgbd import RgbdFrame


def prior_seal(setup: LogSetup) -> SealMap:
    """Return the analytic prior of a cell as a map of the seal's quality."""

    def seal(attempt: GraspAttempt) -> NDArray[np.floating]:
        assert attempt.before is not None
        view = BinView(attempt.T_base_camera, attempt.bin)
        return look(attempt.before, setup.predictor, view).prior

    return seal


def write_label(log: Path, number: int, attempt: GraspAttempt, seal: SealMap) -> PickLabels:
    """Label attempt `number` of a log, on the disk; raises OSError where that is not possible.

    What happens beside the attempt's bin is not looked at.
    """
    polygon = None
    if attempt.before is not None and attempt.bin is not None:
        polygon = bin_polygon(attempt.bin, attempt.before.intrinsics, attempt.T_base_camera)
    labels = label_pick(attempt, PickLabelConfig(), seal, polygon)
    pixel = (int(attempt.point.u), int(attempt.point.v))
    write_labels(log / LABELS, f"{number:04d}", labels, pixel)
    return labels


def label_log(log: Path) -> Iterator[tuple[int, PickLabels]]:
    """Label the attempts of a log that keep their frames and have no label yet.

    Yields:
        Each with its number.

    Raises:
        AttemptLogError: there is no log, or it is damaged.
    """
    setup = LogSetup.read(log)
    seal = prior_seal(setup)
    for number, attempt in enumerate(read_log(log)):
        if attempt.before is not None and not (log / LABELS / f"{number:04d}.json").exists():
            yield number, write_label(log, number, attempt, seal)


def count_picks(attempts: Iterable[GraspAttempt]) -> Counter[str]:
    """Count what picks did to the bin, by the word of the depth removal check; `unseen` without one."""
    return Counter(
        attempt.removal.event or "unseen" if attempt.removal else "unseen" for attempt in attempts
    )
