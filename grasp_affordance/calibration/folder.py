"""A folder of calibration samples: what the arm's poses were and what the camera saw.

camera.json     width, height, fx, fy, cx, cy (pixels) and frame_id of the color image; with a lens
                distortion_model and d, as in sensor_msgs/CameraInfo
poses.json      {"NNNN": {"position": [x, y, z], "quaternion_xyzw": [x, y, z, w]}, ...}:
                T_base_tool as the robot reported it (metres)
NNNN.color.png  the image taken there
"""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.calibration.errors import CalibrationError
from grasp_affordance.errors import GeometryError, SequenceError
from grasp_affordance.files import parse_json, write_atomically
from grasp_affordance.geometry import (
    Array,
    Intrinsics,
    check_rigid,
    from_quaternion,
    to_quaternion,
)
from grasp_affordance.images import read_image

CAMERA, POSES = "camera.json", "poses.json"


class SampleFolder:
    """Reads and extends a folder; an interrupted write leaves the samples before it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self,
        image: NDArray[np.uint8],
        T_base_tool: Array,
        intrinsics: Intrinsics,
        frame_id: str,
    ) -> str:
        """Write a sample, (H, W, 3) uint8 RGB; return its name.

        Raises:
            CalibrationError: the folder cannot be written, or is of another camera.
        """
        poses = self._poses() if (self.folder / POSES).exists() else {}
        name = f"{max((int(known) for known in poses), default=0) + 1:04d}"
        encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
        camera = intrinsics.to_dict() | {"frame_id": frame_id}
        poses[name] = {
            "position": [float(v) for v in T_base_tool[:3, 3]],
            "quaternion_xyzw": [float(v) for v in to_quaternion(T_base_tool)],
        }
        try:
            if (self.folder / CAMERA).exists():
                if self._json(CAMERA) != camera:
                    raise CalibrationError(f"{self.folder} holds samples of another camera")
            else:
                write_atomically(self.folder / CAMERA, json.dumps(camera, indent=1).encode())
            # The image first: a pose without an image would be a broken sample.
            write_atomically(self.folder / f"{name}.color.png", encoded.tobytes())
            write_atomically(self.folder / POSES, json.dumps(poses, indent=1).encode())
        except OSError as error:
            raise CalibrationError(f"{self.folder} cannot be written: {error}") from error
        return name

    def camera(self) -> tuple[Intrinsics, str]:
        """Return intrinsics and frame id; raises CalibrationError where there are none."""
        content = self._json(CAMERA)
        try:
            return Intrinsics.from_dict(content), str(content["frame_id"])
        except (KeyError, TypeError, ValueError, GeometryError) as error:
            raise CalibrationError(f"{self.folder / CAMERA}: {error!r}") from error

    def samples(self) -> list[tuple[str, NDArray[np.uint8], Array]]:
        """Return (name, image (H, W, 3) RGB, T_base_tool) of all samples, in order.

        Raises:
            CalibrationError: an image or a pose is missing or damaged.
        """
        return [
            (name, self._image(name), self._pose(name, pose))
            for name, pose in sorted(self._poses().items())
        ]

    def _image(self, name: str) -> NDArray[np.uint8]:
        path = self.folder / f"{name}.color.png"
        try:
            image = read_image(path, cv2.IMREAD_COLOR)
        except SequenceError as error:
            raise CalibrationError(f"{error}; or delete its pose or the folder") from error
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)

    def _pose(self, name: str, pose: Any) -> Array:
        try:
            T = from_quaternion(pose["position"], pose["quaternion_xyzw"])
            return check_rigid(T, name)
        except (KeyError, TypeError, ValueError, GeometryError) as error:
            raise CalibrationError(f"{self.folder / POSES}, {name}: {error!r}") from error

    def _poses(self) -> dict[str, Any]:
        content = self._json(POSES)
        if not all(name.isdigit() for name in content):
            raise CalibrationError(f"{self.folder / POSES}: sample names are numbers (0001)")
        return content

    def _json(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        try:
            content = parse_json(path.read_bytes())
        except OSError as error:
            raise CalibrationError(f"{path} cannot be read: {error}") from error
        except ValueError as error:
            raise CalibrationError(f"{path} is damaged: {error}") from error
        if not isinstance(content, dict):
            raise CalibrationError(f"{path} is not a JSON object")
        return content
