"""`grasp-affordance detect`: grasp rectangles of a recorded sequence, as pictures and JSON."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from rich.console import Console

from grasp_affordance.annotation.change.scene_change import observed_area
from grasp_affordance.annotation.records import rectangle_to_dict, write_image
from grasp_affordance.console import ReportTable
from grasp_affordance.detection.drawing import draw_detections
from grasp_affordance.detection.pose import grasp_pose
from grasp_affordance.detection.predictor import GraspDetector
from grasp_affordance.detection.samples import ScoredRectangle
from grasp_affordance.detection.selection import SelectionConfig
from grasp_affordance.errors import ConfigError, FrameError, SequenceError
from grasp_affordance.files import write_atomically
from grasp_affordance.rectangle import JawConfig
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence


@dataclass(frozen=True)
class DetectOptions:
    """What to detect.

    Attributes:
        threshold: least score; by default the one that validation chose.
        count: at most this many grasps per frame.
        overlap: of two grasps with a higher IoU the worse is left out.
        maximum_opening: of the gripper, metres; by default that of the labels.
        check_room: leave out grasps beside which the depth shows no room for the plates.
    """

    threshold: float | None = None
    count: int = SelectionConfig.count
    overlap: float = SelectionConfig.overlap
    maximum_opening: float | None = None
    check_room: bool = True


def run(
    sequence: tyro.conf.Positional[Path],
    weights: Path,
    output: Path,
    options: Annotated[DetectOptions, tyro.conf.arg(name="")] = DetectOptions(),
) -> None:
    """Find grasps for a parallel gripper in every frame of a recorded sequence.

    Writes NNNN.grasps.png and NNNN.grasps.json per frame. The JSON has `grasps`, best first, each
    with the rectangle (`x`, `y`, `theta`, `w`, `h`; pixels, radians), `score`, and, where there is
    depth, `position` (metres, camera frame), `quaternion` (x, y, z, w) and `opening` (metres).

    Args:
        sequence: folder of NNNN.color.png, NNNN.depth.png and camera.json.
        weights: checkpoint of `train_detector`.
        output: folder for the results; made if missing.
        options: what to detect.
    """
    recording = Sequence(sequence)
    if output.resolve() == recording.folder.resolve():
        raise ConfigError(f"{output} is the sequence itself; write the results to another folder")
    detector = _detector(weights, options)
    polygon = recording.camera.region
    console, table = Console(), _table(str(sequence))
    for name, frame in recording:
        region = None if polygon is None else observed_area(frame.shape, polygon, 0)[0]
        try:
            grasps = detector.detect(frame, region)
        except FrameError as error:
            raise SequenceError(f"{recording.folder / name}: {error}") from error
        _write(output, name, frame, grasps, detector)
        _add_row(table, name, frame, grasps)
    console.print(table)
    console.print(f"{len(recording)} pictures and JSON files in {output}", highlight=False)


def _detector(weights: Path, options: DetectOptions) -> GraspDetector:
    config = SelectionConfig(
        options.threshold, options.count, options.overlap, check_room=options.check_room
    )
    detector = GraspDetector(weights, config)
    if options.maximum_opening is None:
        return detector
    jaw = JawConfig(detector.jaw.plate_length, options.maximum_opening)
    return GraspDetector(detector.trained, replace(config, jaw=jaw))


def _write(
    output: Path,
    name: str,
    frame: RgbdFrame,
    grasps: tuple[ScoredRectangle, ...],
    detector: GraspDetector,
) -> None:
    text = json.dumps(as_json(name, frame, grasps, detector.version), indent=2, allow_nan=False)
    try:
        write_image(output / f"{name}.grasps.png", draw_detections(frame.color, grasps))
        write_atomically(output / f"{name}.grasps.json", f"{text}\n".encode())
    except OSError as error:
        raise SequenceError(f"{output} cannot be written: {error}") from error


def as_json(
    name: str, frame: RgbdFrame, grasps: tuple[ScoredRectangle, ...], version: str
) -> dict[str, Any]:
    """Return detections as plain numbers; no NaN."""
    return {
        "frame": name,
        "stamp_ns": frame.stamp_ns,
        "frame_id": frame.frame_id,
        "width": frame.intrinsics.width,
        "height": frame.intrinsics.height,
        "model": version,
        "grasps": [_grasp(grasp, frame) for grasp in grasps],
    }


def _grasp(grasp: ScoredRectangle, frame: RgbdFrame) -> dict[str, Any]:
    rounded = {key: round(value, 4) for key, value in rectangle_to_dict(grasp.rectangle).items()}
    entry: dict[str, Any] = {**rounded, "score": round(grasp.score, 4)}
    pose = grasp_pose(grasp.rectangle, frame)
    if pose is not None:
        entry["position"] = _rounded(pose.T_camera_grasp[:3, 3])
        entry["quaternion"] = _rounded(pose.quaternion)
        entry["opening"] = round(pose.opening, 5)
    return entry


def _rounded(vector: np.ndarray) -> list[float]:
    return [round(float(value), 5) for value in vector]


def _table(title: str) -> ReportTable:
    table = ReportTable(title=title, title_justify="left")
    for column in ("frame", "grasps", "best (x, y)", "angle (deg)", "opening (mm)", "score"):
        table.add_column(column)
    return table


def _add_row(
    table: ReportTable, name: str, frame: RgbdFrame, grasps: tuple[ScoredRectangle, ...]
) -> None:
    if not grasps:
        table.add_row(name, "0", "-", "-", "-", "-")
        return
    best, pose = grasps[0].rectangle, grasp_pose(grasps[0].rectangle, frame)
    table.add_row(
        name,
        str(len(grasps)),
        f"{best.x:.0f}, {best.y:.0f}",
        f"{np.degrees(best.theta):.0f}",
        "-" if pose is None else f"{1000 * pose.opening:.0f}",
        f"{grasps[0].score:.2f}",
    )
