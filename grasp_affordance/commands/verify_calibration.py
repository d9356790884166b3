"""`grasp-affordance verify_calibration`: is the calibration right, at points that were touched?"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from rich.console import Console

from grasp_affordance.calibration.calibration_file import read_calibration
from grasp_affordance.calibration.errors import CalibrationError
from grasp_affordance.calibration.hand_eye import Mount
from grasp_affordance.calibration.tool import ToolOffset, pivot
from grasp_affordance.calibration.verification import Tolerance, Verification, verify
from grasp_affordance.cell_file import read_cell
from grasp_affordance.console import ReportTable
from grasp_affordance.errors import GeometryError
from grasp_affordance.files import parse_json
from grasp_affordance.geometry import from_quaternion, transform_points

_DEFAULT = Tolerance()


def run(
    touched: tyro.conf.Positional[Path],
    cell: str = "",
    calibration: Path | None = None,
    tool: float = 0.002,
    tolerance: Annotated[Tolerance, tyro.conf.arg(name="")] = _DEFAULT,
) -> int:
    """Compare points that the camera measured with where the cup's rim touched them.

    TOUCHED is JSON: {"points": [{"camera": [x, y, z], "base": [x, y, z]}, ...]} with camera the
    point in the optical frame and base its place in the base frame, metres; and, to check the
    tool's offset, "pivot": [{"position": [x, y, z], "quaternion_xyzw": [x, y, z, w]}, ...], poses
    of the tool in which the rim's centre touches one and the same point. calibration_node writes
    such files. Exit status 1 where something is off by more than is allowed.

    Args:
        touched: the file.
        cell: file of the cell, or sim, ur5, ur5e, gazebo: names the calibration and the base frame.
        calibration: YAML file of an eye-to-hand camera, where it is not the cell's; "points" need
            one of the two.
        tool: largest offset of the tool centre point, metres.
        tolerance: of the points.
    """
    content, described = _read(touched), read_cell(cell)
    if calibration is None and described.camera.calibration:
        calibration = Path(described.camera.calibration)
    problems = []
    if content.get("points"):
        if calibration is None:
            raise CalibrationError(
                "--calibration, or a --cell that names one, is needed for points"
            )
        base = described.base_frame_id if cell else None
        result = _verify(content["points"], calibration, tolerance, base)
        _show_points(result)
        problems.append(result.problem)
    if content.get("pivot"):
        offset = pivot(_poses(content["pivot"]))
        problems.append(_show_tool(offset, tool))
    if not problems:
        raise CalibrationError(f'{touched} has neither "points" nor "pivot"')
    for problem in filter(None, problems):
        Console().print(f"[red]{problem}[/red]")
    return int(any(problems))


def _verify(
    points: Any, calibration: Path, tolerance: Tolerance, base_frame_id: str | None
) -> Verification:
    known = read_calibration(calibration)
    if known.mount is not Mount.EYE_TO_HAND:
        raise CalibrationError(f"{calibration} is of a camera on the tool, which moves with it")
    if base_frame_id is not None and known.parent != base_frame_id:
        raise CalibrationError(
            f"{calibration} is in '{known.parent}', the cell's base frame is '{base_frame_id}'"
        )
    try:
        camera = np.array([point["camera"] for point in points], dtype=np.float64)
        base = np.array([point["base"] for point in points], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise CalibrationError(f'"points": {error!r}; each needs camera and base') from error
    if camera.ndim != 2 or camera.shape[1] != 3:
        raise CalibrationError('"points": camera needs x y z')
    return verify(transform_points(known.T_parent_camera, camera), base, tolerance)


def _show_points(result: Verification) -> None:
    table = ReportTable("point", "off by (mm)")
    for number, distance in enumerate(result.distances, 1):
        table.add_row(str(number), f"{distance * 1000:.2f}")
    console = Console()
    console.print(table)
    x, y, z = result.shift * 1000
    console.print(
        f"mean shift x {x:.2f} y {y:.2f} z {z:.2f} mm; turned by {np.degrees(result.turn):.2f} "
        f"degrees; {result.remaining * 1000:.2f} mm rms remain after the best correction"
    )


def _show_tool(offset: ToolOffset, limit: float) -> str:
    x, y, z = offset.offset * 1000
    distance = float(np.linalg.norm(offset.offset))
    Console().print(
        f"the tip is at x {x:.2f} y {y:.2f} z {z:.2f} mm of the configured tool centre point "
        f"(standard deviation up to {offset.error.max() * 1000:.2f} mm, poses disagree by "
        f"{offset.rms * 1000:.2f} mm rms)"
    )
    if distance > limit:
        return f"the tool centre point is {distance * 1000:.1f} mm off: correct the cup's offset"
    return ""


def _poses(poses: Any) -> list[np.ndarray]:
    try:
        return [from_quaternion(p["position"], p["quaternion_xyzw"]) for p in poses]
    except (KeyError, TypeError, ValueError, GeometryError) as error:
        raise CalibrationError(f'"pivot": {error!r}') from error


def _read(path: Path) -> dict[str, Any]:
    try:
        content = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CalibrationError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise CalibrationError(f"{path} is not a JSON object")
    return content
