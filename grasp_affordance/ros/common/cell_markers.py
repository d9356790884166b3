"""What RViz shows of a cell beside the camera's view: bin, workspace, place, and the tool's way."""

from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Pose, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from grasp_affordance.arrays import Array
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.colors import probability_color
from grasp_affordance.geometry import box_corners
from grasp_affordance.ros.common.conversions import to_point_msg

_BIN, _WORKSPACE, _PLACE, _PLAN = (
    ColorRGBA(r=0.2, g=0.6, b=1.0, a=1.0),
    ColorRGBA(r=0.6, g=0.6, b=0.6, a=0.5),
    ColorRGBA(r=1.0, g=0.6, b=0.1, a=0.8),
    ColorRGBA(r=1.0, g=0.9, b=0.2, a=1.0),
)
_LINE, _LETTER = 0.004, 0.03  # metres
_EDGES = [(a, b) for a in range(8) for b in range(a) if bin(a ^ b).count("1") == 1]


def to_cell_msg(
    cell: CellDescription, header: Header, box: BinGeometry | None = None
) -> MarkerArray:
    """Return the outlines of bin and workspace, and where objects are put.

    Args:
        header: of the robot's base frame.
        box: the bin, where it is known.
    """
    markers = [delete_all(header)]
    if box is not None:
        markers.append(_lines("bin", _edges(box.corners()), _BIN, header))
        above = box.T_base_bin @ [0.0, 0.0, box.size[2] + _LETTER, 1.0]
        markers.append(_text("bin", above[:3], header))
    if cell.bin is not None or cell.bins:
        place = np.array(cell.pick.place)
        markers.append(_plate("place", place, _PLACE, header))
        markers.append(_text("place", place + np.array([0.0, 0.0, _LETTER]), header))
    if (cell.bin is not None or cell.bins) and cell.limited:
        corners = box_corners(cell.arm.lowest, cell.arm.highest)
        markers.append(_lines("workspace", _edges(corners), _WORKSPACE, header))
    return MarkerArray(markers=markers)


def to_plan_msg(poses: Sequence[Array], header: Header) -> MarkerArray:
    """Return the way of the tool as a line, in place of the one before; without poses, none.

    Args:
        poses: (4, 4) in the frame of `header`.
    """
    markers = [delete_all(header)]
    if len(poses):
        line = _marker("plan", 0, Marker.LINE_STRIP, _PLAN, header)
        line.scale = Vector3(x=_LINE)
        line.points = [to_point_msg(T[:3, 3]) for T in poses]
        markers.append(line)
    return MarkerArray(markers=markers)


def delete_all(header: Header) -> Marker:
    """Return what removes the markers before it.

    It has no namespace: RViz reports two markers of one namespace and id in one message as an
    error, and this one would be the double of the first.
    """
    return Marker(header=header, action=Marker.DELETEALL)


def to_color_msg(probability: float, alpha: float) -> ColorRGBA:
    """Return the color of a probability; see `colors`."""
    red, green, blue = probability_color(probability)
    return ColorRGBA(r=red, g=green, b=blue, a=alpha)


def identity() -> Pose:
    """Return a pose that changes nothing."""
    pose = Pose()
    pose.orientation.w = 1.0
    return pose


def _marker(ns: str, number: int, kind: int, color: ColorRGBA, header: Header) -> Marker:
    return Marker(
        header=header,
        ns=ns,
        id=number,
        type=kind,
        action=Marker.ADD,
        pose=identity(),
        color=color,
    )


def _lines(ns: str, ends: Array, color: ColorRGBA, header: Header) -> Marker:
    marker = _marker(ns, 0, Marker.LINE_LIST, color, header)
    marker.scale = Vector3(x=_LINE)
    marker.points = [to_point_msg(point) for point in ends]
    return marker


def _plate(ns: str, centre: Array, color: ColorRGBA, header: Header) -> Marker:
    marker = _marker(ns, 0, Marker.CUBE, color, header)
    marker.pose.position = to_point_msg(centre)
    marker.scale = Vector3(x=0.06, y=0.06, z=0.004)
    return marker


def _text(ns: str, position: Array, header: Header) -> Marker:
    color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
    marker = _marker(ns, 1, Marker.TEXT_VIEW_FACING, color, header)
    marker.pose.position = to_point_msg(position)
    marker.scale = Vector3(x=0.4 * _LETTER, z=_LETTER)  # of a space, of a letter
    marker.text = ns
    return marker


def _edges(corners: Array) -> Array:
    """Return both ends (24, 3) of each edge of a box; its corners are those of `box_corners`."""
    return np.asarray(corners[np.array(_EDGES).ravel()])
