"""`grasp-affordance predict`: suction points of a recorded sequence, as pictures and JSON."""

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import numpy as np
import tyro
from rich.console import Console

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.cell_config import predictor_config
from grasp_affordance.affordance.overlay import draw_overlay
from grasp_affordance.affordance.predictor import (
    AffordanceModel,
    AffordancePredictor,
    Prediction,
    PredictorConfig,
)
from grasp_affordance.affordance.shipped import SHIPPED, weights_file
from grasp_affordance.cell import Cup
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.cell_file import read_cell
from grasp_affordance.config_dict import to_dict
from grasp_affordance.console import ReportTable
from grasp_affordance.errors import ConfigError, FrameError, SequenceError
from grasp_affordance.files import write_atomically
from grasp_affordance.geometry import from_quaternion
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence
from grasp_affordance.suction import Source, SuctionPoint

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PredictOptions:
    """What to predict with.

    Attributes:
        source: of the affordance map: prior or learned; by default the prior, or learned where
            weights are named.
        weights: checkpoint of a learned map, or `shipped`; those that come with the package by
            default.
        count: at most this many points per frame.
        min_probability: points below are not listed; that of the cell by default.
        empty: name of the sequence's frame that shows the bin empty (for instance 0001).
        cell: file of the cell, or sim, ur5, ur5e, gazebo: cup, bin and what may be offered. Where
            it knows no bin, that of the sequence's camera.json is taken.
    """

    source: Literal["prior", "learned"] | None = None
    weights: Path | None = None
    count: int = 10
    min_probability: float | None = None
    empty: str | None = None
    cell: str = ""

    @property
    def chosen_source(self) -> str:
        """What the map is made of."""
        return self.source or ("prior" if self.weights is None else "learned")


def run(
    sequence: tyro.conf.Positional[Path],
    output: Path,
    options: Annotated[PredictOptions, tyro.conf.arg(name="")] = PredictOptions(),
) -> None:
    """Find the best suction points in every frame of a recorded sequence.

    Writes NNNN.overlay.png and NNNN.json per frame. A frame's JSON has `candidates`, best first,
    each with `u`, `v` (pixels), `probability`, `position` (metres) and `normal` in the camera
    frame, and `source`; and `rejections`, the number of pixels lost per cause.

    Args:
        sequence: folder of NNNN.color.png, NNNN.depth.png and camera.json.
        output: folder for the results; made if missing.
        options: what to predict with.
    """
    recording = Sequence(sequence)
    if output.resolve() == recording.folder.resolve():
        raise ConfigError(f"{output} is the sequence itself; write the results to another folder")
    cell = read_cell(options.cell)
    predictor = AffordancePredictor(_config(options, cell), _load(options))
    view = _view(recording, options, cell)
    console = Console()
    table = _table(str(sequence))
    for name, frame in recording:
        try:
            prediction = predictor.predict(frame, view)
        except FrameError as error:
            raise SequenceError(f"{recording.folder / name}: {error}") from error
        _write(output, name, frame, prediction, cell.cup)
        _add_row(table, name, prediction)
    console.print(table)
    console.print(f"{len(recording)} overlays and JSON files in {output}")


def _config(options: PredictOptions, cell: CellDescription) -> PredictorConfig:
    config = predictor_config(cell)
    candidates = replace(config.candidates, count=options.count)
    if options.min_probability is not None:
        candidates = replace(candidates, min_probability=options.min_probability)
    return replace(config, source=Source(options.chosen_source), candidates=candidates)


def _load(options: PredictOptions) -> AffordanceModel | None:
    if options.chosen_source == "prior":
        if options.weights is not None:
            _log.warning("source 'prior' does not use --weights")
        return None
    from grasp_affordance.models import load_model  # torch, which the prior can do without

    return load_model(weights_file(options.weights or SHIPPED))


def _view(recording: Sequence, options: PredictOptions, cell: CellDescription) -> BinView:
    if options.empty is not None and options.empty not in recording.names:
        raise SequenceError(
            f"{recording.folder} has no frame {options.empty}; --empty is one of "
            f"{', '.join(recording.names[:8])}"
        )
    known, pose = recording.camera, cell.camera.pose
    region = np.array(cell.camera.region) if cell.camera.region else known.region
    return BinView(
        T_base_camera=known.T_base_camera if pose is None else from_quaternion(pose[:3], pose[3:]),
        bin=cell.bin or (None if cell.bins else known.bin),
        sizes=cell.bins,
        polygon=region,
        empty=None if options.empty is None else recording.read(options.empty),
    )


def _write(output: Path, name: str, frame: RgbdFrame, prediction: Prediction, cup: Cup) -> None:
    picture = draw_overlay(
        frame.color,
        prediction.affordance,
        prediction.selection.points,
        cup.radius,
        frame.intrinsics.fx,
    )
    done, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise SequenceError(f"{name}: the overlay cannot be encoded as PNG")
    text = json.dumps(as_json(name, frame, prediction), indent=2, allow_nan=False) + "\n"
    try:
        write_atomically(output / f"{name}.overlay.png", png.tobytes())
        write_atomically(output / f"{name}.json", text.encode())
    except OSError as error:
        raise SequenceError(f"{output} cannot be written: {error}") from error


def as_json(name: str, frame: RgbdFrame, prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as plain numbers; no NaN."""
    region = prediction.scene.region
    selection = prediction.selection
    return {
        "frame": name,
        "stamp_ns": frame.stamp_ns,
        "frame_id": frame.frame_id,
        "width": frame.intrinsics.width,
        "height": frame.intrinsics.height,
        "depth_share": round(float(frame.known.mean()), 4),
        "object_share": round(float(prediction.allowed.mean()), 4),
        "up": _rounded(region.up),
        "floor_known": region.floor_known,
        "bin": None if region.bin is None else to_dict(region.bin),
        "fill": None if np.isnan(region.fill) else round(region.fill, 3),
        "candidates": [_point_as_json(point) for point in selection.points],
        "rejections": {str(cause): int(n) for cause, n in selection.rejections.items()},
    }


def _point_as_json(point: SuctionPoint) -> dict[str, Any]:
    return {
        "u": point.u,
        "v": point.v,
        "probability": round(point.probability, 4),
        "position": _rounded(point.position),
        "normal": _rounded(point.normal),
        "source": str(point.source),
    }


def _rounded(vector: np.ndarray) -> list[float]:
    return [round(float(value), 5) for value in vector]


def _table(title: str) -> ReportTable:
    table = ReportTable(title=title, title_justify="left")
    for column in ("frame", "points", "best (u, v)", "probability", "position (m)"):
        table.add_column(column)
    table.add_column("pixels lost per cause", overflow="fold")
    return table


def _add_row(table: ReportTable, name: str, prediction: Prediction) -> None:
    points = prediction.selection.points
    lost = sorted(prediction.selection.rejections.items(), key=lambda item: -item[1])
    best = ("-", "-", "-")
    if points:
        x, y, z = points[0].position
        best = (
            f"{points[0].u}, {points[0].v}",
            f"{points[0].probability:.2f}",
            f"{x:+.3f} {y:+.3f} {z:.3f}",
        )
    table.add_row(name, str(len(points)), *best, ", ".join(f"{c} {n}" for c, n in lost))
