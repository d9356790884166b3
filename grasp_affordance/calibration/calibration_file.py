"""The calibration on disk: one YAML file that a person can read, written whole or not at all."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from grasp_affordance.calibration.calibrate import Calibration
from grasp_affordance.calibration.errors import CalibrationError
from grasp_affordance.calibration.hand_eye import Mount
from grasp_affordance.errors import GeometryError
from grasp_affordance.files import write_atomically
from grasp_affordance.geometry import Array, check_rigid, from_quaternion, to_quaternion

FORMAT = "grasp_affordance camera calibration 1"


@dataclass(frozen=True, eq=False)
class CameraCalibration:
    """Where a camera is.

    Attributes:
        mount: see `Mount`.
        parent: frame in which the camera is fixed: the robot's base, or its tool.
        child: the camera's optical frame.
        T_parent_camera: (4, 4).
        quality: numbers of the calibration, for a person.
    """

    mount: Mount
    parent: str
    child: str
    T_parent_camera: Array
    quality: dict[str, Any]


def describe(calibration: Calibration, parent: str, child: str) -> CameraCalibration:
    """Return what is kept of a solved calibration between the frames `parent` and `child`."""
    quality = {
        "samples": len(calibration.used),
        "rms_mm": round(calibration.rms_translation * 1000, 3),
        "rms_degrees": round(math.degrees(calibration.rms_rotation), 4),
        "sigma_mm": round(calibration.sigma_translation * 1000, 3),
        "sigma_degrees": round(math.degrees(calibration.sigma_rotation), 4),
        "rejected": dict(calibration.rejected),
    }
    return CameraCalibration(calibration.mount, parent, child, calibration.X, quality)


def write_calibration(path: Path, calibration: CameraCalibration) -> None:
    """Write the file; a crash leaves the one before.

    Raises:
        CalibrationError: the folder cannot be written.
    """
    T = calibration.T_parent_camera
    content = {
        "format": FORMAT,
        "mount": str(calibration.mount),
        "parent_frame": calibration.parent,
        "child_frame": calibration.child,
        "position": [round(float(v), 7) for v in T[:3, 3]],
        "quaternion_xyzw": [round(float(v), 9) for v in to_quaternion(T)],
        "quality": calibration.quality,
    }
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None)
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise CalibrationError(f"{path} cannot be written: {error}") from error


def read_calibration(path: Path) -> CameraCalibration:
    """Read the file.

    Raises:
        CalibrationError: it is missing, cut off, of another kind, or its values are none.
    """
    advice = "calibrate with `grasp-affordance calibrate`"
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise CalibrationError(f"{path} cannot be read ({error}); {advice}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise CalibrationError(f"{path} is damaged ({error}); {advice}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CalibrationError(f"{path} is not a '{FORMAT}' file; {advice}")
    try:
        return CameraCalibration(
            Mount(content["mount"]),
            _frame(content["parent_frame"]),
            _frame(content["child_frame"]),
            _pose(content),
            dict(content.get("quality") or {}),
        )
    except (KeyError, TypeError, ValueError, GeometryError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise CalibrationError(f"{path}: {reason}; {advice}") from error


def _frame(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not the name of a frame")
    return value


def _pose(content: dict[str, Any]) -> Array:
    position = np.array(content["position"], dtype=np.float64)
    quaternion = np.array(content["quaternion_xyzw"], dtype=np.float64)
    if position.shape != (3,) or quaternion.shape != (4,):
        raise ValueError("position needs x y z, quaternion_xyzw x y z w")
    if abs(np.linalg.norm(quaternion) - 1) > 1e-3:
        raise ValueError(f"quaternion_xyzw has length {np.linalg.norm(quaternion):.3f}, not 1")
    return check_rigid(from_quaternion(position, quaternion), "position and quaternion")
