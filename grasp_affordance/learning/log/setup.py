"""What must stay the same while a robot learns, besides its camera."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from grasp_affordance.annotation.bin_polygon import bin_polygon
from grasp_affordance.cell import BinGeometry, Cup
from grasp_affordance.learning.log.attempt_log import AttemptLog, AttemptLogError, Retention, read_setup
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import SequenceCamera


def setup_of(cup: Cup, bin_geometry: BinGeometry) -> dict[str, Any]:
    """Return the setup of an `AttemptLog` as JSON values; the log adds the camera's intrinsics."""
    return {"cup": asdict(cup), "bin": asdict(bin_geometry)}


def cup_and_bin(folder: Path) -> tuple[Cup, BinGeometry]:
    """Return what `setup_of` put into a log.

    Raises:
        AttemptLogError: the folder is no log, or its setup is damaged.
    """
    setup = read_setup(folder)
    try:
        cup, box = Cup(**setup["cup"]), setup["bin"]
        (x, y), (length, width, height) = box["centre"], box["size"]
        return cup, BinGeometry((x, y), (length, width, height), box["floor"], box["yaw"])
    except (KeyError, TypeError, ValueError) as error:
        raise AttemptLogError(
            f"{folder}: setup.json does not describe cup and bin ({error!r}); restore it"
        ) from error


def open_log(
    folder: str,
    cup: Cup,
    bin_geometry: BinGeometry,
    frame: RgbdFrame,
    T_base_camera: Any,
    retention: Retention | None = None,
) -> AttemptLog:
    """Open the attempt log of a cell, new or of the same setup.

    Args:
        frame: any of the camera's.
        T_base_camera: (4, 4) as calibrated; each attempt keeps its own besides.

    Raises:
        AttemptLogError: the folder is of another setup, or cannot be written.
    """
    camera = SequenceCamera(
        frame.intrinsics,
        region=bin_polygon(bin_geometry, frame.intrinsics, T_base_camera),
        T_base_camera=T_base_camera,
        bin=bin_geometry,
        frame_id=frame.frame_id,
    )
    return AttemptLog(folder, camera, setup_of(cup, bin_geometry), retention)
