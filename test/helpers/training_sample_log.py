"""Attempts of a robot that can pick red boxes but not yellow ones, which no geometry shows."""

from pathlib import Path

import numpy as np
from helpers.ros_scenes import T_BASE_CAMERA, box_frame, box_pixels

from grasp_affordance.affordance.network.compact import CompactConfig
from grasp_affordance.attempt import Cause, GraspAttempt, Outcome, Phase, PhaseReport, PressureTrace
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.learning.learner import LearnerConfig
from grasp_affordance.learning.log.attempt_log import AttemptLog
from grasp_affordance.learning.log.setup import LogSetup, open_log
from grasp_affordance.learning.trainer import TrainerConfig
from grasp_affordance.suction import Source, SuctionPoint

BIN = BinGeometry(centre=(0.0, 0.0), size=(0.8, 0.6, 0.12))
CELL = CellDescription(bin=BIN)
SMALL = TrainerConfig(
    learner=LearnerConfig(
        network=CompactConfig(members=2, width=8, dilations=(1,), resolution=0.005),
        learning_rate=1e-2,
        batch=16,
    )
)


def picked(index: int) -> GraspAttempt:
    """Return a pick somewhere on the red box (even indices) or on the yellow one (odd)."""
    rng = np.random.default_rng([3, index])
    rows, columns = box_pixels(index % 2)
    v, u = (int(rng.integers(s.start + 15, s.stop - 15)) for s in (rows, columns))
    frame = box_frame(2, stamp_ns=(index + 1) * 10**9)
    outcome = Outcome.FAILURE if index % 2 else Outcome.SUCCESS
    return GraspAttempt(
        index=index,
        stamp_ns=frame.stamp_ns,
        point=SuctionPoint(
            u, v, frame.point(u, v), np.array([0.0, 0.0, -1.0]), 0.5, Source.LEARNED
        ),
        T_base_camera=T_BASE_CAMERA,
        T_base_tool=np.eye(4),
        outcome=outcome,
        cause=Cause.NO_SEAL if index % 2 else Cause.NONE,
        phases=(PhaseReport(Phase.APPROACH, 0.5, 3.0, 0.1),),
        pressure=PressureTrace(np.array([0.0]), np.array([0.0], dtype=np.float32)),
        policy="learned",
        before=frame,
    )


def log_of(folder: Path, count: int, cell: CellDescription = CELL) -> AttemptLog:
    """Return a log with the first `count` picks."""
    log = open_log(folder, LogSetup.of(cell), box_frame(), T_BASE_CAMERA)
    for index in range(len(log), count):
        log.append(picked(index))
    return log
