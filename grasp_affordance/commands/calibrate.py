"""`grasp-affordance calibrate`: the camera's pose, from images of a board and poses of the arm."""

import math
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from grasp_affordance.calibration.calibrate import (
    CalibrateConfig,
    Calibration,
    calibrate,
    find_samples,
)
from grasp_affordance.calibration.calibration_file import describe, write_calibration
from grasp_affordance.calibration.folder import SampleFolder
from grasp_affordance.calibration.hand_eye import Mount
from grasp_affordance.cell_file import read_cell
from grasp_affordance.console import ReportTable

_DEFAULT = CalibrateConfig()


def run(
    samples: tyro.conf.Positional[Path],
    output: Path,
    cell: str = "",
    parent: str = "",
    options: Annotated[CalibrateConfig, tyro.conf.arg(name="")] = _DEFAULT,
) -> None:
    """Compute the camera's pose from a folder of samples, and write it as YAML.

    The folder is written by calibration_node, or by hand: camera.json (width, height, fx, fy, cx,
    cy, frame_id), poses.json (name -> position, quaternion_xyzw of the tool in the base frame) and
    NNNN.color.png. Samples that are left out are listed with the reason.

    Args:
        samples: folder of images and poses.
        output: YAML file to write.
        cell: file of the cell, or sim, ur5, ur5e, gazebo: names the robot's base frame.
        parent: frame in which the camera is fixed; by default the cell's base frame, or tool0 with
            its prefix for a camera on the tool.
        options: board, mount and limits.
    """
    folder = SampleFolder(samples)
    intrinsics, frame_id = folder.camera()
    found, rejected = find_samples(folder.samples(), intrinsics, options)
    calibration = calibrate(found, intrinsics, options, rejected)
    described, fixed = read_cell(cell), options.mount is Mount.EYE_TO_HAND
    parent = parent or (described.base_frame_id if fixed else f"{described.tf_prefix}tool0")
    write_calibration(output, describe(calibration, parent, frame_id))
    _show(calibration, parent, frame_id, output)


def _show(calibration: Calibration, parent: str, child: str, output: Path) -> None:
    console = Console()
    table = ReportTable("sample", "off by (mm)", "turned by (degrees)", "left out because")
    for name, (translation, rotation) in calibration.used.items():
        table.add_row(name, f"{translation * 1000:.2f}", f"{math.degrees(rotation):.3f}", "")
    for name, reason in calibration.rejected.items():
        table.add_row(name, "", "", reason)
    console.print(table)
    x, y, z = calibration.X[:3, 3]
    console.print(
        f"{child} in {parent}: x {x:.4f} y {y:.4f} z {z:.4f} m; residuals "
        f"{calibration.rms_translation * 1000:.2f} mm, "
        f"{math.degrees(calibration.rms_rotation):.3f} degrees (rms of {len(calibration.used)}); "
        f"standard deviation {calibration.sigma_translation * 1000:.2f} mm, "
        f"{math.degrees(calibration.sigma_rotation):.3f} degrees"
    )
    console.print(f"written to {output}; check it with `grasp-affordance verify_calibration`")
