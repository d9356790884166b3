"""Frames, suction points, picks and a robot as a Rerun recording, for people to look at.

The SDK is the extra `watch`. Space is the robot's base frame, metres. The recording goes to a
window, a file, another computer's viewer, or to browsers: see `ViewerConfig`.
"""

import importlib
import inspect
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.pick_labels import PickLabels
from grasp_affordance.arrays import Array, Color, Mask
from grasp_affordance.attempt import Cause, GraspAttempt, Outcome
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.colors import OTHER_COLOR, OUTCOME_COLORS, probability_color
from grasp_affordance.errors import ConfigError
from grasp_affordance.files import Closing
from grasp_affordance.geometry import to_quaternion, transform_points
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import SuctionPoint

WINDOW = 25  # picks of the success curve

_CLOUD = 25_000  # points at most, of the 300,000 that a frame has
_GAP = 0.7  # radius of a point, in distances of points
_JPEG = 85  # quality of images
_ARROW = 0.06  # metres
_BIN, _MASK, _PREDICTED = (150, 150, 160), (80, 160, 255), (150, 150, 150)
_BANDS = 5  # of probability, in the table
_WAIT = 3600.0  # seconds; a server runs until Ctrl-C


@dataclass(frozen=True)
class ViewerConfig:
    """Where a recording goes: by default to a window on this computer.

    Attributes:
        save: a file for it, NAME.rrd; `rerun NAME.rrd` opens it.
        connect: address of a viewer that runs, such as rerun+http://HOST:9876/proxy.
        serve: as a page for browsers, also those of other computers, until Ctrl-C.
        port: of the page; the data take the next one.
    """

    save: Path | None = None
    connect: str = ""
    serve: bool = False
    port: int = 9090

    def __post_init__(self) -> None:
        if (self.save is not None) + bool(self.connect) + self.serve > 1:
            raise ConfigError("choose one of --save, --connect and --serve")
        if not 0 < self.port < 65535:
            raise ConfigError(f"port {self.port} is not between 1 and 65534")


def load_rerun() -> Any:
    """Return Rerun's SDK; raises ConfigError where the extra is not installed."""
    try:
        rerun = importlib.import_module("rerun")
        importlib.import_module("rerun.blueprint")
    except ImportError as error:
        raise ConfigError(
            f"Rerun cannot be imported ({error}): pip install rerun-sdk, or "
            '"grasp_affordance[watch]"'
        ) from error
    return rerun


