"""Sequences: RGB-D recordings as a folder of PNG pairs and one `camera.json`.

NNNN.color.png   8-bit color
NNNN.depth.png   16-bit; metres = value x depth_scale; 0 = no depth
NNNN.frame.json  optional facts of one frame, such as `stamp_ns`
camera.json      fx fy cx cy (pixels), width height, depth_scale; optional distortion_model and
                 d (as in sensor_msgs/CameraInfo; without them the images are rectified), region
                 (polygon of the bin's interior, pixels [u, v]), T_base_camera (4x4, metres),
                 frame_id, and any further keys, which are kept
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.config_dict import from_dict, to_dict
from grasp_affordance.errors import ConfigError, FrameError, GeometryError, SequenceError
from grasp_affordance.files import inside, read_json, write_atomically
from grasp_affordance.geometry import Intrinsics, check_rigid
from grasp_affordance.images import read_image
from grasp_affordance.rgbd import RgbdFrame, color_as_rgb, depth_in_metres

CAMERA_FILE = "camera.json"
_INTRINSIC_KEYS = ("fx", "fy", "cx", "cy", "width", "height")
_KNOWN_KEYS = (
    *(*_INTRINSIC_KEYS, "distortion_model", "d"),
    *("depth_scale", "region", "T_base_camera", "bin", "frame_id"),
)
_MOST_LOST = 0.95  # share of the known depth
_COLOR_ENCODINGS = {1: "mono8", 3: "bgr8", 4: "bgra8"}  # as OpenCV decodes


@dataclass(frozen=True, eq=False)
class SequenceCamera:
    """What is the same for all frames of a sequence.

    Attributes:
        intrinsics: of color and depth.
        depth_scale: metres per unit of the depth PNGs.
        region: (N, 2) float64 polygon of the bin's interior, pixels (u, v); None where unknown.
        T_base_camera: (4, 4) float64; None where unknown.
        bin: the bin's box in the base frame; None where unknown.
        frame_id: name of the optical frame.
        extra: all other keys of `camera.json` (source, license, note ...).
    """

    intrinsics: Intrinsics
    depth_scale: float = 0.0001
    region: NDArray[np.float64] | None = None
    T_base_camera: NDArray[np.float64] | None = None
    bin: BinGeometry | None = None
    frame_id: str = "camera_color_optical_frame"
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.depth_scale) and self.depth_scale > 0):
            raise SequenceError(f"depth_scale {self.depth_scale} is not positive metres per unit")
        if self.region is not None and not _meets_image(self.region, self.intrinsics):
            size = f"{self.intrinsics.width}x{self.intrinsics.height}"
            raise SequenceError(
                f"region: the polygon {self.region.tolist()} is outside the image ({size} pixels)"
            )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "SequenceCamera":
        """Build from the content of `camera.json`.

        Raises:
            SequenceError: a key is missing or its value makes no sense.
        """
        missing = [key for key in (*_INTRINSIC_KEYS, "depth_scale") if key not in data]
        if missing:
            raise SequenceError(f"{', '.join(missing)} missing")
        try:
            pose = data.get("T_base_camera")
            return cls(
                intrinsics=Intrinsics.from_dict(data),
                depth_scale=float(data["depth_scale"]),
                region=_polygon(data.get("region")),
                T_base_camera=None if pose is None else check_rigid(pose, "T_base_camera"),
                bin=None if data.get("bin") is None else from_dict(BinGeometry, data["bin"], "bin"),
                frame_id=str(data.get("frame_id", cls.frame_id)),
                extra={key: value for key, value in data.items() if key not in _KNOWN_KEYS},
            )
        except (TypeError, KeyError, ValueError, GeometryError, ConfigError) as error:
            raise SequenceError(str(error)) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `camera.json`; `from_dict` is its inverse."""
        data = self.intrinsics.to_dict()
        data["depth_scale"] = self.depth_scale
        if self.region is not None:
            data["region"] = self.region.tolist()
        if self.T_base_camera is not None:
            data["T_base_camera"] = self.T_base_camera.tolist()
        if self.bin is not None:
            data["bin"] = to_dict(self.bin)
        data["frame_id"] = self.frame_id
        return data | dict(self.extra)


