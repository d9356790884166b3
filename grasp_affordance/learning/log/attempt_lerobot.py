"""An attempt log as a LeRobot dataset (version 3), for policies that learn from such.

An attempt is an episode of one step: a view, the pose to which the tool went, and what came of it.
The library is the extra `lerobot`. It asks for older versions of torch, NumPy and OpenCV than the
ones that `make` sets up, so it needs an environment of its own.
"""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.files import new_folder
from grasp_affordance.geometry import Intrinsics, to_quaternion
from grasp_affordance.attempt import GraspAttempt, Outcome
from grasp_affordance.learning.log.attempt_log import AttemptLogError
from grasp_affordance.learning.training_samples import TEACHING
from grasp_affordance.rgbd import RgbdFrame

TASK = "pick an object out of the bin with the vacuum cup"

_ROBOT = "ur5_vacuum_cup"
_STEPS_PER_SECOND = 1  # LeRobot wants a rate; an episode of one step has none
_COLOR, _DEPTH = "observation.images.color", "observation.images.depth"
_POSE = ["x", "y", "z", "qx", "qy", "qz", "qw"]
_DISTORTION = [f"d{index}" for index in range(8)]  # of the longest of the models
_TEXTS = ("source", "outcome", "cause", "policy", "model_version", "distortion_model")


@dataclass(frozen=True)
class Written:
    """How many attempts became episodes, and how many teach nothing (or have no frame)."""

    episodes: int
    left_out: int


def features(shape: tuple[int, int]) -> dict[str, dict[str, Any]]:
    """Return what a step consists of, as LeRobot describes features.

    Args:
        shape: (height, width) of the camera's images.
    """

    def numbers(dtype: str, *names: str) -> dict[str, Any]:
        return {"dtype": dtype, "shape": (len(names),), "names": list(names)}

    def image(channels: int, **info: Any) -> dict[str, Any]:
        names = ["channels", "height", "width"]
        return {"dtype": "image", "shape": (channels, *shape), "names": names, "info": info}

    return {
        _COLOR: image(3),
        _DEPTH: image(1, is_depth_map=True, depth_unit="m"),
        "observation.camera_pose": numbers("float32", *_POSE),
        "observation.intrinsics": numbers("float32", "fx", "fy", "cx", "cy"),
        "observation.distortion": numbers("float32", *_DISTORTION),
        "action": numbers("float32", *_POSE),
        "action.pixel": numbers("int64", "u", "v"),
        "action.probability": numbers("float32", "probability"),
        "next.reward": numbers("float32", "reward"),
        "next.success": numbers("bool", "success"),
        "next.done": numbers("bool", "done"),
        "next.vacuum": numbers("float32", "kilopascals"),
        **{name: {"dtype": "string", "shape": (1,), "names": None} for name in _TEXTS},
    }


def step_of(attempt: GraspAttempt, before: RgbdFrame) -> dict[str, Any]:
    """Return an attempt as the step of its episode.

    Poses are position (metres) and quaternion in the base frame: of the tool at contact as
    commanded (the action), and of the camera as calibrated. Depth is float32 metres, 0 where it is
    unknown. The reward is 1 for a success and 0 for a failure, as sensed; the vacuum is the
    greatest that was sensed, kilopascals below ambient. Distortion is that of `CameraInfo`, filled
    up with zeros.

    Args:
        before: frame in which the point was chosen.
    """
    point, success = attempt.point, attempt.outcome is Outcome.SUCCESS
    vacuum = np.nanmax(attempt.pressure.vacuum, initial=0.0)
    model, d = before.intrinsics.distortion
    return {
        "task": TASK,
        _COLOR: before.color,
        _DEPTH: np.nan_to_num(before.depth, nan=0.0)[..., None].astype(np.float32),
        "observation.camera_pose": _pose(attempt.T_base_camera),
        "observation.intrinsics": _camera(before.intrinsics),
        "observation.distortion": np.array([*d, *[0.0] * (len(_DISTORTION) - len(d))], np.float32),
        "action": _pose(attempt.T_base_tool),
        "action.pixel": np.array([point.u, point.v], np.int64),
        "action.probability": np.array([point.probability], np.float32),
        "next.reward": np.array([success], np.float32),
        "next.success": np.array([success]),
        "next.done": np.array([True]),
        "next.vacuum": np.array([vacuum], np.float32),
        "source": str(point.source),
        "outcome": str(attempt.outcome),
        "cause": str(attempt.cause),
        "policy": attempt.policy,
        "model_version": attempt.model_version,
        "distortion_model": model,
    }


def write_lerobot(attempts: Iterable[GraspAttempt], folder: Path) -> Written:
    """Write the attempts that teach something to a new LeRobot dataset.

    Attempts whose outcome is uncertain, which broke off or have no frame are left out: a reward
    that nobody observed is none. The dataset is there when it is complete, or not at all.

    Raises:
        AttemptLogError: the library is missing, the folder exists already, or nothing is left.
    """
    dataset_class = _dataset_class()
    try:
        with new_folder(folder) as place:
            return _write(attempts, dataset_class, place)
    except FileExistsError as error:
        raise AttemptLogError(f"{folder} cannot be written: {error}") from error


def _write(attempts: Iterable[GraspAttempt], dataset_class: Any, folder: Path) -> Written:
    dataset, episodes, left_out = None, 0, 0
    for attempt in attempts:
        if attempt.outcome not in TEACHING or attempt.before is None:
            left_out += 1
            continue
        if dataset is None:
            dataset = dataset_class.create(
                repo_id=f"local/{folder.name}",
                fps=_STEPS_PER_SECOND,
                features=features(attempt.before.shape),
                root=folder,
                robot_type=_ROBOT,
                use_videos=False,
            )
        dataset.add_frame(step_of(attempt, attempt.before))
        dataset.save_episode()
        episodes += 1
    if dataset is None:
        raise AttemptLogError("no attempt has a frame and a sensed success or failure")
    dataset.finalize()
    return Written(episodes, left_out)


def _dataset_class() -> Any:
    try:
        library = importlib.import_module("lerobot.datasets.lerobot_dataset")
        importlib.import_module("datasets").disable_progress_bars()  # one per attempt
    except ImportError as error:
        raise AttemptLogError(
            f"LeRobot cannot be imported ({error}): in an environment of its own, "
            'pip install "grasp_affordance[lerobot]"'
        ) from error
    return library.LeRobotDataset


def _pose(T: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.concatenate([T[:3, 3], to_quaternion(T)]).astype(np.float32)


def _camera(intrinsics: Intrinsics) -> NDArray[np.float32]:
    return np.array([intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy], np.float32)