class Recording(Closing):
    """One recording; what is logged shows at the time set last in the same thread.

    Args:
        config: where it goes.
        layout: of the window: a run that is watched, or a log.
        title: of the recording.
        box: the bin, where one is known.

    Raises:
        ConfigError: Rerun is not installed, or there is no display for a window.
        OSError: the file cannot be written, or a port is taken.
    """

    def __init__(
        self,
        config: ViewerConfig,
        layout: Literal["live", "log"],
        title: str,
        box: BinGeometry | None = None,
    ) -> None:
        self._rr = rr = load_rerun()
        self._config = config
        self._rec = rr.RecordingStream("grasp_affordance")
        self.address = self._open()
        self._rec.send_recording_name(title)
        self._rec.send_blueprint(_blueprint(rr, layout, box))
        self._outcomes: list[tuple[float, bool]] = []  # probability and success, in order
        self._joints: dict[str, Any] = {}
        self._static("world", rr.ViewCoordinates.RIGHT_HAND_Z_UP)
        self._finds_bin = box is None
        if box is not None:
            self._static("world/bin", self._box(box))
        for path, color, name in (
            ("picks/success", OUTCOME_COLORS[Outcome.SUCCESS], "succeeded"),
            ("picks/failure", OUTCOME_COLORS[Outcome.FAILURE], "failed"),
        ):
            points = rr.SeriesPoints(colors=[color], names=[name], marker_sizes=[4])
            self._static(path, points)
        for path, color, name in (
            ("curve/success", OUTCOME_COLORS[Outcome.SUCCESS], f"success, last {WINDOW}"),
            ("curve/predicted", _PREDICTED, f"predicted, last {WINDOW}"),
        ):
            self._static(path, rr.SeriesLines(colors=[color], names=[name], widths=[2]))

    def close(self) -> None:
        """Write what is left."""
        self._rec.flush()
        self._rec.disconnect()

    def told(self) -> str:
        """Return what a person does to look at it."""
        if self._config.save is not None:
            return f"to look at it: rerun {self._config.save}"
        if self._config.serve:
            return f"open {self.address} in a browser, also of another computer (Ctrl-C ends)"
        return f"shown in the viewer at {self.address}" if self.address else "shown in a window"

    def wait(self) -> None:
        """Return when nobody needs this process any more: never while it serves browsers."""
        self._rec.flush()
        while self._config.serve:
            time.sleep(_WAIT)

    def set_attempt(self, number: int) -> None:
        """Let what follows belong to attempt `number`."""
        self._rec.set_time("attempt", sequence=number)

    def image(self, name: str, picture: Color) -> None:
        """Show an image (H, W, 3) RGB under the name `camera/<name>`."""
        self._log(f"camera/{name}", self._rr.Image(picture).compress(jpeg_quality=_JPEG))

    def cloud(self, frame: RgbdFrame, T_base_camera: Array | None) -> None:
        """Show a frame as points in color; without a pose, in the camera's own frame."""
        stride = max(1, int(np.ceil(np.sqrt(frame.depth.size / _CLOUD))))
        grid = frame.intrinsics.every(stride).deproject_image(frame.depth[::stride, ::stride])
        known = np.isfinite(grid).all(axis=-1)
        points, colors = grid[known], frame.color[::stride, ::stride][known]
        middle = float(np.median(points[:, 2])) if len(points) else 1.0
        radius = _GAP * stride * middle / frame.intrinsics.fx
        cloud = self._rr.Points3D(_to(T_base_camera, points), colors=colors, radii=radius)
        self._log("world/cloud", cloud)

    def points(self, points: Sequence[SuctionPoint], T_base_camera: Array | None) -> None:
        """Show suction points (best first) as arrows, each with its probability."""
        positions = np.array([point.position for point in points]).reshape(-1, 3)
        normals = np.array([point.normal for point in points]).reshape(-1, 3)
        tips = _to(T_base_camera, positions)
        tails = _to(T_base_camera, positions + _ARROW * normals)
        arrows = self._rr.Arrows3D(
            origins=tails,
            vectors=tips - tails,
            colors=[
                np.multiply(probability_color(point.probability), 255).round().astype(np.uint8)
                for point in points
            ],
            labels=[f"{point.probability:.2f}" for point in points],
            radii=0.002,
        )
        self._log("world/suction_points", arrows)

    def state(self, text: str) -> None:
        """Show what the robot does."""
        self._log("state", self._rr.TextLog(text))

    def value(self, name: str, number: float) -> None:
        """Show one number of the trainer over time; NaN is left out."""
        if np.isfinite(number):
            self._log(f"trainer/{name}", self._rr.Scalars(number))

    def outcome(self, point: SuctionPoint, outcome: Outcome, text: str) -> None:
        """Show how a pick ended: its line, the curves, and probabilities against outcomes."""
        rr = self._rr
        self._log("outcome", rr.TextDocument(text, media_type="text/markdown"))
        if outcome not in OUTCOME_COLORS:
            return
        succeeded = outcome is Outcome.SUCCESS
        self._outcomes.append((point.probability, succeeded))
        said, came = zip(*self._outcomes, strict=True)
        self._log(f"picks/{outcome}", rr.Scalars(point.probability))
        self._log("curve/success", rr.Scalars(float(np.mean(came[-WINDOW:]))))
        self._log("curve/predicted", rr.Scalars(float(np.mean(said[-WINDOW:]))))
        table = _calibration(np.array(said), np.array(came))
        self._log("calibration", rr.TextDocument(table, media_type="text/markdown"))

    def attempt(self, number: int, attempt: GraspAttempt, labels: PickLabels | None) -> None:
        """Show an attempt of a log as step `number` of the time line `attempt`."""
        rr, before, after = self._rr, attempt.before, attempt.after
        self.set_attempt(number)
        pose = attempt.T_base_camera if np.isfinite(attempt.T_base_camera).all() else None
        if before is not None:
            self.image("before", before.color)
            self.cloud(before, pose)
            self._mark(attempt)
            self._mask(None if labels is None else labels.mask)
            self._rectangles(() if labels is None else labels.rectangles)
            if self._finds_bin and attempt.bin is not None:
                self._log("world/bin", self._box(attempt.bin))
        else:
            self._log("camera/before", rr.Clear(recursive=True))
            self._log("world/cloud", rr.Clear(recursive=False))
        if after is not None:
            self.image("after", after.color)
        else:
            self._log("camera/after", rr.Clear(recursive=False))
        self.points([attempt.point], pose)
        self._log("vacuum", rr.BarChart(attempt.pressure.vacuum))
        self.outcome(attempt.point, attempt.outcome, _text(number, attempt, labels))

    def robot(self, urdf: str, base_frame_id: str) -> None:
        """Show the robot of a URDF; its meshes are found as ROS finds them.

        Args:
            base_frame_id: the link that is the base frame.
        """
        try:
            module = importlib.import_module("rerun.urdf")
        except ImportError:
            self.state(
                f"no robot: Rerun {self._rr.__version__} cannot move a URDF; take a newer one"
            )
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "robot.urdf"
            path.write_text(urdf)
            tree = module.UrdfTree.from_file_path(path, entity_path_prefix="robot")
            tree.log_urdf_to_recording(self._rec)
        self._joints = {joint.name: joint for joint in tree.joints()}
        link = self._rr.Transform3D(parent_frame=base_frame_id, child_frame="tf#/world")
        self._static("world", link)

    def joints(self, positions: Mapping[str, float]) -> None:
        """Move the robot: joint name -> radians or metres; unknown names are left alone."""
        for name in positions.keys() & self._joints.keys():
            pose = self._joints[name].compute_transform(positions[name], clamp=False)
            self._log(f"world/joints/{name}", pose)

    def _open(self) -> str:
        """Start the sink; return where a person looks, empty for the window that opens."""
        rec, config, rr = self._rec, self._config, self._rr
        if config.save is not None:
            config.save.parent.mkdir(parents=True, exist_ok=True)
            rec.save(config.save)
            return str(config.save)
        if config.connect:
            rec.connect_grpc(config.connect)
            return config.connect
        if config.serve:
            options: dict[str, Any] = {"grpc_port": config.port + 1}
            newer = {"cors_allow_origin": [f"http://*:{config.port}"], "newest_first": True}
            known = inspect.signature(rec.serve_grpc).parameters
            options |= {name: value for name, value in newer.items() if name in known}
            rec.serve_grpc(**options)
            rr.serve_web_viewer(web_port=config.port, open_browser=False)
            data = f"rerun%2Bhttp://HOST:{config.port + 1}/proxy"
            return f"http://HOST:{config.port}/?url={data}".replace("HOST", "localhost")
        if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
            raise ConfigError("no display for a window: use --serve, --save FILE or --connect URL")
        rec.spawn()
        return ""

    def _box(self, box: BinGeometry) -> Any:
        return self._rr.Boxes3D(
            sizes=[box.size],
            centers=[[*box.centre, box.floor + box.size[2] / 2]],
            quaternions=[self._rr.Quaternion(xyzw=to_quaternion(box.T_base_bin))],
            colors=[_BIN],
            fill_mode=self._rr.components.FillMode.MajorWireframe,
        )

    def _mark(self, attempt: GraspAttempt) -> None:
        color, point = OUTCOME_COLORS.get(attempt.outcome, OTHER_COLOR), attempt.point
        marks = self._rr.Points2D(
            [(point.u, point.v)], colors=[color], radii=6, labels=[f"{point.probability:.2f}"]
        )
        self._log("camera/before/point", marks)

    def _mask(self, mask: Mask | None) -> None:
        if mask is None:
            self._log("camera/before/mask", self._rr.Clear(recursive=False))
            return
        image = np.zeros((*mask.shape, 4), np.uint8)
        image[mask] = (*_MASK, 120)
        self._log("camera/before/mask", self._rr.Image(image))

    def _rectangles(self, rectangles: Sequence[GraspRectangle]) -> None:
        corners = [each.corners() for each in rectangles]
        strips = [np.vstack([each, each[:1]]) for each in corners]
        self._log("camera/before/rectangles", self._rr.LineStrips2D(strips, colors=[_MASK]))

    def _log(self, path: str, what: Any) -> None:
        self._rec.log(path, what)

    def _static(self, path: str, what: Any) -> None:
        self._rec.log(path, what, static=True)


