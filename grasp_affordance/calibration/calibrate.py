"""From images and poses to the camera's pose, with a reason for every sample that is left out."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.calibration.board import BoardConfig, find_board
from grasp_affordance.calibration.errors import BoardError, CalibrationError
from grasp_affordance.calibration.hand_eye import Mount, Sample, Solution, solve
from grasp_affordance.calibration.motions import MotionConfig, check_motions, twin_of
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Array, Intrinsics

_SIGMAS = 3.0  # by which the limits of a sample are wider


@dataclass(frozen=True)
class CalibrateConfig:
    """How a camera is calibrated.

    Attributes:
        mount: eye_to_hand (camera fixed, board on the tool) or eye_in_hand.
        board: the printed board.
        motions: what the poses must offer.
        worst_translation: a sample further off than this is rejected, metres. The limit is wider by
            three times `BoardView.sigma`: of a board far off less is known.
        worst_rotation: and one turned by more, radians; likewise.
        most_rejected: share of the samples that may disagree with the others.
    """

    mount: Mount = Mount.EYE_TO_HAND
    board: BoardConfig = field(default_factory=BoardConfig)
    motions: MotionConfig = field(default_factory=MotionConfig)
    worst_translation: float = 0.004
    worst_rotation: float = float(np.radians(0.8))
    most_rejected: float = 0.4

    def __post_init__(self) -> None:
        object.__setattr__(self, "mount", Mount(self.mount))
        if min(self.worst_translation, self.worst_rotation) <= 0:
            raise ConfigError("worst_translation and worst_rotation must be positive")
        if not 0 <= self.most_rejected < 1:
            raise ConfigError(f"most_rejected {self.most_rejected} is a share below 1")


@dataclass(frozen=True, eq=False)
class Calibration:
    """A solved calibration.

    Attributes:
        mount: see `Mount`.
        X: (4, 4) T_base_camera (eye-to-hand) or T_tool_camera (eye-in-hand).
        Y: (4, 4) T_tool_board or T_base_board.
        used: name -> (metres, radians) by which the sample is off.
        rejected: name -> why it was left out.
        sigma_translation: standard deviation of the camera's position, metres.
        sigma_rotation: of its direction, radians.
    """

    mount: Mount
    X: Array
    Y: Array
    used: dict[str, tuple[float, float]]
    rejected: dict[str, str]
    sigma_translation: float
    sigma_rotation: float

    @property
    def rms_translation(self) -> float:
        """Root mean square of the used samples' residuals, metres."""
        return float(np.sqrt(np.mean([t**2 for t, _ in self.used.values()])))

    @property
    def rms_rotation(self) -> float:
        """Root mean square of the used samples' residuals, radians."""
        return float(np.sqrt(np.mean([r**2 for _, r in self.used.values()])))


def find_samples(
    images: Iterable[tuple[str, NDArray[np.uint8], Array]],
    intrinsics: Intrinsics,
    config: CalibrateConfig,
) -> tuple[list[Sample], dict[str, str]]:
    """Find the board in (name, image, T_base_tool) triples; return samples, and why not the rest.

    A sample is left out where the board is not well seen, or the pose repeats an earlier one.
    """
    samples: list[Sample] = []
    rejected: dict[str, str] = {}
    for name, image, pose in images:
        try:
            view = find_board(image, intrinsics, config.board)
        except BoardError as error:
            rejected[name] = str(error)
            continue
        twin = twin_of(pose, [sample.T_base_tool for sample in samples], config.motions)
        if twin is not None:
            rejected[name] = f"the arm is where it was for {samples[twin].name}"
        else:
            samples.append(Sample(name, pose, view))
    return samples, rejected


def calibrate(
    samples: Iterable[Sample],
    intrinsics: Intrinsics,
    config: CalibrateConfig,
    rejected: dict[str, str] | None = None,
) -> Calibration:
    """Solve; reject the worst sample while one is beyond the limits, and solve again.

    Args:
        rejected: samples that were left out before, to be reported with the others.

    Raises:
        CalibrationError: too few samples, motions that leave the pose open, or samples that do not
            agree with each other.
    """
    kept = list(samples)
    out = dict(rejected or {})
    total = len(kept)
    while True:
        _check(kept, out, config)
        solution = solve(kept, intrinsics, config.mount)
        sigma = _SIGMAS * np.array([sample.view.sigma for sample in kept])
        limits = np.array([config.worst_translation, config.worst_rotation]) + sigma
        off = np.stack([solution.translations, solution.rotations], axis=1)
        excess = (off / limits).max(axis=1)
        worst = int(np.argmax(excess))
        if excess[worst] <= 1:
            return _result(kept, out, solution, config.mount)
        out[kept[worst].name] = (
            f"{solution.translations[worst] * 1000:.1f} mm and "
            f"{np.degrees(solution.rotations[worst]):.2f} degrees off what the other samples say, "
            f"{limits[worst, 0] * 1000:.1f} mm and {np.degrees(limits[worst, 1]):.2f} degrees are "
            "allowed: the arm or the board moved, or the pose is of another moment"
        )
        del kept[worst]
        if total - len(kept) > config.most_rejected * total:
            raise CalibrationError(
                f"{total - len(kept)} of {total} samples disagree with the rest. Is the mount "
                f"{config.mount} right, the board fixed, its printed square {config.board.square} "
                f"m, and the robot's kinematics calibrated?{_reasons(out)}"
            )


def _check(samples: list[Sample], rejected: dict[str, str], config: CalibrateConfig) -> None:
    try:
        check_motions([sample.T_base_tool for sample in samples], config.motions)
    except CalibrationError as error:
        raise CalibrationError(f"{error}{_reasons(rejected)}") from error


def _result(
    samples: list[Sample], rejected: dict[str, str], solution: Solution, mount: Mount
) -> Calibration:
    rows = zip(samples, solution.translations, solution.rotations, strict=True)
    return Calibration(
        mount,
        solution.X,
        solution.Y,
        {sample.name: (float(t), float(r)) for sample, t, r in rows},
        rejected,
        float(np.linalg.norm(solution.sigma[3:])),
        float(np.linalg.norm(solution.sigma[:3])),
    )


def _reasons(rejected: dict[str, str]) -> str:
    return "".join(f"\n  {name}: {reason}" for name, reason in rejected.items())