class Sequence:
    """A recorded sequence, read frame by frame.

    Raises:
        SequenceError: the folder, `camera.json` or the partner of an image is missing, or there is
            no frame at all; reading a frame raises it for a broken image or one of another size.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise SequenceError(f"{self.folder} is not a folder; expected one with {CAMERA_FILE}")
        camera_path = self.folder / CAMERA_FILE
        try:
            self.camera = SequenceCamera.from_dict(_read_json(camera_path))
        except SequenceError as error:
            raise SequenceError(f"{camera_path}: {error}") from error
        self.names = _frame_names(self.folder)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[tuple[str, RgbdFrame]]:
        return ((name, self.read(name)) for name in self.names)

    def read(self, name: str) -> RgbdFrame:
        """Return the frame `name`, for instance "0000"."""
        return read_frame(self.folder, self.camera, name)

    def facts(self, name: str) -> dict[str, Any]:
        """Return the content of `NNNN.frame.json`; empty where there is none."""
        return _facts(self.folder, name)


def read_frame(folder: Path, camera: SequenceCamera, name: str) -> RgbdFrame:
    """Return one frame without looking at the rest of the folder.

    Raises:
        SequenceError: an image is missing, broken or of another size.
    """
    color_path, depth_path = _image_paths(folder, name)
    facts = _facts(folder, name)  # first, because `remove_frame` takes them away last
    size = camera.intrinsics.width, camera.intrinsics.height
    color, depth = (read_image(path, size=size) for path in (color_path, depth_path))
    channels = 1 if color.ndim == 2 else color.shape[2]
    try:
        return RgbdFrame(
            color_as_rgb(color, _COLOR_ENCODINGS[channels]),
            depth_in_metres(depth, "16UC1", camera.depth_scale),
            camera.intrinsics,
            stamp_ns=_stamp(facts),
            frame_id=camera.frame_id,
        ).without_blind()
    except (FrameError, TypeError, ValueError) as error:  # the latter of a stamp
        raise SequenceError(f"{color_path} and {depth_path.name}: {error}") from error


def is_whole(folder: Path, name: str) -> bool:
    """Return whether both images of a frame are there."""
    return all(path.exists() for path in _image_paths(folder, name))


def remove_frame(folder: Path, name: str) -> None:
    """Remove a frame, or what is left of it; readers pass over one whose removal a kill ended."""
    unfinished = _unfinished(folder, name)
    paths = (*_image_paths(folder, name), _facts_path(folder, name))
    if any(path.exists() for path in paths):
        unfinished.touch()
        for path in paths:
            path.unlink(missing_ok=True)
    unfinished.unlink(missing_ok=True)


def stored_frames(folder: Path) -> set[str]:
    """Return the names of the frames of which anything is there, whole or not."""
    patterns = ("*.color.png", "*.depth.png", "*.frame.json", ".*.unfinished")
    paths = (path for pattern in patterns for path in folder.glob(pattern))
    return {path.name.removeprefix(".").split(".")[0] for path in paths}


def drop_unpaired(folder: Path) -> list[str]:
    """Remove what a kill left of frames being written or removed; return their names."""
    broken = sorted(name for name in stored_frames(folder) if not is_whole(folder, name))
    for name in broken:
        remove_frame(folder, name)
    return broken


class SequenceWriter:
    """Appends frames to a folder, new or already a sequence of the same camera.

    Args:
        first: least number of the next frame; that after all that are there by default.

    Raises:
        SequenceError: the folder already holds a sequence of another camera.
    """

    def __init__(self, folder: str | Path, camera: SequenceCamera, first: int = 0) -> None:
        self.folder = Path(folder)
        self.camera = camera
        path = self.folder / CAMERA_FILE
        if path.exists():
            present = SequenceCamera.from_dict(_read_json(path))
            same = present.intrinsics == camera.intrinsics
            if not same or present.depth_scale != camera.depth_scale:
                raise SequenceError(f"{path} is of another camera; record into an empty folder")
        write_atomically(path, _json_bytes(camera.to_dict()))
        names = stored_frames(self.folder)
        self._next = max([first, *(int(name) + 1 for name in names if name.isdecimal())])

    def append(self, frame: RgbdFrame, facts: Mapping[str, Any] | None = None) -> str:
        """Write one frame and return its name.

        A writer that is killed meanwhile leaves a mark, and readers pass this frame over.

        Depth beyond 65535 x depth_scale (6.5 m by default) does not fit into 16 bits and is stored
        as unknown; where that is nearly all of it, the unit is wrong. `facts` go to
        `NNNN.frame.json`, besides the frame's stamp.

        Raises:
            SequenceError: the frame is of other intrinsics than the sequence, or more than 95 % of
                its depth does not fit.
        """
        if frame.intrinsics != self.camera.intrinsics:
            raise SequenceError(f"{self.folder}: a frame of other intrinsics cannot be appended")
        name = f"{self._next:04d}"
        color_path, depth_path = _image_paths(self.folder, name)
        color = _encode_png(cv2.cvtColor(frame.color, cv2.COLOR_RGB2BGR))
        depth = _encode_png(self._depth_units(frame))
        details = {"stamp_ns": frame.stamp_ns, **(facts or {})}
        unfinished = _unfinished(self.folder, name)
        write_atomically(unfinished, b"")
        write_atomically(_facts_path(self.folder, name), _json_bytes(details))
        write_atomically(depth_path, depth)
        write_atomically(color_path, color)
        unfinished.unlink()
        self._next += 1
        return name

    def _depth_units(self, frame: RgbdFrame) -> NDArray[np.uint16]:
        scale, known = self.camera.depth_scale, frame.known
        units = _depth_units(frame.depth, scale)
        if known.any() and (lost := float((units[known] == 0).mean())) > _MOST_LOST:
            raise SequenceError(
                f"{lost:.0%} of the depth is not between {scale:.4f} and {65535 * scale:.1f} m, "
                f"its median is {np.median(frame.depth[known]):.4g} m, and would be stored as "
                "unknown: set depth_unit to the metres per count of the camera's 16-bit depth"
            )
        return units


def _polygon(points: Any) -> NDArray[np.float64] | None:
    if points is None:
        return None
    polygon = np.asarray(points, dtype=np.float64)
    if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < 3:
        raise SequenceError("region: expected three or more pixels [u, v]")
    if not np.isfinite(polygon).all():
        raise SequenceError("region: a pixel is not finite")
    return polygon


def _meets_image(polygon: NDArray[np.float64], intrinsics: Intrinsics) -> bool:
    """Return whether a part of the image is in a polygon (N, 2), or on its outline."""
    width, height = intrinsics.width, intrinsics.height
    corners = np.round(np.clip(polygon, -1e6, 1e6)).astype(int).tolist()
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        if cv2.clipLine((0, 0, width, height), start, end)[0]:
            return True
    outline = np.asarray(corners, np.float32)  # no side crosses the image: all of it or nothing
    return cv2.pointPolygonTest(outline, (width / 2, height / 2), False) >= 0


def _frame_names(folder: Path) -> tuple[str, ...]:
    names = {
        kind: {path.name.removesuffix(f".{kind}.png") for path in folder.glob(f"*.{kind}.png")}
        for kind in ("color", "depth")
    }
    for found in names.values():
        found -= {name for name in found if _unfinished(folder, name).exists()}
    for kind, other in (("color", "depth"), ("depth", "color")):
        alone = sorted(names[other] - names[kind])
        if alone:
            raise SequenceError(
                f"{folder / alone[0]}.{kind}.png is missing; restore it or remove its {other} image"
            )
    if not names["color"]:
        raise SequenceError(f"{folder}: no frame (NNNN.color.png with NNNN.depth.png)")
    return tuple(sorted(names["color"], key=lambda name: (len(name), name)))  # 10000 after 9999


def _image_paths(folder: Path, name: str) -> tuple[Path, Path]:
    return inside(folder, f"{name}.color.png"), inside(folder, f"{name}.depth.png")


def _unfinished(folder: Path, name: str) -> Path:
    """The mark of a frame that is being written."""
    return inside(folder, f".{name}.unfinished")


def _facts_path(folder: Path, name: str) -> Path:
    return inside(folder, f"{name}.frame.json")


def _facts(folder: Path, name: str) -> dict[str, Any]:
    path = _facts_path(folder, name)
    return _read_json(path) if path.exists() else {}


def _stamp(facts: Mapping[str, Any]) -> int:
    stamp = facts.get("stamp_ns", 0)
    if not isinstance(stamp, int) or isinstance(stamp, bool):
        raise FrameError(f"stamp_ns {stamp!r} is no whole number of nanoseconds")
    return stamp


def _read_json(path: Path) -> dict[str, Any]:
    data = read_json(path)
    if not isinstance(data, dict):
        raise SequenceError(f"{path}: expected an object of keys and values")
    return data


def _encode_png(image: NDArray[Any]) -> bytes:
    done, data = cv2.imencode(".png", image)
    if not done:
        raise SequenceError(f"cannot encode an image {image.shape} of {image.dtype} as PNG")
    return data.tobytes()


def _depth_units(depth: NDArray[np.float32], scale: float) -> NDArray[np.uint16]:
    units = np.nan_to_num(np.round(depth.astype(np.float64) / scale), nan=0.0, posinf=0.0)
    return np.where((units < 0) | (units > 65535), 0, units).astype(np.uint16)


def _json_bytes(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=2, allow_nan=False) + "\n").encode()