def outcome_text(
    number: int, outcome: Outcome, cause: Cause | str, policy: str, version: str
) -> str:
    """Return the lines of a pick in markdown."""
    why = "" if outcome is Outcome.SUCCESS else f", {str(cause).replace('_', ' ')}"
    origin = f"{policy or 'no policy'}, weights {version or 'none'}"
    return f"# pick {number}: {outcome}{why}\n\n- {origin}\n"


def _text(number: int, attempt: GraspAttempt, labels: PickLabels | None) -> str:
    text = outcome_text(
        number, attempt.outcome, attempt.cause, attempt.policy, attempt.model_version
    )
    point = attempt.point
    text += f"- pixel {point.u}, {point.v}; probability {point.probability:.2f} ({point.source})\n"
    for phase in attempt.phases:
        text += f"- {phase.phase}: {phase.duration:.1f} s, {phase.vacuum:.0f} kPa\n"
    if attempt.removal is not None and attempt.removal.event:
        text += f"- removal check: {attempt.removal.event}\n"
    if labels is not None and labels.reason:
        text += f"- label: {labels.reason}\n"
    return text + (f"\n{attempt.detail}\n" if attempt.detail else "")


def _calibration(said: NDArray[np.float64], came: NDArray[np.bool_]) -> str:
    """Return a table in markdown: how often what was predicted came true."""
    text = "| predicted | picks | succeeded |\n|---|---|---|\n"
    band = np.minimum((said * _BANDS).astype(int), _BANDS - 1)
    for number in range(_BANDS):
        inside = came[band == number]
        share = f"{inside.mean():.0%}" if len(inside) else "-"
        low, high = number / _BANDS, (number + 1) / _BANDS
        text += f"| {low:.0%} to {high:.0%} | {len(inside)} | {share} |\n"
    return text


