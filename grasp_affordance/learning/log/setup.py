"""What the attempts of a log were evaluated by: the cell's description and the predictor's settings.

`setup.json` holds all of it. What decides how a view is seen (bin, cup, surface, seal, region) must
stay the same for attempts to be comparable; the rest, such as the speed of the arm, may change, and
the file then holds the newest.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.cell_config import predictor_config
from grasp_affordance.affordance.predictor import PredictorConfig
from grasp_affordance.affordance.bin.region import BinView, RegionConfig
from grasp_affordance.affordance.seal.seal import SealConfig
from grasp_affordance.annotation.bin_polygon import bin_polygon
from grasp_affordance.cell_description import CellDescription, cell_from_dict, cell_to_dict
from grasp_affordance.config_dict import differences, from_dict, to_dict
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.log.attempt_log import AttemptLog, AttemptLogError, Retention, read_setup
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import SequenceCamera

# Dotted keys of setup.json, groups among them, that decide how a view is seen.
DECISIVE = ("cell.bin", "cell.bins", "cell.cup", "cell.base_frame", "cell.camera.region", "predictor", "camera")


@dataclass(frozen=True)
class _Decisive:
    """The predictor's settings that no cell sets: as JSON, the group `predictor` of setup.json."""

    minimum_depth: float
    seal: SealConfig
    region: RegionConfig


@dataclass(frozen=True)
class LogSetup:
    """What attempts are evaluated by.

    Attributes:
        cell: its description.
        predictor: how points are found; cup and what is offered are the cell's.
    """

    cell: CellDescription
    predictor: PredictorConfig

    @classmethod
    def of(cls, cell: CellDescription) -> "LogSetup":
        """Return what attempts in a cell are evaluated by."""
        return cls(cell, predictor_config(cell))

    @classmethod
    def read(cls, folder: str | Path) -> "LogSetup":
        """Return what the attempts of a log were evaluated by.

        Raises:
            AttemptLogError: the folder is no log, or its setup is damaged or of another version.
        """
        data = read_setup(folder)
        try:
            cell = cell_from_dict(data["cell"])
            cell.require_bin()
            found = from_dict(_Decisive, data["predictor"], "predictor")
        except (KeyError, TypeError, ConfigError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise AttemptLogError(
                f"{folder}: setup.json does not describe its cell ({reason}); restore it"
            ) from error
        settings = {name: getattr(found, name) for name in found.__dataclass_fields__}
        return cls(cell, replace(predictor_config(cell), **settings))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values; `read` is the inverse."""
        predictor = self.predictor
        evaluating = _Decisive(predictor.minimum_depth, predictor.seal, predictor.region)
        return {"cell": cell_to_dict(self.cell), "predictor": to_dict(evaluating)}

    def refuse_other(self, folder: str | Path) -> None:
        """Refuse a log whose attempts were evaluated otherwise; the message names the keys.

        Raises:
            ConfigError: they were. AttemptLogError: the log's setup cannot be read.
        """
        pairs = decisive_differences(self.to_dict(), LogSetup.read(folder).to_dict())
        different = [f"{key} is {there} in the log, {here} here" for key, here, there in pairs]
        if different:
            raise ConfigError(
                f"{folder} is of another cell: {'; '.join(different)}. Name the cell in which it "
                "was written, or another folder"
            )


def decisive_differences(
    one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted key, value, other value) of what differs and must not."""
    for key, a, b in differences(one, other):
        if any(key == each or key.startswith(f"{each}.") for each in DECISIVE):
            yield key, a, b


def open_log(
    folder: str | Path,
    setup: LogSetup,
    frame: RgbdFrame,
    T_base_camera: NDArray[np.float64],
    retention: Retention | None = None,
) -> AttemptLog:
    """Open the attempt log of a cell, new or of the same setup.

    Args:
        setup: by which its attempts are evaluated.
        frame: any of the camera's.
        T_base_camera: (4, 4) as calibrated; each attempt keeps its own besides.

    Raises:
        AttemptLogError: the folder is of another setup, or cannot be written.
        ConfigError: the bin is neither described nor can be found.
    """
    setup.cell.require_bin()
    box = setup.cell.bin
    camera = SequenceCamera(
        frame.intrinsics,
        region=None if box is None else bin_polygon(box, frame.intrinsics, T_base_camera),
        T_base_camera=T_base_camera,
        bin=box,
        frame_id=frame.frame_id,
    )
    return AttemptLog(folder, camera, setup.to_dict(), retention, decisive_differences)