def _to(T_base_camera: Array | None, points: NDArray[Any]) -> NDArray[np.float32]:
    if T_base_camera is not None:
        points = transform_points(T_base_camera, points)
    return np.asarray(points, np.float32)


def _blueprint(rr: Any, layout: str, box: BinGeometry | None) -> Any:
    """Return how the window is divided."""
    rrb = rr.blueprint
    options: dict[str, Any] = {}  # of a newer Rerun
    if hasattr(rrb, "SpatialInformation"):  # a robot's root link may look elsewhere
        options["spatial_information"] = rrb.SpatialInformation(target_frame="tf#/world")
    if box is not None and hasattr(rrb, "EyeControls3D"):  # from above the side away from the base
        target, far = np.array([*box.centre, box.floor]), 2.0 * max(box.size)
        options["eye_controls"] = rrb.EyeControls3D(
            position=target + np.array([0.8, -0.6, 1.0]) * far, look_target=target, eye_up=(0, 0, 1)
        )
    space = rrb.Spatial3DView(
        origin="world", contents=["world/**", "robot/**"], name="cell", **options
    )
    percent = rrb.ScalarAxis(range=(0.0, 1.0))
    axes: dict[str, Any] = {"axis_y": percent}
    if hasattr(rrb, "TimeAxis"):  # all picks, not only those around the cursor
        ends = rr.TimeRangeBoundary.infinite()
        axes["axis_x"] = rrb.TimeAxis(view_range=rr.TimeRange(start=ends, end=ends))
    curve = rrb.TimeSeriesView(origin="curve", name="success and prediction", **axes)
    picks = rrb.TimeSeriesView(origin="picks", name="probability of each pick", **axes)
    told = rrb.TextDocumentView(origin="outcome", name="last pick")
    table = rrb.TextDocumentView(origin="calibration", name="prediction and outcome")
    if layout == "live":
        pictures = rrb.Horizontal(
            rrb.Spatial2DView(origin="camera/overlay", name="what it sees"),
            rrb.Spatial2DView(origin="camera/color", name="color"),
        )
        texts = rrb.Tabs(
            told,
            table,
            rrb.TextLogView(origin="state", name="state"),
            rrb.TimeSeriesView(origin="trainer", name="trainer"),
        )
        left, right = [space, pictures], [curve, picks, texts]
    else:
        pictures = rrb.Horizontal(
            rrb.Spatial2DView(origin="camera/before", name="before"),
            rrb.Spatial2DView(origin="camera/after", name="after"),
        )
        texts = rrb.Tabs(told, table, rrb.BarChartView(origin="vacuum", name="vacuum, kPa"))
        left, right = [pictures, space], [texts, curve, picks]
    columns = rrb.Horizontal(rrb.Vertical(*left), rrb.Vertical(*right), column_shares=[3, 2])
    return rrb.Blueprint(columns, collapse_panels=True)
